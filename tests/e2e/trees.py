# SPDX-License-Identifier: Apache-2.0
"""Filters as trees, and what they mean: an oracle from the sandbox's books, not from our filter."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from c7n_inactive_keys.sandbox import Key, User

WINDOW = 90.0  # days of event history


@dataclass(frozen=True)
class Meaning:
    """Whether a user matches, and the ids of its keys that are selected; None: no say on keys."""

    matches: bool
    keys: frozenset[str] | None = None


def ours(days: float = 0, **options: Any) -> dict[str, Any]:
    """The filter of this package."""
    return {"type": "inactive-access-key", "days": days, **options}


def has_tag(name: str = "team") -> dict[str, Any]:
    """A filter on the user, not on its keys."""
    return {f"tag:{name}": "present"}


def meaning(tree: Any, user: User, now: datetime) -> Meaning:
    """What a filter says of a user.

    A user matches as by plain logic. In `and` the keys are intersected, in `or` united, over those
    blocks and filters that have a say: a filter of ours that matched the user has, one on the
    user's tags has none, and neither has anything under `not`.
    """
    if "and" in tree or "or" in tree:
        operator = "and" if "and" in tree else "or"
        return _combine(operator, [meaning(item, user, now) for item in tree[operator]])
    if "not" in tree:
        return Meaning(not all(meaning(item, user, now).matches for item in tree["not"]))
    if tree.get("type") == "inactive-access-key":
        keys = frozenset(key.id for key in user.keys if _qualifies(key, tree, now))
        return Meaning(bool(keys), keys or None)
    return Meaning("team" in user.tags)


def _combine(operator: str, parts: list[Meaning]) -> Meaning:
    matches = (all if operator == "and" else any)(part.matches for part in parts)
    said = [part.keys for part in parts if part.keys is not None and part.matches]
    if not matches or not said:
        return Meaning(matches)
    join = frozenset.intersection if operator == "and" else frozenset.union
    return Meaning(matches, join(*said))


def _qualifies(key: Key, options: dict[str, Any], now: datetime) -> bool:
    if key.status != "Inactive":
        return False
    if options.get("certainty") == "possible":
        # Known to have been active when it was created, and nothing else is known from before
        # the event history.
        off = (now - key.deactivated) / timedelta(days=1)
        known = off if off <= WINDOW else (now - key.created) / timedelta(days=1)
        return known >= options["days"]
    return min(WINDOW, (now - key.deactivated) / timedelta(days=1)) >= options["days"]


def random_trees(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Blocks of up to three levels, the same in every run; each holds a filter of ours."""
    chance = random.Random(seed)
    while count:
        tree = _tree(chance, 3)
        if any(item.get("type") for item in leaves(tree)):
            yield tree
            count -= 1


def _tree(chance: random.Random, depth: int) -> dict[str, Any]:
    if depth and chance.random() < (1 if depth == 3 else 0.6):
        block = chance.choice(("and", "or", "and", "or", "not"))
        return {block: [_tree(chance, depth - 1) for _ in range(chance.choice((1, 2, 2, 3)))]}
    if chance.random() < 0.25:
        return has_tag()
    certainty = chance.choice(("proven", "proven", "possible"))
    return ours(chance.choice((0, 10, 45, 90, 600)), certainty=certainty)


def leaves(tree: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """The filters of a tree that are no blocks."""
    for block in ("and", "or", "not"):
        if block in tree:
            for item in tree[block]:
                yield from leaves(item)
            return
    yield tree
