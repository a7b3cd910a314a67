# SPDX-License-Identifier: Apache-2.0
"""How fast all workers together may go on where IAM throttles: slower at once, faster by and by."""

from __future__ import annotations

import math
import threading
import time

FIRST_INTERVAL = 0.1  # seconds between two tries once IAM has throttled
SLOWER = 1.5
FASTER = 0.97
NEGLIGIBLE = 0.01  # seconds
# Workers that were throttled in the same burst say the same thing; it counts once.
BURST = 0.5  # seconds


class Pace:
    """Spaces out tries; without any throttling there is no space between them.

    The client's adaptive retry mode does as much, but lets the call wait after the key was read.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._interval = 0.0
        self._next = 0.0
        self._slowed = -math.inf  # the clock itself may start near 0

    def wait(self) -> None:
        """Wait for a turn."""
        with self._lock:
            if not self._interval:
                return
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._interval
        time.sleep(turn - now)

    def throttled(self) -> None:
        """A try was throttled: all workers go slower."""
        with self._lock:
            now = time.monotonic()
            if now - self._slowed >= BURST:
                self._slowed = now
                self._interval = max(FIRST_INTERVAL, self._interval * SLOWER)

    def granted(self) -> None:
        """A try was not throttled."""
        with self._lock:
            self._interval *= FASTER
            if self._interval < NEGLIGIBLE:
                self._interval = 0.0
