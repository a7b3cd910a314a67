# SPDX-License-Identifier: Apache-2.0
"""Evidence, failures and untrusted text in words that are safe to print anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from sys import intern
from typing import Any

from c7n_inactive_keys.core.journal import (
    UNREAD_HISTORY,
    UNREAD_LAST_USE,
    UNREAD_USER,
    UNREADABLE,
)
from c7n_inactive_keys.report.model import Unread

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
NAMED = 3  # users or keys of which a sentence speaks by name
UNREAD = {  # with what is counted in it
    UNREAD_HISTORY: ("event history could not be read", None),
    UNREAD_LAST_USE: ("the last use of {} could not be read", "access key"),
    UNREAD_USER: ("{} of the credential report could not be found", "user"),
    UNREADABLE: ("the access keys of {} could not be read", "user"),
}
TIMED = {
    "used": "last used",
    "active": "seen active",
    "inactive": "seen inactive",
    "unclear": "perhaps changed",
}


def clean(text: str) -> str:
    """Text on one line without control characters, which could steer a terminal."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def whole(text: str) -> str:
    """Text in which an escape for each half of a character, as in JSON, makes the whole one."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def unread_words(items: Iterable[Unread]) -> str | None:
    """What a run needed and could not read, a clause for each kind of it; None: nothing."""
    kinds: dict[str, dict[str, str]] = {}
    for item in items:
        kinds.setdefault(item.reason, {}).setdefault(item.subject, item.cause)
    return "; ".join(_unread_clauses(kinds)) or None


def _unread_clauses(kinds: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for kind, subjects in sorted(kinds.items()):
        sentence, noun = UNREAD.get(kind, (f"evidence from {kind} could not be read", None))
        cause = next(filter(None, subjects.values()), "")
        named = f" ({_some(list(subjects))})" if noun else ""
        what = sentence.format(counted(len(subjects), noun)) if noun else sentence
        yield f"{what}{named}{': ' if cause else ''}{cause}"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def evidence_words(item: Mapping[str, Any]) -> str:
    """One entry of the annotation's Evidence list as a sentence of its own."""
    words = " ".join(_words(item))
    if item.get("Discarded"):
        words = f"{words}; not believed: {item['Discarded']}"
    if item.get("Waiting"):
        words = f"{words}; waits {item['Waiting']}"
    # Most of a large report's text is the same few sentences, over and over.
    return intern(clean(words))


def _words(item: Mapping[str, Any]) -> Iterable[str]:
    source, kind = str(item.get("Source", "?")), str(item.get("Kind", "?"))
    if source == "key" and kind == "created":
        yield f"created {item.get('Time')}"
        return
    if kind == "unavailable":
        yield f"{source}: not available: {item.get('Reason')}"
        return
    if kind == "inactive-throughout":
        yield f"{source}: inactive throughout {item.get('From')} to {item.get('To')}"
        return
    prefix = "" if source == "last-used" else f"{source}: "
    yield f"{prefix}{TIMED.get(kind, kind)} {item.get('Time')}"
    if item.get("Actor"):
        yield f"by {item['Actor']}"
    if item.get("EventId"):
        yield f"(event {item['EventId']})"
    if item.get("Reason"):
        yield f"because {item['Reason']}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 key`, `2 keys`, `1,000 keys`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def is_or_are(number: int) -> str:
    """The verb that goes with `counted`."""
    return "is" if number == 1 else "are"
