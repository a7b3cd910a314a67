# SPDX-License-Identifier: Apache-2.0
"""An active key that nobody has used for long: a value here, a JSON entry on Custodian's user.

The entry is public, in `c7n:UnusedAccessKeys`. Such a key is not called inactive: that word is
AWS's status.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from c7n_inactive_keys.core.annotations import UNUSED_KEYS
from c7n_inactive_keys.core.json_types import JsonMapping, JsonObject
from c7n_inactive_keys.core.key_fields import key_fields, key_in, last_use_in
from c7n_inactive_keys.core.keys import AccessKey, LastUse
from c7n_inactive_keys.core.times import days_between
from c7n_inactive_keys.core.written import number_of_days

# IAM tells of a use late: in these hours the key may have been used all the same.
LAST_USE_LAG = timedelta(hours=4)
DAY = 24 * 3600  # seconds


@dataclass(frozen=True, slots=True)
class UnusedKey:
    """An active key, its last recorded use, and the days since then, or since its creation."""

    key: AccessKey
    last_use: LastUse
    unused_days: float

    def to_annotation(self) -> JsonObject:
        """The entry on Custodian's user."""
        return {**key_fields(self.key, self.last_use), "UnusedDays": self.unused_days}

    @classmethod
    def from_annotation(cls, entry: JsonMapping) -> UnusedKey:
        """Read back what `to_annotation` wrote.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: it has another form.
        """
        return cls(key_in(entry), last_use_in(entry), number_of_days(entry["UnusedDays"]))


@dataclass(frozen=True, slots=True)
class Disuse:
    """How long a key must have been unused: since its last use, or never used since creation."""

    days: float
    never_used_days: float

    def found(self, key: AccessKey, last_use: LastUse, now: datetime) -> UnusedKey | None:
        """The key as an unused one, if it is Active and has been unused for so long.

        What IAM does not tell yet counts against it: the last LAST_USE_LAG are not counted.
        """
        since = last_use.time or key.created
        enough = self.days if last_use.time else self.never_used_days
        if not key.active or (now - LAST_USE_LAG - since).total_seconds() < enough * DAY:
            return None
        return UnusedKey(key, last_use, days_between(since, now))

    def possible(self, created: datetime, used: datetime | None, now: datetime) -> bool:
        """Whether a key may be found that was created then and used then, or perhaps later."""
        if used:
            return days_between(used, now) >= self.days
        return days_between(created, now) >= min(self.days, self.never_used_days)


def unused_keys(user: JsonMapping) -> list[UnusedKey]:
    """The keys that the policy's filters matched, from the user's annotation."""
    return [UnusedKey.from_annotation(entry) for entry in user.get(UNUSED_KEYS) or ()]
