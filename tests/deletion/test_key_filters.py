# SPDX-License-Identifier: Apache-2.0
"""Together with Custodian's own key filters: only keys that all filters mean are deleted."""

from __future__ import annotations

import pytest

from tests.deletion.custodian import INACTIVE_90, days_ago, delete_policy, inactive_key, key_ids

pytestmark = pytest.mark.e2e

OLD = {"type": "access-key", "key": "CreateDate", "value_type": "age", "op": "gt", "value": 450}
NEVER_ACTIVE = {"type": "access-key", "key": "Status", "value": "Active"}
REPORTED = {"type": "credential", "key": "access_keys.active", "value": False}
REPORTED_OLD = {
    "type": "credential",
    "key": "access_keys.last_rotated",
    "value_type": "age",
    "op": "gt",
    "value": 450,
}


@pytest.mark.parametrize(
    ("filters", "deleted"),
    [
        ([INACTIVE_90, OLD], {"old"}),
        ([OLD, INACTIVE_90], {"old"}),
        ([INACTIVE_90, REPORTED_OLD], {"old"}),
        ([REPORTED_OLD, INACTIVE_90], {"old"}),
        ([REPORTED, INACTIVE_90, OLD], {"old"}),
        ([{"or": [OLD, INACTIVE_90]}], {"old"}),
        ([INACTIVE_90, {"or": [OLD, REPORTED]}], {"old", "young"}),
        ([INACTIVE_90, REPORTED], {"old", "young"}),
        ([INACTIVE_90, NEVER_ACTIVE], set()),
        ([NEVER_ACTIVE, INACTIVE_90], set()),
    ],
)
def test_only_keys_that_all_filters_mean_are_deleted(sandbox, custodian, account, filters, deleted):
    """Scenarios 5 to 7: by id, in any order, whatever annotation the last filter left."""
    old = inactive_key(account, created=500)
    young = inactive_key(account, created=400, off=150)
    account.user("eve").key(created=days_ago(1000))
    names = {old.id: "old", young.id: "young"}
    active = inactive_key(account, "mix", created=300, off=120)
    mixed = account.user("mix").key(created=days_ago(900))
    outcome = custodian.run(
        account.id, delete_policy(filters=filters), environ={"PYTHONHASHSEED": "0"}
    )
    gone = {name for key_id, name in names.items() if key_id not in key_ids(account)}
    assert gone == deleted
    assert mixed.id in key_ids(account)
    assert outcome.status == 0
    words = outcome.by_key()
    for key_id, name in names.items():
        assert words.get(key_id, "skipped not-matched") == (
            "deleted" if name in deleted else "skipped not-matched"
        )
    assert active.id in key_ids(account) or words[active.id] == "deleted"


def test_keys_that_the_report_cannot_tell_apart_are_skipped_as_ambiguous(
    sandbox, custodian, account
):
    """Scenario 8: `credential` matched a creation time that two keys share."""
    born = days_ago(500)
    keys = [account.user("bob").key(created=born, toggles=[days_ago(off)]) for off in (200, 150)]
    outcome = custodian.run(account.id, delete_policy(filters=[INACTIVE_90, REPORTED_OLD]))
    assert key_ids(account) == {key.id for key in keys}
    assert set(outcome.by_key().values()) == {"skipped ambiguous"}


def test_a_key_of_which_each_filter_of_a_branch_means_another_is_left_alone(
    sandbox, custodian, account
):
    """One key is long enough off for one branch, the other old enough for the other."""
    young = inactive_key(account, created=400, off=95)
    old = inactive_key(account, created=600, off=20)
    recent = {"type": "inactive-access-key", "days": 10}
    older = {**OLD, "value": 550}
    branches = [{"and": [recent, older]}, {"and": [{**recent, "days": 80}, {**OLD, "value": 450}]}]
    outcome = custodian.run(account.id, delete_policy(filters=[{"or": branches}]))
    assert outcome.by_key() == {old.id: "deleted", young.id: "skipped not-matched"}
    assert key_ids(account) == {young.id}
