# SPDX-License-Identifier: Apache-2.0
"""IAM's credential report as values: which users hold an inactive key. Pure.

The report has no access key ids and may be four hours old, so it only says where to look: what
ListAccessKeys says decides.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from c7n_inactive_keys.core.errors import CredentialReportError
from c7n_inactive_keys.core.json_types import JsonMapping, JsonObject
from c7n_inactive_keys.core.keys import AccessKey, LastUse, account_of
from c7n_inactive_keys.core.times import format_time, parse_time, whole_second

ROOT_USER = "<root_account>"
REQUIRED_COLUMNS = (
    "user",
    "arn",
    "user_creation_time",
    *(
        f"access_key_{slot}_{column}"
        for slot in (1, 2)
        for column in ("active", "last_rotated", "last_used_date")
    ),
)
# A report is as old as its time says at its end; its rows were read in the minutes before.
MAKING = timedelta(minutes=15)
_NO_VALUE = ("", "N/A", "no_information", "not_supported")


@dataclass(frozen=True, slots=True)
class ReportedKey:
    """What the report says of the key in one slot; `created` is its column last_rotated."""

    active: bool
    created: datetime
    last_use: LastUse


@dataclass(frozen=True, slots=True)
class ReportedUser:
    """A row of the report.

    `more_keys`: the user has keys for which the report has no columns. `password_last_used` is
    text as it stands there, since nothing about keys depends on it.
    """

    user_name: str
    arn: str
    keys: tuple[ReportedKey, ...]
    more_keys: bool = False
    generated: datetime | None = None
    password_last_used: str | None = None
    created: datetime | None = None
    other_credentials: bool | None = None  # a password or an active certificate
    # Another row has the same times of creation: if the users swapped names since, nobody can tell.
    has_twin: bool = False

    @property
    def is_root(self) -> bool:
        """Whether it is no user but the account's root."""
        return self.user_name == ROOT_USER

    @property
    def has_inactive_key(self) -> bool:
        """Whether an inactive key is there, or can be where the report does not tell."""
        return self.more_keys or any(not key.active for key in self.keys)

    def last_use_of(self, key: AccessKey, siblings: Iterable[AccessKey]) -> LastUse | None:
        """The last use of an inactive key, or None if the report cannot tell for certain.

        It is final only if the key was inactive already when the report was made.
        """
        slot = self._inactive_slot(key, siblings)
        return slot.last_use if slot else None

    def seen_inactive(self, key: AccessKey, siblings: Iterable[AccessKey]) -> datetime | None:
        """When the report was made, if it certainly has the key as inactive."""
        return self.generated if self._inactive_slot(key, siblings) else None

    def _inactive_slot(self, key: AccessKey, siblings: Iterable[AccessKey]) -> ReportedKey | None:
        """A slot is a key only if its creation second alone names it on both sides."""
        listed = [other for other in siblings if other.created == key.created]
        reported = [slot for slot in self.keys if slot.created == key.created]
        if len(listed) != 1 or len(reported) != 1 or self.more_keys or self.has_twin:
            return None
        return None if reported[0].active else reported[0]

    def seen_active(self, key: AccessKey) -> datetime | None:
        """When the report had a key as active that is inactive now, if it did."""
        reported = [slot for slot in self.keys if slot.created == key.created]
        if self.generated and reported and all(slot.active for slot in reported):
            return self.generated - MAKING
        return None

    def is_of(self, created: datetime) -> bool:
        """Whether the row is of the user of that creation, whoever had the name meanwhile."""
        return self.created == whole_second(created)

    def annotation(self) -> JsonObject:
        """The row as Custodian keeps it on the user: JSON values only."""
        return {
            "GeneratedTime": self.generated and format_time(self.generated),
            "MoreKeys": self.more_keys,
            "HasTwin": self.has_twin,
            "OtherCredentials": self.other_credentials,
            "AccessKeys": [
                {
                    "Active": key.active,
                    "LastRotated": format_time(key.created),
                    "LastUsedDate": key.last_use.time and format_time(key.last_use.time),
                    "LastUsedService": key.last_use.service,
                    "LastUsedRegion": key.last_use.region,
                }
                for key in self.keys
            ],
        }

    @classmethod
    def from_annotation(cls, user: JsonMapping, annotation: JsonMapping) -> ReportedUser:
        """Read back what `annotation` wrote for a user."""
        return cls(
            user["UserName"],
            user["Arn"],
            more_keys=annotation["MoreKeys"],
            has_twin=annotation["HasTwin"],
            other_credentials=annotation.get("OtherCredentials"),
            generated=annotation["GeneratedTime"] and parse_time(annotation["GeneratedTime"]),
            keys=tuple(
                ReportedKey(
                    slot["Active"],
                    parse_time(slot["LastRotated"]),
                    LastUse(
                        slot["LastUsedDate"] and parse_time(slot["LastUsedDate"]),
                        slot["LastUsedService"],
                        slot["LastUsedRegion"],
                    ),
                )
                for slot in annotation["AccessKeys"]
            ),
        )


def read_report(
    lines: Iterable[str], generated: datetime | None = None, account_id: str | None = None
) -> Iterator[ReportedUser]:
    """The users of an account's report, row by row, and the account's root.

    Raises:
        CredentialReportError: the text has not the form of a credential report, or is another
            account's.
    """
    rows = csv.reader(lines)
    header = next(rows, [])
    missing = [name for name in REQUIRED_COLUMNS if name not in header]
    if missing:
        raise CredentialReportError(
            f"the account's credential report has no column {', '.join(missing)}"
        )
    whole = False
    for fields in rows:
        row = dict(zip(header, _mend(fields, len(header)), strict=True))
        _check_account(row["arn"] or "", account_id)
        whole = whole or row["user"] == ROOT_USER
        yield _read_row(row, generated)
    if not whole:
        raise CredentialReportError(
            f"the account's credential report has no row {ROOT_USER}, so it is not whole"
        )


def mark_twins(users: Iterable[ReportedUser]) -> list[ReportedUser]:
    """The users of a whole report, with the twins among them known as such."""
    users = list(users)
    times = Counter((user.created, key.created) for user in users for key in user.keys)
    return [
        replace(user, has_twin=any(times[user.created, key.created] > 1 for key in user.keys))
        for user in users
    ]


def _check_account(arn: str, account_id: str | None) -> None:
    owner = account_of(arn)
    if account_id and owner != account_id:
        raise CredentialReportError(
            f"the account's credential report has the user {arn} of another account than "
            f"{account_id}"
        )


def _mend(fields: list[str], columns: int) -> list[str]:
    """The fields of a row, put together again where a user name holds a comma without quotes.

    A comma is legal in user names, and so in ARNs, but in no other column.
    """
    if len(fields) > columns:
        name, separator, arn = ",".join(fields[: len(fields) - columns + 2]).partition(",arn:")
        fields = [name, separator[1:] + arn, *fields[len(fields) - columns + 2 :]]
    if len(fields) != columns:
        raise CredentialReportError(
            f"the row of user {fields[0] if fields else ''!r} in the account's credential report "
            f"has {len(fields)} fields instead of {columns}"
        )
    return fields


def _read_row(row: Mapping[str, str | None], generated: datetime | None) -> ReportedUser:
    try:
        created = _time(row, "user_creation_time")
        return ReportedUser(
            user_name=row["user"] or "",
            arn=row["arn"] or "",
            keys=tuple(
                key
                for key in (_read_key(row, "access_key_1_"), _read_key(row, "access_key_2_"))
                if key
            ),
            more_keys=_value(row, "additional_credentials_info") is not None,
            generated=generated,
            password_last_used=_value(row, "password_last_used"),
            created=created and whole_second(created),
            other_credentials=_other_credentials(row),
        )
    except ValueError as error:
        raise CredentialReportError(
            f"the row of user {row['user']} in the account's credential report "
            f"cannot be read: {error}"
        ) from None


def _read_key(row: Mapping[str, str | None], prefix: str) -> ReportedKey | None:
    """The key of a slot; an inactive key has a date in last_rotated, an empty slot has none."""
    active = _boolean(row[prefix + "active"])
    created = _time(row, prefix + "last_rotated")
    if created is None:
        if active:
            raise ValueError(f"{prefix}active is true but {prefix}last_rotated has no date")
        return None
    return ReportedKey(
        active,
        whole_second(created),
        LastUse(
            time=_time(row, prefix + "last_used_date"),
            service=_value(row, prefix + "last_used_service"),
            region=_value(row, prefix + "last_used_region"),
        ),
    )


def _other_credentials(row: Mapping[str, str | None]) -> bool | None:
    """Whether the user has a password or an active certificate, as far as the report tells."""
    columns = ("password_enabled", "cert_1_active", "cert_2_active")
    found = [value.lower() for column in columns if (value := _value(row, column))]
    return "true" in found if found else None


def _value(row: Mapping[str, str | None], column: str) -> str | None:
    value = row.get(column)
    return None if value is None or value in _NO_VALUE else value


def _time(row: Mapping[str, str | None], column: str) -> datetime | None:
    value = _value(row, column)
    return parse_time(value) if value else None


def _boolean(text: str | None) -> bool:
    """AWS documents TRUE and FALSE and writes true and false; nothing else is understood."""
    value = (text or "").lower()
    if value not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return value == "true"
