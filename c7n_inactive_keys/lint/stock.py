# SPDX-License-Identifier: Apache-2.0
"""Custodian's own actions on keys: which keys of the matched users they take, and how."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from c7n_inactive_keys.lint.contract import is_number
from c7n_inactive_keys.lint.keys import Keys, panel, selected
from c7n_inactive_keys.lint.policy import Element, Policy
from c7n_inactive_keys.lint.words import says_deactivate, says_delete

DELETES, DEACTIVATES = "deletes", "deactivates"
ACCESS_KEYS = "access-keys"  # the option of `delete`


@dataclass(frozen=True)
class KeyAction:
    """One of them, and what it does."""

    element: Element
    verb: str
    matched: bool = False
    age: float | None = None  # days since creation
    keys: Keys = frozenset()  # the sample keys that it takes

    @property
    def is_option(self) -> bool:
        """Whether it is `delete` and not `remove-keys`."""
        return self.element.type == "delete"

    @property
    def takes_active(self) -> bool:
        """Whether keys that are active go."""
        return any(key.active for key in self.keys)

    @property
    def takes_in_use(self) -> bool:
        """Whether keys go that a program works with today."""
        return any(key.in_use for key in self.keys)

    @property
    def takes_inactive(self) -> bool:
        """Whether keys go that are inactive already."""
        return any(not key.active for key in self.keys)


def key_actions(policy: Policy) -> tuple[KeyAction, ...]:
    """The policy's stock actions on keys."""
    if not policy.about_users or not policy.actions_of("remove-keys", "delete"):
        return ()
    return tuple(sorted(_key_actions(policy), key=lambda action: action.element.path))


def _key_actions(policy: Policy) -> Iterator[KeyAction]:
    meant = selected(policy)
    for element in policy.actions_of("remove-keys"):
        data = element.data
        verb = DEACTIVATES if data.get("disable") is True else DELETES
        matched = data.get("matched") is True
        age = data.get("age")
        # Custodian takes `age: 0` for none.
        age = float(age) if is_number(age) and age else None
        keys = meant if matched else panel([age] if age else ())
        taken = frozenset(key for key in keys if age is None or key.created > age)
        yield KeyAction(element, verb, matched, age, taken)
    for element in policy.actions_of("delete"):
        if deletes_keys(element):
            yield KeyAction(element, DELETES, keys=panel())


def deletes_keys(element: Element) -> bool:
    """Whether `delete` is asked to delete the keys and to leave the user."""
    options = element.data.get("options")
    return isinstance(options, list) and ACCESS_KEYS in options


def meant_verb(policy: Policy, action: KeyAction) -> str:
    """What the action is to do by what the policy says of itself."""
    says_only_deactivate = says_deactivate(policy) and not says_delete(policy)
    return DEACTIVATES if says_only_deactivate else action.verb


def is_about_users_only(policy: Policy, action: KeyAction) -> bool:
    """Whether every key of certain users is meant, as of those without MFA."""
    certain = any(not _leaves_out(item) for item in policy.filters)
    return certain and not policy.key_filters and action.age is None


def _leaves_out(item: Element) -> bool:
    """Whether a filter only exempts some users, so that all others match."""
    if item.type != "value":
        return item.negated
    excluding = item.data.get("op") in ("ne", "not-equal", "ni", "not-in")
    untagged = str(item.data.get("key")).startswith("tag:") and item.data.get("value") == "absent"
    return item.negated or excluding or untagged
