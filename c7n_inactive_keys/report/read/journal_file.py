# SPDX-License-Identifier: Apache-2.0
"""From the lines of a journal to one outcome a key: the last word of the last run that tried."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from c7n_inactive_keys.core import errors
from c7n_inactive_keys.core.found_key import FoundKey
from c7n_inactive_keys.core.journal import (
    ALREADY_GONE,
    DEACTIVATED,
    DEACTIVATING,
    DELETED,
    DELETING,
    EXPIRED_KEY,
    FAILED,
    NOTED,
    REACTIVATED,
    REACTIVATING,
    ROOT_KEY,
    SKIPPED,
    UNREAD,
    UNREADABLE,
    USER_GONE,
    DeactivatedKey,
    JournalLine,
    JournalProblem,
    read_lines,
)
from c7n_inactive_keys.core.keys import ACTIVE, INACTIVE, AccessKey, LastUse
from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.core.unused_key import UnusedKey
from c7n_inactive_keys.core.written import moment
from c7n_inactive_keys.report.model import (
    ActiveKey,
    ActiveOutcome,
    ExpiredKey,
    KeyId,
    KeyOutcome,
    SeenKey,
    SeenUser,
    Unread,
)
from c7n_inactive_keys.report.read.run_log import reason_words

INTERRUPTED = "interrupted"
OF_KEYS = (DELETING, DELETED, SKIPPED, FAILED)
OF_ACTIVE_KEYS = (DEACTIVATING, DEACTIVATED, REACTIVATING, REACTIVATED, SKIPPED, FAILED)
# A line that was torn off has its time near its beginning.
TIME = re.compile(r'"time": *"([^"]+)"')
# Names of classes of ours, which stand where AWS's error codes do and say nothing to users.
OUR_CLASSES = frozenset({*vars(errors), "MaxKeysExceeded"})


@dataclass(frozen=True, slots=True)
class JournalReading:
    """What a journal says; of users and of what was not read, only what the last run said."""

    outcomes: tuple[KeyOutcome, ...] = ()
    active_outcomes: tuple[ActiveOutcome, ...] = ()
    account_id: str = ""
    unread: tuple[Unread, ...] = ()
    user_failures: tuple[str, ...] = ()
    root_keys: tuple[SeenKey, ...] = ()
    expired: tuple[ExpiredKey, ...] = ()
    damage: tuple[str, ...] = ()  # lines that are lost and may be the last run's
    problems: tuple[str, ...] = ()


def read_journal(text: str, name: str, began: str | None = None) -> JournalReading:
    """The outcome of each key that a journal speaks of; `name` is the file's, for sentences.

    `began` is when the last run of its directory did: what the journal says from before that is of
    earlier runs. If it is not known, the last run is the one that wrote the last line, and with it
    all that were going on when it wrote its first.
    """
    lines, faults = read_lines(text)
    last_runs = _last_runs(lines)
    current = [
        line
        for line in lines
        if (format_time(line.time) >= began if began else line.run_id in last_runs)
    ]
    past, latest = _past(text, faults, began), {id(line) for line in current}
    return JournalReading(
        outcomes=tuple(_outcomes(lines, latest)),
        active_outcomes=tuple(_active_outcomes(lines, latest)),
        account_id=lines[-1].account_id if lines else "",
        unread=tuple(filter(None, map(_unread, current))),
        user_failures=tuple(dict.fromkeys(_user_failures(current))),
        root_keys=tuple(_key(line) for line in current if _is_noted(line, ROOT_KEY)),
        expired=tuple(
            ExpiredKey(line.account_id, line.user_name or "", line.access_key_id or "")
            for line in current
            if _is_noted(line, EXPIRED_KEY)
        ),
        damage=tuple(_fault(name, fault) for fault in faults if fault.line_number not in past),
        problems=tuple(_fault(name, fault) for fault in faults),
    )


# -- lines ----------------------------------------------------------------------------------------


def _fault(name: str, fault: JournalProblem) -> str:
    return f"{name}: line {fault.line_number}: {fault.problem}"


def _past(text: str, faults: Sequence[JournalProblem], began: str | None) -> set[int]:
    """Numbers of lines that were certainly written before the last run began."""
    past: set[int] = set()
    if not (faults and began):
        return past
    following = None
    for number, line in reversed([*enumerate(text.split("\n"), start=1)]):
        following = _time_in(line) or following
        if following and following < began:
            past.add(number)
    return past


def _time_in(line: str) -> str | None:
    found = TIME.search(line)
    try:
        return format_time(moment(found[1])) if found else None
    except ValueError:
        return None


def _last_runs(lines: Sequence[JournalLine]) -> set[str]:
    """The run that wrote the last line, and those that went on after it had begun."""
    last = lines[-1].run_id if lines else None
    began = next((at for at, line in enumerate(lines) if line.run_id == last), 0)
    return {line.run_id for line in lines[began:]}


# -- what they say of users and accounts ----------------------------------------------------------


def _unread(line: JournalLine) -> Unread | None:
    """What the line says that the run needed and could not read."""
    is_user = (line.outcome, line.access_key_id, line.reason) == (FAILED, None, UNREADABLE)
    if not is_user and line.outcome != UNREAD:
        return None
    subject = line.access_key_id or line.user_name or ""
    return Unread(line.reason or "", subject, ": ".join(_said(line)))


def _user_failures(lines: Iterable[JournalLine]) -> Iterator[str]:
    for line in lines:
        if line.outcome == FAILED and line.access_key_id is None and not _unread(line):
            yield f"user {line.user_name}: {_reason(line) or FAILED}"


def _is_noted(line: JournalLine, reason: str) -> bool:
    return (line.outcome, line.reason) == (NOTED, reason)


# -- what they say of keys ------------------------------------------------------------------------


def _outcomes(lines: Iterable[JournalLine], current: set[int]) -> Iterator[KeyOutcome]:
    last: dict[KeyId, JournalLine] = {}
    tried: set[KeyId] = set()  # keys that a run was killed at
    for line in lines:
        if line.access_key_id is None or line.outcome not in OF_KEYS:
            continue
        if _aim(line):
            continue
        identity = line.account_id, line.access_key_id
        before = last.get(identity)
        if before and before.outcome == DELETING and before.run_id != line.run_id:
            tried.add(identity)
        if not before or not _stands(before, line):
            last[identity] = line
    for identity, line in last.items():
        yield _outcome(line, id(line) in current, identity in tried)


def _stands(before: JournalLine, line: JournalLine) -> bool:
    """Whether a later line changes nothing.

    What is deleted stays so: another action or run finds it gone. And that a user was not found
    does not say what became of a key that a run was killed at.
    """
    interrupted = before.outcome == DELETING and before.run_id != line.run_id
    return before.outcome == DELETED or (interrupted and line.reason == USER_GONE)


def _outcome(line: JournalLine, latest_run: bool, tried_before: bool) -> KeyOutcome:
    """What a line says; `tried_before`: a run was killed in the middle of deleting the key."""
    outcome, reason = line.outcome, _reason(line)
    if outcome == DELETING:
        # The run was killed between the call and its answer: the key may be gone or not.
        outcome, reason = FAILED, INTERRUPTED
    elif tried_before and reason == ALREADY_GONE:
        outcome, reason = DELETED, f"{INTERRUPTED}: {reason}"  # by the call that had no answer
    return KeyOutcome(
        key=_key(line),
        policy=line.policy or "",
        time=format_time(line.time),
        outcome=outcome,
        reason=reason,
        plan=line.plan,
        latest_run=latest_run,
    )


# -- what they say of keys that were to be deactivated or reactivated -----------------------------


def _aim(line: JournalLine) -> str | None:
    """What was to be done to a key that is not to be deleted; None: that is to be."""
    if line.outcome in (DELETING, DELETED):
        return None
    if line.outcome in (DEACTIVATING, DEACTIVATED) or isinstance(line.found, UnusedKey):
        return DEACTIVATED
    if line.outcome in (REACTIVATING, REACTIVATED) or isinstance(line.found, DeactivatedKey):
        return REACTIVATED
    return None


def _active_outcomes(lines: Iterable[JournalLine], current: set[int]) -> Iterator[ActiveOutcome]:
    """The last word on each key; a call without an answer is told by the next reading."""
    last: dict[KeyId, tuple[str, JournalLine]] = {}
    for line in lines:
        aim = _aim(line) if line.outcome in OF_ACTIVE_KEYS else None
        if aim and line.access_key_id:
            last[line.account_id, line.access_key_id] = aim, line
    for aim, line in last.values():
        cut_off = line.outcome in (DEACTIVATING, REACTIVATING)
        yield ActiveOutcome(
            key=_active_key(line),
            aim=aim,
            policy=line.policy or "",
            time=format_time(line.time),
            outcome=FAILED if cut_off else line.outcome,
            reason=INTERRUPTED if cut_off else _reason(line),
            plan=line.plan,
            latest_run=id(line) in current,
        )


def _active_key(line: JournalLine) -> ActiveKey:
    found, user = line.found, SeenUser(line.account_id, line.user_name or "")
    if isinstance(found, UnusedKey):
        return ActiveKey(found.key, found.last_use, user, found.unused_days)
    key = AccessKey(line.access_key_id or "", line.user_name or "", ACTIVE, line.time)
    return ActiveKey(found.key if found else key, LastUse(), user)


# -- values ---------------------------------------------------------------------------------------


def _key(line: JournalLine) -> SeenKey:
    """The key as far as a line describes it."""
    found = line.found
    if not isinstance(found, FoundKey):
        key = AccessKey(line.access_key_id or "", line.user_name or "", INACTIVE, line.time)
        found = FoundKey(key, LastUse(), line.time, line.time, 0.0, 0.0)
    user = SeenUser(line.account_id, line.user_name or "")
    return SeenKey(found, user, proven=found.at_least_days > 0)


def _reason(line: JournalLine) -> str | None:
    """The reason's word, followed by what manages the key or what AWS said, if that is known."""
    parts = line.reason, line.managed_by, *_said(line)
    return reason_words(": ".join(filter(None, parts))) or None


def _said(line: JournalLine) -> list[str]:
    """AWS's error code and message, as far as there are any; a message of ours by itself."""
    if line.error is None:
        return []
    code = "" if line.error.code in OUR_CLASSES else line.error.code
    return [text for text in map(reason_words, (code, line.error.message)) if text]
