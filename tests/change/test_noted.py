# SPDX-License-Identifier: Apache-2.0
"""What runs write for the report beside outcomes: root's keys, Expired ones, plans, numbers."""

from __future__ import annotations

import hashlib
import json
import re

import pytest
from click.testing import CliRunner

from c7n_inactive_keys.cli import main
from tests.support.accounts import days_ago, inactive_key
from tests.support.policies import DELETE, delete_policy

pytestmark = pytest.mark.e2e
PLAN = "AccessKeyId\n{}\n"
# Of the moments at which a line was written; a journal tells its runs apart by the second.
YEAR = re.compile(r'(?<="time": ")\d{4}')


def noted(outcome):
    return [
        (line.user_name, line.access_key_id, line.reason)
        for line in outcome.journal()
        if line.outcome == "noted"
    ]


def report(outcome, *arguments):
    """The json report over the run's output."""
    done = CliRunner().invoke(
        main, ["report", "-s", str(outcome.out), "--format", "json", *arguments]
    )
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("arguments", [("--dryrun",), ()], ids=["dry run", "real run"])
def test_an_inactive_key_of_root_is_noted_and_never_deleted(custodian, account, arguments):
    """The credential report alone tells of it; an active one is none of our business."""
    mine = account.root.key(created=days_ago(900), toggles=[days_ago(400)])
    account.root.key(created=days_ago(800))
    inactive_key(account)
    outcome = custodian.run(account.id, delete_policy(), arguments=arguments)
    assert outcome.status == 0, outcome.log
    name = f"root-key-{mine.created:%Y%m%dT%H%M%SZ}"
    assert noted(outcome) == [("<root_account>", name, "root-key")]
    assert [key.status for key in account.root.keys] == ["Inactive", "Active"]
    (row,) = [row for row in report(outcome)["keys"] if row["user_name"] == "<root_account>"]
    assert (row["group"], row["next_run"], row["proven"]) == ("needs somebody", "root", False)


def test_a_root_key_that_is_gone_is_no_longer_reported(custodian, account):
    """A directory that is used again keeps the earlier run's journal."""
    account.root.key(created=days_ago(900), toggles=[days_ago(400)])
    first = custodian.run(account.id, delete_policy())
    assert len(report(first)["keys"]) == 1
    account.root.keys.clear()
    account.report = None
    earlier = first.out / DELETE / "inactive-keys.jsonl"
    earlier.write_text(YEAR.sub("2001", earlier.read_text()))
    again = custodian.run(account.id, delete_policy(), out=str(first.out))
    assert report(again)["keys"] == []


def test_expired_keys_are_a_list_of_their_own(custodian, account):
    """AWS's status Expired is not Inactive: such a key is neither found nor deleted."""
    key = account.user("bob").key(created=days_ago(500), status="Expired")
    outcome = custodian.run(account.id, delete_policy())
    assert noted(outcome) == [("bob", key.id, "expired")]
    document = report(outcome)
    assert document["keys"] == []
    assert [item["access_key_id"] for item in document["expired"]] == [key.id]


@pytest.mark.parametrize(
    ("password", "others", "last"),
    [(False, 0, True), (True, 0, False), (False, 1, False)],
    ids=["nothing else", "a password", "another key"],
)
def test_who_is_left_without_any_credential_is_told(custodian, account, password, others, last):
    """Such a user is listed, and stays."""
    key = inactive_key(account)
    account.users["bob"].password_enabled = password
    for _ in range(others):
        account.user("bob").key(created=days_ago(50))
    outcome = custodian.run(account.id, delete_policy())
    assert key not in account.keys
    document = report(outcome)
    assert [row["last_credential"] for row in document["keys"]] == [last]
    assert document["totals"]["left_without_credentials"] == int(last)
    assert "bob" in account.users


def test_the_journal_names_the_plan_that_approved_a_key(custodian, account, tmp_path):
    """With the digest that `sha256sum` prints, so that it can be compared with what was signed."""
    key, other = inactive_key(account), inactive_key(account, "eve")
    plan = tmp_path / "plan.csv"
    plan.write_text(PLAN.format(key.id))
    url = f"file://{plan}"
    outcome = custodian.run(account.id, delete_policy(plan={"url": url, "format": "csv2dict"}))
    assert account.keys == [other]
    digest = hashlib.sha256(plan.read_bytes()).hexdigest()
    named = {(line.outcome, line.plan.url, line.plan.sha256) for line in outcome.journal()}
    assert named == {(word, url, digest) for word in ("deleting", "deleted", "skipped")}
    rows = {row["access_key_id"]: row for row in report(outcome)["keys"]}
    assert rows[key.id]["plan_sha256"] == digest
    assert (rows[other.id]["group"], rows[other.id]["next_run"]) == ("not yet", "not-in-plan")


def test_the_numbers_go_to_custodians_metrics(custodian, account):
    """As `--metrics` sends them: of keys, where Custodian counts users."""
    inactive_key(account)
    inactive_key(account, "eve", off=10)
    outcome = custodian.run(account.id, delete_policy())
    metadata = json.loads((outcome.out / DELETE / "metadata.json").read_text())
    numbers = {item["MetricName"]: item["Value"] for item in metadata["metrics"]}
    assert {name: value for name, value in numbers.items() if "Keys" in name} == {
        "InactiveKeysFound": 2,
        "InactiveKeysProven": 2,
        "InactiveKeysDeleted": 1,
        "InactiveKeysFailed": 0,
    }
