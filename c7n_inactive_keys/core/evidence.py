# SPDX-License-Identifier: Apache-2.0
"""What is known of a key that is inactive now, and what follows from it, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from c7n_inactive_keys.core.keys import AccessKey, LastUse, Unavailable
from c7n_inactive_keys.core.ledger import LedgerEntry
from c7n_inactive_keys.core.times import days_between

EVENT_HISTORY = "cloudtrail"  # the source that is AWS's own

NEVER_USED = LastUse()


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A successful UpdateAccessKey: from `time` on the key had `status` (Active or Inactive)."""

    time: datetime
    status: str
    source: str
    event_id: str | None = None
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class CompleteRecord:
    """A source whose record of status changes is complete from `since` to `until`.

    `until` None: it was read now, so it is complete up to now less SETTLING.
    """

    source: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of one key that is Inactive now."""

    key: AccessKey
    last_use: LastUse | Unavailable = NEVER_USED
    changes: tuple[StatusChange, ...] = ()
    records: tuple[CompleteRecord, ...] = ()
    ledger: LedgerEntry | None = None
    seen_active: datetime | None = None  # when a credential report that is older had it as active
    unavailable: tuple[Unavailable, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One item of evidence, with `discarded` saying why it was not believed, if so."""

    source: str
    kind: str  # created, used, active, deactivated, activated, inactive-throughout, unavailable
    time: datetime | None = None
    until: datetime | None = None  # the end of a stretch that began at `time`
    event_id: str | None = None
    actor: str | None = None
    reason: str | None = None
    discarded: str | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """The interval that holds the moment of the last deactivation, and what shows it."""

    now: datetime
    not_before: datetime
    not_after: datetime
    evidence: tuple[Evidence, ...]
    ledger_fault: str | None = None  # why the ledger's entry was not believed

    @property
    def at_least_days(self) -> float:
        """Days for which the key has certainly been inactive, one decimal."""
        return days_between(self.not_after, self.now)

    @property
    def at_most_days(self) -> float:
        """Days for which the key can have been inactive, one decimal."""
        return days_between(self.not_before, self.now)
