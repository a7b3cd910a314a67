# SPDX-License-Identifier: Apache-2.0
"""What the formats for programs say of a key, in this order: none of these fields goes away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.core.times import format_time, parse_time
from c7n_inactive_keys.report.evidence_words import brief, deactivated_by
from c7n_inactive_keys.report.formats.findings import known_days
from c7n_inactive_keys.report.glance import access_key, evidence, known, last_use
from c7n_inactive_keys.report.model import BACK, UNUSED, WOKEN, ActiveRow, KeyRow, Report, Row
from c7n_inactive_keys.report.words import iso

# Of any key.
FIELDS: dict[str, Callable[[Row], object]] = {
    "account_id": lambda row: row.user.account_id,
    "account_name": lambda row: row.account_name,
    "user_name": lambda row: row.user.name,
    "path": lambda row: row.user.path,
    "access_key_id": lambda row: row.key.id,
    "created": lambda row: format_time(access_key(row).created),
    "last_used": lambda row: iso(last_use(row).time),
    "last_used_service": lambda row: last_use(row).service,
    "last_used_region": lambda row: last_use(row).region,
    "evidence": evidence,
    "outcome": lambda row: row.outcome,
    "reason": lambda row: row.reason,
    "outcome_time": lambda row: row.outcome_time,
    "first_seen": lambda row: row.first_seen,
    "last_seen": lambda row: row.last_seen,
    "policies": lambda row: row.policies,
    "group": lambda row: row.group,
    "next_run": lambda row: row.outlook and row.outlook.verdict,
    "next_run_policy": lambda row: row.outlook and row.outlook.policy,
    "owner": lambda row: row.owner,
    "description": lambda row: row.description,
    "plan": lambda row: row.done and row.done.plan and row.done.plan.url,
    "plan_sha256": lambda row: row.done and row.done.plan and row.done.plan.sha256,
}
# Of an inactive key.
KEY_FIELDS: dict[str, Callable[[KeyRow], object]] = {
    "not_before": lambda row: format_time(row.found.not_before),
    "not_after": lambda row: format_time(row.found.not_after),
    "at_least_days": lambda row: row.found.at_least_days,
    "at_most_days": lambda row: row.found.at_most_days,
    "slot_blocked": lambda row: row.slot_blocked,
    "proven": lambda row: row.key.proven,
    "unsettled_at_least_days": lambda row: row.found.unsettled and row.found.unsettled.at_least,
    "unsettled_until": lambda row: iso(row.found.unsettled.until if row.found.unsettled else None),
    "deletable_from": lambda row: row.outlook and row.outlook.deletable_from,
    "notified": lambda row: iso(row.found.notified),
    "deactivated_by": lambda row: deactivated_by(row.found),
    "last_credential": lambda row: row.last_credential,
}
# Of another one: unused, woken, or reactivated by us.
STAGE = "stage"
INACTIVE = "inactive"
ACTIVE_FIELDS: dict[str, Callable[[ActiveRow], object]] = {
    STAGE: lambda row: _stage(row),
    "unused_days": lambda row: row.key.unused_days,
    "dormant_at_least_days": lambda row: known_days(row)["dormant_at_least_days"],
    "dormant_at_most_days": lambda row: known_days(row)["dormant_at_most_days"],
    "reactivated_at": lambda row: known_days(row)["reactivated_at"],
    "reactivated_by": lambda row: known_days(row)["reactivated_by"],
}
IN_SHORT = "evidence_in_short"
ORDER = (
    *("account_id", "account_name", "user_name", "path", "access_key_id", "created"),
    *("last_used", "last_used_service", "last_used_region"),
    *("not_before", "not_after", "at_least_days", "at_most_days"),
    *("evidence", "outcome", "reason", "outcome_time", "first_seen", "last_seen"),
    *("slot_blocked", "policies", "proven", "unsettled_at_least_days", "unsettled_until"),
    *("group", "next_run", "next_run_policy", "deletable_from", "notified", "deactivated_by"),
    *("owner", "description", "plan", "plan_sha256", "last_credential", IN_SHORT),
)
# Of the formats that hold all keys in one table.
COLUMNS = (*ORDER, *ACTIVE_FIELDS)


def _stage(row: ActiveRow) -> str:
    if row.key.woken:
        return WOKEN
    return UNUSED if row.key.unused_days is not None else BACK


def records(report: Report) -> Iterator[JsonObject]:
    """The fields of each inactive key, and its evidence in short."""
    now = parse_time(report.generated)
    for row in report.keys:
        fields = {name: field(row) for name, field in KEY_FIELDS.items()}
        yield _ordered(row, fields | {IN_SHORT: brief(row.found, now)}, ORDER)


def active_records(report: Report) -> Iterator[JsonObject]:
    """The fields of each other key."""
    now = parse_time(report.generated)
    order = [name for name in COLUMNS if name not in KEY_FIELDS]
    for row in report.active_keys:
        fields = {name: field(row) for name, field in ACTIVE_FIELDS.items()}
        yield _ordered(row, fields | {IN_SHORT: known(row, now)}, order)


def table(report: Report) -> Iterator[JsonObject]:
    """A record of each key, whatever its stage, with all columns; `stage` tells which it is."""
    shown = {row.key.identity for row in report.keys}
    empty = dict.fromkeys(COLUMNS)
    for record in records(report):
        yield {**empty, **record, STAGE: INACTIVE}
    for row, record in zip(report.active_keys, active_records(report), strict=True):
        if row.key.identity not in shown:
            yield {**empty, **record}


def _ordered(row: Row, fields: JsonObject, order: Iterable[str]) -> JsonObject:
    fields |= {name: field(row) for name, field in FIELDS.items()}
    return {name: fields[name] for name in order}
