# SPDX-License-Identifier: Apache-2.0
"""What the tasks decide, on values."""

from __future__ import annotations

import json

import pytest

from c7n_inactive_keys.core.plan import read_plan
from c7n_inactive_keys.organisation import policies
from c7n_inactive_keys.organisation.batches import (
    DELETE,
    LOOK,
    accounts_of,
    in_batches,
    to_delete_in,
)
from c7n_inactive_keys.organisation.counting import approved, hindrance
from c7n_inactive_keys.organisation.gathering import lost_lines, read_note
from c7n_inactive_keys.organisation.settings import SettingsError
from c7n_inactive_keys.organisation.visiting import UnfinishedError, check_finished, unfinished
from c7n_inactive_keys.report.read.org_log import org_failures
from c7n_inactive_keys.yaml_lists import read_list
from tests.support.policies import POLICIES

LOOKS = {"name": "look", "resource": "aws.iam-user", "filters": [{"type": "inactive-access-key"}]}


def listed(number, name, state="ACTIVE", field="State"):
    """An account as Organizations lists it."""
    return {"Id": f"{number:012d}", "Name": name, field: state}


def test_accounts_are_named_apart_and_closed_ones_left_out():
    """c7n-org writes a directory for each name, so no two accounts may share one."""
    accounts = accounts_of(
        [
            listed(1, "team"),
            listed(2, "team"),
            listed(3, "a/b", field="Status"),
            listed(4, "gone", "SUSPENDED"),
        ],
        "aws-cn",
        "cn-north-1",
        "Audit",
    )
    assert [account["name"] for account in accounts] == [
        "team-000000000001",
        "team-000000000002",
        "a-b",
    ]
    assert accounts[2]["role"] == "arn:aws-cn:iam::000000000003:role/Audit"
    assert accounts[2]["regions"] == ["cn-north-1"]


def test_batches_hold_each_account_once():
    """The last batch holds what is left."""
    accounts = [{"account_id": str(number)} for number in range(7)]
    items = in_batches("runs/day/name", LOOK, accounts, 3)
    assert [len(item["accounts"]) for item in items] == [3, 3, 1]
    assert [account for item in items for account in item["accounts"]] == accounts
    assert len({item["batch"] for item in items}) == 3


@pytest.mark.parametrize(
    ("role", "entered"),
    [
        pytest.param("arn:aws:iam::1:role/Audit", "arn:aws:iam::1:role/Cleanup", id="look role"),
        pytest.param("arn:aws:iam::1:role/Own", "arn:aws:iam::1:role/Own", id="own role"),
        pytest.param(
            ["arn:aws:iam::9:role/Hub", "arn:aws:iam::1:role/Audit"],
            ["arn:aws:iam::9:role/Hub", "arn:aws:iam::1:role/Cleanup"],
            id="chain",
        ),
    ],
)
def test_deletion_enters_by_its_own_role(role, entered):
    """Where the first visit went by the role that looks, the second goes by another."""
    accounts = [{"account_id": "1", "role": role}, {"account_id": "2", "role": role}]
    assert to_delete_in(accounts, {"1"}, "Audit", "Cleanup") == [
        {"account_id": "1", "role": entered}
    ]


def test_shipped_policies_are_taken():
    """They look, record and delete; the deletion gets the plan."""
    found = read_list(POLICIES, "policies")
    policies.check(found)
    bound = [item for item in policies.with_plan(found, "file:///p.csv") if policies.deletes(item)]
    assert [action["plan"]["url"] for action in bound[0]["actions"]] == ["file:///p.csv"]
    assert len(bound) == 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        pytest.param({"actions": ["delete"]}, "has the action delete", id="user deleted"),
        pytest.param({"actions": [{"type": "remove-keys"}]}, "has the action", id="built-in"),
        pytest.param({"mode": {"type": "periodic"}}, "has a mode", id="deployed"),
        pytest.param(
            {"actions": [{"type": "delete-inactive-keys", "plan": {"url": "s3://x"}}]},
            "has a plan of its own",
            id="own plan",
        ),
        pytest.param({"actions": ["delete-inactive-keys"]}, "no policy that looks", id="no look"),
    ],
)
def test_other_policies_are_refused(more, said):
    """The first visit runs for real, so it may change no key; a deletion needs the counted plan."""
    with pytest.raises(SettingsError, match=said):
        policies.check([LOOKS | more])


def shard(*accounts, failed=()):
    """A json report of accounts with status and reason, with failures in some."""
    return json.dumps(
        {
            "accounts": [
                {"account_id": number, "name": number, "status": status, "reason": reason}
                for number, status, reason in accounts
            ],
            "failures": [{"account_id": number} for number in failed],
        }
    ).encode()


def test_another_try_visits_what_is_not_done():
    """Neither accounts that were read without a failure, nor none at all where nothing is known."""
    accounts = [{"account_id": "1"}, {"account_id": "2"}, {"account_id": "3"}]
    earlier = shard(("1", "read", None), ("2", "failed", "x"), ("3", "read", None), failed=["3"])
    assert unfinished(accounts, None) == accounts
    assert unfinished(accounts, earlier) == accounts[1:]


@pytest.mark.parametrize(
    ("reason", "passes"),
    [
        pytest.param("An error occurred (Throttling): Rate exceeded", True, id="throttled"),
        pytest.param("Read timeout on endpoint URL", True, id="timeout"),
        pytest.param("Access denied api:AssumeRole", False, id="denied"),
    ],
)
def test_another_try_is_asked_for_where_it_may_help(reason, passes):
    """Denial does not pass by waiting."""
    document = shard(("1", "failed", reason))
    if passes:
        with pytest.raises(UnfinishedError, match="1: "):
            check_finished(document)
    else:
        check_finished(document)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_note_of_a_lost_batch_may_be_a_string_in_json(times):
    """Step Functions writes a string body with its quotes."""
    note = {"batch": "00001"}
    written = note
    for _ in range(times):
        written = json.dumps(written)
    assert read_note(written.encode()) == note


def test_lost_batch_is_told_of_each_of_its_accounts():
    """In c7n-org's own words, which the report understands."""
    cause = json.dumps({"errorMessage": "killed\nby signal 9", "errorType": "DiedError"})
    note = {
        "phase": DELETE,
        "batch": "00007",
        "accounts": [{"name": "a b", "regions": ["us-east-1"]}, {"name": "c"}],
        "lost": {"Error": "DiedError", "Cause": cause},
    }
    failures = org_failures(lost_lines([note]))
    assert {name: item.text for (name, _, _), item in failures.items()} == dict.fromkeys(
        ("a b", "c"), "batch 00007 (delete) failed: DiedError: killed by signal 9"
    )


def row(number, account="000000000001"):
    """A row of the plan."""
    return {
        "AccountId": account,
        "UserName": "bob",
        "AccessKeyId": f"AKIA{number:016d}",
        "CreateDate": "2026-01-01T00:00:00Z",
    }


def test_cap_counts_the_whole_organisation():
    """As many as the cap are no reason; one more is, whatever the account."""
    rows = [row(1), row(2, "000000000002")]
    assert hindrance(rows, 2) == hindrance(rows, 0) == ""
    assert "2 keys in 2 accounts would be deleted, more than MaxKeys (1)" in hindrance(rows, 1)


def test_approved_plan_must_mean_the_very_key():
    """A row for another account, user or creation date approves nothing."""
    rows = [row(number) for number in range(5)]
    plan = [dict(item) for item in rows[:4]]
    plan[1]["AccountId"] = "000000000009"
    plan[2]["UserName"] = "alice"
    plan[3]["CreateDate"] = "2026-01-02T00:00:00Z"
    assert approved(rows, read_plan(plan)) == rows[:1]
