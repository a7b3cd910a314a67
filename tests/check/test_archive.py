# SPDX-License-Identifier: Apache-2.0
"""What a check says of the Lambda archives of policies."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import pytest
import yaml

from c7n_inactive_keys.check.archive import HANDLER, PACKAGE, archives, build
from c7n_inactive_keys.check.result import NOTE, OK, PROBLEM, Result
from c7n_inactive_keys.yaml_lists import read_list
from tests.support.paths import ROOT

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
        pytest.param({"resource": 5}, "its `resource` is not text", id="no name of a resource"),
        pytest.param(
            {"resource": "aws.nosuch"}, "unknown resource aws.nosuch", id="unknown resource"
        ),
        pytest.param(
            {"resource": "nosuch.thing"}, "unknown resource nosuch.thing", id="no such cloud"
        ),
        pytest.param({"mode": {"type": "nosuch"}}, "unknown mode 'nosuch'", id="mode"),
        pytest.param({"mode": {"type": ["periodic"]}}, "unknown mode", id="a list as mode"),
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
    """Which names the file and what is wrong."""
    mode = {**MODE, **change.get("mode", {})}
    policy = {k: v for k, v in {**POLICY, **change, "mode": mode}.items() if v is not None}
    found = check(tmp_path, policy)
    assert found.state == PROBLEM
    assert f"Custodian refuses the policy in {tmp_path / 'policy.yml'}: " in found.text
    assert said in found.text
    assert "\n" not in found.text
    assert found.text.endswith(f"see `custodian validate {tmp_path / 'policy.yml'}`")


@pytest.mark.packaging
@pytest.mark.parametrize(
    ("mode", "state", "said"),
    [
        pytest.param({}, OK, "its handler c7n_inactive_keys.lambda_handler.run loads it", id="ok"),
        pytest.param({"packages": None}, PROBLEM, "packages: [c7n_inactive_keys]", id="packages"),
        pytest.param(
            {"packages": None, "layers": ["arn:aws:lambda:us-east-1:123456789012:layer:c7n:1"]},
            NOTE,
            "one of its layers must",
            id="a layer, which cannot be seen from here",
        ),
        pytest.param({"handler": None}, PROBLEM, "handler: c7n_inactive_keys.lambda", id="handler"),
        pytest.param({"handler": "nowhere.run"}, PROBLEM, "does not start", id="no such handler"),
        pytest.param(
            {"packages": ["c7n_inactive_keys", "no_such_package"]},
            PROBLEM,
            "cannot be built: No module named 'no_such_package'; what `packages` in",
            id="a package that is not installed",
        ),
    ],
)
def test_an_archive_is_built_and_its_handler_tried(tmp_path, mode, state, said):
    """What the policy's mode lacks is found before the function is deployed."""
    merged = {k: v for k, v in {**MODE, **mode}.items() if v is not None}
    found = check(tmp_path, {**POLICY, "mode": merged})
    assert found.state == state
    assert said in found.text


def test_one_refused_policy_does_not_keep_the_others_from_being_checked(tmp_path):
    """Each policy has its line."""
    path = tmp_path / "policy.yml"
    policies = [{**POLICY, "name": None}, {**POLICY, "mode": {**MODE, "packages": []}}]
    path.write_text(yaml.safe_dump({"policies": policies}), encoding="utf-8")
    lacking = ["does not contain the plugin" in found.text for found in archives([path])]
    assert lacking == [False, True]


def test_the_shipped_lambda_policies_say_how_to_load_the_plugin():
    """Every one of them; tests/serverless deploys and runs them."""
    modes = [
        policy["mode"]
        for path in (ROOT / "policies").glob("*.yml")
        for policy in read_list(path, "policies")
        if "mode" in policy
    ]
    assert len(modes) >= 4
    assert {(*mode["packages"], mode["handler"]) for mode in modes} == {(PACKAGE, HANDLER)}


def test_an_archive_holds_the_plugin_alone():
    """Neither the emulator nor start-up files: Lambda has no use for them."""
    (policy,) = read_list(ROOT / "policies" / "record-deactivations.yml", "policies")
    with zipfile.ZipFile(BytesIO(build(policy))) as archive:
        held = {name.partition("/")[0] for name in archive.namelist()}
    assert {name for name in held if "inactive" in name} == {"c7n_inactive_keys"}


def check(directory: Path, policy: dict) -> Result:
    """What a check says of a policy."""
    path = directory / "policy.yml"
    path.write_text(yaml.safe_dump({"policies": [policy]}), encoding="utf-8")
    (found,) = archives([path])
    return found
