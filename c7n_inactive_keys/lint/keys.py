# SPDX-License-Identifier: Apache-2.0
"""Which keys a policy's filters select: they are tried on sample keys of every status and age.

What a comparison of Custodian matches depends on the column's type, `value_type` and `op` in ways
that are easily guessed wrong, so it is not guessed: Custodian's own value filter decides on each of
some hundred sample keys. What a filter makes of real keys it makes of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.lint.contract import (
    INACTIVE,
    MOST_DAYS,
    REACTIVATED,
    UNUSED,
    is_number,
)
from c7n_inactive_keys.lint.policy import BLOCKS, Element, Policy

# Days; the longest is older than IAM. No age is a whole number, so none is the edge of another.
AGES = (0.5, 10.5, 100.5, 400.5, 2000.5, MOST_DAYS)
LAST_USED = "last_used_date"
DATES = {"last_rotated", LAST_USED, "CreateDate"}
CREATION = {"last_rotated", "CreateDate"}
# Of a key as the credential report has it; of the others the samples have no values to compare.
REPORTED = {"active", "last_rotated", LAST_USED}
UNTRIED = {"AccessKeyId", "UserName"}


@dataclass(frozen=True)
class SampleKey:
    """A key: status, days since creation, days since its last use (None: never used)."""

    active: bool
    created: float
    used: float | None

    @property
    def in_use(self) -> bool:
        """Whether a program works with it today."""
        return self.active and self.used is not None and self.used < 1


Keys = frozenset[SampleKey]


@dataclass(frozen=True)
class Comparison:
    """What a filter matches of some keys; `error` is what it fails with instead."""

    matched: Keys
    error: str | None = None


def panel(numbers: Iterable[float] = ()) -> Keys:
    """Keys of every status and age, among them some just below and just above these numbers."""
    near = {n + d for n in numbers for d in (-0.25, 0.25) if 0 < n + d < AGES[-1]}
    return _panel(tuple(sorted({*AGES, *near})))


@lru_cache(maxsize=64)
def _panel(ages: tuple[float, ...]) -> Keys:
    return frozenset(
        SampleKey(active, created, used)
        for active in (True, False)
        for created in ages
        for used in (None, *(age for age in ages if age <= created))
    )


def selected(policy: Policy) -> Keys:
    """The sample keys that all filters together may match; what cannot be tried matches all."""
    return _all_of(policy.tree, panel(numbers(policy.filters)))


def numbers(filters: Iterable[Element]) -> list[float]:
    """The numbers of days that the filters on keys name."""
    given = (item.data.get(name) for item in filters if item.about_keys for name in _NUMBERS)
    return [float(n) for n in given if is_number(n)]


_NUMBERS = ("value", "days", "never-used-days")


def _all_of(tree: Sequence[Element], keys: Keys) -> Keys:
    for item in tree:
        keys &= _matched(item, keys)
    return keys


def _matched(item: Element, keys: Keys) -> Keys:
    if item.type == "and":
        return _all_of(item.children, keys)
    if item.type == "or":
        return frozenset().union(*(_matched(part, keys) for part in item.children))
    # Not: of a user's keys that are not meant, nothing is known. Another filter may mean all keys.
    if item.type in BLOCKS or not item.about_keys:
        return keys
    comparison = compare(item, keys)
    return comparison.matched if comparison else keys


def compare(item: Element, keys: Keys) -> Comparison | None:
    """What a filter on keys makes of these, or None if that cannot be told from here."""
    if item.type in (INACTIVE, UNUSED, REACTIVATED):
        return Comparison(frozenset(key for key in keys if _ours(item, key)))
    if not _can_be_tried(item):
        return None
    options = {**item.data, "key": item.column}  # Custodian's own way for columns of the report
    return _tried(item.type, tuple(sorted((k, _hashable(v)) for k, v in options.items())), keys)


def _ours(item: Element, key: SampleKey) -> bool:
    days = item.data.get("days")
    days = days if is_number(days) else 0
    if item.type == INACTIVE:
        return not key.active and key.created >= days
    if item.type == REACTIVATED:
        return key.active
    never = item.data.get("never-used-days", days)
    return key.active and (
        key.created >= (never if is_number(never) else 0) if key.used is None else key.used >= days
    )


def _can_be_tried(item: Element) -> bool:
    if "value_from" in item.data or "value_path" in item.data or "value" not in item.data:
        return False
    values = item.data.values()
    if any(isinstance(value, (dict, set)) for value in values):
        return False
    if any("{" in str(value) for value in values):  # a variable, which the run may replace
        return False
    if item.type == "credential":
        return item.column in REPORTED
    # Else it is an expression, of which anything may come.
    return item.column.isidentifier() and item.column not in UNTRIED


def _hashable(value: object) -> object:
    return tuple(map(_hashable, value)) if isinstance(value, list) else value


@lru_cache(maxsize=1024)
def _tried(filter_type: str, options: tuple[tuple[str, object], ...], keys: Keys) -> Comparison:
    # Here, not at the top: it loads half of Custodian, and few files compare keys.
    from c7n.exceptions import PolicyValidationError
    from c7n.filters.core import ValueFilter

    now = datetime.now(timezone.utc)
    form = reported if filter_type == "credential" else listed
    compared = ValueFilter(dict(options))
    try:
        matched = frozenset(key for key in keys if compared.match(form(key, now)))
    except (ArithmeticError, LookupError, TypeError, ValueError, PolicyValidationError) as error:
        return Comparison(frozenset(), f"{type(error).__name__}: {' '.join(str(error).split())}")
    return Comparison(matched)


def listed(key: SampleKey, now: datetime) -> JsonObject:
    """The key as ListAccessKeys has it, and as `access-key` compares it."""
    return {
        "Status": "Active" if key.active else "Inactive",
        "CreateDate": now - timedelta(days=key.created),
    }


def reported(key: SampleKey, now: datetime) -> JsonObject:
    """The key as Custodian reads the credential report."""
    used = None if key.used is None else (now - timedelta(days=key.used)).isoformat()
    return {
        "active": key.active,
        "last_rotated": (now - timedelta(days=key.created)).isoformat(),
        "last_used_date": used,
    }
