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
    for longer: an event before creation or in the future is dropped; a switch-off in your own
    export that event history, complete at that time, does not hold gives way to one that it holds,
    and shows nothing if the key was active since the record began; a ledger entry that is out of
    order, in the future, before creation, or followed by a use or a change is dropped; a record
    that is silent although the key was active within it proves nothing, and NotAfter is now. Two
    things are no contradictions. A ledger entry may have the key as active within the tail: the
    event that it was written upon need not be in event history yet, so the entry stands. And a use
    may come up to a minute after the key was switched off (PROPAGATION): IAM takes seconds to make
    a change known everywhere.
6.  *Unknown is never proof.* If the last use could not be read, NotAfter is now.

Pure: no clock, no I/O. `now` is the moment at which the status was read.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from c7n_inactive_keys.core.evidence import (
    EVENT_HISTORY,
    Assessment,
    CompleteRecord,
    Evidence,
    Facts,
    StatusChange,
)
from c7n_inactive_keys.core.keys import ACTIVE, INACTIVE, LastUse, Unavailable
from c7n_inactive_keys.core.ledger import LedgerEntry

SETTLING = timedelta(hours=2)
PROPAGATION = timedelta(minutes=1)
# Clocks of the machines that write ledger tags and exports differ by this much at the most.
CLOCK_SKEW = timedelta(minutes=5)


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
        self.history = {
            (change.time, change.status)
            for change in self.changes
            if change.source == EVENT_HISTORY
        }
        self.reach = reach_of(facts.records, now)
        self.off = self._switched_off()

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
        elif ledger and ledger.after > self.now - SETTLING:
            not_before, not_after, silent = ledger.after, ledger.since, False
        elif ledger:
            ledger_fault = "it says the key was active later than the record allows"
        # A use while the switch-off spread is later than it.
        not_before = min(not_before, not_after)
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
        if self.off:
            return *self.off, False
        not_before = max(
            [self._last_active_event(), *(change.time for change in self.changes)]
            + ([min(self.used, self.now)] if self.used else [])
        )
        if self._active_within_reach():
            return not_before, self._now_or_later(not_before), False
        return min(not_before, self.reach), self.reach, True

    def _switched_off(self) -> tuple[datetime, datetime] | None:
        """The first and last moment that the switch-off within the reach can have had."""
        last_active = self._last_active_event()
        off = [
            change
            for change in self.changes
            if change.status == INACTIVE
            and change.time >= max(self.reach, last_active)
            and not (self.used and self.used > change.time + PROPAGATION)
        ]
        if not off:
            return None
        agreed = [change for change in off if not self._contested(change)]
        first = (agreed or off)[0].time
        last = first
        if not agreed:
            last = self.now if self._known_active_within_reach() else off[-1].time
        if any(change.status == ACTIVE and change.time == first for change in self.changes):
            last = next((change.time for change in agreed if change.time > first), last)
        if off[-1].time > self.now - SETTLING:
            last = off[-1].time
        return first, last

    def _contested(self, change: StatusChange) -> bool:
        """Whether event history, which is AWS's own, is complete there and lacks the change."""
        if change.source == EVENT_HISTORY:
            return False
        return any(
            record.source == EVENT_HISTORY
            and record.since <= change.time <= (record.until or self.now - SETTLING)
            and (change.time, change.status) not in self.history
            for record in self.facts.records
        )

    def _overruled(self, change: StatusChange) -> str | None:
        """Why a switch-off that event history lacks was not taken for the moment."""
        if not self.off or self.off[0] == change.time or change.status != INACTIVE:
            return None
        if self._contested(change):
            return "event history, which is complete there, does not hold it"
        return None

    def _last_active_event(self) -> datetime:
        """When the key was created, last switched on, or last seen to be on."""
        return max(
            self.created,
            self.seen_active or self.created,
            *(change.time for change in self.changes if change.status == ACTIVE),
        )

    def _active_within_reach(self) -> bool:
        """Whether the key was active within a record that shows no switching off after that."""
        return self._known_active_within_reach() or any(
            change.time >= self.reach for change in self.changes
        )

    def _known_active_within_reach(self) -> bool:
        return self._last_active_event() > self.reach or bool(
            self.used and self.used > self.reach + PROPAGATION
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
                discarded=self._impossible(change) or self._overruled(change),
            )
        yield from self._stretches(silent)
        if self.facts.ledger:
            yield self._ledger_evidence(self.facts.ledger, silent, joined, ledger_fault)
        unread = [last_use] if isinstance(last_use, Unavailable) else []
        for item in [*unread, *self.facts.unavailable]:
            yield Evidence(item.source, "unavailable", reason=item.reason)

    def _stretches(self, silent: bool) -> Iterable[Evidence]:
        """The silence of each record, unless the record itself holds a switch-off."""
        if self.off:
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
