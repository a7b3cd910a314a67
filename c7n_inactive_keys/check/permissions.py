# SPDX-License-Identifier: Apache-2.0
"""What may this identity do, in this account or in each account of an organisation?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

from botocore.exceptions import ClientError

from c7n_inactive_keys.check.result import NOTE, OK, PROBLEM, Result
from c7n_inactive_keys.check.targets import Target
from c7n_inactive_keys.custodian.aws import API_ERRORS, DENIED_CODES, describe_error
from c7n_inactive_keys.custodian.c7n_types import Client
from c7n_inactive_keys.partitions import home_region

# What for -> on which resource -> the actions. "user": on users; "*": cannot be limited.
NEEDED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "find": {
        "*": ("iam:GenerateCredentialReport", "iam:GetCredentialReport"),
        "user": ("iam:GetUser", "iam:ListAccessKeys", "iam:GetAccessKeyLastUsed"),
    },
    "find in fewer calls": {"*": ("iam:GetAccountAuthorizationDetails",)},
    "find renamed users": {"*": ("iam:ListUsers",)},
    "prove": {"*": ("cloudtrail:LookupEvents",)},
    "record": {"user": ("iam:TagUser", "iam:UntagUser")},
    "ask what manages a key": {"*": ("cloudformation:DescribeStackResources",)},
    "delete": {"user": ("iam:DeleteAccessKey",)},
    "deactivate and reactivate": {"user": ("iam:UpdateAccessKey",)},
}
# Without these a run fails or proves nothing; an identity for reports needs no others.
ESSENTIAL = ("find", "prove")
WORKERS = 8
# botocore has no class of its own for an endpoint that is no URL.
ENTRY_ERRORS = (*API_ERRORS, ValueError)


def accounts(targets: Iterable[Target]) -> Iterator[Result]:
    """A result for each account, in their order."""
    with ThreadPoolExecutor(WORKERS) as pool:
        yield from pool.map(account, targets)


def account(target: Target) -> Result:
    """Who we are there, what we may do, and whether event history can be read."""
    try:
        session = target.session()
        identity = session.client("sts").get_caller_identity()
        iam = session.client("iam")
        arn = identity["Arn"]
    except ENTRY_ERRORS as error:
        return Result(PROBLEM, target.label, f"cannot be entered: {_words(error)}")
    if target.regions == ["all"] and (why := regions_error(session)):
        text = f"c7n-org runs nothing there: `regions: [all]` takes ec2:DescribeRegions: {why}"
        return Result(PROBLEM, target.label, text)
    unread = history_error(session, arn.split(":")[1])
    try:
        denied = denied_actions(iam, arn)
    except API_ERRORS as error:
        return _judge(target.label, arn, unread, unknown=_unknown(error))
    return _judge(target.label, arn, unread, denied)


def regions_error(session: Client) -> str | None:
    """List the account's regions as c7n-org does; None if that works, else why it does not."""
    try:
        session.client("ec2").describe_regions()
    except ENTRY_ERRORS as error:
        return _words(error)
    return None


def denied_actions(iam: Client, arn: str) -> Mapping[str, list[str]]:
    """By purpose, what IAM's simulator says is not allowed.

    The simulator knows the identity's policies, its boundary and the organisation's SCPs.

    Raises:
        ClientError, BotoCoreError, ResponseParserError: it cannot be asked.
    """
    partition, account_id = arn.split(":")[1], arn.split(":")[4]
    if arn.endswith(":root"):
        return {}
    user = f"arn:{partition}:iam::{account_id}:user/c7n-inactive-keys-check"
    denied: dict[str, list[str]] = {}
    source = policy_source(iam, arn)
    for purpose, resources in NEEDED.items():
        for resource, actions in resources.items():
            results = iam.simulate_principal_policy(
                PolicySourceArn=source,
                ActionNames=list(actions),
                ResourceArns=[user if resource == "user" else "*"],
            )["EvaluationResults"]
            refused = {r["EvalActionName"] for r in results if r["EvalDecision"] != "allowed"}
            denied.setdefault(purpose, []).extend(a for a in actions if a in refused)
    return {purpose: actions for purpose, actions in denied.items() if actions}


def policy_source(iam: Client, arn: str) -> str:
    """The ARN of the role or user whose policies are to be asked: a session's is no such ARN."""
    _, partition, service, _, account_id, resource = arn.split(":", 5)
    if service != "sts":
        return arn
    name = resource.split("/")[1]
    try:  # a role's path is not in the ARN of its sessions
        return str(iam.get_role(RoleName=name)["Role"]["Arn"])
    except API_ERRORS:
        return f"arn:{partition}:iam::{account_id}:role/{name}"


def history_error(session: Client, partition: str) -> str | None:
    """Read one event of event history; None if that works, else why it does not."""
    region = home_region(partition)
    if region is None:
        return f"the home region of IAM in partition {partition!r} is unknown"
    now = datetime.now(timezone.utc)
    try:
        session.client("cloudtrail", region_name=region).lookup_events(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "UpdateAccessKey"}],
            StartTime=now - timedelta(days=90),
            MaxResults=1,
        )
    except ENTRY_ERRORS as error:
        return _words(error)
    return None


def _judge(
    label: str,
    arn: str,
    unread: str | None,
    denied: Mapping[str, list[str]] | None = None,
    unknown: str = "",
) -> Result:
    """`denied` None: what may be done is not known, for the reason in `unknown`."""
    parts = [arn]
    if unread is None:
        parts.append("event history can be read")
    else:
        parts.append(f"event history can NOT be read, so it proves nothing: {unread}")
    if denied is None:
        parts.append(f"its other permissions are not known ({unknown})")
    else:
        for purpose in NEEDED:
            missing = denied.get(purpose)
            lacking = f"may NOT {purpose} ({', '.join(missing)})" if missing else None
            parts.append(lacking or f"may {purpose}")
    if unread is not None or any(purpose in (denied or {}) for purpose in ESSENTIAL):
        return Result(PROBLEM, label, "; ".join(parts))
    return Result(NOTE if denied is None or denied else OK, label, "; ".join(parts))


def _unknown(error: Exception) -> str:
    """Why the simulator said nothing: to be denied it is common, all else is worth telling."""
    if describe_error(error).code in DENIED_CODES:
        return "iam:SimulatePrincipalPolicy would tell"
    return f"iam:SimulatePrincipalPolicy: {_words(error)}"


def _words(error: Exception) -> str:
    """What went wrong, on one line."""
    code, message = describe_error(error)
    if isinstance(error, ClientError):
        return f"{error.operation_name}: {code}: {message}"
    if message.startswith("Invalid endpoint"):
        return f"{message} (AWS_ENDPOINT_URL and the like must begin with http:// or https://)"
    return message
