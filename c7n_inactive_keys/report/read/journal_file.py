# SPDX-License-Identifier: Apache-2.0
"""From the lines of a journal to one outcome a key: the last word of the last run that tried."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from c7n_inactive_keys.core.journal import (
    DELETED,
    DELETING,
    FAILED,
    UNREADABLE,
    JournalEntry,
    read_lines,
)
from c7n_inactive_keys.report.model import GONE, Outcome
from c7n_inactive_keys.report.read.resources_file import moment, number
from c7n_inactive_keys.report.read.run_log import short
from c7n_inactive_keys.report.words import clean, counted, evidence_words

INTERRUPTED = "interrupted"
NAMED = 3
TEXTS = ("policy", "reason")
TIMES = ("created", "not_before", "not_after")
DAYS = ("at_least_days", "at_most_days")


@dataclass(frozen=True, slots=True)
class JournalReading:
    """What a journal says; `unread` is why its last run did not read all users, and when."""

    outcomes: tuple[Outcome, ...] = ()
    unread: str | None = None
    unread_time: str = ""
    problems: tuple[str, ...] = ()


def read_journal(text: str, place: str) -> JournalReading:
    """The outcome of each key that a journal speaks of; `place` is named in the problems."""
    entries, faults = read_lines(text)
    problems = [f"{place}: line {fault.line_number}: {fault.problem}" for fault in faults]
    usable = [entry for entry in entries if _usable(entry)]
    if len(usable) < len(entries):
        problems.append(
            f"{place}: {counted(len(entries) - len(usable), 'line')} not in the form of a journal"
        )
    latest = usable[-1].run_id if usable else None
    last: dict[tuple[str, str], JournalEntry] = {}
    tried = set()  # keys that a run was killed at
    userwide = []
    for entry in usable:
        if entry.access_key_id is not None:
            identity = entry.account_id, entry.access_key_id
            before = last.get(identity)
            if before and before.outcome == DELETING and before.run_id != entry.run_id:
                tried.add(identity)
            last[identity] = entry
        elif entry.run_id == latest:
            userwide.append(entry)
    unread = [entry for entry in userwide if entry.fields.get("reason") == UNREADABLE]
    problems.extend(
        f"{place}: user {clean(entry.user_name)}: {_reason(entry.fields) or entry.outcome}"
        for entry in userwide
        if entry not in unread
    )
    return JournalReading(
        outcomes=tuple(
            _outcome(entry, entry.run_id == latest, identity in tried)
            for identity, entry in last.items()
        ),
        unread=_unread_words(unread) if unread else None,
        unread_time=max((moment(entry.time) for entry in unread), default=""),
        problems=tuple(problems),
    )


def _usable(entry: JournalEntry) -> bool:
    texts = entry.account_id, entry.user_name, entry.run_id, entry.time
    return (
        all(isinstance(text, str) for text in texts)
        and isinstance(entry.access_key_id, (str, type(None)))
        and all(isinstance(entry.fields.get(name), (str, type(None))) for name in TEXTS)
        and isinstance(entry.fields.get("evidence"), (list, type(None)))
        and _readable(entry)
    )


def _readable(entry: JournalEntry) -> bool:
    """Whether times are times, and days numbers."""
    try:
        moment(entry.time)
        for name in TIMES:
            _moment(entry.fields.get(name))
        for name in DAYS:
            _days(entry.fields.get(name))
        _last_used(_evidence(entry.fields))
    except (AttributeError, TypeError, ValueError, OverflowError):
        return False
    return True


def _moment(text: str | None) -> str | None:
    return moment(text) if text else None


def _days(value: float | None) -> float | None:
    return None if value is None else number(value)


def _evidence(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [item for item in fields.get("evidence") or () if isinstance(item, dict)]


def _outcome(entry: JournalEntry, latest_run: bool, tried_before: bool) -> Outcome:
    """What a line says; `tried_before`: a run was killed in the middle of deleting the key."""
    fields = entry.fields
    outcome, reason = entry.outcome, _reason(fields)
    if outcome == DELETING:
        # The run was killed between the call and its answer: the key may be gone or not.
        outcome, reason = FAILED, INTERRUPTED
    elif tried_before and reason in GONE:
        outcome, reason = DELETED, f"{INTERRUPTED}: {reason}"  # by the call that had no answer
    evidence = _evidence(fields)
    return Outcome(
        account_id=entry.account_id,
        user_name=clean(entry.user_name),
        access_key_id=clean(entry.access_key_id or ""),
        policy=str(fields.get("policy") or ""),
        time=moment(entry.time),
        outcome=outcome,
        reason=reason,
        created=_moment(fields.get("created")),
        not_before=_moment(fields.get("not_before")),
        not_after=_moment(fields.get("not_after")),
        at_least_days=_days(fields.get("at_least_days")),
        at_most_days=_days(fields.get("at_most_days")),
        last_used=_last_used(evidence),
        evidence=tuple(evidence_words(item) for item in evidence),
        latest_run=latest_run,
    )


def _reason(fields: Mapping[str, Any]) -> str | None:
    """The reason's word, followed by what AWS said, if it did."""
    error = fields.get("error")
    said = (
        [str(error[name]) for name in ("code", "message") if error.get(name)]
        if isinstance(error, dict)
        else []
    )
    return short(": ".join(filter(None, (fields.get("reason"), *said)))) or None


def _last_used(evidence: Iterable[Mapping[str, Any]]) -> str | None:
    times = (_moment(item.get("Time")) for item in evidence if item.get("Kind") == "used")
    return next(times, None)


def _unread_words(entries: list[JournalEntry]) -> str:
    names = ", ".join(entry.user_name for entry in entries[:NAMED])
    more = f" and {len(entries) - NAMED:,} more" if len(entries) > NAMED else ""
    reason = (_reason(entries[0].fields) or UNREADABLE).removeprefix(f"{UNREADABLE}: ")
    return short(
        f"the access keys of {counted(len(entries), 'user')} could not be read "
        f"({names}{more}): {reason}"
    )
