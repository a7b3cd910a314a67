# SPDX-License-Identifier: Apache-2.0
"""A key that was inactive for long, by proof, and is active again: somebody woke a dead key.

The value, its JSON entry in `c7n:ReactivatedAccessKeys` on Custodian's user, and the rule. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from c7n_inactive_keys.core.evidence import UNCLEAR, Evidence, Facts, StatusChange
from c7n_inactive_keys.core.found_key import evidence_items, evidence_of
from c7n_inactive_keys.core.key_fields import key_fields, key_in, last_use_in
from c7n_inactive_keys.core.keys import ACTIVE, AccessKey, LastUse
from c7n_inactive_keys.core.timeline import assess, reach_of
from c7n_inactive_keys.core.times import days_between, format_time
from c7n_inactive_keys.core.written import moment, number_of_days, optional, text

REACTIVATED_KEYS = "c7n:ReactivatedAccessKeys"


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

    def to_annotation(self) -> dict[str, Any]:
        """The entry on Custodian's user."""
        return {
            **key_fields(self.key, self.last_use),
            "InactiveDays": {"AtLeast": self.at_least_days, "AtMost": self.at_most_days},
            "ReactivatedAt": self.reactivated and format_time(self.reactivated),
            "Actor": self.actor,
            "Evidence": evidence_items(self.evidence),
        }

    @classmethod
    def from_annotation(cls, entry: Mapping[str, Any]) -> ReactivatedKey:
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
    key was reactivated after all that a complete record, or else the ledger, can tell of it.
    """
    changes = sorted(
        (change for change in facts.changes if change.status != UNCLEAR),
        key=lambda change: change.time,
    )
    if changes and changes[-1].status == ACTIVE and changes[-1].time <= now:
        return _at_event(facts, changes[-1])
    reach = reach_of(facts.records, now)
    if reach.settled < now:
        return _before_settled(facts, now, reach.settled)
    ledger = facts.ledger
    if ledger is None or changes or not ledger.after <= ledger.since <= ledger.verified <= now:
        return None
    use = _use_before(facts, ledger.verified).time
    if use and use > ledger.since:
        return None
    return _reactivated(facts, ledger.since, ledger.after, ledger.verified)


def _at_event(facts: Facts, event: StatusChange) -> ReactivatedKey:
    """Inactive until an Active event."""
    before = replace(
        facts,
        changes=tuple(change for change in facts.changes if change != event),
        records=tuple(
            replace(record, until=min(record.until, event.time)) for record in facts.records
        ),
        last_use=_use_before(facts, event.time),
        seen_active=None,
    )
    found = assess(before, event.time)
    told = Evidence(event.source, "activated", event.time, None, event.event_id, event.actor)
    return replace(
        _reactivated(facts, found.not_after, found.not_before, event.time),
        reactivated=event.time,
        actor=event.actor,
        evidence=(*found.evidence, told),
    )


def _before_settled(facts: Facts, now: datetime, settled: datetime) -> ReactivatedKey | None:
    """Inactive until some moment after all that has settled; its event is on the way."""
    before = replace(facts, last_use=_use_before(facts, settled), seen_active=None)
    found = assess(before, now)
    if found.not_after > settled:
        return None
    known = _reactivated(facts, found.not_after, found.not_before, settled)
    return replace(known, evidence=found.evidence)


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
