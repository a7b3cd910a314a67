# SPDX-License-Identifier: Apache-2.0
"""Blocks, several filters, Custodian's own key filters, and the two actions behind ours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from c7n_inactive_keys_sandbox import Account, Sandbox
from tests.support.accounts import ACCOUNT, days_ago, recorded
from tests.support.custodian import custodian
from tests.support.outcome import Outcome
from tests.support.policies import ours

from .account import fill
from .trees import has_tag, meaning, random_trees

pytestmark = pytest.mark.e2e


def policy(name: str, *filters: Any, **more: Any) -> dict[str, Any]:
    """A policy over all users, as Custodian's own source lists them."""
    return {"name": name, "resource": "aws.iam-user", "filters": [*filters], **more}


def ids(user: Mapping[str, Any], annotation: str) -> set[str]:
    """The access key ids in an annotation of a user; empty if there is none."""
    return {key["AccessKeyId"] for key in user.get(annotation, ())}


# -- blocks and several filters of ours -----------------------------------------------------------

# What a reader of docs/prove.md expects, by hand; keys as in account.py.
LONG = {"long/off", "team-long/off", "young/off", "both/off", "team-both/off"}
LONG |= {"mixed/off", "team-mixed/off", "twins/off"}
NEW = {"short/new", "team-short/new", "both/new", "team-both/new", "middle/new"}
BLOCKS: dict[str, tuple[list[Any], set[str]]] = {
    "all": ([ours()], LONG | NEW | {"middle/mid"}),
    "proven": ([ours(90)], LONG),
    "possible": ([ours(600, certainty="possible")], LONG - {"young/off"}),
    "a-list-intersects": ([ours(), ours(90)], LONG),
    "and-intersects": ([{"and": [ours(90), ours(10)]}], LONG),
    "or-unites": ([{"or": [ours(90), ours(45)]}], LONG | {"middle/mid"}),
    "nested": ([ours(), {"or": [{"and": [ours(10), ours(90)]}, ours(45)]}], LONG | {"middle/mid"}),
    "not-leaves-none": ([{"not": [ours(90)]}], set()),
    "not-not-leaves-none": ([{"not": [{"not": [ours(90)]}]}], set()),
    "not-or-leaves-none": ([{"not": [{"or": [ours(90), has_tag()]}]}], set()),
    "new-without-an-old": (
        [ours(10), {"not": [ours(90)]}],
        {"short/new", "team-short/new", "middle/mid"},
    ),
    # Scenario 2: no key is both, so nobody is told of a user of whom no key is left.
    "one-key-each": ([ours(90), ours(**{"notified-days": 1})], set()),
    "one-key-each-in-or": (
        [ours(90), {"or": [has_tag(), ours(**{"notified-days": 1})]}],
        {key for key in LONG if key.startswith("team-")},
    ),
    "or-with-a-tag": ([{"or": [has_tag(), ours(90)]}], LONG),
    "and-with-a-tag": ([has_tag(), ours(90)], {key for key in LONG if key.startswith("team-")}),
    "or-with-not": ([{"or": [{"not": [ours()]}, ours(90)]}], LONG),
}
TREES = {f"random-{number}": tree for number, tree in enumerate(random_trees(40, seed=7))}


@dataclass(frozen=True)
class Blocks:
    """A run of all these policies over one account."""

    account: Account
    names: Mapping[str, str]
    run: Outcome
    now: datetime


@pytest.fixture(scope="module", name="blocks")
def _blocks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Blocks]:
    """In one process and with the in-memory cache, so that whatever leaks would be seen."""
    with Sandbox() as sandbox:
        account, names = fill(sandbox)
        policies = [policy(name, *filters) for name, (filters, _) in BLOCKS.items()]
        policies += [policy(name, tree) for name, tree in TREES.items()]
        now = days_ago(0)
        home = tmp_path_factory.mktemp("blocks")
        run = custodian(sandbox, home, "--cache", "memory", policies=policies)
        assert run.status == 0, run.log
        yield Blocks(account, names, run, now)


@pytest.mark.parametrize("case", BLOCKS)
def test_blocks_select_the_keys_that_the_documentation_says(blocks: Blocks, case: str) -> None:
    """`and` intersects, `or` unites, under `not` nothing is left; Custodian's annotation agrees."""
    users = blocks.run.resources(case)
    for annotation in ("c7n:InactiveAccessKeys", "c7n:matched-keys"):
        found = {blocks.names[key_id] for user in users for key_id in ids(user, annotation)}
        assert found == BLOCKS[case][1]


def test_a_user_of_whom_no_key_is_left_does_not_match(blocks: Blocks) -> None:
    """Scenario 2: two filters that different keys matched are no reason for a notice."""
    assert blocks.run.resources("one-key-each") == []


@pytest.mark.parametrize("case", TREES)
def test_any_tree_of_filters_means_what_the_oracle_says(blocks: Blocks, case: str) -> None:
    """Users as by plain logic, keys by union and intersection, and none of an earlier policy."""
    found = {user["UserName"]: user for user in blocks.run.resources(case)}
    expected = {
        name: meaning(TREES[case], user, blocks.now) for name, user in blocks.account.users.items()
    }
    assert set(found) == {name for name, said in expected.items() if said.matches}
    for name, user in found.items():
        keys = expected[name].keys or set()
        assert ids(user, "c7n:InactiveAccessKeys") == keys, name
        assert ids(user, "c7n:matched-keys") == keys, name


# -- Custodian's own key filters and the actions --------------------------------------------------

ACTIVE = {"type": "access-key", "key": "Status", "value": "Active"}
INACTIVE = {"type": "access-key", "key": "Status", "value": "Inactive"}
# The sandbox's report is there at once: no need to wait ten seconds for it.
NO_PASSWORD = {"type": "credential", "key": "password_enabled", "value": False, "report_delay": 0}
REPORTED = {"type": "credential", "key": "access_keys.active", "value": False, "report_delay": 0}
REPORTED_ON = {**REPORTED, "value": True}
OFF = {"both/off", "mixed/off"}
ON = {"mixed/on", "on/on", "team-on/on"}


@dataclass(frozen=True)
class Case:
    """Filters, the keys on which the built-in remove-keys acts, and those that ours deletes.

    None: the policy is refused, or Custodian's action fails for want of its own annotation.
    """

    filters: list[Any]
    acted_on: set[str] | None
    deleted: set[str] | None


def same(*filters: Any, keys: set[str]) -> Case:
    """Both actions treat the same keys."""
    return Case([*filters], keys, keys)


CASES = {
    "ours": same(ours(90), keys=OFF),
    "ours-of-any-age": same(ours(), keys=OFF | {"both/new", "short/new"}),
    "ours-then-active": same(ours(90), ACTIVE, keys=set()),
    "active-then-ours": same(ACTIVE, ours(90), keys=set()),
    "ours-then-inactive": same(ours(90), INACTIVE, keys=OFF),
    "inactive-then-ours": same(INACTIVE, ours(90), keys=OFF),
    "no-active-key-then-ours": same({"not": [ACTIVE]}, ours(90), keys={"both/off"}),
    "ours-then-no-active-key": same(ours(90), {"not": [ACTIVE]}, keys={"both/off"}),
    "no-password-then-ours": same(NO_PASSWORD, ours(90), keys=OFF),
    "ours-then-no-password": same(ours(90), NO_PASSWORD, keys=OFF),
    "reported-then-ours": same(REPORTED, ours(90), keys=OFF),
    # Custodian compares rows of the report with keys, and finds no two equal: nothing happens.
    "ours-then-reported": Case([ours(90), REPORTED], set(), OFF),
    "none-reported-on-then-ours": same({"not": [REPORTED_ON]}, ours(90), keys={"both/off"}),
    # remove-keys takes what either matched; ours deletes what both of them mean.
    "active-or-ours": Case([{"or": [ACTIVE, ours(90)]}], OFF | ON, set()),
    "ours-or-active": Case([{"or": [ours(90), ACTIVE]}], OFF | ON, set()),
    "tag-or-ours": same({"or": [has_tag(), ours(90)]}, keys=OFF),
    "no-password-or-ours": same({"or": [NO_PASSWORD, ours(90)]}, keys=OFF),
    "tagged-active-or-ours": Case(
        [{"or": [{"and": [ACTIVE, has_tag()]}, ours(90)]}], OFF | {"team-on/on"}, set()
    ),
    "active-or-tag-then-ours": same({"or": [ACTIVE, has_tag()]}, ours(90), keys=set()),
    "twice-ours": same({"and": [ours(10), ours(90)]}, keys=OFF),
    "new-without-an-old": same(ours(), {"not": [ours(90)]}, keys={"short/new"}),
    "not-ours": Case([{"not": [ours(90)]}], None, None),
    "active-then-not-ours": Case([ACTIVE, {"not": [ours(90)]}], {"on/on", "team-on/on"}, None),
}


def fill_case(account: Account, case: str, names: dict[str, tuple[str, str]]) -> None:
    """Users of its own for each case, under a path that is the case's name."""

    def give(user: str, key: str, created: float, *toggles: float, **tags: str) -> None:
        made = account.user(f"{case}.{user}", f"/{case}/", tags, days_ago(2000)).key(
            created=days_ago(created), toggles=[days_ago(days) for days in toggles]
        )
        names[made.id] = (case, f"{user}/{key}")

    give("both", "off", 1000, 400)
    give("both", "new", 500, 20)
    give("mixed", "off", 900, 400)
    give("mixed", "on", 600)
    give("short", "new", 800, 20)
    give("on", "on", 700)
    give("team-on", "on", 650, team="a")


def before(number: int) -> list[Any]:
    """The filters of a policy that goes before, and annotates every user of a case."""
    return [[{"or": [ACTIVE, ours()]}], [ACTIVE, {"or": [ours(), NO_PASSWORD]}]][number % 2]


def older(days: float) -> dict[str, Any]:
    """Keys that were created at least so long ago."""
    age = {"type": "access-key", "key": "CreateDate", "value_type": "age", "op": "gte"}
    return {**age, "value": days}


# Each half of a block is satisfied by another key: only a key that satisfies one whole branch goes.
CASES |= {
    # remove-keys takes less: Custodian's own filters intersect across the branches.
    "each-key-half-a-branch": Case(
        [{"or": [{"and": [ours(10), older(950)]}, {"and": [ours(90), older(450)]}]}],
        {"both/off"},
        {"both/off", "mixed/off"},
    ),
    "a-key-in-neither-branch": same(
        {"or": [{"and": [ours(10), older(900)]}, {"and": [ours(500), older(450)]}]}, keys=OFF
    ),
    # remove-keys takes what the branch that failed for want of a tag had matched before.
    "a-branch-that-failed": Case(
        [ours(), {"or": [{"and": [older(450), has_tag()]}, older(950)]}],
        {"both/off", "both/new"},
        {"both/off"},
    ),
}


@dataclass(frozen=True)
class Acted:
    """The keys on which each case's action acted."""

    run: Outcome
    keys: Mapping[str, set[str]]


def act(
    home: Path, cases: list[str], cache: tuple[str, ...], call: str, action: dict[str, Any]
) -> Acted:
    """One run of all cases, each behind a policy that annotates every user."""
    with Sandbox() as sandbox:
        account = sandbox.account(ACCOUNT)
        names: dict[str, tuple[str, str]] = {}
        policies = []
        for number, case in enumerate(cases):
            fill_case(account, case, names)
            own = {"type": "value", "key": "Path", "value": f"/{case}/"}
            policies.append(policy(f"before-{case}", own, *before(number)))
            policies.append(policy(case, own, *CASES[case].filters, actions=[action]))
        recorded(account)
        run = custodian(sandbox, home, *cache, policies=policies)
        keys = defaultdict(set)
        for item in sandbox.calls.select(call):
            case, name = names[str(item.key_id)]
            assert item.user == f"{case}.{name.split('/')[0]}"
            keys[case].add(name)
        return Acted(run, keys)


@pytest.fixture(scope="module", name="removed", params=["memory", "cache.db"])
def _removed(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Acted:
    """The built-in action, which deletes or disables: disabling leaves the users as they are."""
    home = tmp_path_factory.mktemp("removed")
    action = {"type": "remove-keys", "matched": True, "disable": True}
    return act(home, [*CASES], ("--cache", request.param), "UpdateAccessKey", action)


@pytest.fixture(scope="module", name="deleted")
def _deleted(tmp_path_factory: pytest.TempPathFactory) -> Acted:
    cases = [name for name, case in CASES.items() if case.deleted is not None]
    home = tmp_path_factory.mktemp("deleted")
    action = {"type": "delete-inactive-keys"}
    return act(home, cases, ("--cache", "memory"), "DeleteAccessKey", action)


@pytest.mark.parametrize("case", CASES)
def test_remove_keys_acts_on_exactly_the_matched_keys(removed: Acted, case: str) -> None:
    """Whatever an earlier policy of the process matched on the same users."""
    assert removed.keys.get(case, set()) == (CASES[case].acted_on or set())


def test_remove_keys_fails_only_where_no_filter_left_a_word(removed: Acted) -> None:
    """Under `not` Custodian takes all annotations away, and its action then fails."""
    failed = {name for name, case in CASES.items() if case.acted_on is None}
    assert removed.run.status == 2
    assert set(removed.run.log.split("had errors while executing")[1].split()) - {"-"} == failed


@pytest.mark.parametrize("case", [name for name, case in CASES.items() if case.deleted is not None])
def test_deletion_takes_only_what_all_key_filters_mean(deleted: Acted, case: str) -> None:
    """By access key id, in whatever order the filters stand."""
    assert deleted.run.status == 0, deleted.run.log
    assert deleted.keys.get(case, set()) == CASES[case].deleted


def test_keys_that_an_earlier_policy_matched_are_not_removed_by_a_later_one(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Scenario 27: remove-keys behind the built-in filter does not see what ours left."""
    user = sandbox.account(ACCOUNT).user("ci", created=days_ago(2000))
    user.key(created=days_ago(900), toggles=[days_ago(400)])
    recorded(user.account)
    active = user.key(created=days_ago(500))
    action = {"type": "remove-keys", "matched": True, "disable": True}
    policies = [
        policy("first", ours(90)),
        policy("later", {**ACTIVE, "match-operator": "and"}, actions=[action]),
    ]
    run = custodian(sandbox, tmp_path, "--cache", "memory", policies=policies)
    assert run.status == 0, run.log
    assert [call.key_id for call in sandbox.calls.select("UpdateAccessKey")] == [active.id]
