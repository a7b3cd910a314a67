# SPDX-License-Identifier: Apache-2.0
"""How the ledger is carried on from one run to the next. Pure: what is known in, the entry out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from c7n_inactive_keys.core.evidence import Assessment
from c7n_inactive_keys.core.ledger import LedgerEntry
from c7n_inactive_keys.core.timeline import SETTLING

# How far back an entry can have been verified and still be joined to CloudTrail's event history.
JOINABLE = timedelta(days=90)
# A `verified` younger than this is not renewed for its own sake. An entry is lost only after 90
# days, so once a day is plenty; less than 24 hours, so that a daily run, which never starts at
# exactly the same time, renews it every day.
FRESH = timedelta(hours=20)


def carry_on(old: LedgerEntry | None, assessment: Assessment) -> LedgerEntry:
    """The entry that the ledger should hold for a key that is inactive now.

    `since` moves forward only if the key was active in between: the old entry is contradicted by
    what is known now. Where today's evidence merely fails to reach the old entry (event history
    denied, say), the entry stays as it is and is not verified, since a later run may still join it.
    After 90 days none can; then the ledger starts anew, because nobody can say that the key was not
    active in the meantime.
    """
    new = LedgerEntry(
        after=assessment.not_before,
        since=assessment.not_after,
        # An event's time may lie ahead of this machine's clock.
        verified=max(assessment.now, assessment.not_after),
    )
    if old is None:
        return new
    contradicted = assessment.ledger_fault is not None
    if not contradicted and new.since > old.since and _is_joinable(old, assessment):
        return old
    return replace(new, words=old.words, notified=valid_notice(old, assessment))


def valid_notice(entry: LedgerEntry, assessment: Assessment) -> datetime | None:
    """When the owner was told of this inactivity: a notice from before the key was last active
    was about another one, and so may be one since when nobody knows what happened to the key.
    """
    notice = entry.notified
    if not notice or not assessment.not_before <= notice <= assessment.now:
        return None
    return notice if _is_joinable(entry, assessment) or notice >= assessment.not_after else None


def _is_joinable(entry: LedgerEntry, assessment: Assessment) -> bool:
    """Whether event history may yet reach back to when the entry was verified."""
    return entry.verified >= assessment.now - JOINABLE + SETTLING


def needs_writing(old: LedgerEntry | None, new: LedgerEntry) -> bool:
    """Whether anything but `verified` differs, or that is no longer fresh."""
    if old is None:
        return True
    return replace(old, verified=new.verified) != new or new.verified - old.verified >= FRESH
