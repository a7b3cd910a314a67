# SPDX-License-Identifier: Apache-2.0
"""What is known of a key that is inactive now, and what follows from it, as values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from c7n_inactive_keys.core.keys import AccessKey, LastUse, Unavailable
from c7n_inactive_keys.core.times import days_between

EVENT_HISTORY = "cloudtrail"  # the source that is AWS's own
HISTORY = timedelta(days=90)  # how far back it reaches
# While its pages are read, the oldest events drop out at the far end.
FAR_END = timedelta(minutes=5)
# CloudTrail delivers late: what happened within this time may not be in event history yet.
SETTLING = timedelta(hours=2)
# IAM takes seconds to spread a change: a key may be used for so long after its deactivation.
PROPAGATION = timedelta(minutes=1)
# Between IAM's own reading of a status and the moment that is noted for it, clocks included.
READING = timedelta(minutes=1)
# What was read this long ago, for an earlier policy of the same run, still counts as read now.
RUN_MEMORY = timedelta(minutes=15)
# The status of a StatusChange that may have been one: nobody knows which status it left.
UNCLEAR = "unclear"

NEVER_USED = LastUse()


@dataclass(frozen=True, slots=True)
class StatusChange:
    """An UpdateAccessKey: from `time` on the key had `status` (Active or Inactive).

    UNCLEAR: it may have changed the status, and `reason` says why that is not known.
    """

    time: datetime
    status: str
    source: str
    event_id: str | None = None
    actor: str | None = None
    reason: str | None = None
    user_name: str | None = None  # whose key, where the event says so
    requested: str | None = None  # the status that an unclear call asked for, if that is known


@dataclass(frozen=True, slots=True)
class CompleteRecord:
    """A source that holds every status change from `since` to `until`, SETTLING deducted."""

    source: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """The ledger's word on one key; `words` are not ours and kept as they are.

    The key was deactivated between `after` and `since`, and inactive throughout from then to
    `verified`. `notified` is when its owner was first told, `by` who of us deactivated it, if we
    did, and `reactivated` when an event told that the key is active again.
    """

    after: datetime
    since: datetime
    verified: datetime
    notified: datetime | None = None
    words: tuple[str, ...] = ()
    by: str | None = None
    reactivated: datetime | None = None

    def noticed(self, moment: datetime) -> LedgerEntry:
        """The entry with the time of the first notice; a later notice does not replace it."""
        return self if self.notified else replace(self, notified=moment)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of one key that is Inactive now.

    `seen_active` and `seen_inactive`: when the account's credential report was made that has the
    key with that status.
    """

    key: AccessKey
    last_use: LastUse | Unavailable = NEVER_USED
    changes: tuple[StatusChange, ...] = ()
    records: tuple[CompleteRecord, ...] = ()
    ledger: LedgerEntry | None = None
    seen_active: datetime | None = None
    seen_inactive: datetime | None = None
    unavailable: tuple[Unavailable, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One item of evidence.

    `discarded` says why it is not believed, `waiting` why it does not count yet.
    """

    source: str
    # created, used, active, inactive, deactivated, activated, unclear, inactive-throughout,
    # unavailable
    kind: str
    time: datetime | None = None
    until: datetime | None = None  # the end of a stretch that began at `time`
    event_id: str | None = None
    actor: str | None = None
    reason: str | None = None
    discarded: str | None = None
    waiting: str | None = None


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What silence will prove once somebody has seen the key inactive before the last two hours.

    NotAfter will be `not_after` if the key is found inactive again at or after `until` and nothing
    else turns up.
    """

    not_after: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Assessment:
    """The interval that holds the moment of the last deactivation, and what shows it."""

    now: datetime
    not_before: datetime
    not_after: datetime
    evidence: tuple[Evidence, ...]
    ledger_fault: str | None = None  # why the ledger's entry was not believed
    unsettled: Unsettled | None = None

    @property
    def at_least_days(self) -> float:
        """Days for which the key has certainly been inactive, one decimal."""
        return days_between(self.not_after, self.now)

    @property
    def at_most_days(self) -> float:
        """Days for which the key can have been inactive, one decimal."""
        return days_between(self.not_before, self.now)

    @property
    def unsettled_days(self) -> float | None:
        """Days that will be proven once the evidence has settled, one decimal."""
        return days_between(self.unsettled.not_after, self.now) if self.unsettled else None
