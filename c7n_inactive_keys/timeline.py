# SPDX-License-Identifier: Apache-2.0
"""When was a key last switched off? An interval that certainly holds the moment, from evidence.

AWS has no field "inactive since". What there is, is evidence of two kinds:

points      a moment at which the key is known to have been active (its creation, its last use, an
            Active event, a credential report of some hours ago that has it as active), or to have
            been switched off (an Inactive event);
stretches   a record of status changes that is complete from one moment to another (CloudTrail's
            event history, your own export), in which silence is evidence too, and the ledger: what
            earlier runs of this tool observed.

We go back from now, when the key was read as Inactive:

        created     used                 Inactive         settled    now
    ------|----------|---------[-------------X---------------|~~~~~~~~|
                               ^ the record reaches back to here      ^ status read live

1.  *Reach.* Complete records are joined from now backwards, as long as each one begins before the
    next one starts. Event history settles late: what happened in the last two hours (SETTLING) may
    not be in it yet. The status read live carries the record over that tail `~~~~`. What it cannot
    show is a change within the tail whose event has not arrived.
2.  *Switched off within the reach.* The first Inactive event after the key was last known to be
    active is the exact moment: X = NotBefore = NotAfter. Inactive events that follow find the key
    off already and move nothing. Two cases are left open rather than guessed: an Active and an
    Inactive event in the same second, and a second Inactive event within the tail, before which an
    Active event may be missing; then NotAfter is the later one.
3.  *Silent reach.* No change in a complete record: the key was inactive throughout it, so NotAfter
    is its far end. The ledger carries on from there if it was last verified, less SETTLING, within
    the reach: then nothing changed since, and NotAfter is its `since`.

        after since       verified
    ------[----X=============|
                       [------------------------------------|~~~~~~~~|
                       ^ the reach begins before `verified`: the two join

4.  *NotBefore* is the latest moment at which the key is known to have been active.
5.  *Contradictions.* Of two claims that cannot both be true, none may make the key look inactive
    for longer: an event before creation or in the future is dropped; a ledger entry that is out of
    order, in the future, before creation, or followed by a use or a change is dropped; a record
    that is silent although the key was active within it proves nothing, and NotAfter is now. A use
    up to a minute after the key was switched off (PROPAGATION) is no contradiction: IAM takes
    seconds to make a change known everywhere.
6.  *Unknown is never proof.* If the last use could not be read, NotAfter is now.

Pure: no clock, no I/O. `now` is the moment at which the status was read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from c7n_inactive_keys.evidence.ledger import LedgerEntry
from c7n_inactive_keys.keys import ACTIVE, INACTIVE, AccessKey, LastUse, Unavailable
from c7n_inactive_keys.times import days_between

SETTLING = timedelta(hours=2)
PROPAGATION = timedelta(minutes=1)
# Clocks of the machines that write ledger tags and exports differ by this much at the most.
CLOCK_SKEW = timedelta(minutes=5)


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


def assess(facts: Facts, now: datetime) -> Assessment:
    """The interval of a key's last deactivation, from all that is known of it."""
    return _Timeline(facts, now).assessment()


def reach_of(records: Iterable[CompleteRecord], now: datetime) -> datetime:
    """How far back from now the joined records are complete; now itself if none touches it."""
    reach = now
    for record in sorted(records, key=lambda item: item.until or now, reverse=True):
        if record.until is None or record.until >= min(reach, now - SETTLING):
            reach = min(reach, record.since)
    return reach


class _Timeline:
    """The steps of the module's docstring for one key."""

    def __init__(self, facts: Facts, now: datetime) -> None:
        self.facts = facts
        self.now = now
        self.created = facts.key.created
        self.used = facts.last_use.time if isinstance(facts.last_use, LastUse) else None
        self.changes = sorted(
            (change for change in facts.changes if not self._impossible(change)),
            key=lambda change: change.time,
        )
        seen = facts.seen_active
        self.seen_active = seen if seen and self.created <= seen <= now else None
        self.reach = reach_of(facts.records, now)

    def assessment(self) -> Assessment:
        not_before, not_after, silent = self._interval()
        ledger_fault = self._ledger_fault()
        ledger = self.facts.ledger if not ledger_fault else None
        joined = bool(
            silent
            and ledger
            and ledger.verified - SETTLING >= self.reach
            and ledger.after <= not_after
        )
        if ledger and joined:
            not_after = min(not_after, ledger.since)
        if ledger and ledger.after <= not_after:
            not_before = max(not_before, ledger.after)
        elif ledger:
            ledger_fault = "it says the key was active later than the record allows"
        if isinstance(self.facts.last_use, Unavailable):
            not_after = self._now_or_later(not_before)
        return Assessment(
            now=self.now,
            not_before=not_before,
            not_after=not_after,
            evidence=tuple(self._evidence(silent, joined, ledger_fault)),
            ledger_fault=ledger_fault,
        )

    # -- steps 1 to 4 ---------------------------------------------------------------------------

    def _interval(self) -> tuple[datetime, datetime, bool]:
        """NotBefore, NotAfter and whether the reach is silent, before the ledger is heard."""
        off = self._switched_off()
        if off:
            return off[0], off[1], False
        not_before = max(
            [self._last_active_event(), *(change.time for change in self.changes)]
            + ([min(self.used, self.now)] if self.used else [])
        )
        if self._active_within_reach():
            return not_before, self._now_or_later(not_before), False
        return not_before, self.reach, True

    def _switched_off(self) -> tuple[datetime, datetime] | None:
        """The first and last moment that the switch-off within the reach can have had."""
        last_active = self._last_active_event()
        off = [
            change.time
            for change in self.changes
            if change.status == INACTIVE
            and change.time >= max(self.reach, last_active)
            and not (self.used and self.used > change.time + PROPAGATION)
        ]
        if not off:
            return None
        first = last = off[0]
        if first == last_active and first != self.created:
            last = off[min(1, len(off) - 1)]
        if off[-1] > self.now - SETTLING:
            last = off[-1]
        return first, last

    def _last_active_event(self) -> datetime:
        """When the key was created, last switched on, or last seen to be on."""
        return max(
            self.created,
            self.seen_active or self.created,
            *(change.time for change in self.changes if change.status == ACTIVE),
        )

    def _active_within_reach(self) -> bool:
        """Whether the key was active within a record that shows no switching off after that."""
        return (
            self._last_active_event() > self.reach
            or bool(self.used and self.used > self.reach)
            or any(change.time >= self.reach for change in self.changes)
        )

    def _now_or_later(self, moment: datetime) -> datetime:
        """Now, unless clocks differ or the key was switched on after it was read."""
        return max(self.now, moment)

    # -- step 5 ---------------------------------------------------------------------------------

    def _impossible(self, change: StatusChange) -> str | None:
        """Why a status change cannot have happened as it is told."""
        if change.time < self.created:
            return "it is older than the key"
        if change.time > self.now + CLOCK_SKEW:
            return "it lies in the future"
        return None

    def _ledger_fault(self) -> str | None:
        """Why the ledger's entry cannot be true."""
        ledger = self.facts.ledger
        if ledger is None:
            return None
        if not ledger.after <= ledger.since <= ledger.verified:
            return "its times are out of order"
        if ledger.verified > self.now + CLOCK_SKEW:
            return "it lies in the future"
        if ledger.after < self.created:
            return "it is older than the key"
        if self.used and self.used > ledger.since + PROPAGATION:
            return "the key was used after it"
        if self.seen_active and self.seen_active > ledger.since:
            return "the key was active after it"
        if any(change.time > ledger.since for change in self.changes):
            return "the key changed its status after it"
        return None

    # -- what is shown --------------------------------------------------------------------------

    def _evidence(self, silent: bool, joined: bool, ledger_fault: str | None) -> Iterable[Evidence]:
        yield Evidence("key", "created", time=self.created)
        last_use = self.facts.last_use
        if isinstance(last_use, LastUse) and last_use.time:
            yield Evidence("last-used", "used", time=last_use.time)
        if self.seen_active:
            yield Evidence("credential-report", "active", time=self.seen_active)
        for change in sorted(self.facts.changes, key=lambda item: item.time):
            yield Evidence(
                change.source,
                "deactivated" if change.status == INACTIVE else "activated",
                time=change.time,
                event_id=change.event_id,
                actor=change.actor,
                discarded=self._impossible(change),
            )
        if silent or self._active_within_reach():
            yield from self._stretches(silent)
        if self.facts.ledger:
            yield self._ledger_evidence(self.facts.ledger, silent, joined, ledger_fault)
        unread = [last_use] if isinstance(last_use, Unavailable) else []
        for item in [*unread, *self.facts.unavailable]:
            yield Evidence(item.source, "unavailable", reason=item.reason)

    def _stretches(self, silent: bool) -> Iterable[Evidence]:
        """The silence of each record, unless the record itself holds a switch-off."""
        if self._switched_off():
            return
        for record in self.facts.records:
            until = record.until or self.now
            fault = None
            if not silent:
                fault = "the key was active within it"
            elif until < self.reach or record.since < self.reach:
                fault = "it does not reach up to what is proven"
            yield Evidence(
                record.source,
                "inactive-throughout",
                time=record.since,
                until=until,
                discarded=fault,
            )

    def _ledger_evidence(
        self, ledger: LedgerEntry, silent: bool, joined: bool, fault: str | None
    ) -> Evidence:
        if not fault and silent and not joined:
            fault = "it was last verified before the time that is proven without it"
        return Evidence(
            "ledger",
            "inactive-throughout",
            time=ledger.since,
            until=ledger.verified,
            discarded=fault,
        )
