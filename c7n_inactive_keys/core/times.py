# SPDX-License-Identifier: Apache-2.0
"""Moments and days as the whole package reads and writes them: aware UTC, whole seconds."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

DAY = timedelta(days=1)
_FRACTION = re.compile(r"[.,](\d+)")


def format_time(moment: datetime) -> str:
    """An aware datetime as ISO 8601 UTC with whole seconds, `2026-01-03T10:00:00Z`."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """ISO 8601 text as an aware UTC datetime; a time without offset is UTC, a date its midnight.

    Raises:
        ValueError: the text is no ISO 8601 time.
    """
    # datetime.fromisoformat reads a trailing Z, and fractions of any length, from Python 3.11 on.
    text = _FRACTION.sub(lambda found: f".{found[1][:6]:0<6}", text.strip())
    if text[-1:] in ("Z", "z"):
        text = text[:-1] + "+00:00"
    try:
        return as_utc(datetime.fromisoformat(text))
    except OverflowError as error:  # an offset can push a time out of the calendar
        raise ValueError(f"{text} is out of range") from error


def as_utc(moment: datetime) -> datetime:
    """The moment in UTC; a naive one is taken as UTC, which is what AWS means by it."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc)


def whole_second(moment: datetime) -> datetime:
    """The moment without its fraction of a second: AWS compares and prints whole seconds."""
    return moment.replace(microsecond=0)


def next_second(moment: datetime) -> datetime:
    """The moment, or the next whole second: what happened before it shows no later time than it."""
    floor = whole_second(moment)
    return floor if floor == moment else floor + timedelta(seconds=1)


def days_between(earlier: datetime, later: datetime) -> float:
    """Days of 24 hours from earlier to later, rounded to one decimal, never negative."""
    return round(max(later - earlier, timedelta(0)) / DAY, 1)
