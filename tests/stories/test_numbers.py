# SPDX-License-Identifier: Apache-2.0
"""Numbers that YAML knows and nobody means: none of them makes a key old enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from c7n_inactive_keys_sandbox import Sandbox
from tests.support.accounts import ACCOUNT, days_ago
from tests.support.commands import run
from tests.support.custodian import custodian
from tests.support.policies import ours

pytestmark = pytest.mark.e2e


OUR_SENTENCE = "filter inactive-access-key: {option} must be a number, 0 or more, not {value}"
REFUSALS = {
    ".nan": OUR_SENTENCE,
    ".inf": OUR_SENTENCE,
    "-.inf": "{value} is less than the minimum of 0",  # by the schema already
}


@pytest.mark.parametrize("option", ["days", "notified-days"])
@pytest.mark.parametrize("value", REFUSALS)
def test_a_number_that_is_none_is_refused(tmp_path: Path, option: str, value: str) -> None:
    """No key would be younger than .nan days."""
    path = tmp_path / "policies.yml"
    path.write_text(
        "policies: [{name: bad, resource: aws.iam-user, "
        f"filters: [{{type: inactive-access-key, {option}: {value}}}]}}]"
    )
    done = run("custodian", "validate", path, cwd=tmp_path, HOME=str(tmp_path))
    assert done.returncode == 1
    assert "policy:bad " in done.stderr
    read = float(value.replace(".", ""))
    assert REFUSALS[value].format(option=option, value=read) in done.stderr
    assert "Traceback" not in done.stderr


def test_more_days_than_the_calendar_has_match_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    """An absurd age is no error: no key is that old, and no owner was told so long ago."""
    user = sandbox.account(ACCOUNT).user("ci", created=days_ago(900))
    key = user.key(created=days_ago(800), toggles=[days_ago(20.5)])
    since, told = (f"{days_ago(days):%Y-%m-%dT%H:%M:%SZ}" for days in (20.5, 9))
    tag = f"after={since} since={since} verified={since} notified={told}"
    user.tags[f"c7n-inactive-key:{key.id}"] = tag
    options = {
        "told": {"notified-days": 8.9},
        "not-yet": {"notified-days": 9.1},
        "never": {"notified-days": 1e11},
        "old": {"days": 1e300},
    }
    policies = [
        {"name": name, "resource": "aws.iam-user", "filters": [ours(**option)]}
        for name, option in options.items()
    ]
    done = custodian(sandbox, tmp_path, policies=policies)
    assert done.status == 0, done.log
    assert {name: set(done.keys(name)) for name in options} == {
        "told": {key.id},
        "not-yet": set(),
        "never": set(),
        "old": set(),
    }
