# SPDX-License-Identifier: Apache-2.0
"""An inactive key with what is known of it: a value here, a JSON entry on Custodian's user.

The entry is public, in `c7n:InactiveAccessKeys`: dates are ISO 8601 UTC, days have one decimal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from c7n_inactive_keys.core.annotations import INACTIVE_KEYS
from c7n_inactive_keys.core.evidence import Assessment, Evidence
from c7n_inactive_keys.core.json_types import JsonMapping, JsonObject
from c7n_inactive_keys.core.key_fields import key_fields, key_in, last_use_in
from c7n_inactive_keys.core.keys import AccessKey, LastUse, Unavailable
from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.core.written import moment, number_of_days, optional, text

LEDGER = "ledger"


@dataclass(frozen=True, slots=True)
class UnsettledDays:
    """Days that will be proven if the key is found inactive again at or after `until`."""

    at_least: float
    until: datetime


@dataclass(frozen=True, slots=True)
class FoundKey:
    """An inactive key, the interval of its last deactivation, and the evidence."""

    key: AccessKey
    last_use: LastUse
    not_before: datetime
    not_after: datetime
    at_least_days: float
    at_most_days: float
    evidence: tuple[Evidence, ...] = ()
    unsettled: UnsettledDays | None = None
    notified: datetime | None = None  # when the owner was first told of this inactivity

    @classmethod
    def of(
        cls,
        key: AccessKey,
        last_use: LastUse | Unavailable,
        assessment: Assessment,
        notified: datetime | None = None,
    ) -> FoundKey:
        """The key as it was assessed."""
        unsettled, days = assessment.unsettled, assessment.unsettled_days
        return cls(
            key=key,
            last_use=last_use if isinstance(last_use, LastUse) else LastUse(),
            not_before=assessment.not_before,
            not_after=assessment.not_after,
            at_least_days=assessment.at_least_days,
            at_most_days=assessment.at_most_days,
            evidence=assessment.evidence,
            unsettled=UnsettledDays(days, unsettled.until) if unsettled and days else None,
            notified=notified,
        )

    @property
    def ledger_since(self) -> datetime | None:
        """Since when the ledger has the key as inactive, if that was believed."""
        for item in self.evidence:
            if item.source == LEDGER and not item.discarded:
                return item.time
        return None

    def to_annotation(self) -> JsonObject:
        """The entry on Custodian's user."""
        days: JsonObject = {"AtLeast": self.at_least_days, "AtMost": self.at_most_days}
        if self.unsettled:
            days["Unsettled"] = {
                "AtLeast": self.unsettled.at_least,
                "Until": format_time(self.unsettled.until),
            }
        return {
            **key_fields(self.key, self.last_use),
            "InactiveSince": {
                "NotBefore": format_time(self.not_before),
                "NotAfter": format_time(self.not_after),
            },
            "InactiveDays": days,
            "NotifiedDate": self.notified and format_time(self.notified),
            "Evidence": evidence_items(self.evidence),
        }

    @classmethod
    def from_annotation(cls, entry: JsonMapping) -> FoundKey:
        """Read back what `to_annotation` wrote.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: it has another form.
        """
        days, since = entry["InactiveDays"], entry["InactiveSince"]
        unsettled = days.get("Unsettled")
        return cls(
            key=key_in(entry),
            last_use=last_use_in(entry),
            not_before=moment(since["NotBefore"]),
            not_after=moment(since["NotAfter"]),
            at_least_days=number_of_days(days["AtLeast"]),
            at_most_days=number_of_days(days["AtMost"]),
            evidence=evidence_of(entry["Evidence"]),
            unsettled=optional(_unsettled, unsettled),
            notified=optional(moment, entry.get("NotifiedDate")),
        )


def _unsettled(fields: JsonMapping) -> UnsettledDays:
    return UnsettledDays(number_of_days(fields["AtLeast"]), moment(fields["Until"]))


# -- evidence -------------------------------------------------------------------------------------

_TEXTS = (
    ("EventId", "event_id"),
    ("Actor", "actor"),
    ("Reason", "reason"),
    ("Discarded", "discarded"),
    ("Waiting", "waiting"),
)


def evidence_items(evidence: Iterable[Evidence]) -> list[dict[str, str]]:
    """Evidence as it is written down, in annotations, journals and json reports."""
    return [dict(_to_fields(item)) for item in evidence]


def _to_fields(item: Evidence) -> Iterator[tuple[str, str]]:
    yield "Source", item.source
    yield "Kind", item.kind
    if item.time and item.until:
        yield "From", format_time(item.time)
        yield "To", format_time(item.until)
    elif item.time:
        yield "Time", format_time(item.time)
    for name, attribute in _TEXTS:
        value = getattr(item, attribute)
        if value:
            yield name, value


def evidence_of(items: Iterable[JsonMapping]) -> tuple[Evidence, ...]:
    """Read back what `evidence_items` wrote.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: it has another form.
    """
    return tuple(_from_fields(item) for item in items)


def _from_fields(fields: JsonMapping) -> Evidence:
    return _evidence(
        text(fields["Source"]),
        text(fields["Kind"]),
        optional(moment, fields.get("Time") or fields.get("From")),
        optional(moment, fields.get("To")),
        *(optional(text, fields.get(name)) for name, _ in _TEXTS),
    )


# Thousands of keys of an account rest on the same silence: it is one value.
_evidence = lru_cache(maxsize=1024)(Evidence)


# -- users ----------------------------------------------------------------------------------------


def found_keys(user: JsonMapping) -> list[FoundKey]:
    """The keys that the policy's filters matched, from the user's annotation."""
    return [FoundKey.from_annotation(entry) for entry in user.get(INACTIVE_KEYS) or ()]
