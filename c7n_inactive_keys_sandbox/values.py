# SPDX-License-Identifier: Apache-2.0
"""Small things that all of the sandbox speaks of: moments, ids, uses, and what a reader sees."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from c7n_inactive_keys.core.times import whole_second

ACTIVE = "Active"
INACTIVE = "Inactive"


def now() -> datetime:
    """The moment, in whole seconds: IAM and CloudTrail know nothing finer."""
    return whole_second(datetime.now(timezone.utc))


def identifier(prefix: str, length: int, *parts: object) -> str:
    """A realistic unique id ([A-Z2-7]) that is the same in every run."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return prefix + base64.b32encode(digest).decode()[:length]


@dataclass(frozen=True)
class LastUsed:
    """The last recorded use of a key; S3 and other services without a region say N/A."""

    time: datetime
    service: str = "s3"
    region: str = "us-east-1"


@dataclass(frozen=True)
class View:
    """What IAM's readers see of a user: the present, or with a lag the past."""

    name: str
    path: str
    id: str
    arn: str
    created: datetime
    tags: Mapping[str, str]
    keys: Sequence[Mapping[str, object]]
    change: int = 0  # the number of the change that this is the state before
    password_last_used: datetime | None = None
