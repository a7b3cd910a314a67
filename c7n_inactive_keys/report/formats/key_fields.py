# SPDX-License-Identifier: Apache-2.0
"""What the formats for programs say of a key, in this order: none of these fields goes away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.report.model import KeyRow
from c7n_inactive_keys.report.words import evidence_words

KEY_FIELDS: dict[str, Callable[[KeyRow], Any]] = {
    "account_id": lambda row: row.user.account_id,
    "account_name": lambda row: row.account_name,
    "user_name": lambda row: row.user.name,
    "path": lambda row: row.user.path,
    "access_key_id": lambda row: row.key.id,
    "created": lambda row: format_time(row.found.key.created),
    "last_used": lambda row: row.found.last_use.time and format_time(row.found.last_use.time),
    "last_used_service": lambda row: row.found.last_use.service,
    "last_used_region": lambda row: row.found.last_use.region,
    "not_before": lambda row: format_time(row.found.not_before),
    "not_after": lambda row: format_time(row.found.not_after),
    "at_least_days": lambda row: row.found.at_least_days,
    "at_most_days": lambda row: row.found.at_most_days,
    "evidence": lambda row: [evidence_words(item) for item in row.found.evidence],
    "outcome": lambda row: row.outcome,
    "reason": lambda row: row.reason,
    "outcome_time": lambda row: row.outcome_time,
    "first_seen": lambda row: row.first_seen,
    "last_seen": lambda row: row.last_seen,
    "slot_blocked": lambda row: row.slot_blocked,
    "policies": lambda row: row.policies,
    "proven": lambda row: row.key.proven,
    "unsettled_at_least_days": lambda row: row.found.unsettled and row.found.unsettled.at_least,
    "unsettled_until": lambda row: row.found.unsettled and format_time(row.found.unsettled.until),
}
