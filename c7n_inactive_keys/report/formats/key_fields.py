# SPDX-License-Identifier: Apache-2.0
"""What the formats for programs say of a key, in this order: none of these fields goes away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from c7n_inactive_keys.core.times import format_time, parse_time
from c7n_inactive_keys.report.evidence_words import brief, deactivated_by, sentences
from c7n_inactive_keys.report.model import KeyRow, Report
from c7n_inactive_keys.report.words import iso

KEY_FIELDS: dict[str, Callable[[KeyRow], Any]] = {
    "account_id": lambda row: row.user.account_id,
    "account_name": lambda row: row.account_name,
    "user_name": lambda row: row.user.name,
    "path": lambda row: row.user.path,
    "access_key_id": lambda row: row.key.id,
    "created": lambda row: format_time(row.found.key.created),
    "last_used": lambda row: iso(row.found.last_use.time),
    "last_used_service": lambda row: row.found.last_use.service,
    "last_used_region": lambda row: row.found.last_use.region,
    "not_before": lambda row: format_time(row.found.not_before),
    "not_after": lambda row: format_time(row.found.not_after),
    "at_least_days": lambda row: row.found.at_least_days,
    "at_most_days": lambda row: row.found.at_most_days,
    "evidence": lambda row: sentences(row.found),
    "outcome": lambda row: row.outcome,
    "reason": lambda row: row.reason,
    "outcome_time": lambda row: row.outcome_time,
    "first_seen": lambda row: row.first_seen,
    "last_seen": lambda row: row.last_seen,
    "slot_blocked": lambda row: row.slot_blocked,
    "policies": lambda row: row.policies,
    "proven": lambda row: row.key.proven,
    "unsettled_at_least_days": lambda row: row.found.unsettled and row.found.unsettled.at_least,
    "unsettled_until": lambda row: iso(row.found.unsettled.until if row.found.unsettled else None),
    "group": lambda row: row.group,
    "next_run": lambda row: row.outlook and row.outlook.verdict,
    "next_run_policy": lambda row: row.outlook and row.outlook.policy,
    "deletable_from": lambda row: row.outlook and row.outlook.deletable_from,
    "notified": lambda row: iso(row.found.notified),
    "deactivated_by": lambda row: deactivated_by(row.found),
    "owner": lambda row: row.owner,
    "description": lambda row: row.description,
    "plan": lambda row: row.done and row.done.plan and row.done.plan.url,
    "plan_sha256": lambda row: row.done and row.done.plan and row.done.plan.sha256,
    "last_credential": lambda row: row.last_credential,
}


IN_SHORT = "evidence_in_short"


def records(report: Report) -> Iterator[dict[str, Any]]:
    """The fields of each key, and its evidence in short."""
    now = parse_time(report.generated)
    for row in report.keys:
        yield {
            **{name: field(row) for name, field in KEY_FIELDS.items()},
            IN_SHORT: brief(row.found, now),
        }
