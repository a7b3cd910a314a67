# SPDX-License-Identifier: Apache-2.0
"""Together with Custodian's own key filters: only keys that all filters mean are deleted."""

from __future__ import annotations

import csv

import pytest

from tests.support.accounts import days_ago, inactive_key, key_ids, recorded
from tests.support.commands import must
from tests.support.policies import INACTIVE_90, delete_policy

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
        ([INACTIVE_90, {"or": [OLD, REPORTED]}], {"old", "young", "beside"}),
        ([INACTIVE_90, REPORTED], {"old", "young", "beside"}),
        ([INACTIVE_90, NEVER_ACTIVE], set()),
        ([NEVER_ACTIVE, INACTIVE_90], set()),
    ],
)
def test_only_keys_that_all_filters_mean_are_deleted(sandbox, custodian, account, filters, deleted):
    """Scenarios 5 to 7: by id, in any order, whatever annotation the last filter left."""
    old = inactive_key(account, created=500)
    young = inactive_key(account, created=400, off=150)
    account.user("eve").key(created=days_ago(1000))
    beside = inactive_key(account, "mix", created=300, off=120)
    names = {old.id: "old", young.id: "young", beside.id: "beside"}
    mixed = account.user("mix").key(created=days_ago(900))
    outcome = custodian.run(account.id, delete_policy(filters=filters))
    gone = {name for key_id, name in names.items() if key_id not in key_ids(account)}
    assert gone == deleted
    assert mixed.id in key_ids(account)
    assert outcome.status == 0
    words = outcome.by_key()
    for key_id, name in names.items():
        assert words.get(key_id, "skipped not-matched") == (
            "deleted" if name in deleted else "skipped not-matched"
        )


def test_keys_that_the_report_cannot_tell_apart_are_skipped_as_ambiguous(
    sandbox, custodian, account
):
    """Scenario 8: `credential` matched a creation time that two keys share."""
    born = days_ago(500)
    keys = [account.user("bob").key(created=born, toggles=[days_ago(off)]) for off in (200, 150)]
    recorded(account)
    outcome = custodian.run(account.id, delete_policy(filters=[INACTIVE_90, REPORTED_OLD]))
    assert key_ids(account) == {key.id for key in keys}
    assert set(outcome.by_key().values()) == {"skipped ambiguous"}


def test_a_key_of_which_each_filter_of_a_branch_means_another_is_left_alone(
    sandbox, custodian, account
):
    """It is off long enough for one branch and old enough for the other."""
    young = inactive_key(account, created=400, off=20)
    old = inactive_key(account, created=600, off=20)
    recent = {"type": "inactive-access-key", "days": 10}
    branches = [
        {"and": [recent, {**OLD, "value": 550}]},
        {"and": [{**recent, "days": 80}, {**OLD, "value": 350}]},
    ]
    outcome = custodian.run(account.id, delete_policy(filters=[{"or": branches}]))
    assert outcome.by_key() == {old.id: "deleted", young.id: "skipped not-matched"}
    assert key_ids(account) == {young.id}


def tagged(name: str) -> dict[str, str]:
    """A filter on the user, which carries the tag team and no other."""
    return {f"tag:{name}": "present"}


YOUNG = {**OLD, "op": "lt"}
MANY = {"type": "value", "value_type": "resource_count", "op": "gt", "value": 99}
SOME = {**MANY, "op": "gte", "value": 1}


@pytest.mark.parametrize(
    ("condition", "word"),
    [
        pytest.param(tagged("team"), "deleted", id="true"),
        pytest.param(tagged("other"), "skipped not-matched", id="false"),
        pytest.param({"not": [tagged("other")]}, "deleted", id="not false"),
        pytest.param({"not": [tagged("team")]}, "skipped not-matched", id="not true"),
        pytest.param({"or": [tagged("other"), tagged("team")]}, "deleted", id="one of two"),
        pytest.param(
            {"not": [{"and": [tagged("team"), tagged("other")]}]}, "deleted", id="not both"
        ),
        pytest.param(
            {"not": [{"or": [tagged("team"), tagged("other")]}]},
            "skipped not-matched",
            id="not one of two",
        ),
        pytest.param(SOME, "skipped ambiguous", id="about all users"),
        pytest.param({"not": [MANY]}, "skipped ambiguous", id="not about all users"),
        pytest.param({"not": [{"and": [MANY, tagged("team")]}]}, "skipped ambiguous", id="in part"),
    ],
)
def test_a_branch_stands_for_a_key_only_if_it_holds_for_the_user(
    sandbox, custodian, account, condition, word
):
    """The user's young key lets the user through, so the old key's branch is asked again.

    What cannot be asked again, since it is about all users at once, is not taken to be true.
    """
    old, young = inactive_key(account, created=500), inactive_key(account, created=400, off=150)
    account.users["bob"].tags["team"] = "a"
    filters = [INACTIVE_90, {"or": [{"and": [OLD, condition]}, YOUNG]}]
    outcome = custodian.run(account.id, delete_policy(filters=filters))
    assert outcome.by_key() == {old.id: word, young.id: "deleted"}


def test_a_block_about_the_user_alone_says_nothing_of_keys(sandbox, custodian, account):
    """Beside a filter on keys it selects users, and each key is judged by that filter."""
    old, young = inactive_key(account, created=500), inactive_key(account, created=400, off=150)
    account.users["bob"].tags["team"] = "a"
    filters = [INACTIVE_90, OLD, {"or": [tagged("team"), tagged("other")]}]
    outcome = custodian.run(account.id, delete_policy(filters=filters))
    assert outcome.by_key() == {old.id: "deleted", young.id: "skipped not-matched"}


@pytest.mark.parametrize(
    ("filters", "planned"),
    [
        ([INACTIVE_90, OLD], {"old"}),
        ([OLD, INACTIVE_90], {"old"}),
        ([INACTIVE_90], {"old", "young"}),
        ([INACTIVE_90, REPORTED], {"old", "young"}),
    ],
)
def test_a_plan_lists_what_the_same_policy_would_delete(
    custodian, account, tmp_path, filters, planned
):
    """After a dry run, whatever annotation the last filter left."""
    keys = {"old": inactive_key(account, created=500), "young": inactive_key(account, created=400)}
    outcome = custodian.run(account.id, delete_policy(filters=filters), arguments=("--dryrun",))
    plan = tmp_path / "plan.csv"
    must("c7n-inactive-keys", "report", "-s", outcome.out, "--plan", plan)
    listed = {row["AccessKeyId"] for row in csv.DictReader(plan.open())}
    assert listed == {keys[name].id for name in planned}
