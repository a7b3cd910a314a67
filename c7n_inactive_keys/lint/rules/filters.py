# SPDX-License-Identifier: Apache-2.0
"""Filters on keys: whether any key can match, and whether it is the right one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.lint.change import Insert, Put, Step, changed
from c7n_inactive_keys.lint.contract import FILTERS, OPTIONS, SOURCE, is_number
from c7n_inactive_keys.lint.finding import Fault, Remedy
from c7n_inactive_keys.lint.keys import (
    DATES,
    LAST_USED,
    Keys,
    compare,
    numbers,
    panel,
    selected,
)
from c7n_inactive_keys.lint.migration import migration
from c7n_inactive_keys.lint.policy import ACCOUNT, Element, Policy
from c7n_inactive_keys.lint.rendering import block
from c7n_inactive_keys.lint.stock import key_actions
from c7n_inactive_keys.lint.words import says_unused

PRESENCE = ("present", "not-null", "absent", "empty", None)
LENGTH = {"type": "value", "key": 'length("c7n:matched-keys")', "op": "ge", "value": 1}


def check(policy: Policy) -> Iterator[Fault]:
    """What is wrong with the policy's filters on keys."""
    if policy.about_users or ACCOUNT in policy.resources:
        found = [fault for item in policy.key_filters for fault in _of_one(policy, item)]
        yield from found
        if not found:
            yield from _together(policy)
    if policy.about_users:
        yield from _side_by_side(policy)
        yield from _apart(policy)
        yield from _source(policy)


# -- one filter -----------------------------------------------------------------------------------


def _of_one(policy: Policy, item: Element) -> Iterator[Fault]:
    everything = panel(numbers([item]))
    found = compare(item, everything)
    if found is None or item.type in FILTERS:
        return
    repaired = _repaired(item)
    wrong_way = list(_wrong_way(policy, item, repaired, everything))
    if found.error:
        text = f"The run fails here: {found.error}."
        yield Fault("never-matches", item.path, text, _remedy(policy, item, repaired))
    elif not found.matched:
        remedy = None if wrong_way else _remedy(policy, item, repaired)
        yield Fault("never-matches", item.path, _why_never(item), remedy)
    elif found.matched == everything and item.data.get("value") not in PRESENCE:
        text = f"Every key matches: {_shown(item)} is true of each."
        yield Fault("matches-every-key", item.path, text, _remedy(policy, item, repaired))
    yield from wrong_way


def _why_never(item: Element) -> str:
    known = "`Status` and `CreateDate`"
    if item.type == "access-key" and item.column not in ("Status", "CreateDate"):
        return f"No key matches, ever: keys are listed with {known}, without `{item.column}`."
    if item.column in DATES and "value_type" not in item.data:
        return f"No key matches, ever: {_shown(item)} compares a date with what is no date."
    if item.column in DATES and "op" not in item.data:
        return f"No key matches, ever: without `op`, {_shown(item)} asks for that very moment."
    return f"No key matches, ever: {_shown(item)} is true of none."


def _shown(item: Element) -> str:
    parts = [item.column, str(item.data.get("op", "eq")), str(item.data.get("value"))]
    return f"`{' '.join(parts)}`"


def _repaired(item: Element) -> JsonObject:
    """The options that make it match what was meant, as far as that is plain."""
    value = item.data.get("value")
    if item.column in DATES and is_number(value):
        changes: JsonObject = {}
        if item.data.get("value_type") != "age":
            changes["value_type"] = "age"
        if "op" not in item.data:
            changes["op"] = "greater-than"
        return changes
    if item.column == "active" and isinstance(value, str):
        words = {"true": True, "active": True, "false": False, "inactive": False}
        return {"value": words[value.lower()]} if value.lower() in words else {}
    if item.column == "Status" and isinstance(value, str):
        right = value.capitalize()
        return {"value": right} if right in ("Active", "Inactive") and right != value else {}
    return {}


def _remedy(policy: Policy, item: Element, changes: JsonObject) -> Remedy | None:
    if not changes or item.type in FILTERS:
        return None
    steps = tuple(Put((*item.path, name), value) for name, value in changes.items())
    lines = block([{**item.data, **changes}]) + "\n"
    return Remedy(lines, _with_harmless_actions(policy, steps) if key_actions(policy) else steps)


def _with_harmless_actions(policy: Policy, steps: tuple[Put, ...]) -> tuple[Step, ...]:
    """The changes of a filter that matched nobody or the wrong keys, and those of the actions
    behind it: with them alone, a policy that did nothing would begin to take keys away.
    """
    data = policy.data
    for step in steps:
        data = changed(data, step)
    following = migration(Policy(data))
    return (*steps, *following.change) if following and following.change else ()


def _wrong_way(
    policy: Policy, item: Element, repaired: JsonObject, everything: Keys
) -> Iterator[Fault]:
    if item.column != LAST_USED or not (key_actions(policy) or says_unused(policy)):
        return
    data = {**item.data, **repaired}
    found = compare(Element(item.type, data, item.path, item.blocks), everything)
    ages = [key.used for key in found.matched if key.used is not None] if found else []
    if not ages or min(ages) > 1 or item.negated or max(ages) > 7000:
        return
    text = (
        f"It is the wrong way round: with `{data.get('op')}` the keys match that were used within "
        f"{data.get('value')} days, and no unused one does."
    )
    op = "ge" if data.get("op") in ("le", "lte") else "greater-than"
    yield Fault("wrong-way-round", item.path, text, _remedy(policy, item, {**repaired, "op": op}))


# -- filters together -----------------------------------------------------------------------------


def _together(policy: Policy) -> Iterator[Fault]:
    """Filters each of which some key can match, and none all."""
    filters = [item for item in policy.key_filters if not item.negated]
    if len(filters) > 1 and not selected(policy):
        text = "No key can match all of the policy's filters on keys: they rule each other out."
        yield Fault("never-matches", filters[-1].path, text)


def _siblings(policy: Policy, filter_type: str) -> Iterator[list[Element]]:
    """Filters of a type that stand side by side and must all match."""
    groups: dict[Any, list[Element]] = {}
    for item in policy.key_filters:
        if item.type == filter_type and (not item.blocks or item.blocks[-1] == "and"):
            groups.setdefault(item.path[:-1], []).append(item)
    yield from (group for group in groups.values() if len(group) > 1)


def _side_by_side(policy: Policy) -> Iterator[Fault]:
    for _, *others in _siblings(policy, "access-key"):
        for item in others:
            if item.data.get("match-operator") == "and":
                continue
            text = (
                "A user matches when one of its keys meets one of the `access-key` filters and "
                "another key meets the other."
            )
            changes = {"match-operator": "and"}
            yield Fault("match-operator", item.path, text, _remedy(policy, item, changes))


def _apart(policy: Policy) -> Iterator[Fault]:
    if key_actions(policy) or any(item.counts_matched for item in policy.filters):
        return
    for group in _siblings(policy, "credential"):
        last = group[-1]
        text = (
            "A user matches when one of its keys meets one of the `credential` filters and another "
            "key meets the other, so it is reported though no key is meant."
        )
        steps: tuple[Step, ...] = ()
        if not last.nested:
            steps = (Insert((*last.path[:-1], int(last.path[-1]) + 1), LENGTH),)
        yield Fault("keys-apart", last.path, text, Remedy(block([LENGTH]) + "\n", steps))


def _source(policy: Policy) -> Iterator[Fault]:
    if policy.data.get("source") == SOURCE and not policy.of_type(*OPTIONS):
        text = (
            "`source: credential-report` lists only users who hold an inactive key. This policy is "
            "not about those, so it passes over all other users in silence."
        )
        yield Fault("source-hides-users", ("source",), text)
