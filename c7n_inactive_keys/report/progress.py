# SPDX-License-Identifier: Apache-2.0
"""A progress line on stderr for what takes more than a second on a terminal; silent elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

Item = TypeVar("Item")
PATIENCE = 1.0  # seconds
INTERVAL = 0.1  # seconds between two updates


class Progress(Protocol):
    """Hands items on, and tells how many."""

    def __call__(self, items: Iterable[Item], what: str, /) -> Iterable[Item]:
        """The items, while somebody is told what is done with them."""


def progress(items: Iterable[Item], what: str) -> Iterator[Item]:
    """The items, counted on stderr while they are consumed, if somebody is watching."""
    if not sys.stderr.isatty():
        yield from items
        return
    shown = time.monotonic() + PATIENCE
    visible = False
    try:
        for number, item in enumerate(items, 1):
            if time.monotonic() >= shown:
                shown = time.monotonic() + INTERVAL
                visible = True
                sys.stderr.write(f"\r\x1b[K{what}: {number:,}")
                sys.stderr.flush()
            yield item
    finally:
        if visible:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
