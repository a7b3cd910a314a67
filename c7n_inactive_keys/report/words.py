# SPDX-License-Identifier: Apache-2.0
"""Evidence, failures and untrusted text in words that are safe to print anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from c7n_inactive_keys.core.journal import (
    UNREAD_HISTORY,
    UNREAD_LAST_USE,
    UNREAD_USER,
    UNREADABLE,
)
from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.report.model import Unread

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
# In JSON those below a blank can only be escaped, or stand between the values.
RAW_CONTROL = re.compile(r"[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
# Any escape of JSON, so that none is looked for behind an escaped backslash.
ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<bad>\\u(?:[dD][89a-fA-F]..|00[01].|007[fF]|00[89].|202[89a-eA-E]|206[6-9])|\\[bf])"
    r"|(?P<blank>\\[nrt])|\\.",
    re.DOTALL,
)
NAMED = 3  # users or keys of which a sentence speaks by name
UNREAD = {  # with what is counted in it
    UNREAD_HISTORY: ("event history could not be read", None),
    UNREAD_LAST_USE: ("the last use of {} could not be read", "access key"),
    UNREAD_USER: ("{} of the credential report could not be found", "user"),
    UNREADABLE: ("the access keys of {} could not be read", "user"),
}


def clean(text: str) -> str:
    """Text on one line without control characters, which could steer a terminal."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def whole(text: str) -> str:
    """Text in which an escape for each half of a character, as in YAML, makes the whole one."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def printable(text: str) -> str:
    """JSON text whose values are safe to print: no control characters, no halves of others."""
    if not text.isascii() or "\x7f" in text:
        text = RAW_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return ESCAPE.sub(_safe_escape, text) if "\\" in text else text


def _safe_escape(found: re.Match[str]) -> str:
    return r"\ufffd" if found["bad"] else " " if found["blank"] else found[0]


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


def iso(time: datetime | None) -> str | None:
    """A time as the formats for programs have it, if there is one."""
    return format_time(time) if time else None


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 key`, `2 keys`, `1,000 keys`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def is_or_are(number: int) -> str:
    """The verb that goes with `counted`."""
    return "is" if number == 1 else "are"
