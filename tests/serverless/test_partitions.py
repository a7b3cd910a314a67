# SPDX-License-Identifier: Apache-2.0
"""The shipped Lambda policies in China and GovCloud."""

from __future__ import annotations

import copy
import io
import zipfile

import pytest

from c7n_inactive_keys.check.archive import build, make_runtime
from c7n_inactive_keys.core.ledger import tag_key
from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.yaml_lists import read_list
from c7n_inactive_keys_sandbox import Sandbox
from tests.serverless.functions import Function
from tests.support.accounts import ACCOUNT, days_ago
from tests.support.paths import ROOT

pytestmark = pytest.mark.e2e

PARTITIONS = [
    ("aws", "us-east-1"),
    ("aws-cn", "cn-north-1"),
    ("aws-us-gov", "us-gov-west-1"),
]
POLICIES = [
    policy
    for name in ("record-deactivations.yml", "scheduled.yml", "notify-owners.yml")
    for policy in read_list(ROOT / "policies" / name, "policies")
]


@pytest.mark.parametrize(("partition", "region"), PARTITIONS, ids=[p for p, _ in PARTITIONS])
@pytest.mark.parametrize("data", POLICIES, ids=[policy["name"] for policy in POLICIES])
def test_policies_are_valid_and_roles_are_completed(data, partition, region):
    """Custodian accepts each policy and completes its role and bucket by partition and account."""
    from c7n.config import Config
    from c7n.loader import PolicyLoader
    from c7n.resources import load_resources

    load_resources(("aws.iam-user",))
    config = Config.empty(region=region, regions=[region], account_id=ACCOUNT)
    (policy,) = PolicyLoader(config).load_data(
        {"policies": [copy.deepcopy(data)]}, "file://policy.yml"
    )
    policy.expand_variables(policy.get_variables())
    policy.validate()
    mode = policy.data.get("mode")
    if mode:
        assert mode["role"].startswith(f"arn:{partition}:iam::{ACCOUNT}:role/CustodianInactiveKeys")
        output = mode.get("execution-options", {}).get("output_dir")
        assert output in (None, f"s3://inactive-keys-{ACCOUNT}/output?region={region}")


@pytest.mark.parametrize(
    ("partition", "region"), PARTITIONS[1:], ids=[partition for partition, _ in PARTITIONS[1:]]
)
def test_event_function_records_in_other_partitions(partition, region, tmp_path):
    """In the home region of China and GovCloud, the function writes the exact time too."""
    with Sandbox(partition=partition) as aws:
        user = aws.account(ACCOUNT).user("ci", created=days_ago(400))
        key = user.key(created=days_ago(300))
        key.deactivate(days_ago(0.01))
        event = aws.account(ACCOUNT).events[-1].envelope()
        assert event["region"] == region
        content = build(POLICIES[0])
        zipfile.ZipFile(io.BytesIO(content)).extractall(tmp_path / "task")
        function = Function(
            {"Handler": POLICIES[0]["mode"]["handler"], "FunctionName": "custodian"},
            content, tmp_path / "task", make_runtime(tmp_path / "runtime"),
        )  # fmt: skip
        (_, answer) = function.invoke(aws.environ(ACCOUNT) | {"AWS_REGION": region}, [event])
        assert answer["error"] is None
        assert f"since={format_time(key.deactivated)}" in user.tags[tag_key(key.id)].split()
