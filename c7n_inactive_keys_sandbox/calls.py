# SPDX-License-Identifier: Apache-2.0
"""The log of all calls that the sandbox answered, and how many a second there may be."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Call:
    """One call. `account`: whose it is (of AssumeRole: the target's); `user`: whom it concerns."""

    service: str
    action: str
    account: str | None
    region: str
    user: str | None
    key_id: str | None
    caller: str | None
    time: datetime
    status: int | None = None  # None: no whole answer was sent
    error: str | None = None


class Calls:
    """Calls in the order in which they were answered."""

    def __init__(self) -> None:
        self._calls: list[Call] = []

    def add(self, call: Call) -> None:
        """Append a call."""
        self._calls.append(call)

    def clear(self) -> None:
        """Forget all calls."""
        self._calls = []

    def __iter__(self) -> Iterator[Call]:
        """Iterate over a copy, since calls may arrive meanwhile."""
        return iter(list(self._calls))

    def __len__(self) -> int:
        """How many calls there were."""
        return len(self._calls)

    def select(
        self,
        action: str | None = None,
        account: str | None = None,
        service: str | None = None,
    ) -> list[Call]:
        """The calls with that action, account and service; None means any."""
        return [
            call
            for call in self
            if action in (None, call.action)
            and account in (None, call.account)
            and service in (None, call.service)
        ]

    def count(
        self,
        action: str | None = None,
        account: str | None = None,
        service: str | None = None,
    ) -> int:
        """How many calls `select` finds."""
        return len(self.select(action, account, service))

    def by_action(self, account: str | None = None) -> Counter[str]:
        """Number of calls by action."""
        return Counter(call.action for call in self.select(account=account))


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
