# SPDX-License-Identifier: Apache-2.0
"""Evidence in words: each item as a sentence, and in twenty to thirty characters what it shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from c7n_inactive_keys.core.evidence import EVENT_HISTORY, Evidence
from c7n_inactive_keys.core.found_key import LEDGER, FoundKey
from c7n_inactive_keys.core.reactivated_key import ReactivatedKey
from c7n_inactive_keys.core.times import format_time

SILENT = "inactive-throughout"
DEACTIVATED = "deactivated"
UNAVAILABLE = "unavailable"
TIMED = {
    "used": "last used",
    "active": "seen active",
    "inactive": "seen inactive",
    "unclear": "perhaps changed",
}
# How a failed call is told in a word: what AWS's error codes have in common.
FAULTS = (("denied", "denied"), ("unauthorized", "denied"), ("thrott", "throttled"))


def sentences(found: FoundKey | ReactivatedKey) -> list[str]:
    """All evidence on a key."""
    return [sentence(item) for item in found.evidence]


def sentence(item: Evidence) -> str:
    """One item of evidence as a sentence of its own."""
    words = " ".join(_words(item))
    if item.discarded:
        words = f"{words}; not believed: {item.discarded}"
    if item.waiting:
        words = f"{words}; waits {item.waiting}"
    return words


def _words(item: Evidence) -> Iterator[str]:
    time = format_time(item.time) if item.time else None
    if item.source == "key" and item.kind == "created":
        yield f"created {time}"
        return
    if item.kind == "unavailable":
        yield f"{item.source}: not available: {item.reason}"
        return
    if item.kind == "inactive-throughout":
        until = format_time(item.until) if item.until else None
        yield f"{item.source}: inactive throughout {time} to {until}"
        return
    prefix = "" if item.source == "last-used" else f"{item.source}: "
    yield f"{prefix}{TIMED.get(item.kind, item.kind)} {time}"
    if item.actor:
        yield f"by {item.actor}"
    if item.event_id:
        yield f"(event {item.event_id})"
    if item.reason:
        yield f"because {item.reason}"


# -- in short -------------------------------------------------------------------------------------


def brief(found: FoundKey, now: datetime) -> str:
    """What is known of when a key was deactivated, and how."""
    items = [item for item in found.evidence if not item.discarded]
    deciding = [item for item in items if item.time == found.not_after and not item.waiting]
    for item in deciding:
        if item.kind == DEACTIVATED:
            by = f" by {name_of(item.actor)}" if item.actor else f", {item.source}"
            return f"off {day(found.not_after, now)}{by}"
    for item in deciding:
        if item.source == LEDGER:
            return f"ledger: off by {day(found.not_after, now)}"
    if any(item.kind == SILENT for item in deciding):
        return f"silent {int(found.at_least_days)} d{_observed(items, now)}"
    if found.unsettled:
        later = clock(found.unsettled.until, now)
        return f"silent {int(found.unsettled.at_least)} d at {later}"
    unread = next((item for item in items if item.kind == UNAVAILABLE), None)
    if unread:
        return f"unknown: {_fault(unread)}"
    if found.at_least_days > 0:
        return f"off by {day(found.not_after, now)}"
    return f"unknown since {day(found.not_before, now)}"


def name_of(actor: str | None) -> str:
    """The last part of an ARN: a user's name, or a session's."""
    return (actor or "").rpartition("/")[2] or str(actor)


def _observed(items: list[Evidence], now: datetime) -> str:
    seen = [
        time
        for item in items
        if (time := item.until if item.source == LEDGER else item.time)
        and (item.source == LEDGER or item.kind == "inactive")
    ]
    return f", seen {day(max(seen), now)}" if seen else ""


def _fault(item: Evidence) -> str:
    call = {EVENT_HISTORY: "LookupEvents", "last-used": "last use"}.get(item.source, item.source)
    code = (item.reason or "").partition(":")[0].lower()
    return f"{call} {next((word for part, word in FAULTS if part in code), 'not read')}"


def deactivated_by(found: FoundKey) -> str | None:
    """Who deactivated the key last, if an event tells."""
    actors = [
        item.actor for item in found.evidence if item.kind == DEACTIVATED and not item.discarded
    ]
    return actors[-1] if actors else None


def day(time: datetime, now: datetime) -> str:
    """A date as people say it; the year only if it is not the last twelve months."""
    text = f"{time.day} {time:%b}"
    return text if timedelta(-330) < time - now < timedelta(330) else f"{text} {time.year}"


def clock(time: datetime, now: datetime) -> str:
    """A time to come: of this day by its hour, else by its date."""
    hour = f"{time:%H:%M}Z"
    return hour if time.date() == now.date() else f"{day(time, now)} {hour}"
