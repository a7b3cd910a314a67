# SPDX-License-Identifier: Apache-2.0
"""How the ledger is carried on from one run to the next. Pure: what is known in, the entry out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from c7n_inactive_keys.core.evidence import (
    EVENT_HISTORY,
    FAR_END,
    HISTORY,
    SETTLING,
    Assessment,
    CompleteRecord,
    Facts,
    LedgerEntry,
    StatusChange,
)
from c7n_inactive_keys.core.keys import ACTIVE, INACTIVE, AccessKey
from c7n_inactive_keys.core.ledger import BY_US
from c7n_inactive_keys.core.timeline import assess

# How far back an entry can have been verified and still be joined to CloudTrail's event history.
JOINABLE = HISTORY - FAR_END - SETTLING
# A `verified` younger than this is not renewed for its own sake. An entry is lost only after 90
# days, so once a day is plenty; less than 24 hours, so that a daily run, which never starts at
# exactly the same time, renews it every day.
FRESH = timedelta(hours=20)
# A key that was inactive for a shorter time and is reactivated is no news.
WORTH_TELLING = timedelta(days=1)


def carry_on(old: LedgerEntry | None, assessment: Assessment) -> LedgerEntry:
    """The entry that the ledger should hold for a key that is inactive now.

    `since` moves forward only if the key was active in between, or may have been: the old entry
    is contradicted by what is known now, or event history no longer reaches back to it. Where
    today's evidence proves nothing (event history denied, say), the entry stays as it is and is not
    verified, since a later run may still join it.
    """
    new = LedgerEntry(
        after=assessment.not_before, since=assessment.not_after, verified=assessment.now
    )
    if old is None:
        return new
    if max(old.after, old.since, old.reactivated or old.after) > assessment.now:
        return old  # somebody knows of later activity, be it by another clock: it must not be lost
    contradicted = assessment.ledger_fault is not None
    proves_nothing = assessment.not_after == assessment.now > old.since
    if proves_nothing and not contradicted and _is_joinable(old, assessment):
        return old
    if new.after < old.after <= new.since:
        new = replace(new, after=old.after)  # what proves nothing may yet tell of activity
    # Whoever deactivated it then is not who deactivated it now.
    by = old.by if not contradicted and new.since <= old.since else None
    return replace(new, words=old.words, by=by, notified=valid_notice(old, assessment))


def carry_on_after_event(
    old: LedgerEntry | None, key: AccessKey, change: StatusChange, now: datetime
) -> LedgerEntry:
    """The same right after an event, from it alone; `old` itself if it knew of the event already.

    EventBridge delivers an event within minutes, before event history holds it. An Inactive event
    of the last two hours is the exact moment, since the key is inactive now.
    """
    if old and old.since >= change.time and not assess(Facts(key, ledger=old), now).ledger_fault:
        return old  # delivered again, or late
    records: tuple[CompleteRecord, ...] = ()
    if change.status == INACTIVE and change.time >= now - SETTLING:
        moment = min(change.time, now)
        records = (CompleteRecord(EVENT_HISTORY, moment, moment),)
    facts = Facts(key, changes=(change,), records=records, ledger=old)
    return carry_on(old, assess(facts, now))


def ended_by_event(old: LedgerEntry, change: StatusChange, now: datetime) -> LedgerEntry | None:
    """The entry of a key that an event reactivated, for whoever tells of that; None: not worth it.

    It proves nothing any more. The next run takes it away.
    """
    moment = min(change.time, now)
    if change.status != ACTIVE or moment - old.since < WORTH_TELLING:
        return None
    return old if old.reactivated else replace(old, reactivated=moment)


def ended_by_run(
    old: LedgerEntry, changes: Iterable[StatusChange], now: datetime
) -> LedgerEntry | None:
    """The entry of a key that we deactivated and that is active, until event history must know.

    Else the key would look unused again to the next run. None: it is to go. `changes` are what
    event history holds of the key.
    """
    if old.by != BY_US or (old.reactivated and now - old.reactivated > SETTLING):
        return None
    if any(change.status == ACTIVE and change.time > old.since for change in changes):
        return None
    return old if old.reactivated else replace(old, reactivated=now)


def valid_notice(entry: LedgerEntry, assessment: Assessment) -> datetime | None:
    """When the owner was told of this inactivity: a notice from before the key was last active
    was about another one, and so may be one since when nobody knows what happened to the key.
    """
    notice = entry.notified
    if not notice or not assessment.not_before <= notice <= assessment.now:
        return None
    joined = _is_joinable(entry, assessment) and not assessment.ledger_fault
    return notice if joined or notice >= assessment.not_after else None


def _is_joinable(entry: LedgerEntry, assessment: Assessment) -> bool:
    """Whether event history may yet reach back to when the entry was verified."""
    return entry.verified >= assessment.now - JOINABLE


def needs_writing(old: LedgerEntry | None, new: LedgerEntry) -> bool:
    """Whether anything but `verified` differs, or that is no longer fresh."""
    if old is None:
        return True
    return replace(old, verified=new.verified) != new or new.verified - old.verified >= FRESH
