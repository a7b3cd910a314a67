# SPDX-License-Identifier: Apache-2.0
"""Values read back from JSON that we wrote, and that may have become anything since."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from math import isfinite
from typing import Any, TypeVar

from c7n_inactive_keys.core.times import parse_time

Value = TypeVar("Value")


@lru_cache(maxsize=1024)
def moment(value: str) -> datetime:
    """A time.

    Raises:
        AttributeError, TypeError, ValueError: it is none, or one that could not be written again.
    """
    time = parse_time(value)
    if time.year < 1000:
        raise ValueError(f"{value} is out of range")
    return time


def number_of_days(value: Any) -> float:
    """A number of days.

    Raises:
        TypeError, ValueError: it is none, or not a finite one.
    """
    if not isfinite(days := float(value)):
        raise ValueError(f"{value} is no number of days")
    return days


def text(value: object) -> str:
    """Text.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def optional(read: Callable[[Any], Value], value: object) -> Value | None:
    """The value, if there is any."""
    return read(value) if value else None
