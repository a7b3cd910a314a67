# SPDX-License-Identifier: Apache-2.0
"""Which keys of a user the policy's key filters match, asked again of the filters.

The annotation `c7n:matched-keys` cannot tell: a later filter replaces what an earlier one matched.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from c7n.filters import ValueFilter

from c7n_inactive_keys.core.hindrance import Selection
from c7n_inactive_keys.core.json_types import JsonMapping
from c7n_inactive_keys.custodian.c7n_types import Element
from c7n_inactive_keys.custodian.filter_tree import (
    BLOCKS,
    CREDENTIAL_KEYS,
    KEY_FILTERS,
    selects_keys,
    walk,
)
from c7n_inactive_keys.find.matched_keys import ALL_KEYS, matched_by_filter, resolve

Verdict = bool | None  # None: cannot be told


def select(
    filters: Iterable[Element], user: JsonMapping, keys: Iterable[JsonMapping]
) -> Selection | None:
    """The keys that the policy's filters select; None if it has no built-in filter on keys.

    `keys` is the metadata of the user's keys as listed now. A key is selected if the built-in
    filters match it, and if it passes by itself through all filters, those of this package
    among them: not if it satisfies one half of an `and`, and the user's other key the other half.
    """
    filters, keys = list(filters), list(keys)
    built_in = {
        id(item): _select_built_in(item, user, keys)
        for item, negated in walk(filters)
        if selects_keys(item) and not negated
    }
    if not built_in:
        return None
    check = _KeyCheck(user, matched_by_filter(filters, user), built_in)
    verdicts = {
        key["AccessKeyId"]: _all(
            [
                *_verdicts_of(filters, "and", key["AccessKeyId"], built_in),
                *(check.passes(item, key["AccessKeyId"], user_passed=True) for item in filters),
            ]
        )
        for key in keys
    }
    return Selection(
        frozenset(key_id for key_id, verdict in verdicts.items() if verdict),
        frozenset(key_id for key_id, verdict in verdicts.items() if verdict is None),
    )


def selected_at_first(filters: Iterable[Element], user: JsonMapping) -> Selection | None:
    """The same of the keys that the filters saw; None as well if none of them listed the keys."""
    return select(filters, user, user[ALL_KEYS]) if ALL_KEYS in user else None


def _select_built_in(item: Element, user: JsonMapping, keys: list[JsonMapping]) -> Selection:
    """The keys that an `access-key` filter matches, or whose rows a `credential` filter does."""
    if item.type == "access-key":
        return Selection(frozenset(key["AccessKeyId"] for key in keys if _matches(item, key)))
    column = item.data["key"].partition(".")[2]
    matcher = ValueFilter({**item.data, "key": column})
    rows = (user.get("c7n:credential-report") or {}).get(CREDENTIAL_KEYS, ())
    certain, ambiguous = resolve([row for row in rows if _matches(matcher, row)], keys)
    return Selection(frozenset(certain), frozenset(ambiguous))


def _matches(value_filter: ValueFilter, item: JsonMapping) -> bool:
    """What a value filter says, without leaving anything on item or filter: workers share both."""
    return bool(copy.copy(value_filter).match(dict(item)))


def _verdicts_of(
    filters: Iterable[Element], operator: str, key_id: str, built_in: Mapping[int, Selection]
) -> list[Verdict]:
    """Whether the built-in filters of a block match a key; empty if the block has none.

    In an `or` block any of them may, elsewhere all of them must; what else the block holds has no
    say. A filter under `not` is about users, not keys.
    """
    verdicts: list[Verdict] = []
    for item in filters:
        if item.type in ("and", "or"):
            verdicts += _verdicts_of(item.filters, item.type, key_id, built_in)
        elif id(item) in built_in:
            verdicts.append(built_in[id(item)].verdict(key_id))
    if not verdicts:
        return []
    return [_any(verdicts) if operator == "or" else _all(verdicts)]


@dataclass(frozen=True)
class _KeyCheck:
    """Whether single keys pass the filters that their user has passed."""

    user: JsonMapping
    matched: Mapping[int, frozenset[str]]  # by id(filter), the keys that each of ours matched
    built_in: Mapping[int, Selection]

    def passes(self, item: Element, key_id: str, user_passed: bool) -> Verdict:
        """Whether a filter or block lets the key through; its user it may have let through."""
        if item.type in KEY_FILTERS:
            return key_id in self.matched.get(id(item), ())
        if id(item) in self.built_in:
            return self.built_in[id(item)].verdict(key_id)
        if item.type == "and":
            return _all([self.passes(part, key_id, user_passed) for part in item.filters])
        if item.type == "or" and self._is_about_keys(item):
            return _any(
                [self.passes(part, key_id, self._has_matched(part)) for part in item.filters]
            )
        return user_passed or self._of_user(item)

    def _is_about_keys(self, block: Element) -> bool:
        return any(
            not negated and (found.type in KEY_FILTERS or id(found) in self.built_in)
            for found, negated in walk([block])
        )

    def _has_matched(self, item: Element) -> bool:
        """Whether a filter of ours in it matched: Custodian takes that away if the block failed."""
        return any(id(found) in self.matched for found, _ in walk([item]))

    def _of_user(self, item: Element) -> Verdict:
        """What a filter says of the user, if it can be asked without calls."""
        if item.type in BLOCKS:
            verdicts = [self._of_user(part) for part in item.filters]
            if item.type == "or":
                return _any(verdicts)
            together = _all(verdicts)
            return together if item.type == "and" or together is None else not together
        if type(item) is ValueFilter and item.data.get("value_type") != "resource_count":
            return _matches(item, self.user)
        return None


def _all(verdicts: Iterable[Verdict]) -> Verdict:
    verdicts = set(verdicts)
    return False if False in verdicts else None if None in verdicts else True


def _any(verdicts: Iterable[Verdict]) -> Verdict:
    verdicts = set(verdicts)
    return True if True in verdicts else None if None in verdicts else False
