# SPDX-License-Identifier: Apache-2.0
"""A key that was inactive for long, by proof, and is active again: somebody woke a dead key.

The value, its JSON entry in `c7n:ReactivatedAccessKeys` on Custodian's user, and the rule. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from c7n_inactive_keys.core.evidence import HISTORY, UNCLEAR, Evidence, Facts, StatusChange
from c7n_inactive_keys.core.found_key import LEDGER, evidence_items, evidence_of
from c7n_inactive_keys.core.json_types import JsonMapping, JsonObject
from c7n_inactive_keys.core.key_fields import key_fields, key_in, last_use_in
from c7n_inactive_keys.core.keys import ACTIVE, AccessKey, LastUse
from c7n_inactive_keys.core.timeline import assess, reach_of
from c7n_inactive_keys.core.times import days_between, format_time
from c7n_inactive_keys.core.written import moment, number_of_days, optional, text

ONE_EPISODE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ReactivatedKey:
    """An active key, and for how long it was inactive before it was reactivated.

    `reactivated` None: event history does not hold the moment yet, or could not be read.
    """

    key: AccessKey
    last_use: LastUse
    at_least_days: float
    at_most_days: float
    reactivated: datetime | None = None
    actor: str | None = None
    evidence: tuple[Evidence, ...] = ()

    def to_annotation(self) -> JsonObject:
        """The entry on Custodian's user."""
        return {
            **key_fields(self.key, self.last_use),
            "InactiveDays": {"AtLeast": self.at_least_days, "AtMost": self.at_most_days},
            "ReactivatedAt": self.reactivated and format_time(self.reactivated),
            "Actor": self.actor,
            "Evidence": evidence_items(self.evidence),
        }

    @classmethod
    def from_annotation(cls, entry: JsonMapping) -> ReactivatedKey:
        """Read back what `to_annotation` wrote.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: it has another form.
        """
        days = entry["InactiveDays"]
        return cls(
            key=key_in(entry),
            last_use=last_use_in(entry),
            at_least_days=number_of_days(days["AtLeast"]),
            at_most_days=number_of_days(days["AtMost"]),
            reactivated=optional(moment, entry["ReactivatedAt"]),
            actor=optional(text, entry["Actor"]),
            evidence=evidence_of(entry["Evidence"]),
        )


def reactivation(facts: Facts, now: datetime) -> ReactivatedKey | None:
    """For how long a key was inactive before it became what it is now, Active; None if unknown.

    With the event, the timeline is asked as if now were the moment of it. Without the event, the
    key was reactivated after all that a complete record can tell of it. What the ledger saw of it
    is known in any case.
    """
    wakes = _wakes(_told(facts), now)
    if wakes:
        return max((_at_event(facts, event) for event in wakes), key=lambda key: key.at_least_days)
    settled = reach_of(facts.records, now).settled
    found_now = _before_settled(facts, now, settled) if settled < now else None
    return found_now or _by_ledger(facts, now)


def _told(facts: Facts) -> Iterable[StatusChange]:
    """The changes of the key, with an event that only the ledger tells of."""
    ledger = facts.ledger
    if ledger and ledger.reactivated:
        return (*facts.changes, StatusChange(ledger.reactivated, ACTIVE, LEDGER))
    return facts.changes


def _wakes(changes: Iterable[StatusChange], now: datetime) -> list[StatusChange]:
    """The events that made the key active: of each turn the first, in the day before the last.

    Whoever wakes a dead key may deactivate it for a minute, and wake it again.
    """
    wakes: list[StatusChange] = []
    was_active = False
    for change in sorted(changes, key=lambda change: change.time):
        if change.status == ACTIVE and change.time <= now and not was_active:
            wakes.append(change)
        if change.status != UNCLEAR:
            was_active = change.status == ACTIVE
    return [wake for wake in wakes if was_active and wakes[-1].time - wake.time <= ONE_EPISODE]


def _before(facts: Facts, moment: datetime, event: StatusChange | None = None) -> Facts:
    """What was known at a moment, without the event of that moment."""
    ledger = facts.ledger
    if ledger and ledger.reactivated and ledger.reactivated >= moment:
        ledger = replace(ledger, reactivated=None)
    return replace(
        facts,
        ledger=ledger,
        changes=tuple(
            change for change in facts.changes if change != event and change.time <= moment
        ),
        records=tuple(replace(record, until=min(record.until, moment)) for record in facts.records),
        last_use=_use_before(facts, moment),
        seen_active=None,
    )


def _at_event(facts: Facts, event: StatusChange) -> ReactivatedKey:
    """Inactive until an Active event, by all evidence or by the ledger alone."""
    found = _until_event(facts, event)
    seen = _by_ledger(_before(facts, event.time, event), event.time)
    if seen is None or seen.at_least_days <= found.at_least_days:
        return found
    longer = replace(found, at_least_days=seen.at_least_days)
    if facts.ledger and event.time - facts.ledger.verified > HISTORY:
        # It may have been reactivated earlier, when no record that reaches back to it tells.
        return replace(longer, reactivated=None, actor=None)
    return longer


def _until_event(facts: Facts, event: StatusChange) -> ReactivatedKey:
    found = assess(_before(facts, event.time, event), event.time)
    told = Evidence(event.source, "activated", event.time, None, event.event_id, event.actor)
    return replace(
        _reactivated(facts, found.not_after, found.not_before, event.time),
        reactivated=event.time,
        actor=event.actor,
        evidence=(*found.evidence, told),
    )


def _before_settled(facts: Facts, now: datetime, settled: datetime) -> ReactivatedKey | None:
    """Inactive until some moment after all that has settled; its event is on the way."""
    found = assess(replace(facts, last_use=_use_before(facts, settled), seen_active=None), now)
    if found.not_after > settled:
        return None
    known = _reactivated(facts, found.not_after, found.not_before, settled)
    return replace(known, evidence=found.evidence)


def _by_ledger(facts: Facts, now: datetime) -> ReactivatedKey | None:
    """Inactive for as long as earlier runs saw it, if nothing speaks against that."""
    ledger = facts.ledger
    if (
        ledger is None
        or ledger.reactivated
        or not ledger.after <= ledger.since <= ledger.verified <= now
    ):
        return None
    use = _use_before(facts, ledger.verified).time
    changed = any(
        change.time > ledger.since
        # After that an unclear call may be what woke it.
        and not (change.status == UNCLEAR and change.time > ledger.verified)
        for change in facts.changes
    )
    if changed or (use and use > ledger.since):
        return None
    seen = Evidence("ledger", "inactive-throughout", ledger.since, ledger.verified)
    return replace(
        _reactivated(facts, ledger.since, ledger.after, ledger.verified), evidence=(seen,)
    )


def _use_before(facts: Facts, moment: datetime) -> LastUse:
    """The last use, if it was before; a later one hides others, and an inactive key had none."""
    use = facts.last_use
    return use if isinstance(use, LastUse) and use.time and use.time < moment else LastUse()


def _reactivated(
    facts: Facts, not_after: datetime, not_before: datetime, until: datetime
) -> ReactivatedKey:
    use = facts.last_use
    return ReactivatedKey(
        facts.key,
        use if isinstance(use, LastUse) else LastUse(),
        days_between(not_after, until),
        days_between(not_before, until),
    )
