# SPDX-License-Identifier: Apache-2.0
"""The filter among others, through stock Custodian: blocks, built-in filters, other policies."""

from __future__ import annotations

from typing import Any

import pytest

from tests.deletion.custodian import days_ago

from .policies import keys, ours, policy

pytestmark = pytest.mark.e2e

ACCOUNT = "111111111111"
# Each user has key A of 500 days and key B of 300; days for which they are off, None: active.
OFF = {"one": (60, None), "each": (60, 10), "young": (10, None), "both": (60, 200)}
CREATED = {"A": 500, "B": 300}
OFF_5, OFF_30, OFF_80 = (ours(days=days) for days in (5, 30, 80))
YOUNG = {"UserName": "young"}
NEW_KEYS = {
    "type": "access-key", "key": "CreateDate", "value_type": "age", "value": 400, "op": "less-than"
}  # fmt: skip
OLD_ROWS = {
    "type": "credential", "key": "access_keys.last_rotated", "value_type": "age", "value": 400,
    "op": "greater-than",
}  # fmt: skip
INACTIVE_KEYS = {"type": "access-key", "key": "Status", "value": "Inactive"}
DISABLE = {"type": "remove-keys", "matched": True, "disable": True}

# By filters: the keys that are matched, as user and letter.
SELECTIONS: dict[str, tuple[list[Any], str]] = {
    "alone": ([OFF_30], "one.A each.A both.A both.B"),
    "several": ([OFF_5, OFF_80], "both.B"),
    "several-the-other-way": ([OFF_80, OFF_5], "both.B"),
    "several-of-other-certainty": (
        [OFF_5, ours(days=100, certainty="possible")],
        "both.B",
    ),
    "and": ([{"and": [OFF_5, OFF_30]}], "one.A each.A both.A both.B"),
    "or": ([{"or": [OFF_80, OFF_30]}], "one.A each.A both.A both.B"),
    "or-united": ([{"or": [{"and": [YOUNG, OFF_5]}, OFF_80]}], "young.A both.B"),
    "or-where-a-branch-fails-late": (
        [{"or": [OFF_80, {"and": [OFF_5, YOUNG]}]}],
        "young.A both.B",
    ),
    "or-where-the-first-branch-fails-late": (
        [{"or": [{"and": [OFF_5, YOUNG]}, OFF_80]}],
        "young.A both.B",
    ),
    "or-with-another-filter": (
        [{"or": [YOUNG, OFF_80]}, OFF_5],
        "young.A both.B",
    ),
    "or-then-and": ([{"or": [OFF_5, OFF_80]}, OFF_30], "one.A each.A both.A both.B"),
    "not-behind": ([OFF_5, {"not": [OFF_80]}], "one.A each.A each.B young.A"),
    "not-before": ([{"not": [OFF_80]}, OFF_5], "one.A each.A each.B young.A"),
    "not-alone": ([{"not": [OFF_30]}], ""),
    "not-not": ([{"not": [{"not": [OFF_30]}]}], ""),
    "not-not-and-once-more": ([{"not": [{"not": [OFF_30]}]}, OFF_30],
                              "one.A each.A both.A both.B"),
    "nested": (
        [{"or": [{"and": [OFF_30, {"not": [OFF_80]}]}, {"and": [YOUNG, OFF_5]}]}],
        "one.A each.A young.A",
    ),
    "nested-under-not": (
        [{"and": [OFF_5, {"not": [{"or": [YOUNG, OFF_80]}]}]}],
        "one.A each.A each.B",
    ),
    "and-under-not": (
        [OFF_5, {"not": [{"and": [OFF_5, OFF_80]}]}],
        "one.A each.A each.B young.A",
    ),
}  # fmt: skip
USERS_ONLY = {"not-alone": {"young"}, "not-not": {"one", "each", "both"}}

# Filters with built-in ones among them, and the keys that remove-keys must act on.
WITH_BUILT_IN: dict[str, tuple[list[Any], str]] = {
    "ours": ([OFF_30], "one.A each.A both.A both.B"),
    "ours-twice": ([OFF_5, OFF_80], "both.B"),
    "ours-in-or": ([{"or": [OFF_80, {"and": [YOUNG, OFF_5]}]}], "young.A both.B"),
    "ours-in-or-late": ([{"or": [OFF_80, {"and": [OFF_5, YOUNG]}]}], "young.A both.B"),
    "ours-and-not": ([OFF_5, {"not": [OFF_80]}], "one.A each.A each.B young.A"),
    "access-key-before": ([NEW_KEYS, OFF_5], "each.B both.B"),
    "access-key-behind": ([OFF_5, NEW_KEYS], "each.B both.B"),
    "access-key-around": ([INACTIVE_KEYS, OFF_5, NEW_KEYS], "each.B both.B"),
    "access-key-before-and-not": ([NEW_KEYS, {"not": [OFF_80]}, OFF_5], "each.B"),
    "credential-before": ([OLD_ROWS, OFF_5], "one.A each.A young.A both.A"),
    "access-key-in-or": (
        [{"or": [{"and": [NEW_KEYS, {"UserName": "one"}]}, OFF_80]}, {"UserName": "both"}],
        "both.B",
    ),
}


def fill(aws: Any, account_id: str) -> None:
    """The four users and their keys, all changes in event history but those it forgot."""
    account = aws.account(account_id)
    for name, moments in OFF.items():
        user = account.user(name)
        for letter, days in zip(CREATED, moments, strict=True):
            user.key(created=days_ago(CREATED[letter]), toggles=[days_ago(days)] if days else ())


def letters(aws: Any, account_id: str) -> dict[str, str]:
    """The keys as user and letter, by access key id."""
    return {
        key.id: f"{user.name}.{letter}"
        for user in aws.account(account_id).users.values()
        for letter, key in zip(CREATED, user.keys, strict=True)
    }


@pytest.fixture(scope="module", name="found")
def _found(aws, custodian):
    """A run of a policy for each selection."""
    fill(aws, ACCOUNT)
    outcome = custodian.run(
        ACCOUNT, *(policy(name, *filters) for name, (filters, _) in SELECTIONS.items())
    )
    assert outcome.status == 0, outcome.log
    return outcome


@pytest.mark.parametrize("name", SELECTIONS)
def test_blocks_unite_and_intersect_keys(found, aws, name):
    """`or` unites, `and` and the policy's own list intersect, `not` leaves none of its own."""
    names = letters(aws, ACCOUNT)
    matched = {
        names[key["AccessKeyId"]]
        for user in found.resources(name)
        for key in user.get("c7n:InactiveAccessKeys", ())
    }
    assert matched == set(SELECTIONS[name][1].split())


@pytest.mark.parametrize("name", SELECTIONS)
def test_custodian_s_own_annotation_holds_the_same_keys(found, name):
    """`c7n:matched-keys`, on which remove-keys acts, has neither more nor less."""
    for user in found.resources(name):
        ours = {key["AccessKeyId"] for key in user.get("c7n:InactiveAccessKeys", ())}
        assert {key["AccessKeyId"] for key in user.get("c7n:matched-keys", ())} == ours


@pytest.mark.parametrize("name", USERS_ONLY)
def test_under_not_users_are_chosen_but_no_keys(found, name):
    """What stands under `not` leaves no annotation behind."""
    users = found.resources(name)
    assert {user["UserName"] for user in users} == USERS_ONLY[name]
    for user in users:
        assert not user.get("c7n:InactiveAccessKeys")
        assert not user.get("c7n:matched-keys")


# -- remove-keys ----------------------------------------------------------------------------------


def disabled(aws: Any, account_id: str) -> list[str]:
    """The keys that UpdateAccessKey was called for, as user and letter, sorted."""
    names = letters(aws, account_id)
    return sorted(names[call.key_id] for call in aws.calls.select("UpdateAccessKey", account_id))


@pytest.mark.parametrize("name", WITH_BUILT_IN)
def test_remove_keys_acts_on_exactly_the_matched_keys(aws, custodian, name):
    """Each of them once; never an active key, never one for which only the other key stands."""
    account_id = f"5{[*WITH_BUILT_IN].index(name):011}"
    fill(aws, account_id)
    filters, expected = WITH_BUILT_IN[name]
    outcome = custodian.run(account_id, policy(name, *filters, actions=(DISABLE,)))
    assert outcome.status == 0, outcome.log
    assert disabled(aws, account_id) == sorted(expected.split())


def test_a_credential_filter_behind_ours_never_widens_the_choice(aws, custodian):
    """Custodian knows its keys by rows of the report, without a key id; then fewer are chosen."""
    account_id = "600000000000"
    fill(aws, account_id)
    outcome = custodian.run(account_id, policy("behind", OFF_5, OLD_ROWS, actions=(DISABLE,)))
    assert outcome.status == 0, outcome.log
    assert set(disabled(aws, account_id)) <= {"one.A", "each.A", "young.A", "both.A"}


def test_keys_of_the_same_second_are_not_taken_for_each_other(aws, custodian):
    """A row of the credential report stands for either of them, so neither is acted on."""
    account_id = "600000000001"
    user = aws.account(account_id).user("twins")
    user.key(created=days_ago(500), toggles=[days_ago(60)])
    user.key(created=user.keys[0].created)
    for filters in ([OLD_ROWS, OFF_5], [OFF_5, OLD_ROWS]):
        outcome = custodian.run(account_id, policy("twins", *filters, actions=(DISABLE,)))
        assert outcome.status == 0, outcome.log
        assert aws.calls.count("UpdateAccessKey", account_id) == 0


DELETIONS = {
    "access-key-before": ([NEW_KEYS, OFF_5], "each.B both.B"),
    "access-key-behind": ([OFF_5, NEW_KEYS], "each.B both.B"),
    "credential-before": ([OLD_ROWS, OFF_5], "one.A each.A young.A both.A"),
    "credential-behind": ([OFF_5, OLD_ROWS], "one.A each.A young.A both.A"),
    "both-around": ([OLD_ROWS, OFF_5, INACTIVE_KEYS], "one.A each.A young.A both.A"),
    "access-key-and-not": ([{"not": [OFF_80]}, OFF_5, NEW_KEYS], "each.B"),
}


@pytest.mark.parametrize("name", DELETIONS)
def test_our_deletion_asks_all_key_filters_in_any_order(aws, custodian, name):
    """Only keys that ours and the built-in filters matched, by access key id."""
    account_id = f"3{[*DELETIONS].index(name):011}"
    fill(aws, account_id)
    names = letters(aws, account_id)
    filters, expected = DELETIONS[name]
    outcome = custodian.run(account_id, policy(name, *filters, actions=("delete-inactive-keys",)))
    assert outcome.status == 0, outcome.log
    deleted = {names[call.key_id] for call in aws.calls.select("DeleteAccessKey", account_id)}
    assert deleted == set(expected.split())


# -- policies in one process ----------------------------------------------------------------------

SOURCES = ("describe", "credential-report")
CACHES = {
    "none": (),
    "memory": ("--cache", "memory", "--cache-period", "15"),
    "sqlite": ("--cache", "cache.db", "--cache-period", "15"),
}
BUILT_IN = ([NEW_KEYS], "one.B each.B young.B both.B")


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("cache", CACHES)
def test_nothing_leaks_into_a_later_policy(aws, custodian, cache, source):
    """The built-in filter with remove-keys acts on its own keys, whatever ours matched before."""
    account_id = f"7{SOURCES.index(source)}{[*CACHES].index(cache):010}"
    fill(aws, account_id)
    outcome = custodian.run(
        account_id,
        policy("ours-before", OFF_5, source=source),
        policy("ours-in-blocks", {"or": [OFF_80, {"not": [OFF_30]}]}, source=source),
        policy("built-in", *BUILT_IN[0], actions=(DISABLE,), source=source),
        arguments=CACHES[cache],
    )
    assert outcome.status == 0, outcome.log
    # Each user is described once if the policies share them, else once for each policy.
    assert aws.calls.count("GetUser", account_id) == (12 if cache == "none" else 4)
    assert disabled(aws, account_id) == sorted(BUILT_IN[1].split())
    for user in outcome.resources("built-in"):
        assert not [name for name in user if name.startswith("c7n:InactiveAccessKeys")]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("cache", CACHES)
def test_nothing_leaks_from_an_earlier_policy_into_ours(aws, custodian, cache, source):
    """What other policies matched before neither narrows nor widens the choice."""
    account_id = f"8{SOURCES.index(source)}{[*CACHES].index(cache):010}"
    fill(aws, account_id)
    outcome = custodian.run(
        account_id,
        policy("built-in-before", *BUILT_IN[0], source=source),
        policy("ours-before", OFF_5, source=source),
        policy("ours", OFF_30, actions=(DISABLE,), source=source),
        arguments=CACHES[cache],
    )
    assert outcome.status == 0, outcome.log
    assert disabled(aws, account_id) == ["both.A", "both.B", "each.A", "one.A"]


def test_a_cached_list_of_users_does_not_hide_a_reactivated_key(aws, custodian, tmp_path):
    """Keys are listed live, also where the users come from the cache of an earlier run."""
    account_id = "900000000000"
    fill(aws, account_id)
    arguments = ("--cache", str(tmp_path / "cache.db"), "--cache-period", "15")
    report = policy("report", OFF_30)
    assert len(keys(custodian.run(account_id, report, arguments=arguments), "report")) == 4
    before = aws.calls.count("GetUser", account_id)
    aws.account(account_id).users["one"].keys[0].activate()
    again = custodian.run(account_id, report, arguments=arguments)
    names = letters(aws, account_id)
    assert {names[key_id] for key_id in keys(again, "report")} == {"each.A", "both.A", "both.B"}
    assert aws.calls.count("GetUser", account_id) == before
