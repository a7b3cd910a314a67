# SPDX-License-Identifier: Apache-2.0
"""What a deletion leaves behind: tags of the user, Custodian's action file, the journal."""

from __future__ import annotations

import json

import pytest

from c7n_inactive_keys_sandbox import Fault
from tests.support.accounts import days_ago, inactive_key, key_ids
from tests.support.policies import DELETE, delete_policy, record_policy

pytestmark = pytest.mark.e2e


def entry(after, since, verified=1.0, notified=None):
    """A ledger tag's value, in days ago."""
    words = {"after": after, "since": since, "verified": verified, "notified": notified}
    return " ".join(
        f"{word}={days_ago(days):%Y-%m-%dT%H:%M:%SZ}"
        for word, days in words.items()
        if days is not None
    )


def ledger_tag(key):
    """The key of the user tag that is the ledger's of an access key."""
    return f"c7n-inactive-key:{key.id}"


def test_the_ledger_tag_goes_with_the_key_and_no_other_tag_does(sandbox, custodian, account):
    """The console's key description, a tag whose key is the bare id, is not ours."""
    key = inactive_key(account)
    stays = inactive_key(account, off=10)
    tags = account.user("bob").tags
    tags.update({ledger_tag(key): entry(400, 200), key.id: "backup", "team": "x"})
    tags[ledger_tag(stays)] = entry(401, 200)
    custodian.run(account.id, delete_policy())
    assert key_ids(account) == {stays.id}
    assert set(tags) == {key.id, "team", ledger_tag(stays)}


def test_a_ledger_tag_of_the_same_policy_goes_too(custodian, account):
    """Written by an action before the deletion, when the users were long described."""
    inactive_key(account)
    policy = delete_policy(**{"exempt-tag": None})
    policy["actions"].insert(0, "record-inactive-keys")
    outcome = custodian.run(account.id, policy)
    assert outcome.status == 0
    assert account.keys == []
    assert account.user("bob").tags == {}


def test_a_ledger_tag_that_custodians_cache_does_not_know_goes_too(custodian, account):
    """Custodian keeps users for 15 minutes, and the ledger was kept since."""
    inactive_key(account)
    cached = ("--cache-period", "15")
    outcome = custodian.run(
        account.id, record_policy(), delete_policy(**{"exempt-tag": None}), arguments=cached
    )
    assert outcome.status == 0
    assert account.keys == []
    assert account.user("bob").tags == {}


def test_a_user_deleted_before_its_ledger_tag_is_written_is_no_failure(sandbox, custodian, account):
    """It has no tags any more, and the others are recorded."""
    inactive_key(account)
    inactive_key(account, "eve")
    sandbox.faults.add(Fault(action="TagUser", user="bob", call="delete-user"))
    outcome = custodian.run(account.id, record_policy())
    assert outcome.status == 0, outcome.log
    assert {item["user_name"] for item in outcome.action_file("record")} == {"eve"}


@pytest.mark.parametrize(
    ("found", "now"),
    [
        pytest.param(entry(300, 200), entry(300, 100), id="off since later"),
        pytest.param(entry(300, 200), None, id="gone"),
        pytest.param(None, entry(0, 0, 0), id="switched off just now"),
        pytest.param(entry(300, 200, notified=20), entry(300, 200), id="the notice was taken back"),
        pytest.param(entry(300, 200, notified=20), entry(300, 200, notified=2), id="told later"),
        pytest.param(entry(300, 200, notified=20), "malformed", id="unreadable"),
    ],
)
@pytest.mark.parametrize("evidence", [["ledger", "cloudtrail"], ["cloudtrail"]], ids=["", "alone"])
def test_what_the_ledger_takes_back_in_mid_run_counts(
    sandbox, custodian, account, found, now, evidence
):
    """What a match rests on is read again: the proof, the notice, and a later activity."""
    key = inactive_key(account)
    tags = account.user("bob").tags
    rests_on_notice = "notified" in (found or "")
    if found:
        tags[ledger_tag(key)] = found

    def change():
        tags.pop(ledger_tag(key), None)
        if now:
            tags[ledger_tag(key)] = now

    sandbox.faults.add(Fault(action="GetUser", nth=2, call=change))
    matches = {"type": "inactive-access-key", "days": 85, "evidence": evidence}
    if rests_on_notice:
        matches["notified-days"] = 14
    outcome = custodian.run(account.id, delete_policy(filters=[matches]))
    proof_is_elsewhere = evidence == ["cloudtrail"] and not rests_on_notice and found
    if proof_is_elsewhere:
        assert outcome.by_key() == {key.id: "deleted"}
    else:
        assert key_ids(account) == {key.id}
        assert outcome.by_key() == {key.id: "skipped changed"}


def test_the_outcomes_are_in_custodians_action_file_and_in_the_journal(sandbox, custodian, account):
    """One record a key, with what proved it."""
    key = inactive_key(account)
    outcome = custodian.run(account.id, delete_policy())
    (record,) = outcome.action_file()
    assert record["outcome"] == "deleted"
    assert record["user_name"] == "bob"
    assert record["at_least_days"] == 90.0
    assert {"cloudtrail", "credential-report", "key"} == {
        item["Source"] for item in record["evidence"]
    }
    lines = outcome.journal()
    assert [line.outcome for line in lines] == ["deleting", "deleted"]
    assert {line.access_key_id for line in lines} == {key.id}
    assert {line.account_id for line in lines} == {account.id}
    assert json.loads(json.dumps(lines[1].to_fields()))["evidence"] == record["evidence"]


def test_one_policys_matches_do_not_leak_into_the_next(sandbox, custodian, account):
    """Scenario 27: with the in-memory cache both policies see the same user objects."""
    key = inactive_key(account)
    first = {
        "name": "report",
        "resource": "aws.iam-user",
        "filters": [{"type": "inactive-access-key"}],
    }
    second = delete_policy(filters=[{"type": "inactive-access-key", "days": 365}])
    del second["source"]
    outcome = custodian.run(
        account.id,
        first,
        second,
        arguments=("--cache", "memory"),
    )
    assert outcome.matched("report") == {key.id}
    assert key_ids(account) == {key.id}
    assert outcome.by_key(DELETE) == {}
