# SPDX-License-Identifier: Apache-2.0
"""Filters as trees, and what they mean: an oracle from the sandbox's books, not from our filter."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from c7n_inactive_keys_sandbox import Key, User

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


def meaning(tree: Any, user: User, now: datetime, outer: frozenset[str] | None = None) -> Meaning:
    """What a filter says of a user, if the filters around it have left the `outer` keys.

    In `and` the keys are intersected, in `or` united, over those blocks and filters that have a
    say: a filter of ours that matched the user has, one on the user's tags has none. A filter of
    ours matches if at least one of the keys that are left does. Under `not` nothing has a say, and
    users match as by plain logic.
    """
    if "and" in tree:
        return _all(tree["and"], user, now, outer)
    if "or" in tree:
        parts = [meaning(item, user, now, outer) for item in tree["or"]]
        said = [part.keys for part in parts if part.matches and part.keys is not None]
        return Meaning(
            any(part.matches for part in parts), frozenset().union(*said) if said else None
        )
    if "not" in tree:
        return Meaning(not all(plainly(item, user, now) for item in tree["not"]))
    if tree.get("type") == "inactive-access-key":
        keys = frozenset(key.id for key in user.keys if _qualifies(key, tree, now))
        left = keys if outer is None else keys & outer
        return Meaning(bool(left), keys)
    return Meaning("team" in user.tags)


def _all(
    filters: Iterable[Any], user: User, now: datetime, outer: frozenset[str] | None
) -> Meaning:
    said: frozenset[str] | None = None
    for item in filters:
        left = outer if said is None else said if outer is None else said & outer
        part = meaning(item, user, now, left)
        if not part.matches:
            return Meaning(matches=False)
        if part.keys is not None:
            said = part.keys if said is None else said & part.keys
    return Meaning(matches=True, keys=said)


def plainly(tree: Any, user: User, now: datetime) -> bool:
    """Whether a user matches as by plain logic, one filter by one key and another by another."""
    if "and" in tree:
        return all(plainly(item, user, now) for item in tree["and"])
    if "or" in tree:
        return any(plainly(item, user, now) for item in tree["or"])
    return meaning(tree, user, now).matches


def _qualifies(key: Key, options: dict[str, Any], now: datetime) -> bool:
    if key.status != "Inactive":
        return False
    if "notified-days" in options:
        return "notified=" in key.user.tags.get(f"c7n-inactive-key:{key.id}", "")
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
    if chance.random() < 0.25:
        return ours(**{"notified-days": 1})
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
