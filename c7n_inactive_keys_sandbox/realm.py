# SPDX-License-Identifier: Apache-2.0
"""What all accounts share: partition, clock and ids."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from c7n_inactive_keys_sandbox.events import HOME_REGIONS
from c7n_inactive_keys_sandbox.times import whole


def identifier(prefix: str, length: int, *parts: object) -> str:
    """A realistic unique id ([A-Z2-7]) that is the same in every run."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return prefix + base64.b32encode(digest).decode()[:length]


@dataclass(eq=False)
class Realm:
    """The partition, the clock that it goes by, and the maker of its ids."""

    partition: str = "aws"
    clock_offset: timedelta = timedelta(0)
    given: Counter[tuple[object, ...]] = field(default_factory=Counter)

    @property
    def home_region(self) -> str:
        """Where IAM is, and its events."""
        return HOME_REGIONS[self.partition]

    def now(self) -> datetime:
        """The moment by the clock of this AWS."""
        return whole(datetime.now(timezone.utc) + self.clock_offset)

    def moment(self, at: datetime | None) -> datetime:
        """A given moment, or now."""
        return whole(at) if at else self.now()

    def new_id(self, prefix: str, length: int, *parts: object) -> str:
        """An id not given before: the nth for the same parts is the same in every run."""
        place = (prefix, *parts)
        self.given[place] += 1
        return identifier(prefix, length, *place, self.given[place])
