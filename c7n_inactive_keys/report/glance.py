# SPDX-License-Identifier: Apache-2.0
"""What is said of a key at a glance, whatever stage of its life it is in."""

from __future__ import annotations

from datetime import datetime

from c7n_inactive_keys.core.journal import FAILED, MANAGED, MAX_KEYS, NOT_IN_PLAN
from c7n_inactive_keys.core.keys import AccessKey, LastUse
from c7n_inactive_keys.core.reactivated_key import ReactivatedKey
from c7n_inactive_keys.core.times import parse_time
from c7n_inactive_keys.report.evidence_words import brief, day, name_of, sentences
from c7n_inactive_keys.report.failures import short_reason
from c7n_inactive_keys.report.model import (
    FOUND,
    GONE,
    KEPT,
    ROOT,
    SOMEBODY,
    WAITS,
    WAITS_FOR_NOTICE,
    WAITS_FOR_PROOF,
    ActiveRow,
    KeyRow,
    Row,
)

REASONS = {
    MAX_KEYS: "more keys qualify than max-keys allows in one run",
    ROOT: "a root user's key",
    MANAGED: "managed elsewhere, to be changed there",
    WAITS_FOR_PROOF: "not proven for long enough",
    WAITS_FOR_NOTICE: "its owner was not told long enough ago",
    NOT_IN_PLAN: "not in the plan",
}


def access_key(row: Row) -> AccessKey:
    """The key as IAM lists it."""
    return row.found.key if isinstance(row, KeyRow) else row.key.key


def last_use(row: Row) -> LastUse:
    """When the key was last used."""
    return row.found.last_use if isinstance(row, KeyRow) else row.key.last_use


def evidence(row: Row) -> list[str]:
    """All evidence in sentences."""
    if isinstance(row, KeyRow):
        return sentences(row.found)
    return sentences(row.key.woken) if row.key.woken else []


def known(row: Row, now: datetime) -> str:
    """What matters most, in some twenty to thirty characters."""
    if isinstance(row, ActiveRow):
        return _of_active(row, now)
    if row.group == SOMEBODY:
        return why(row)
    if row.group == GONE:
        return _told(row, now)
    return brief(row.found, now)


def _of_active(row: ActiveRow, now: datetime) -> str:
    if row.outcome == FAILED:
        return why(row)
    if row.key.woken:
        return awake(row.key.woken, now)
    if row.group == SOMEBODY and not row.done:
        return why(row)
    left = row.group in (KEPT, WAITS, FOUND) and row.key.unused_days is not None
    return _told(row, now) if row.done and not left else unused(row)


def _told(row: Row, now: datetime) -> str:
    time = f" {day(parse_time(row.outcome_time), now)}" if row.outcome_time else ""
    return f"{row.reason or row.outcome}{time}"


def unused(row: ActiveRow) -> str:
    """For how long nobody has used a key."""
    days = int(row.key.unused_days or 0)
    return f"never used in {days:,} d" if row.never_used else f"unused {days:,} d"


def awake(woken: ReactivatedKey, now: datetime) -> str:
    """Who reactivated a dormant key, and after how long."""
    when = f" {day(woken.reactivated, now)}" if woken.reactivated else ""
    by = f" by {name_of(woken.actor)}" if woken.actor else ""
    return f"off {int(woken.at_least_days):,} d, woken{when}{by}"


def why(row: Row) -> str:
    """Why a key needs somebody, or what holds it."""
    if row.outcome == FAILED:
        return f"failed: {short_reason(row)}" if row.reason else FAILED
    if isinstance(row, ActiveRow) and row.done:
        return f"not {row.done.aim}: {row.reason or row.outcome}"
    verdict = row.outlook.verdict if row.outlook else ROOT if row.user.is_root else ""
    return REASONS.get(verdict, verdict)
