# SPDX-License-Identifier: Apache-2.0
"""What a deletion leaves behind: tags of the user, Custodian's action file, the journal."""

from __future__ import annotations

import json

import pytest

from c7n_inactive_keys.sandbox import Fault
from tests.deletion.custodian import DELETE, days_ago, delete_policy, inactive_key, key_ids

pytestmark = pytest.mark.e2e


def test_the_ledger_tag_goes_with_the_key_and_no_other_tag_does(sandbox, custodian, account):
    """The console's key description, a tag whose key is the bare id, is not ours."""
    key = inactive_key(account)
    stays = inactive_key(account, off=10)
    tags = account.user("bob").tags
    entry = " ".join(
        f"{word}={days_ago(days):%Y-%m-%dT%H:%M:%SZ}"
        for word, days in (("after", 400), ("since", 200), ("verified", 1))
    )
    tags.update({f"c7n-inactive-key:{key.id}": entry, key.id: "backup", "team": "x"})
    tags[f"c7n-inactive-key:{stays.id}"] = entry.replace("400", "401")
    custodian.run(account.id, delete_policy())
    assert key_ids(account) == {stays.id}
    assert set(tags) == {key.id, "team", f"c7n-inactive-key:{stays.id}"}


def test_a_ledger_tag_that_was_changed_in_mid_run_is_believed_no_more(sandbox, custodian, account):
    """What the proof rests on is read again: a later `since` makes the key younger."""
    key = inactive_key(account)
    tags = account.user("bob").tags
    name = f"c7n-inactive-key:{key.id}"

    def entry(since):
        return " ".join(
            f"{word}={days_ago(days):%Y-%m-%dT%H:%M:%SZ}"
            for word, days in (("after", 300), ("since", since), ("verified", 1))
        )

    tags[name] = entry(200)
    sandbox.faults.add(Fault(action="GetUser", nth=2, call=lambda: tags.update({name: entry(100)})))
    policy = delete_policy(filters=[{"type": "inactive-access-key", "days": 180}])
    outcome = custodian.run(account.id, policy)
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
    assert {"cloudtrail", "key"} == {item["Source"] for item in record["evidence"]}
    lines = outcome.journal()
    assert [line.outcome for line in lines] == ["deleting", "deleted"]
    assert {line.access_key_id for line in lines} == {key.id}
    assert {line.account_id for line in lines} == {account.id}
    assert json.loads(json.dumps(lines[1].fields))["evidence"] == record["evidence"]


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
