# SPDX-License-Identifier: Apache-2.0
"""`c7n:InactiveAccessKeys`: the matched keys on a user, over all filters and blocks of a policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from c7n.utils import parse_date

from c7n_inactive_keys.custodian.blocks import FILTER_TYPE, built_in_before, positions
from c7n_inactive_keys.keys import AccessKey, LastUse, Unavailable
from c7n_inactive_keys.timeline import Assessment, Evidence
from c7n_inactive_keys.times import as_utc, format_time, whole_second

INACTIVE_KEYS = "c7n:InactiveAccessKeys"
ALL_KEYS = "c7n:AccessKeys"
MATCHED_KEYS = "c7n:matched-keys"


class MatchedKeys(list[dict[str, Any]]):
    """The annotation's list, which remembers what each filter of this execution matched.

    It rides on the user, where Custodian's blocks restore and clear it with the other annotations.
    """

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token
        self.by_filter: dict[int, dict[str, dict[str, Any]]] = {}


def forget_other_runs(user: dict[str, Any], token: str, keep_matched: bool) -> None:
    """Take away what an earlier policy left on the same object."""
    keys = user.get(INACTIVE_KEYS)
    if isinstance(keys, MatchedKeys) and keys.token == token:
        return
    user.pop(INACTIVE_KEYS, None)
    if not keep_matched:
        user.pop(MATCHED_KEYS, None)


def annotate(
    user: dict[str, Any],
    manager: Any,
    token: str,
    this: Any,
    matched: Mapping[str, dict[str, Any]],
) -> None:
    """Record what a filter matched on a user, and bring both annotations in line.

    Of `or` blocks the matched keys are united, of `and` blocks and the policy's own list
    intersected; what stands under `not` selects no keys.
    """
    before = user.get(INACTIVE_KEYS)
    keys = MatchedKeys(token)
    if isinstance(before, MatchedKeys) and before.token == token:
        keys.by_filter.update(before.by_filter)
    places = positions(manager)
    keys.by_filter[places[id(this)]] = dict(matched)
    selected = _select(manager.filters, "and", keys.by_filter, places) or {}
    keys.extend(selected[key_id] for key_id in sorted(selected))
    user[INACTIVE_KEYS] = keys
    _annotate_matched(user, manager, this, set(selected))


def _select(
    filters: Iterable[Any],
    operator: str,
    by_filter: Mapping[int, Mapping[str, dict[str, Any]]],
    places: Mapping[int, int],
) -> dict[str, dict[str, Any]] | None:
    """The keys a block selects on this user; None if none of its filters has spoken on it."""
    selections = []
    for item in filters:
        if item.type in ("and", "or"):
            selection = _select(item.filters, item.type, by_filter, places)
        elif item.type == FILTER_TYPE:
            found = by_filter.get(places[id(item)])
            selection = None if found is None else dict(found)
        else:
            continue
        if selection is not None:
            selections.append(selection)
    if not selections:
        return None
    united = {key_id: entry for selection in selections for key_id, entry in selection.items()}
    if operator == "or":
        return united
    return {
        key_id: entry
        for key_id, entry in united.items()
        if all(key_id in selection for selection in selections)
    }


# -- Custodian's own annotation -------------------------------------------------------------------


def _annotate_matched(user: dict[str, Any], manager: Any, this: Any, selected: set[str]) -> None:
    """The same keys in the form that the built-in remove-keys acts on.

    A built-in key filter that ran before has its say as with Custodian's own filters: its keys are
    united in an `or` block and intersected elsewhere, by access key id.
    """
    all_keys = user[ALL_KEYS]
    ids = set(selected)
    if built_in_before(manager, this):
        earlier = set(resolve(user.get(MATCHED_KEYS) or (), all_keys)[0])
        ids = ids | earlier if this.get_block_operator() == "or" else ids & earlier
    matched = [key for key in all_keys if key["AccessKeyId"] in ids]
    for key in matched:
        key["c7n:match-type"] = "access"
    user[MATCHED_KEYS] = matched


def resolve(
    matched: Iterable[Mapping[str, Any]], all_keys: Iterable[Mapping[str, Any]]
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


def _second(moment: Any) -> Any:
    return whole_second(as_utc(parse_date(moment)))


# -- one entry ------------------------------------------------------------------------------------


def entry_for(
    key: AccessKey, last_use: LastUse | Unavailable, assessment: Assessment
) -> dict[str, Any]:
    """A key's entry in the annotation: dates as ISO 8601 UTC, days with one decimal."""
    use = last_use if isinstance(last_use, LastUse) else LastUse()
    return {
        "AccessKeyId": key.access_key_id,
        "UserName": key.user_name,
        "Status": key.status,
        "CreateDate": format_time(key.created),
        "LastUsedDate": use.time and format_time(use.time),
        "LastUsedService": use.service,
        "LastUsedRegion": use.region,
        "InactiveSince": {
            "NotBefore": format_time(assessment.not_before),
            "NotAfter": format_time(assessment.not_after),
        },
        "InactiveDays": {"AtLeast": assessment.at_least_days, "AtMost": assessment.at_most_days},
        "Evidence": [_evidence(item) for item in assessment.evidence],
    }


def _evidence(item: Evidence) -> dict[str, Any]:
    return dict(_evidence_fields(item))


def _evidence_fields(item: Evidence) -> Iterator[tuple[str, Any]]:
    yield "Source", item.source
    yield "Kind", item.kind
    if item.time and item.until:
        yield "From", format_time(item.time)
        yield "To", format_time(item.until)
    elif item.time:
        yield "Time", format_time(item.time)
    for name, value in (
        ("EventId", item.event_id),
        ("Actor", item.actor),
        ("Reason", item.reason),
        ("Discarded", item.discarded),
    ):
        if value:
            yield name, value
