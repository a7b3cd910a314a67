# SPDX-License-Identifier: Apache-2.0
"""When was a key last deactivated? An interval that certainly holds the moment, from evidence.

A *record* of status changes (event history, your own export) is complete over some time. Its
silence says that the status did not change, not what it was. An *observation* is a moment at which
the ledger or the credential report saw the key inactive. The rule goes back from now, when the key
was read as Inactive:

        created     used                 Inactive         settled    now
    ------|----------|---------[-------------X---------------|~~~~~~~~|
                               ^ the record begins here               ^ status read live

1.  *Reach.* Complete records are joined backwards from now as long as they overlap. Events of the
    last two hours (SETTLING) may not be there yet.
2.  *Deactivated within the reach.* The first Inactive event after the key was last active is the
    exact moment: X = NotBefore = NotAfter. The interval stays open after an Active and an Inactive
    event in the same second, a second Inactive event in the tail `~~~~`, or an event that may have
    changed the status.
3.  *Silent reach.* No change, and an observation between the reach's beginning and `settled`:
    NotAfter is that beginning. The status read live covers the tail. If the ledger was last
    verified, less SETTLING, within the reach, it carries on: NotAfter is its `since`.

        after since       verified
    ------[----X=============|
                       [------------------------------------|~~~~~~~~|
                       ^ the reach begins before `verified`: the two join

4.  *Silence alone proves nothing.* NotAfter is now, however long it lasts. Unsettled says what it
    will prove, and from when on.
5.  *NotBefore* is the latest moment at which the key is known to have been active.
6.  *Contradictions.* Of two claims that exclude each other the later activity stands, so none
    lengthens AtLeast. A use up to a minute after the deactivation (PROPAGATION) is none: IAM takes
    seconds to spread a change.
7.  *Unknown is never proof.* If the last use could not be read, NotAfter is now.

Pure: no clock, no I/O. `now` is the moment at which the status was read. What no evidence shows is
a key that was reactivated and deactivated again within the tail.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from c7n_inactive_keys.core.credential_report import MAKING
from c7n_inactive_keys.core.evidence import (
    EVENT_HISTORY,
    PROPAGATION,
    READING,
    RUN_MEMORY,
    SETTLING,
    UNCLEAR,
    Assessment,
    CompleteRecord,
    Evidence,
    Facts,
    LedgerEntry,
    StatusChange,
    Unsettled,
)
from c7n_inactive_keys.core.keys import ACTIVE, INACTIVE, LastUse, Unavailable
from c7n_inactive_keys.core.times import format_time

SECOND, NOTHING = timedelta(seconds=1), timedelta(0)
# Clocks of the machines that write ledger tags and exports differ by this much at the most.
CLOCK_SKEW = timedelta(minutes=5)

KINDS = {ACTIVE: "activated", INACTIVE: "deactivated", UNCLEAR: "unclear"}


def assess(facts: Facts, now: datetime) -> Assessment:
    """The interval of a key's last deactivation, from all that is known of it."""
    return _Timeline(facts, now).assessment()


@dataclass(frozen=True, slots=True)
class Reach:
    """The joined records: complete from `since` to `settled`, and empty if these are the same."""

    since: datetime
    settled: datetime


def reach_of(records: Iterable[CompleteRecord], now: datetime) -> Reach:
    """How far back from now the joined records are complete; nowhere if none comes near now."""
    settled = now - SETTLING
    reach: Reach | None = None
    for record in sorted(records, key=lambda item: item.until, reverse=True):
        if record.since > record.until:
            continue
        if reach is None:
            if record.until >= settled - RUN_MEMORY:
                reach = Reach(record.since, min(record.until, settled))
        elif record.until >= reach.since:
            reach = replace(reach, since=min(reach.since, record.since))
    return reach or Reach(now, now)


@dataclass(frozen=True, slots=True)
class _Claim:
    """What is known without the ledger; a silent reach proves it once somebody looked."""

    not_before: datetime
    not_after: datetime
    silent: bool = False


class _Timeline:
    """The steps of the module's docstring for one key."""

    def __init__(self, facts: Facts, now: datetime) -> None:
        self.facts = facts
        self.now = now
        self.created = facts.key.created
        used = facts.last_use.time if isinstance(facts.last_use, LastUse) else None
        self.used = min(used, now) if used else None
        seen = facts.seen_active
        self.seen_active = min(seen, now) if seen and seen >= self.created else None
        woken = facts.ledger.reactivated if facts.ledger else None
        self.woken = min(woken, now) if woken and woken >= self.created else None
        told = sorted(
            (change for change in facts.changes if not self._impossible(change)),
            key=lambda change: change.time,
        )
        self.in_history = {(c.time, c.status) for c in told if c.source == EVENT_HISTORY}
        # Clocks differ: what lies in the future has happened all the same.
        told = [replace(change, time=min(change.time, now)) for change in told]
        self.changes = [change for change in told if change.status != UNCLEAR]
        self.unclear = [change.time for change in told if change.status == UNCLEAR]
        self.reach = reach_of(facts.records, now)
        self.known_active = max(self._last_active(), self.used or self.created)
        self.deactivations = self._deactivations(contested=False)
        self.doubts = self._doubts(told)
        self.silent_since = max([self.reach.since, *self.doubts])
        self.ledger_fault = self._ledger_fault()
        self.sound_ledger = None if self.ledger_fault else facts.ledger

    def assessment(self) -> Assessment:
        claim = self._claim()
        settled = not claim.silent or self._report_observes() or self._ledger_observes()
        not_after = self._heard_ledger(claim, settled)
        not_before = claim.not_before
        if self.sound_ledger and self.sound_ledger.after <= not_after:
            not_before = max(not_before, self.sound_ledger.after)
        later = self._later_activity(not_after)
        if later:
            not_before, not_after = later
        if isinstance(self.facts.last_use, Unavailable):
            not_after = self.now
        not_after = min(not_after, self.now)
        unsettled = None if settled or later else self._unsettled(claim, not_after)
        return Assessment(
            now=self.now,
            # A use while the deactivation spread is later than it.
            not_before=min(not_before, not_after),
            not_after=not_after,
            evidence=tuple(self._evidence(claim, unsettled)),
            ledger_fault=self.ledger_fault,
            unsettled=unsettled,
        )

    # -- steps 1, 2 and 5 -----------------------------------------------------------------------

    def _claim(self) -> _Claim:
        if not self.deactivations:
            if self._active_since(self.silent_since):
                return _Claim(self.known_active, self.now)
            # Whoever deactivated it earlier, it was active until then.
            earlier = [item.time for item in self.changes if not self._contested(item)]
            not_before = max([self.known_active, *earlier])
            return _Claim(not_before, self.silent_since, silent=True)
        first = last = self.deactivations[0].time
        not_before = self.known_active if any(doubt < first for doubt in self.doubts) else first
        if self.doubts and self.doubts[-1] >= first:
            later = [item.time for item in self.deactivations if item.time > self.doubts[-1]]
            if not later:
                return _Claim(not_before, self.silent_since, silent=True)
            last = later[0]
        # Within the tail an Active event may be missing between two Inactive ones.
        final = self.deactivations[-1].time
        return _Claim(not_before, final if final > self.reach.settled else last)

    def _deactivations(self, contested: bool) -> list[StatusChange]:
        """The Inactive events within the reach, since the key was last known to be active."""
        return [
            change
            for change in self.changes
            if change.status == INACTIVE
            and change.time >= max(self.reach.since, self._last_active())
            and not (self.used and self.used > change.time + PROPAGATION)
            and self._contested(change) == contested
        ]

    def _doubts(self, told: Iterable[StatusChange]) -> list[datetime]:
        """When the key may have been reactivated or deactivated, since it was last active.

        Of an Active and an Inactive event in the same second nobody knows the order.
        """
        times = {
            status: {change.time for change in told if change.status == status}
            for status in (ACTIVE, INACTIVE, UNCLEAR)
        }
        same_second = times[ACTIVE] & times[INACTIVE]
        contested = () if self.deactivations else self._deactivations(contested=True)
        # A use in the minute after a deactivation says nothing of what came in that minute.
        known = min([self.known_active, *(change.time for change in self.deactivations)])
        return sorted(
            [
                *(time for time in times[UNCLEAR] if time > known),
                *(time for time in same_second if time >= self._last_active()),
                *(change.time for change in contested),
            ]
        )

    def _contested(self, change: StatusChange) -> bool:
        """Whether event history, which is AWS's own, is complete there and lacks the change."""
        if change.source == EVENT_HISTORY:
            return False
        return any(
            record.source == EVENT_HISTORY
            and record.since <= change.time <= record.until
            and (change.time, change.status) not in self.in_history
            for record in self.facts.records
        )

    def _last_active(self) -> datetime:
        """When the key was created, last reactivated, or last seen to be active."""
        return max(
            self.created,
            self.seen_active or self.created,
            self.woken or self.created,
            *(change.time for change in self.changes if change.status == ACTIVE),
        )

    def _active_since(self, moment: datetime) -> bool:
        """Whether the key was active after a moment, or changed its status then."""
        return (
            self._last_active() > moment
            or bool(self.used and self.used > moment + PROPAGATION)
            or any(change.time > moment for change in self.changes)
        )

    def _impossible(self, change: StatusChange) -> str | None:
        return "it is older than the key" if change.time < self.created else None

    # -- steps 3 and 4 --------------------------------------------------------------------------

    def _report_observes(self) -> bool:
        """Whether the credential report saw the key inactive in the silence, and has settled."""
        seen = self.facts.seen_inactive
        return bool(seen and self._in_silence(seen) and seen <= self.reach.settled)

    def _in_silence(self, reported: datetime) -> bool:
        # A report's time is that of its end; the row may be as much older.
        return reported - MAKING >= self.silent_since

    def _ledger_observes(self) -> bool:
        """Whether an earlier run did."""
        ledger = self.sound_ledger
        return bool(
            ledger
            and max(self.silent_since, ledger.since) <= min(self.reach.settled, ledger.verified)
        )

    def _heard_ledger(self, claim: _Claim, settled: bool) -> datetime:
        """NotAfter, with what the ledger adds to it."""
        not_after = claim.not_after if settled else self.now
        ledger = self.sound_ledger
        if ledger is None:
            return not_after
        # A run within the tail saw the key inactive; what came before that is unknown.
        marked = ledger.since >= max(self.silent_since, self.reach.settled)
        joined = claim.silent and settled and self._carries_on(ledger)
        return min(not_after, ledger.since) if marked or joined else not_after

    def _carries_on(self, ledger: LedgerEntry) -> bool:
        """Whether nothing changed between the ledger's entry and the reach."""
        return (
            self.silent_since == self.reach.since and ledger.verified - SETTLING >= self.reach.since
        )

    def _unsettled(self, claim: _Claim, not_after: datetime) -> Unsettled | None:
        """What the silence will prove, if that is more than is known now."""
        ledger, report = self.facts.ledger, self.facts.seen_inactive
        if isinstance(self.facts.last_use, Unavailable):
            return None
        if ledger and self.ledger_fault and ledger.after > claim.not_after:
            return None  # its word on activity stands, and what it saw since then does not
        will_be = claim.not_after
        if ledger and ledger.after > will_be:
            will_be = max(ledger.after, ledger.since)
        if will_be >= not_after:
            return None
        seen = [self.now]
        if self.sound_ledger and self.sound_ledger.since >= self.silent_since:
            seen.append(self.sound_ledger.since)
        if report and self._in_silence(report):
            seen.append(report)
        return Unsettled(will_be, max(min(seen) + SETTLING, self.now))

    # -- step 6 ---------------------------------------------------------------------------------
    # A ledger entry with a later activity than all else allows moves NotAfter to its `since`; what
    # lies in the future moves it to now; what is older than the key is dropped. A deactivation in
    # an export that event history, complete there, lacks gives way to one that it holds, and is a
    # doubt otherwise. A ledger entry proves nothing if it is out of order, verified in the future,
    # or followed by a use or a change; a silent record, if the key was active within it.

    def _later_activity(self, not_after: datetime) -> tuple[datetime, datetime] | None:
        """The ledger's interval, if it has the key as active later than all else allows."""
        ledger = self.facts.ledger
        if ledger is None or ledger.after < self.created:
            return None
        if max(ledger.after, ledger.since) > self.now:
            return ledger.after, self.now
        if ledger.after > not_after:
            return ledger.after, max(ledger.after, ledger.since)
        return None

    def _ledger_fault(self) -> str | None:
        """Why the ledger's entry proves nothing."""
        ledger = self.facts.ledger
        if ledger is None:
            return None
        if ledger.reactivated:
            return "the key was reactivated after it"
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
        if any(
            change.time
            > ledger.since - (self._blur(ledger) if change.status == ACTIVE else NOTHING)
            for change in self.changes
        ):
            return "the key changed its status after it"
        if any(time > ledger.verified for time in self.unclear):
            return "a call after it may have changed the key's status"
        return None

    def _blur(self, ledger: LedgerEntry) -> timedelta:
        """How long before `since` a reactivation may have been later than what `since` stands for.

        Of one second nobody knows the order; and a status was read a while before it was noted.
        """
        return SECOND if ledger.after == ledger.since else READING

    # -- what is shown --------------------------------------------------------------------------

    def _evidence(self, claim: _Claim, unsettled: Unsettled | None) -> Iterable[Evidence]:
        yield Evidence("key", "created", time=self.created)
        last_use = self.facts.last_use
        if isinstance(last_use, LastUse) and last_use.time:
            yield Evidence("last-used", "used", time=last_use.time)
        for kind, seen in (
            ("active", self.seen_active),
            ("inactive", self.facts.seen_inactive),
        ):
            if seen:
                yield Evidence("credential-report", kind, time=seen)
        for change in sorted(self.facts.changes, key=lambda item: item.time):
            yield Evidence(
                change.source,
                KINDS[change.status],
                time=change.time,
                event_id=change.event_id,
                actor=change.actor,
                reason=change.reason,
                discarded=self._impossible(change) or self._overruled(change),
            )
        if claim.silent or not self.deactivations:
            yield from self._stretches(claim, unsettled)
        if self.facts.ledger:
            yield self._ledger_evidence(self.facts.ledger, claim)
        unread = [last_use] if isinstance(last_use, Unavailable) else []
        for item in [*unread, *self.facts.unavailable]:
            yield Evidence(item.source, "unavailable", reason=item.reason)

    def _overruled(self, change: StatusChange) -> str | None:
        """Why a deactivation that event history lacks was not taken for the moment."""
        if change.status != INACTIVE or not self._contested(change):
            return None
        return "event history, which is complete there, does not hold it"

    def _stretches(self, claim: _Claim, unsettled: Unsettled | None) -> Iterable[Evidence]:
        """The silence of each record."""
        for record in self.facts.records:
            fault = waiting = None
            if not claim.silent:
                fault = "the key was active within it"
            elif record.until < self.reach.since or record.since < self.reach.since:
                fault = "it does not reach up to what is proven"
            elif unsettled:
                waiting = (
                    f"until {format_time(unsettled.until)}: nobody saw the key inactive before the "
                    "last two hours"
                )
            yield Evidence(
                record.source,
                "inactive-throughout",
                time=record.since,
                until=record.until,
                discarded=fault,
                waiting=waiting,
            )

    def _ledger_evidence(self, ledger: LedgerEntry, claim: _Claim) -> Evidence:
        fault = self.ledger_fault
        if not fault and claim.silent and ledger.verified < self.silent_since:
            fault = "it was last verified before the complete record begins"
        return Evidence(
            "ledger",
            "inactive-throughout",
            time=ledger.since,
            until=ledger.verified,
            discarded=fault,
        )
