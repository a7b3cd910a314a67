# SPDX-License-Identifier: Apache-2.0
"""Token buckets, as AWS keeps them per account and action."""

from __future__ import annotations

import threading
import time


class Rates:
    """Requests per second by account, region and action; a bucket holds a second's worth."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, ...], tuple[float, float]] = {}

    def take(self, rate: float, *bucket: str) -> bool:
        """Take a token; False when there is none, so that the call is to be throttled."""
        moment = time.monotonic()
        size = max(rate, 1.0)
        with self._lock:
            tokens, filled = self._buckets.get(bucket, (size, moment))
            tokens = min(size, tokens + (moment - filled) * rate)
            granted = tokens >= 1
            self._buckets[bucket] = (tokens - 1 if granted else tokens, moment)
        return granted

    def clear(self) -> None:
        """Fill all buckets."""
        with self._lock:
            self._buckets = {}
