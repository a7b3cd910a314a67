# SPDX-License-Identifier: Apache-2.0
"""Your own record of status changes as evidence: an export, or CloudTrail's logs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from c7n_inactive_keys.errors import EvidenceError
from c7n_inactive_keys.evidence.cloudtrail import read_details
from c7n_inactive_keys.facts import CompleteRecord, StatusChange
from c7n_inactive_keys.keys import ACTIVE, INACTIVE
from c7n_inactive_keys.timeline import SETTLING
from c7n_inactive_keys.times import parse_time

SOURCE = "events-from"
REQUIRED_FIELDS = ("AccessKeyId", "Time", "Status")


@dataclass(frozen=True, slots=True)
class ExportedEvents:
    """The status changes of an export by key id, and how far it is complete, if that was said."""

    changes: Mapping[str, tuple[StatusChange, ...]] = field(default_factory=dict)
    records: tuple[CompleteRecord, ...] = ()


def read_export(
    rows: Iterable[Any], covers_since: datetime | None, covers_until: datetime | None = None
) -> ExportedEvents:
    """Read the records of an export.

    Rows are mappings with AccessKeyId, Time, Status and optionally Actor, or CloudTrail's own
    records, of which only successful calls of UpdateAccessKey count.

    Raises:
        EvidenceError: a record cannot be read, so that the export is no evidence as a whole.
    """
    changes: dict[str, list[StatusChange]] = {}
    for number, row in enumerate(rows, start=1):
        try:
            found = _read_row(row)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise EvidenceError(
                f"record {number} of events-from cannot be read ({error}); each record needs "
                f"{', '.join(REQUIRED_FIELDS)}, or the form of a CloudTrail log record"
            ) from error
        if found:
            changes.setdefault(found[0], []).append(found[1])
    records: tuple[CompleteRecord, ...] = ()
    if covers_since:
        until = covers_until - SETTLING if covers_until else None
        records = (CompleteRecord(SOURCE, covers_since, until),)
    return ExportedEvents({key: tuple(found) for key, found in changes.items()}, records)


def _read_row(row: Mapping[str, Any]) -> tuple[str, StatusChange] | None:
    if "eventName" in row:
        return read_details(row, SOURCE)
    # Query engines differ in what they leave of a column name's case.
    fields = {name.lower(): value for name, value in row.items()}
    missing = [name for name in REQUIRED_FIELDS if not fields.get(name.lower())]
    if missing:
        raise ValueError(f"{' and '.join(missing)} missing")
    status = fields["status"].strip().capitalize()
    if status not in (ACTIVE, INACTIVE):
        raise ValueError(f"Status {fields['status']!r} is neither {ACTIVE} nor {INACTIVE}")
    return fields["accesskeyid"].strip(), StatusChange(
        time=parse_time(fields["time"]),
        status=status,
        source=SOURCE,
        actor=fields.get("actor") or None,
    )


def read_moment(value: object) -> datetime:
    """A moment as YAML gives it: a date, a time, or the text of one.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(value, (date, datetime)):
        return parse_time(value.isoformat())
    if isinstance(value, str) and value.strip():
        return parse_time(value)
    raise ValueError(f"{value!r} is no date")
