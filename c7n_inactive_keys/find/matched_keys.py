# SPDX-License-Identifier: Apache-2.0
"""The matched keys on a user, over all filters of ours and blocks of a policy.

`c7n:InactiveAccessKeys`, `c7n:UnusedAccessKeys` and `c7n:ReactivatedAccessKeys`, one for each kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from c7n.utils import parse_date

from c7n_inactive_keys.core.annotations import INACTIVE_KEYS, REACTIVATED_KEYS, UNUSED_KEYS
from c7n_inactive_keys.core.json_types import JsonMapping, JsonObject
from c7n_inactive_keys.core.times import as_utc, whole_second
from c7n_inactive_keys.custodian.c7n_types import Element, KeyFilterElement, Manager
from c7n_inactive_keys.custodian.filter_tree import (
    KEY_FILTERS,
    built_in_before,
    built_in_beside,
    built_in_passed,
    ours,
    positions,
    walk,
)

ANNOTATIONS = (INACTIVE_KEYS, UNUSED_KEYS, REACTIVATED_KEYS)
ALL_KEYS = "c7n:AccessKeys"
MATCHED_KEYS = "c7n:matched-keys"
# What each of several filters matched, on the user itself, where Custodian's blocks restore and
# clear it together with the other annotations.
BY_FILTER = "c7n:InactiveAccessKeysByFilter"


def forget_other_runs(user: JsonObject, token: str, keep_matched: bool) -> None:
    """Take away what an earlier policy left on the same object."""
    if user.get(BY_FILTER, {}).get("Run") == token:
        return
    for annotation in (*ANNOTATIONS, BY_FILTER):
        user.pop(annotation, None)
    if not keep_matched:
        user.pop(MATCHED_KEYS, None)


def annotate(
    user: JsonObject,
    manager: Manager,
    token: str,
    this: KeyFilterElement,
    matched: Mapping[str, JsonObject],
) -> bool:
    """Record what a filter matched on a user, and bring the annotations in line.

    Of `or` blocks the matched keys are united, of `and` blocks and the policy's own list
    intersected; what stands under `not` selects no keys.

    Returns:
        Whether the user matches: not if an earlier filter of the same `and` matched other keys.
    """
    known = user.get(BY_FILTER, {})
    entries = {**known.get("Entries", {})}
    entries[this.annotation] = {**entries.get(this.annotation, {}), **matched}
    places = positions(manager.filters)
    by_filter = {**known.get("Matched", {}), str(places[id(this)]): [*matched]}
    if _leaves_no_key(manager.filters, "and", this, by_filter, places):
        return False
    selected = _select(manager.filters, "and", by_filter, places) or set()
    # What a filter of one kind has left of a user's keys holds for those of another kind, too.
    for annotation, of_kind in entries.items():
        user[annotation] = [of_kind[key_id] for key_id in sorted(selected & of_kind.keys())]
    if len(ours(manager.filters)) > 1:
        user[BY_FILTER] = {"Run": token, "Matched": by_filter, "Entries": entries}
    _annotate_matched(user, manager, this, selected)
    return True


def matched_by_filter(filters: Iterable[Element], user: JsonMapping) -> dict[int, frozenset[str]]:
    """Which keys each filter of this package matched, by id(filter), of those that matched any.

    A filter of a block that failed for the user has none: Custodian takes its annotations away.
    """
    key_filters = ours(filters)
    if len(key_filters) == 1:
        (only,) = key_filters
        ids = frozenset(entry["AccessKeyId"] for entry in user.get(only.annotation, ()))
        return {id(only): ids} if ids else {}
    by_filter = user.get(BY_FILTER, {}).get("Matched", {})
    places = positions(filters)
    return {
        id(item): frozenset(by_filter[place])
        for item in key_filters
        if (place := str(places[id(item)])) in by_filter
    }


def _leaves_no_key(
    filters: Iterable[Element],
    operator: str,
    this: Element,
    by_filter: Mapping[str, list[str]],
    places: Mapping[int, int],
) -> bool:
    """Whether an `and` around this filter has no key left that all of its filters matched."""
    for item in filters:
        around = item.type in ("and", "or") and any(found is this for found, _ in walk([item]))
        if around and _leaves_no_key(item.filters, item.type, this, by_filter, places):
            return True
    return operator == "and" and _select(filters, operator, by_filter, places) == set()


def _select(
    filters: Iterable[Element],
    operator: str,
    by_filter: Mapping[str, list[str]],
    places: Mapping[int, int],
) -> set[str] | None:
    """The ids a block selects on this user; None if none of its filters has spoken on it."""
    selections = []
    for item in filters:
        selection: set[str] | None = None
        if item.type in ("and", "or"):
            selection = _select(item.filters, item.type, by_filter, places)
        elif item.type in KEY_FILTERS and str(places[id(item)]) in by_filter:
            selection = set(by_filter[str(places[id(item)])])
        if selection is not None:
            selections.append(selection)
    if not selections:
        return None
    return set.union(*selections) if operator == "or" else set.intersection(*selections)


# -- Custodian's own annotation -------------------------------------------------------------------


def _annotate_matched(
    user: JsonObject, manager: Manager, this: Element, selected: set[str]
) -> None:
    """The same keys in the form that the built-in remove-keys acts on.

    A built-in key filter that ran before has its say as with Custodian's own filters: its keys are
    united beside it in an `or` block and intersected elsewhere, by access key id. In an `or` one
    in another branch has none: what it left may be an earlier policy's, brought back by Custodian.
    """
    all_keys = user[ALL_KEYS]
    ids = set(selected)
    if built_in_before(manager.filters, this):
        earlier = set(resolve(user.get(MATCHED_KEYS) or (), all_keys)[0])
        if this.get_block_operator() != "or" or built_in_passed(manager.filters, this):
            ids &= earlier
        elif built_in_beside(manager.filters, this):
            ids |= earlier
    matched = [key for key in all_keys if key["AccessKeyId"] in ids]
    for key in matched:
        key["c7n:match-type"] = "access"
    user[MATCHED_KEYS] = matched


def resolve(
    matched: Iterable[JsonMapping], all_keys: Iterable[JsonMapping]
) -> tuple[list[str], list[str]]:
    """The ids of keys that built-in filters matched, and ids among which they cannot tell.

    The `credential` filter knows a key by its creation time alone. Where two keys of the user were
    created in the same second, it is ambiguous which of them it meant.
    """
    certain: list[str] = []
    ambiguous: list[str] = []
    for item in matched:
        if "AccessKeyId" in item:
            certain.append(item["AccessKeyId"])
            continue
        created = _second(item["last_rotated"])
        ids = [key["AccessKeyId"] for key in all_keys if _second(key["CreateDate"]) == created]
        (certain if len(ids) == 1 else ambiguous).extend(ids)
    return certain, ambiguous


def _second(moment: object) -> datetime:
    return whole_second(as_utc(parse_date(moment)))
