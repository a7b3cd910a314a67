# SPDX-License-Identifier: Apache-2.0
"""What `c7n-inactive-keys check -u` says of policies that Custodian would refuse."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from tests.support.fresh import run

pytestmark = pytest.mark.e2e

COMMAND = Path(sys.executable).parent / "c7n-inactive-keys"
MODE = {
    "type": "periodic",
    "schedule": "rate(1 day)",
    "role": "arn:aws:iam::{account_id}:role/c7n",
    "packages": ["c7n_inactive_keys"],
    "handler": "c7n_inactive_keys.lambda_handler.run",
}
POLICY = {
    "name": "scheduled",
    "resource": "aws.iam-user",
    "mode": MODE,
    "filters": [{"type": "inactive-access-key", "days": 90}],
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"name": None}, "it has no `name`", id="no name"),
        pytest.param({"resource": None}, "it has no `resource`", id="no resource"),
        pytest.param({"resource": 5}, "its `resource` is no text", id="no name of a resource"),
        pytest.param(
            {"resource": "aws.nosuch"}, "there is no resource aws.nosuch", id="unknown resource"
        ),
        pytest.param(
            {"resource": "nosuch.thing"}, "there is no resource nosuch.thing", id="no such cloud"
        ),
        pytest.param({"mode": {"type": "nosuch"}}, "there is no mode 'nosuch'", id="mode"),
        pytest.param({"mode": {"type": ["periodic"]}}, "there is no mode", id="a list as mode"),
        pytest.param(
            {"mode": {"handler": 5}}, "mode.handler: 5 is not of type 'string'", id="handler"
        ),
        pytest.param(
            {"mode": {"packages": "c7n_inactive_keys"}},
            "mode.packages: 'c7n_inactive_keys' is not of type 'array'",
            id="packages",
        ),
        pytest.param({"filter": []}, "policy:scheduled has unknown keys: filter", id="key"),
        pytest.param(
            {"filters": [{"type": "inactive-access-key"}, {"type": "nosuch"}]},
            "Invalid filter type {'type': 'nosuch'}",
            id="filter",
        ),
    ],
)
def test_a_policy_that_custodian_refuses_is_one_line(tmp_path, change, said):
    """Which names the file and what is wrong; status 1, and the rest is checked all the same."""
    mode = {**MODE, **change.get("mode", {})}
    policy = {k: v for k, v in {**POLICY, **change, "mode": mode}.items() if v is not None}
    (line,) = problems(tmp_path, policy)
    assert "Custodian refuses the policy in policy.yml: " in line
    assert said in line
    assert line.endswith("see `custodian validate policy.yml`")


def test_a_package_that_is_not_installed_is_named(tmp_path):
    """Custodian builds the archive from what is installed where it runs."""
    mode = {**MODE, "packages": ["c7n_inactive_keys", "no_such_package"]}
    (line,) = problems(tmp_path, {**POLICY, "mode": mode})
    assert "cannot be built: No module named 'no_such_package'" in line
    assert "what `packages` in policy.yml names must be installed here" in line


def problems(directory: Path, policy: dict) -> list[str]:
    """The problems that a check finds with a file of the policy and a good one."""
    policies = [policy, {**POLICY, "name": "good"}]
    (directory / "policy.yml").write_text(yaml.safe_dump({"policies": policies}), encoding="utf-8")
    done = run(COMMAND, "check", "--no-aws", "-u", "policy.yml", cwd=directory)
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert any(line.startswith("ok") and "archive of good" in line for line in lines)
    return [line for line in lines if line.startswith("problem")]
