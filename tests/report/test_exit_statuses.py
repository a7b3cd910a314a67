# SPDX-License-Identifier: Apache-2.0
"""Each row of the documentation's table of exit statuses happens, by the stock commands."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
import yaml

from c7n_inactive_keys_sandbox import Fault
from c7n_inactive_keys_sandbox.organisation import Organisation

from .exit_statuses import ACCOUNTS, CASES, Case, mistyped, policies
from .office import Office

pytest.importorskip("c7n_org", reason="extra org is not installed")
pytestmark = pytest.mark.e2e


SAID = {0: "", 2: "Usage: ", 3: "not covered", 4: "actions failed"}


class SmallOffice(Office):
    """Two accounts, in each two keys whose deactivation event history holds."""

    def __init__(self, sandbox, directory):
        accounts = tuple(sandbox.account(number, name=name) for name, number in ACCOUNTS.items())
        off = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=60)
        for account in accounts:
            for name in ("ci", "db"):
                account.user(name).key(created=off - timedelta(days=400), toggles=[off])
        super().__init__(sandbox, Organisation(accounts, accounts[0]), directory)
        self.write_policies(policies())

    def write_policies(self, content):
        """The policy file that the run uses."""
        self.policies.write_text(yaml.safe_dump(content))

    def fail(self, **fault):
        """Let a call meet a fault."""
        self.sandbox.faults.add(Fault(**fault))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_the_statuses_are_as_documented(sandbox, tmp_path, case: Case):
    """Where the report's is 3 or 4, stderr says which in a line with the accounts concerned."""
    office = SmallOffice(sandbox, tmp_path)
    options = case.arrange(office)
    done = office.org("out", *options)
    assert done.returncode == case.org, done.stderr
    wrong = options if case.arrange is mistyped else ()
    told = office.report("out", "-c", office.accounts, "--log", "out.log", *wrong)
    assert told.returncode == case.report, told.stdout + told.stderr
    assert "Traceback" not in told.stderr
    named = [name for name in ACCOUNTS if f"{name} (" in told.stderr]
    assert named == list(case.concerned), told.stderr
    assert SAID[case.report] in told.stderr.partition("\n")[0]


@pytest.mark.parametrize("action", ["LookupEvents", "GetAccessKeyLastUsed"])
def test_a_policy_that_finds_nothing_for_want_of_evidence_leaves_a_gap(sandbox, tmp_path, action):
    """With `days` no key matches then, and c7n-org ends with 0."""
    office = SmallOffice(sandbox, tmp_path)
    deletion = policies()["policies"][-1]
    del deletion["source"]  # whose report knows the last uses
    office.write_policies({"policies": [deletion]})
    office.fail(action=action, account=ACCOUNTS["first"], times=None, error="AccessDenied")
    assert office.org("out").returncode == 0
    document = office.json("out", status=3)
    assert {item["name"]: item["status"] for item in document["accounts"]} == {
        "first": "failed",
        "second": "read",
    }
