# SPDX-License-Identifier: Apache-2.0
"""What takes the place of Custodian's own actions on keys, and of the filters in front of them."""

from __future__ import annotations

from collections.abc import Sequence

from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.lint.change import Beside, Drop, Insert, Put, Step
from c7n_inactive_keys.lint.contract import (
    DAYS,
    DEACTIVATE,
    DELETE,
    EXEMPT_TAG,
    INACTIVE,
    MAX_KEYS,
    SOURCE,
    UNUSED,
    is_number,
)
from c7n_inactive_keys.lint.finding import Remedy
from c7n_inactive_keys.lint.keys import CREATION, DATES, LAST_USED, selected
from c7n_inactive_keys.lint.policy import Element, Policy
from c7n_inactive_keys.lint.rendering import block
from c7n_inactive_keys.lint.stock import (
    ACCESS_KEYS,
    DEACTIVATES,
    DELETES,
    KeyAction,
    is_about_users_only,
    key_actions,
    meant_verb,
)

STATUSES = ("Status", "active")
OLDER = ("gt", "ge", "gte", "greater-than")
FILTER = {DEACTIVATES: UNUSED, DELETES: INACTIVE}
ACTION = {DEACTIVATES: DEACTIVATE, DELETES: DELETE}


def migration(policy: Policy) -> Remedy | None:
    """The lines that do what the policy means, and the change if there is but one way."""
    actions = key_actions(policy)
    if not actions:
        return None
    if all(is_about_users_only(policy, action) for action in actions):
        return _of_users(actions)
    verbs = {meant_verb(policy, action) for action in actions}
    if len(verbs) > 1:
        return _in_two(policy, actions)
    verb = verbs.pop()
    if verb == DELETES and policy.key_filters and _only(policy, active=True):
        # They have to be deactivated first, and deleted when nobody missed them.
        return Remedy(_lines(policy, DEACTIVATES, actions[0]) + _lines(policy, DELETES, actions[0]))
    if verb == DEACTIVATES and policy.key_filters and _only(policy, active=False):
        return None  # there is nothing to do
    return Remedy(_lines(policy, verb, actions[0]), _replaced(policy, verb, actions))


# -- what is written instead ------------------------------------------------------------------


def new_filter(policy: Policy, verb: str, days: float) -> JsonObject:
    """The filter that selects keys by id."""
    there = policy.filters_of(FILTER[verb])
    return dict(there[0].data) if there else {"type": FILTER[verb], "days": _whole(days)}


def new_action(policy: Policy, verb: str) -> JsonObject:
    """The action that reads each key again."""
    tag = next(iter(policy.exempting_tags), EXEMPT_TAG)
    return {"type": ACTION[verb], "max-keys": MAX_KEYS, "exempt-tag": tag}


def days_of(policy: Policy, action: KeyAction) -> float:
    """The number of days that the policy speaks of: of the last use, or else of the creation."""
    for columns in ({LAST_USED}, CREATION):
        for item in policy.key_filters:
            value = item.data.get("value")
            if item.column in columns and is_number(value) and value > 0:
                return float(value)
    return action.age or DAYS


def _lines(policy: Policy, verb: str, action: KeyAction) -> str:
    parts: JsonObject = {"source": SOURCE} if verb == DELETES else {}
    parts["filters"] = [new_filter(policy, verb, days_of(policy, action))]
    parts["actions"] = [new_action(policy, verb)]
    return block(parts) + "\n"


def _whole(days: float) -> float | int:
    return int(days) if days == int(days) else days


# -- one policy for one ---------------------------------------------------------------------------


def _replaced(policy: Policy, verb: str, actions: Sequence[KeyAction]) -> tuple[Step, ...]:
    filters = _new_filters(policy, verb, days_of(policy, actions[0]))
    if filters is None:
        return ()
    return (*filters, *_new_actions(policy, verb, actions), *_new_source(policy, verb))


def _new_filters(policy: Policy, verb: str, days: float) -> tuple[Step, ...] | None:
    """The changes of the filters, or None if that needs thought: they stand in blocks."""
    old = [item for item in policy.filters if item.stock_about_keys or item.counts_matched]
    others = [item for item in policy.filters if item.about_keys and not item.stock_about_keys]
    if any(item.nested for item in (*old, *others)) or len(policy.resources) != 1:
        return None
    if not all(item.counts_matched or _is_replaceable(item) for item in old):
        return None
    if others:
        right = all(item.type == FILTER[verb] for item in others)
        return tuple(Drop(item.path) for item in reversed(old)) if right else None
    new = new_filter(policy, verb, days)
    if old:
        dropped = tuple(Drop(item.path) for item in reversed(old[1:]))
        return (*dropped, Put(old[0].path, new))
    if policy.tree:
        return (Insert(("filters", len(policy.data["filters"])), new),)
    return (Put(("filters",), [new], after=("mode", "source", "resource")),)


def _is_replaceable(item: Element) -> bool:
    """Whether a filter asks for a status or an age, and for nothing that would be lost: one for a
    certain key or service, or for new keys, says more than any of ours.
    """
    op = item.data.get("op")
    if item.column in STATUSES:
        return op in (None, "eq", "equal")
    is_age = item.column in DATES and item.data.get("value_type") == "age"
    return is_age and op in OLDER and is_number(item.data.get("value"))


def _new_actions(policy: Policy, verb: str, actions: Sequence[KeyAction]) -> tuple[Step, ...]:
    first, *rest = actions
    steps: list[Step] = []
    for action in reversed(rest):
        steps += _without_keys(action) or [Drop(action.element.path)]
    left = _without_keys(first)
    new = new_action(policy, verb)
    return (*steps, *left, _behind(first, new) if left else Put(first.element.path, new))


def _without_keys(action: KeyAction) -> list[Step]:
    """`delete` without its option `access-keys`, if it has others."""
    options = action.element.data.get("options")
    if not action.is_option or not isinstance(options, list) or set(options) == {ACCESS_KEYS}:
        return []
    return [Drop((*action.element.path, "options", options.index(ACCESS_KEYS)))]


def _behind(action: KeyAction, value: object) -> Insert:
    *above, index = action.element.path
    return Insert((*above, int(index) + 1), value)


def _new_source(policy: Policy, verb: str) -> tuple[Step, ...]:
    if verb == DEACTIVATES or "source" in policy.data:
        return ()
    return (Put(("source",), SOURCE, after=("resource",)),)


# -- other cases ----------------------------------------------------------------------------------


def _of_users(actions: Sequence[KeyAction]) -> Remedy | None:
    """Every key of certain users: deactivated, which can be undone."""
    new = {"type": "remove-keys", "disable": True}
    steps: list[Step] = []
    for action in reversed(actions):
        if action.verb == DEACTIVATES:
            continue
        left = _without_keys(action)
        steps += [*left, _behind(action, new) if left else Put(action.element.path, new)]
    return Remedy(block({"actions": [new]}) + "\n", tuple(steps)) if steps else None


def _in_two(policy: Policy, actions: Sequence[KeyAction]) -> Remedy:
    """Deactivated by one policy and deleted by another: they are different keys."""
    deactivating = [a for a in actions if meant_verb(policy, a) == DEACTIVATES]
    deleting = [a for a in actions if meant_verb(policy, a) == DELETES]
    unused = days_of(policy, deactivating[0])
    # Both ages count from the creation: what is between them is how long a key is inactive.
    between = (deleting[0].age or 0) - (deactivating[0].age or 0)
    days = between if between > 0 else days_of(policy, deleting[0])
    second = _second(policy, days)
    lines = {
        "filters": [new_filter(policy, DEACTIVATES, unused)],
        "actions": [new_action(policy, DEACTIVATES)],
    }
    both = block(lines) + "\n" + block([second]) + "\n"
    filters = _new_filters(policy, DEACTIVATES, unused)
    if filters is None or len(actions) > 2 or any(action.is_option for action in actions):
        return Remedy(both)
    replaced: dict[str, Step] = {
        DEACTIVATES: Put(deactivating[0].element.path, new_action(policy, DEACTIVATES)),
        DELETES: Drop(deleting[0].element.path),
    }
    # From behind: what stands behind a dropped action moves up.
    steps = [replaced[meant_verb(policy, action)] for action in reversed(actions)]
    return Remedy(both, (*filters, *steps, Beside(second)))


def _second(policy: Policy, days: float) -> JsonObject:
    about_users = [
        policy.data["filters"][int(item.path[1])]
        for item in policy.tree
        if not _is_about_keys(item)
    ]
    return {
        "name": f"{policy.name}-delete",
        "resource": policy.data.get("resource"),
        "source": SOURCE,
        **({"mode": policy.data["mode"]} if policy.mode else {}),
        "filters": [*about_users, {"type": INACTIVE, "days": _whole(days)}],
        "actions": [new_action(policy, DELETES)],
    }


def _is_about_keys(item: Element) -> bool:
    return (
        item.about_keys
        or item.counts_matched
        or any(_is_about_keys(part) for part in item.children)
    )


def _only(policy: Policy, active: bool) -> bool:
    return all(key.active == active for key in selected(policy))
