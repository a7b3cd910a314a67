# SPDX-License-Identifier: Apache-2.0
"""What manages a key: infrastructure as code brings a key back, or breaks without it.

CloudFormation can be asked: the physical id of an AWS::IAM::AccessKey is the access key id. Its
stacks are regional, so it is asked in the policy's region and in the home region of IAM. Terraform
and others cannot be asked; their keys come as a list (`managed-keys`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from botocore.exceptions import ClientError
from c7n.utils import get_partition

from c7n_inactive_keys.core.errors import EvidenceError
from c7n_inactive_keys.core.json_types import JsonMapping
from c7n_inactive_keys.core.keys import is_access_key_id
from c7n_inactive_keys.custodian import aws
from c7n_inactive_keys.custodian.c7n_types import Manager
from c7n_inactive_keys.partitions import home_region

TERRAFORM_TYPE = "aws_iam_access_key"
# What CloudFormation says if no stack in the region has such a resource.
NO_STACK = "does not exist"
LISTED = "the list managed-keys"
FORMS = "it needs access key ids, records with AccessKeyId, or the output of terraform show -json"


class Managers:
    """Tells what manages a key, as far as it can be known without guessing."""

    def __init__(self, manager: Manager, asked: bool) -> None:
        region = manager.config.region
        home = home_region(get_partition(region))
        self.clients = [
            aws.client(manager, "cloudformation", place)
            for place in (dict.fromkeys(filter(None, (region, home))) if asked else ())
        ]

    def of(self, access_key_id: str) -> str | None:
        """The stack that the key belongs to; None: none does.

        Raises:
            ClientError, BotoCoreError, EvidenceError: it could not be found out.
        """
        stacks: list[str] = []
        for client in self.clients:
            try:
                answer = client.describe_stack_resources(PhysicalResourceId=access_key_id)
            except ClientError as error:
                code, message = aws.describe_error(error)
                if code == "ValidationError" and NO_STACK in message:
                    continue
                if code not in aws.DENIED_CODES:
                    raise
                raise EvidenceError(
                    "whether CloudFormation manages the key is unknown; grant "
                    "cloudformation:DescribeStackResources, or set managed: true if stacks manage "
                    f"no keys: {message}"
                ) from None
            stacks += [item["StackName"] for item in answer.get("StackResources") or ()]
        return f"CloudFormation stack {stacks[0]}" if stacks else None


def listed_keys(records: JsonMapping | Iterable[object]) -> dict[str, str]:
    """What manages each key of a list: access key ids, or what `terraform show -json` prints.

    Raises:
        EvidenceError: it is something else, so nobody knows which keys are meant.
    """
    if isinstance(records, Mapping):
        keys = dict(_of_terraform(records))
        _check(keys)
        return {str(key_id): f"Terraform {address}" for key_id, address in keys.items()}
    ids = [row.get("AccessKeyId") if isinstance(row, Mapping) else row for row in records]
    _check(ids)
    return dict.fromkeys(map(str, ids), LISTED)


def _check(ids: Iterable[object]) -> None:
    for key_id in ids:
        if not (isinstance(key_id, str) and is_access_key_id(key_id) and key_id == key_id.upper()):
            raise EvidenceError(
                f"managed-keys holds {key_id!r}, which is no access key id; {FORMS}"
            )


def _of_terraform(document: JsonMapping) -> Iterable[tuple[object, str]]:
    """The keys in what `terraform show -json` prints of a state or plan, or in a state itself."""
    if "format_version" in document:
        prior = document.get("prior_state") or {}
        for part in (document, prior):
            for name in ("values", "planned_values"):
                yield from _in_module((part.get(name) or {}).get("root_module") or {})
    elif "terraform_version" in document:
        yield from _in_state(document)
    else:
        raise EvidenceError(f"managed-keys is a mapping of another form; {FORMS}")


def _in_state(state: JsonMapping) -> Iterable[tuple[object, str]]:
    for resource in state.get("resources") or ():
        for instance in resource["instances"] if resource.get("type") == TERRAFORM_TYPE else ():
            yield instance["attributes"]["id"], f"{TERRAFORM_TYPE}.{resource.get('name')}"


def _in_module(module: JsonMapping) -> Iterable[tuple[object, str]]:
    for resource in module.get("resources") or ():
        if resource.get("type") == TERRAFORM_TYPE:
            key_id = resource["values"].get("id")
            if key_id:  # of a key that is still to be made it is not known
                yield key_id, str(resource.get("address") or TERRAFORM_TYPE)
    for child in module.get("child_modules") or ():
        yield from _in_module(child)
