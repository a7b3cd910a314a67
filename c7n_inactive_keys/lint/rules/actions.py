# SPDX-License-Identifier: Apache-2.0
"""Custodian's own actions on keys: whose keys they take."""

from __future__ import annotations

from collections.abc import Iterator

from c7n_inactive_keys.lint.catalogue import WARNING
from c7n_inactive_keys.lint.finding import Fault, Remedy
from c7n_inactive_keys.lint.keys import CREATION, LAST_USED
from c7n_inactive_keys.lint.migration import migration
from c7n_inactive_keys.lint.policy import Element, Policy
from c7n_inactive_keys.lint.rendering import block
from c7n_inactive_keys.lint.stock import (
    DEACTIVATES,
    DELETES,
    KeyAction,
    is_about_users_only,
    key_actions,
    meant_verb,
)

MARKS = ("mark-for-op", "marked-for-op")


def check(policy: Policy) -> Iterator[Fault]:
    """What the policy's stock actions do to keys that nobody meant."""
    actions = key_actions(policy)
    remedy = migration(policy)
    for action in actions:
        yield from _of_one(policy, action, remedy)
    yield from _user_deletion(policy)
    yield from _mixed(policy, actions, remedy)
    yield from _marks(policy, actions)


def _of_one(policy: Policy, action: KeyAction, remedy: Remedy | None) -> Iterator[Fault]:
    path = action.element.path
    if action.is_option:
        yield Fault("delete-access-keys", path, EVERY_KEY, remedy)
    elif not action.matched and not is_about_users_only(policy, action):
        yield Fault("matched-missing", path, _of_unmatched(action), remedy)
    elif action.verb == DELETES and action.takes_active:
        yield Fault("deletes-active-keys", path, _of_active(action), remedy)
    if action.verb == DELETES and meant_verb(policy, action) == DEACTIVATES:
        text = "It says that it deactivates keys, and deletes them: no secret can be had back."
        yield Fault("deletes-instead", path, text, remedy)
    yield from _age(policy, action, remedy)
    yield from _siblings(policy, action, remedy)
    if action.verb == DELETES:
        yield Fault("unguarded-deletion", path, UNGUARDED, remedy)
    elif action.takes_inactive and not is_about_users_only(policy, action):
        yield Fault("deactivates-again", path, AGAIN, remedy)


EVERY_KEY = (
    "`delete` with `access-keys` deletes every key of each user that matches, in use or not, "
    "whatever the filters on keys matched."
)
UNGUARDED = (
    "It deletes without a limit on keys, without reading a key's status again just before, and "
    "with the exemptions as they were when the users were listed."
)
AGAIN = (
    "Keys that are inactive already are deactivated again at each run, so the time of their last "
    "deactivation is always the last run."
)


def _of_unmatched(action: KeyAction) -> str:
    old = f" that was created more than {action.age:g} days ago" if action.age else ""
    return (
        f"Without `matched: true` it {action.verb} every key{old} of each user that matches, "
        "in use or not."
    )


def _of_active(action: KeyAction) -> str:
    used = ", even one that a program used today" if action.takes_in_use else ""
    return f"It deletes keys that are active{used}: no secret can be had back."


# -- ages -----------------------------------------------------------------------------------------


def _age(policy: Policy, action: KeyAction, remedy: Remedy | None) -> Iterator[Fault]:
    severity = "" if action.verb == DELETES else WARNING
    if action.age:
        path = (*action.element.path, "age")
        text = f"`age: {action.age:g}` counts from a key's creation: {_harm(action)}."
        yield Fault("age-since-creation", path, text, remedy, severity)
    if any(item.column == LAST_USED for item in policy.key_filters) or action.is_option:
        return
    for item in policy.key_filters:
        if item.column in CREATION and item.data.get("value_type") == "age":
            text = f"`{item.column}` is the key's creation: {_harm(action)}."
            yield Fault("age-since-creation", item.path, text, remedy, severity)


def _harm(action: KeyAction) -> str:
    if action.takes_in_use:
        return f"it {action.verb} an old key that a program used today"
    if action.takes_active:
        return f"it {action.verb} old keys, used lately or not"
    return f"it {action.verb} an old key that somebody deactivated a minute ago"


def _siblings(policy: Policy, action: KeyAction, remedy: Remedy | None) -> Iterator[Fault]:
    filters = [item for item in policy.key_filters if item.type == "credential"]
    if action.matched and filters:
        text = (
            "`credential` knows a key only by the second of its creation, so the action also "
            f"{action.verb} another key that the user got in the same second, active or not."
        )
        yield Fault("same-second", action.element.path, text, remedy)


# -- others ---------------------------------------------------------------------------------------


def _user_deletion(policy: Policy) -> Iterator[Fault]:
    """`delete` without options, in a policy whose filters are about keys."""
    for element in policy.actions_of("delete") if policy.about_users and policy.key_filters else ():
        if not element.data.get("options"):
            text = "One key that matches, and the whole user is deleted with all its keys."
            yield Fault("delete-access-keys", element.path, text)


def _mixed(
    policy: Policy, actions: tuple[KeyAction, ...], remedy: Remedy | None
) -> Iterator[Fault]:
    types = {item.type for item in policy.filters}
    for action in actions:
        if not action.is_option and {"credential", "access-key"} <= types:
            text = "Custodian refuses `remove-keys` in a policy with `credential` and `access-key`."
            yield Fault("mixed-filters", action.element.path, text, remedy)


CHAIN = Remedy(
    block(
        {
            "actions": [
                {"type": "notify", "to": ["resource-owner"], "transport": {"type": "sqs"}},
                {"type": "record-inactive-keys", "notified": True},
            ]
        }
    )
    + "\n# and in the policy that deletes:\n"
    + block({"filters": [{"type": "inactive-access-key", "days": 90, "notified-days": 14}]})
    + "\n"
)


def _marks(policy: Policy, actions: tuple[KeyAction, ...]) -> Iterator[Fault]:
    if not policy.about_users:
        return
    for item in policy.of_type(*MARKS):
        if _is_about_keys(policy, item, actions):
            text = (
                "The mark is a tag of the user: a key that was replaced or reactivated since is "
                "acted on as if it had been marked."
            )
            yield Fault("mark-for-op", item.path, text, CHAIN)


def _is_about_keys(policy: Policy, item: Element, actions: tuple[KeyAction, ...]) -> bool:
    if item.type == "marked-for-op":
        return bool(actions)
    return bool(policy.key_filters) and item.data.get("op") in ("remove-keys", "delete")
