# SPDX-License-Identifier: Apache-2.0
"""Evidence, failures and untrusted text in words that are safe to print anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from sys import intern
from typing import Any

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
TIMED = {"deactivated": "switched off", "activated": "switched on", "used": "last used"}


def clean(text: str) -> str:
    """Text on one line without control characters, which could steer a terminal."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def evidence_words(item: Mapping[str, Any]) -> str:
    """One entry of the annotation's Evidence list as a sentence of its own."""
    words = " ".join(_words(item))
    if item.get("Discarded"):
        words = f"{words}; not believed: {item['Discarded']}"
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


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 key`, `2 keys`, `1,000 keys`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def is_or_are(number: int) -> str:
    """The verb that goes with `counted`."""
    return "is" if number == 1 else "are"
