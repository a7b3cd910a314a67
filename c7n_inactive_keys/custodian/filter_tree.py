# SPDX-License-Identifier: Apache-2.0
"""The filters of a policy as a tree, in the order in which Custodian runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

from c7n_inactive_keys.custodian.c7n_types import Element, KeyFilterElement, Manager

BLOCKS = ("and", "or", "not")
INACTIVE_FILTER = "inactive-access-key"
UNUSED_FILTER = "unused-access-key"
REACTIVATED_FILTER = "reactivated-access-key"
KEY_FILTERS = (INACTIVE_FILTER, UNUSED_FILTER, REACTIVATED_FILTER)  # ours
CREDENTIAL_KEYS = "access_keys"  # the columns of the `credential` filter that are about keys


def walk(filters: Iterable[Element], negated: bool = False) -> Iterator[tuple[Element, bool]]:
    """Each filter that is no block, in running order, and whether it stands under a `not`.

    Custodian's own iter_filters goes through a block from behind.
    """
    for item in filters:
        if item.type in BLOCKS:
            yield from walk(item.filters, negated or item.type == "not")
        else:
            yield item, negated


def of_type(manager: Manager, filter_type: str) -> list[tuple[Any, bool]]:
    """The policy's filters of a type, each with whether it stands under a `not`."""
    return [found for found in walk(manager.filters) if found[0].type == filter_type]


def ours(filters: Iterable[Element]) -> list[KeyFilterElement]:
    """The filters of this package, in running order."""
    return [cast("KeyFilterElement", item) for item, _ in walk(filters) if item.type in KEY_FILTERS]


def no_keys_selected(manager: Manager, filter_type: str, purpose: str) -> str | None:
    """What is wrong if no filter of a type selects the keys that an action is for."""
    filters = of_type(manager, filter_type)
    if any(not negated for _, negated in filters):
        return None
    remedy = "take it out of the not block" if filters else "add one to its filters"
    return (
        f"{purpose} what an {filter_type} filter matched, and the policy has none that selects "
        f"keys; {remedy}"
    )


def each_key_fits(
    filters: Iterable[Element],
    filter_type: str,
    fits: Callable[[Element], bool],
    operator: str = "and",
) -> bool:
    """Whether no key gets through without a filter of the type that fits, not under `not`.

    Branches of an `or` without any filter of the type select no keys.
    """
    verdicts = []
    for item in filters:
        if item.type in ("and", "or"):
            if any(found.type == filter_type and not negated for found, negated in walk([item])):
                verdicts.append(each_key_fits(item.filters, filter_type, fits, item.type))
        elif item.type == filter_type:
            verdicts.append(fits(item))
    return any(verdicts) if operator == "and" else bool(verdicts) and all(verdicts)


def positions(filters: Iterable[Element]) -> dict[int, int]:
    """The place in running order of each filter, by the identity of the filter."""
    return {id(item): number for number, (item, _) in enumerate(walk(filters))}


def built_in_before(filters: Iterable[Element], this: Element | None) -> bool:
    """Whether a built-in filter that selects keys runs before this one.

    Under `not` none does: Custodian takes away what it annotated there.
    """
    for item, negated in walk(filters):
        if item is this:
            return False
        if not negated and selects_keys(item):
            return True
    return False


def built_in_passed(filters: Iterable[Element], this: Element) -> bool:
    """Whether the user has passed a built-in filter on keys before the blocks around this one."""
    seen = False
    for item in filters:
        if any(found is this for found, _ in walk([item])):
            inside = item.filters if item.type in ("and", "not") else ()
            return seen or built_in_passed(inside, this)
        seen = seen or built_in_before([item], None)
    return False


def built_in_beside(filters: Iterable[Element], this: Element) -> bool:
    """Whether a built-in filter on keys comes before this one in the same block."""
    seen = False
    for item in filters:
        if item is this:
            return seen
        if item.type in BLOCKS and any(found is this for found, _ in walk(item.filters)):
            return built_in_beside(item.filters, this)
        seen = seen or selects_keys(item)
    return False


def selects_keys(item: Element) -> bool:
    """Whether a built-in filter is about access keys; `credential` may be about the user."""
    if item.type == "credential":
        prefix, _, column = str(item.data["key"]).partition(".")
        return prefix == CREDENTIAL_KEYS and bool(column)
    return bool(item.type == "access-key")
