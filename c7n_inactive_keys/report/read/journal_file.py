# SPDX-License-Identifier: Apache-2.0
"""From the lines of a journal to one outcome a key: the last word of the last run that tried."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from c7n_inactive_keys.core import errors
from c7n_inactive_keys.core.journal import (
    ALREADY_GONE,
    DELETED,
    DELETING,
    FAILED,
    SKIPPED,
    UNREAD,
    UNREADABLE,
    USER_GONE,
    JournalEntry,
    read_lines,
)
from c7n_inactive_keys.report.model import AWS, FoundKey, KeyId, Outcome, Unread
from c7n_inactive_keys.report.read.resources_file import moment, number
from c7n_inactive_keys.report.read.run_log import reason_words
from c7n_inactive_keys.report.words import clean, evidence_words

INTERRUPTED = "interrupted"
OF_KEYS = (DELETING, DELETED, SKIPPED, FAILED)
TEXTS = ("policy", "reason")
TIMES = ("created", "not_before", "not_after")
DAYS = ("at_least_days", "at_most_days")
# A line that was torn off has its time near its beginning.
TIME = re.compile(r'"time": *"([^"]+)"')
# Names of classes of ours, which stand where AWS's error codes do and say nothing to users.
OUR_CLASSES = frozenset({*vars(errors), "MaxKeysExceeded"})


@dataclass(frozen=True, slots=True)
class JournalReading:
    """What a journal says; of users and of what was not read, only what the last run said."""

    outcomes: tuple[Outcome, ...] = ()
    account_id: str = ""
    unread: tuple[Unread, ...] = ()
    user_failures: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()  # lines that are lost and may be the last run's
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a journal as it was found: an entry, or what is wrong with it."""

    number: int
    text: str
    entry: JournalEntry | None
    fault: str = ""


def read_journal(text: str, name: str, began: str | None = None) -> JournalReading:
    """The outcome of each key that a journal speaks of; `name` is the file's, for sentences.

    `began` is when the last run of its directory did: what the journal says from before that is of
    earlier runs. If it is not known, the last run is the one that wrote the last line, and with it
    all that were going on when it wrote its first.
    """
    lines = [_line(number, text) for number, text in enumerate(text.split("\n"), 1) if text.strip()]
    entries = [line.entry for line in lines if line.entry]
    last_runs = _last_runs(entries)
    current = [
        entry
        for entry in entries
        if (moment(entry.time) >= began if began else entry.run_id in last_runs)
    ]
    faults = [line for line in lines if not line.entry]
    past = _past(lines, began)
    return JournalReading(
        outcomes=tuple(_outcomes(entries, {id(entry) for entry in current})),
        account_id=entries[-1].account_id if entries else "",
        unread=tuple(filter(None, map(_unread, current))),
        user_failures=tuple(dict.fromkeys(_user_failures(current))),
        damage=tuple(f"{name}: {_fault(line)}" for line in faults if line.number not in past),
        problems=tuple(f"{name}: {_fault(line)}" for line in faults),
    )


# -- lines ----------------------------------------------------------------------------------------


def _line(number: int, text: str) -> _Line:
    entries, faults = read_lines(text)
    if faults:
        return _Line(number, text, None, faults[0].problem)
    if not _usable(entries[0]):
        return _Line(number, text, None, "it is not in the form of a journal")
    return _Line(number, text, entries[0])


def _fault(line: _Line) -> str:
    return f"line {line.number}: {line.fault}"


def _past(lines: Iterable[_Line], began: str | None) -> set[int]:
    """Numbers of lines that were certainly written before the last run began."""
    past = set()
    following = None
    for line in reversed(list(lines)):
        written = moment(line.entry.time) if line.entry else _time_in(line.text) or following
        following = written or following
        if began and written and written < began:
            past.add(line.number)
    return past


def _time_in(text: str) -> str | None:
    found = TIME.search(text)
    try:
        return moment(found[1]) if found else None
    except ValueError:
        return None


def _last_runs(entries: list[JournalEntry]) -> set[str]:
    """The run that wrote the last line, and those that went on after it had begun."""
    last = entries[-1].run_id if entries else None
    began = next((at for at, entry in enumerate(entries) if entry.run_id == last), 0)
    return {entry.run_id for entry in entries[began:]}


def _usable(entry: JournalEntry) -> bool:
    texts = entry.account_id, entry.run_id, entry.time
    names = entry.user_name, entry.access_key_id
    return bool(
        all(isinstance(text, str) for text in texts)
        and all(isinstance(name, (str, type(None))) for name in names)
        and (entry.fields.get("reason") if entry.outcome == UNREAD else entry.user_name is not None)
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


def _last_used(evidence: Iterable[Mapping[str, Any]]) -> str | None:
    times = (_moment(item.get("Time")) for item in evidence if item.get("Kind") == "used")
    return next(times, None)


# -- what they say of users and accounts ----------------------------------------------------------


def _unread(entry: JournalEntry) -> Unread | None:
    """What the line says that the run needed and could not read."""
    reason = entry.fields.get("reason")
    is_user = entry.outcome == FAILED and entry.access_key_id is None and reason == UNREADABLE
    if not is_user and entry.outcome != UNREAD:
        return None
    subject = entry.access_key_id or entry.user_name or ""
    return Unread(str(reason), clean(subject), ": ".join(_said(entry.fields)))


def _user_failures(entries: Iterable[JournalEntry]) -> Iterator[str]:
    for entry in entries:
        if entry.outcome == FAILED and entry.access_key_id is None and not _unread(entry):
            yield f"user {clean(entry.user_name or '')}: {_reason(entry.fields) or FAILED}"


# -- what they say of keys ------------------------------------------------------------------------


def _outcomes(entries: Iterable[JournalEntry], current: set[int]) -> Iterator[Outcome]:
    last: dict[KeyId, JournalEntry] = {}
    tried: set[KeyId] = set()  # keys that a run was killed at
    for entry in entries:
        if entry.access_key_id is None or entry.outcome not in OF_KEYS:
            continue
        identity = entry.account_id, entry.access_key_id
        before = last.get(identity)
        if before and before.outcome == DELETING and before.run_id != entry.run_id:
            tried.add(identity)
        if not before or not _stands(before, entry):
            last[identity] = entry
    for identity, entry in last.items():
        yield _outcome(entry, id(entry) in current, identity in tried)


def _stands(before: JournalEntry, entry: JournalEntry) -> bool:
    """Whether a later line changes nothing.

    What is deleted stays so: another action or run finds it gone. And that a user was not found
    does not say what became of a key that a run was killed at.
    """
    interrupted = before.outcome == DELETING and before.run_id != entry.run_id
    return before.outcome == DELETED or (interrupted and entry.fields.get("reason") == USER_GONE)


def _outcome(entry: JournalEntry, latest_run: bool, tried_before: bool) -> Outcome:
    """What a line says; `tried_before`: a run was killed in the middle of deleting the key."""
    outcome, reason = entry.outcome, _reason(entry.fields)
    if outcome == DELETING:
        # The run was killed between the call and its answer: the key may be gone or not.
        outcome, reason = FAILED, INTERRUPTED
    elif tried_before and reason == ALREADY_GONE:
        outcome, reason = DELETED, f"{INTERRUPTED}: {reason}"  # by the call that had no answer
    return Outcome(
        key=_key(entry),
        policy=str(entry.fields.get("policy") or ""),
        time=moment(entry.time),
        outcome=outcome,
        reason=reason,
        latest_run=latest_run,
    )


def _key(entry: JournalEntry) -> FoundKey:
    """The key as far as a line describes it; where and by whom it was used is not in it."""
    fields, time = entry.fields, moment(entry.time)
    evidence = _evidence(fields)
    at_least = _days(fields.get("at_least_days")) or 0.0
    return FoundKey(
        account_id=entry.account_id,
        user_name=clean(entry.user_name or ""),
        path="/",
        partition=AWS,
        access_key_id=clean(entry.access_key_id or ""),
        created=_moment(fields.get("created")) or time,
        last_used=_last_used(evidence),
        last_used_service=None,
        last_used_region=None,
        not_before=_moment(fields.get("not_before")) or time,
        not_after=_moment(fields.get("not_after")) or time,
        at_least_days=at_least,
        at_most_days=_days(fields.get("at_most_days")) or 0.0,
        evidence=tuple(evidence_words(item) for item in evidence),
        proven=at_least > 0,
    )


def _reason(fields: Mapping[str, Any]) -> str | None:
    """The reason's word, followed by what AWS said, if it did."""
    return reason_words(": ".join(filter(None, (fields.get("reason"), *_said(fields))))) or None


def _said(fields: Mapping[str, Any]) -> list[str]:
    """AWS's error code and message, as far as there are any; a message of ours by itself."""
    error = fields.get("error")
    if not isinstance(error, dict):
        return []
    code, message = (str(error.get(name) or "") for name in ("code", "message"))
    words = reason_words(code) if code not in OUR_CLASSES else "", reason_words(message)
    return [text for text in words if text]
