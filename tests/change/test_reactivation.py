# SPDX-License-Identifier: Apache-2.0
"""Taking back a deactivation: only what we did, and nobody has touched since."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from c7n_inactive_keys.core.journal import REACTIVATED, REACTIVATING
from c7n_inactive_keys.core.ledger import tag_key
from c7n_inactive_keys_sandbox import Fault
from tests.change.test_deactivation import DEACTIVATE, active_key, deactivate_policy
from tests.support.accounts import days_ago
from tests.support.policies import delete_policy, record_policy

pytestmark = pytest.mark.e2e

UNDO = "undo"


def undo_policy(journal, *filters, **options):
    """A policy that reactivates what a journal says we deactivated."""
    source = {"url": str(journal), "format": "jsonl"}
    return {
        "name": UNDO,
        "resource": "aws.iam-user",
        **({"filters": [*filters]} if filters else {}),
        "actions": [{"type": "reactivate-keys", "journal": source, **options}],
    }


@pytest.fixture(name="done")
def _done(custodian, account):
    """A run that deactivated three keys, and the url of its journal."""
    for name in ("one", "two", "three"):
        active_key(account, name)
    outcome = custodian.run(account.id, deactivate_policy())
    assert {key.status for key in account.keys} == {"Inactive"}
    return f"file://{outcome.out}/{DEACTIVATE}/inactive-keys.jsonl"


def test_all_that_was_deactivated_is_active_again(custodian, account, done):
    """Their entries in the ledger end, and go with the next record that comes hours later."""
    outcome = custodian.run(account.id, undo_policy(done))
    assert outcome.status == 0, outcome.log
    assert {key.status for key in account.keys} == {"Active"}
    for user in account.users.values():
        assert "reactivated=" in user.tags[tag_key(user.keys[0].id)]
    assert set(outcome.by_key(UNDO).values()) == {REACTIVATED}
    assert [line.outcome for line in outcome.journal(UNDO)].count(REACTIVATING) == 3
    again = custodian.run(account.id, undo_policy(done))
    assert (again.status, set(again.by_key(UNDO).values())) == (0, {"skipped reactivated"})
    custodian.sandbox.age(timedelta(hours=3))
    record = {name: value for name, value in record_policy().items() if name != "source"}
    custodian.run(account.id, record)
    assert [user.tags for user in account.users.values()] == [{}, {}, {}]


def test_what_was_inactive_before_stays_so(custodian, account):
    """By somebody else's hand, with or without our ledger's word on it."""
    old = account.user("old").key(created=days_ago(500), toggles=[days_ago(50)])
    active_key(account, "new")
    outcome = custodian.run(account.id, record_policy(), deactivate_policy())
    journal = f"file://{outcome.out}/{DEACTIVATE}/inactive-keys.jsonl"
    undone = custodian.run(account.id, undo_policy(journal))
    assert undone.status == 0
    assert (old.status, account.users["new"].keys[0].status) == ("Inactive", "Active")
    assert old.id not in undone.by_key(UNDO)


def touched(key):
    key.activate(days_ago(0))
    key.deactivate(days_ago(0))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(lambda key: key.delete(), "already-gone", id="deleted"),
        pytest.param(lambda key: key.user.delete(), "user-gone", id="with its user"),
        pytest.param(lambda key: key.user.rename("renamed"), "user-gone", id="user renamed"),
        pytest.param(lambda key: key.activate(), "reactivated", id="reactivated"),
        pytest.param(lambda key: key.user.tags.clear(), "changed", id="ledger gone"),
        pytest.param(
            lambda key: key.user.tags.update(
                {tag_key(key.id): key.user.tags[tag_key(key.id)].replace(" by=c7n", "")}
            ),
            "changed",
            id="ledger has another hand",
        ),
    ],
)
def test_what_was_touched_since_is_skipped_with_a_reason(custodian, account, done, change, reason):
    key = account.users["one"].keys[0]
    change(key)
    status = key.status
    outcome = custodian.run(account.id, undo_policy(done))
    assert outcome.by_key(UNDO)[key.id] == f"skipped {reason}"
    assert key.status == status
    assert {user.keys[0].status for name, user in account.users.items() if name != "one"} >= {
        "Active"
    }


def test_somebody_s_own_deactivation_after_ours_is_not_taken_back(sandbox, custodian, account):
    """Reactivated and deactivated by hand: event history tells, and the ledger by its times."""
    key = active_key(account)
    outcome = custodian.run(account.id, deactivate_policy())
    journal = f"file://{outcome.out}/{DEACTIVATE}/inactive-keys.jsonl"
    touched(key)
    undone = custodian.run(account.id, undo_policy(journal))
    assert (undone.by_key(UNDO)[key.id], key.status) == ("skipped changed", "Inactive")


def test_without_event_history_nothing_is_reactivated(sandbox, custodian, account, done):
    sandbox.faults.add(Fault(action="LookupEvents", error="AccessDenied", times=None))
    outcome = custodian.run(account.id, undo_policy(done))
    assert outcome.status == 2
    assert "nothing was reactivated: event history could not be read" in outcome.log
    assert {key.status for key in account.keys} == {"Inactive"}


def test_a_journal_that_is_not_there_is_one_sentence(custodian, account, done):
    outcome = custodian.run(account.id, undo_policy("file:///nowhere.jsonl"))
    assert outcome.status == 2
    assert (
        "nothing was reactivated: the journal file:///nowhere.jsonl cannot be read" in outcome.log
    )
    assert {key.status for key in account.keys} == {"Inactive"}


def test_only_the_account_s_own_lines_count(sandbox, custodian, account, done, tmp_path):
    """Journals of an organisation may be put into one file, torn lines and all."""
    other = sandbox.account("222222222222")
    key = active_key(other, "one")
    second = custodian.run(other.id, deactivate_policy())
    lines = (second.out / DEACTIVATE / "inactive-keys.jsonl").read_text()
    both = tmp_path / "all.jsonl"
    both.write_text(Path(done[7:]).read_text() + lines + '{"torn')
    outcome = custodian.run(other.id, undo_policy(f"file://{both}"))
    assert (outcome.status, key.status) == (0, "Active")
    assert {key.status for key in account.keys} == {"Inactive"}
    assert set(outcome.by_key(UNDO)) == {key.id}
    assert "is passed over" in outcome.log


def test_what_manages_a_key_is_asked_here_too(custodian, account, done, tmp_path):
    key = account.users["one"].keys[0]
    path = tmp_path / "keys.json"
    path.write_text(json.dumps([key.id]))
    outcome = custodian.run(
        account.id, undo_policy(done, **{"managed-keys": {"url": f"file://{path}"}})
    )
    assert (outcome.by_key(UNDO)[key.id], key.status) == ("skipped managed", "Inactive")


@pytest.mark.parametrize("late", [False, True], ids=["event history tells", "the ledger tells"])
def test_a_key_that_was_taken_back_is_not_deactivated_again_the_next_day(
    sandbox, custodian, account, done, late
):
    """It rests for as long as the filter waits, also while the event is on its way."""
    assert custodian.run(account.id, undo_policy(done)).status == 0
    if late:
        sandbox.event_delay = timedelta(hours=2)
    else:
        for user in account.users.values():
            user.tags.clear()
    outcome = custodian.run(account.id, deactivate_policy())
    assert {key.status for key in account.keys} == {"Active"}
    assert set(outcome.by_key(DEACTIVATE).values()) == {"skipped reactivated"}


def test_a_deletion_after_the_undo_finds_nothing(custodian, account, done):
    assert custodian.run(account.id, undo_policy(done)).status == 0
    outcome = custodian.run(
        account.id, delete_policy(filters=[{"type": "inactive-access-key", "days": 0}])
    )
    assert (outcome.status, len(account.keys), outcome.journal()) == (0, 3, [])
