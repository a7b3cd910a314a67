# SPDX-License-Identifier: Apache-2.0
"""Access keys as values: what ListAccessKeys says of one, and what is known of its use."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from c7n_inactive_keys.core.json_types import JsonMapping
from c7n_inactive_keys.core.times import as_utc, parse_time, whole_second

ACTIVE = "Active"
INACTIVE = "Inactive"
EXPIRED = "Expired"
STATUSES = (ACTIVE, INACTIVE, EXPIRED)
# The pattern and length of accessKeyIdType in IAM's service model.
_ACCESS_KEY_ID = re.compile(r"\w{16,128}", re.ASCII)


def is_access_key_id(text: str) -> bool:
    """Whether IAM could have given a key this id."""
    return bool(_ACCESS_KEY_ID.fullmatch(text))


def account_of(arn: str) -> str | None:
    """The account id in an ARN."""
    parts = arn.split(":")
    return parts[4] if len(parts) > 5 else None


@dataclass(frozen=True, slots=True)
class AccessKey:
    """One access key as IAM lists it; identified by `access_key_id`, never by slot or time."""

    access_key_id: str
    user_name: str
    status: str  # Active, Inactive or Expired
    created: datetime
    metadata: JsonMapping = field(compare=False, repr=False, default_factory=dict)

    @classmethod
    def from_metadata(cls, metadata: JsonMapping, user_name: str) -> AccessKey:
        """Read an `AccessKeyMetadata` item; `user_name` is the user it was listed for."""
        created = metadata["CreateDate"]
        if isinstance(created, str):
            created = parse_time(created)
        return cls(
            access_key_id=metadata["AccessKeyId"],
            user_name=metadata.get("UserName") or user_name,
            status=metadata["Status"],
            created=whole_second(as_utc(created)),
            metadata=metadata,
        )

    @property
    def active(self) -> bool:
        """Whether the key can be used."""
        return self.status == ACTIVE

    @property
    def inactive(self) -> bool:
        """Whether somebody deactivated the key; `Expired` is another status."""
        return self.status == INACTIVE


@dataclass(frozen=True, slots=True)
class LastUse:
    """The last recorded use of a key. `time` None: none recorded since April 2015."""

    time: datetime | None = None
    service: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A source of evidence that could not be read: it is unknown what it would have said."""

    source: str
    message: str
    code: str = ""  # AWS's error code, or botocore's error class

    @property
    def reason(self) -> str:
        """Code and message."""
        return f"{self.code}: {self.message}" if self.code else self.message


def inactive_keys(keys: Iterable[AccessKey]) -> list[AccessKey]:
    """Those of the keys that are inactive, in the given order."""
    return [key for key in keys if key.inactive]
