# SPDX-License-Identifier: Apache-2.0
"""An approved plan: the access keys that somebody agreed to have deleted. Pure.

A csv with the columns AccountId, UserName, AccessKeyId, CreateDate, AtLeast, as `report --plan`
writes it. AccessKeyId alone is enough. Where a row has AccountId, UserName and CreateDate, they
must match the key; AtLeast, AccountName, LastUsedDate, AtMost and Evidence are for the reader. A
plan with any other column is refused, since `Approved: no` would go unheard.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from c7n_inactive_keys.core.errors import PlanError
from c7n_inactive_keys.core.json_types import JsonMapping
from c7n_inactive_keys.core.keys import AccessKey, is_access_key_id
from c7n_inactive_keys.core.times import parse_time, whole_second

COLUMNS = ("AccountId", "UserName", "AccessKeyId", "CreateDate", "AtLeast")
# For whoever approves the plan; nothing is checked against them.
READER_COLUMNS = ("AccountName", "LastUsedDate", "AtMost", "Evidence")


@dataclass(frozen=True, slots=True)
class PlannedKey:
    """A row of a plan; what is None was not said."""

    access_key_id: str
    account_id: str | None = None
    user_name: str | None = None
    created: datetime | None = None

    def means(self, key: AccessKey, account_id: str) -> bool:
        """Whether this row is about the key as it is now."""
        return (
            self.access_key_id == key.access_key_id
            and self.account_id in (None, account_id)
            and self.user_name in (None, key.user_name)
            and self.created in (None, key.created)
        )


@dataclass(frozen=True, slots=True)
class PlanFile:
    """The file that a plan was read from, as `sha256sum` knows it."""

    url: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The planned keys by access key id."""

    keys: Mapping[str, tuple[PlannedKey, ...]]
    file: PlanFile | None = None

    def approves(self, key: AccessKey, account_id: str) -> bool:
        """Whether the plan lists the key as it is now."""
        return any(
            planned.means(key, account_id) for planned in self.keys.get(key.access_key_id, ())
        )


def read_plan(rows: Iterable[JsonMapping | str]) -> Plan:
    """Read a plan's rows: mappings with AccessKeyId, or bare access key ids.

    Raises:
        PlanError: a row has no AccessKeyId or cannot be read, or there is no row at all.
    """
    keys: dict[str, list[PlannedKey]] = {}
    for number, row in enumerate(rows, start=1):
        try:
            planned = _read_row(row)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise PlanError(f"row {number} of the plan cannot be read: {error}") from None
        keys.setdefault(planned.access_key_id, []).append(planned)
    if not keys:
        raise PlanError("the plan lists no access key; leave the option out to delete without one")
    return Plan({key_id: tuple(planned) for key_id, planned in keys.items()})


def _read_row(row: JsonMapping | str) -> PlannedKey:
    if isinstance(row, str):
        row = {"AccessKeyId": row}
    row = {_column(name): value for name, value in row.items()}
    unknown = sorted(set(row) - {*COLUMNS, *READER_COLUMNS})
    if unknown:
        raise ValueError(
            f"unknown column {', '.join(unknown)}; what it says is not understood, so take it out "
            "with the rows that nobody approved"
        )
    if "AccessKeyId" not in row:
        raise ValueError("it has no column AccessKeyId")
    access_key_id = row["AccessKeyId"].strip()
    if not is_access_key_id(access_key_id):
        raise ValueError(f"{access_key_id!r} is not an access key id")
    created = (row.get("CreateDate") or "").strip()
    return PlannedKey(
        access_key_id=access_key_id,
        account_id=_account_id(row.get("AccountId")),
        user_name=(row.get("UserName") or "").strip() or None,
        created=whole_second(parse_time(created)) if created else None,
    )


def _column(name: str) -> str:
    """A column's name as it is meant: what is not recognised would not be checked."""
    meant = {column.lower(): column for column in (*COLUMNS, *READER_COLUMNS)}
    bare = name.strip().strip("\ufeff\"'").strip()
    return meant.get(bare.lower(), bare)


def _account_id(value: str | None) -> str | None:
    """Spreadsheets take the leading zeros of an account id away."""
    text = (value or "").strip()
    return text.zfill(12) if text else None
