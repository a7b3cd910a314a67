# SPDX-License-Identifier: Apache-2.0
"""Random blocks of ours, Custodian's own key filters and tags: no key goes that fails them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from c7n_inactive_keys_sandbox import Account, Key, Sandbox
from tests.support.accounts import ACCOUNT, days_ago, recorded
from tests.support.custodian import custodian
from tests.support.policies import ours

from .trees import has_tag

pytestmark = pytest.mark.e2e

TREES = 40
# Created so many days ago; off for so many, or on.
KEYS = {
    "a": ((1000, 400), (500, 20)),
    "b": ((900, 400), (600, None)),
    "c": ((800, 20), (1200, 15)),
    "d": ((700, 300), (950, 300)),
}


def older(days: float) -> dict[str, Any]:
    """Keys that were created at least so long ago."""
    age = {"type": "access-key", "key": "CreateDate", "value_type": "age", "op": "gte"}
    return {**age, "value": days}


LEAVES = (ours(10), ours(90), ours(90), older(550), older(750), older(925), has_tag())


def _tree(chance: random.Random, depth: int) -> dict[str, Any]:
    if depth and chance.random() < 0.7:
        block = chance.choice(("and", "or", "or", "and", "not") if depth < 3 else ("and", "or"))
        return {block: [_tree(chance, depth - 1) for _ in range(chance.choice((2, 2, 3)))]}
    return dict(chance.choice(LEAVES))


def _branches(chance: random.Random) -> dict[str, Any]:
    """Two branches of ours and an age each: the longer off, the younger a key may be."""
    ages = sorted(chance.sample((450, 550, 650, 750, 850, 925, 975, 1100), 2), reverse=True)
    branches = []
    for days, age in zip((10, 90), ages, strict=True):
        filters = [ours(days), older(age)] + [has_tag()] * chance.choice((0, 0, 1))
        branches.append({"and": chance.sample(filters, len(filters))})
    return {"or": chance.sample(branches, 2)}


def passes(tree: Mapping[str, Any], key: Key, pair: list[Key], now: datetime) -> bool:
    """Whether a key, of the pair that its user has, satisfies a tree by itself.

    What stands under `not` is about the user.
    """
    if "and" in tree:
        return all(passes(item, key, pair, now) for item in tree["and"])
    if "or" in tree:
        return any(passes(item, key, pair, now) for item in tree["or"])
    if "not" in tree:
        return not all(_user_passes(item, pair, now) for item in tree["not"])
    if tree.get("type") == "access-key":
        return now - key.created >= timedelta(days=tree["value"])
    if tree.get("type") == "inactive-access-key":
        off = key.deactivated
        return off is not None and now - off >= timedelta(days=tree["days"])
    return "team" in key.user.tags


def _user_passes(tree: Mapping[str, Any], pair: list[Key], now: datetime) -> bool:
    if "and" in tree:
        return all(_user_passes(item, pair, now) for item in tree["and"])
    if "or" in tree:
        return any(_user_passes(item, pair, now) for item in tree["or"])
    if "not" in tree:
        return not all(_user_passes(item, pair, now) for item in tree["not"])
    return any(passes(tree, key, pair, now) for key in pair)


def _fill(account: Account, number: int) -> list[list[Key]]:
    """Users of its own for each tree, each with a tag and without; their pairs of keys."""
    pairs = []
    for name, pair in KEYS.items():
        for tags in ({}, {"team": "x"}):
            user = account.user(f"{number}.{name}{len(tags)}", f"/{number}/", tags, days_ago(2000))
            pairs.append(
                [
                    user.key(days_ago(created), [] if off is None else [days_ago(off)])
                    for created, off in pair
                ]
            )
    return pairs


@dataclass(frozen=True)
class Deleted:
    """The trees, the pairs of keys that were there for each, and the ids of what went."""

    trees: list[dict[str, Any]]
    pairs: list[list[list[Key]]]
    gone: set[str]
    now: datetime

    def passing(self, number: int) -> set[str]:
        """The ids of inactive keys that satisfy a tree by themselves."""
        return {
            key.id
            for pair in self.pairs[number]
            for key in pair
            if key.status == "Inactive" and passes(self.trees[number], key, pair, self.now)
        }


@pytest.fixture(scope="module", name="deleted")
def _deleted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deleted]:
    """One run of a deletion for each tree."""
    chance = random.Random(11)
    # A policy without a filter of ours outside of `not` is refused.
    trees = [{"and": [ours(10), _tree(chance, 3)]} for _ in range(TREES // 2)]
    trees += [_branches(chance) for _ in range(TREES // 2)]
    with Sandbox() as sandbox:
        account = sandbox.account(ACCOUNT)
        pairs = [_fill(account, number) for number in range(TREES)]
        policies = [
            {
                "name": f"tree-{number}",
                "resource": "aws.iam-user",
                "filters": [{"type": "value", "key": "Path", "value": f"/{number}/"}, tree],
                "actions": [{"type": "delete-inactive-keys"}],
            }
            for number, tree in enumerate(trees)
        ]
        recorded(account)
        home = tmp_path_factory.mktemp("trees")
        now = days_ago(0)
        run = custodian(sandbox, home, "--cache", "memory", policies=policies)
        assert run.status == 0, run.log
        gone = {str(call.key_id) for call in sandbox.calls.select("DeleteAccessKey")}
        yield Deleted(trees, pairs, gone, now)


@pytest.mark.parametrize("number", range(TREES))
def test_only_inactive_keys_that_pass_by_themselves_are_deleted(
    deleted: Deleted, number: int
) -> None:
    """Whatever the user's other key satisfies."""
    ids = {key.id for pair in deleted.pairs[number] for key in pair}
    assert deleted.gone & ids <= deleted.passing(number), deleted.trees[number]


def test_most_of_what_passes_is_deleted(deleted: Deleted) -> None:
    """Nearly all: a key for which only ours stands in an `or` stays, and so does an unclear one."""
    passing = set().union(*(deleted.passing(number) for number in range(TREES)))
    assert len(deleted.gone) > 0.7 * len(passing)
