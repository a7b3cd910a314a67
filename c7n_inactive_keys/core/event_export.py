# SPDX-License-Identifier: Apache-2.0
"""Your own record of status changes as evidence: an export, or CloudTrail's logs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timezone

from c7n_inactive_keys.core.cloudtrail import (
    EVENT_NAME,
    EVENT_SOURCE,
    KeyEvents,
    by_key,
    read_details,
)
from c7n_inactive_keys.core.errors import EvidenceError
from c7n_inactive_keys.core.evidence import SETTLING, CompleteRecord, StatusChange
from c7n_inactive_keys.core.json_types import JsonMapping, JsonObject
from c7n_inactive_keys.core.keys import ACTIVE, INACTIVE, is_access_key_id
from c7n_inactive_keys.core.times import parse_time

SOURCE = "events-from"
REQUIRED_FIELDS = ("AccessKeyId", "Time", "Status")
EVENT_FIELDS = ("eventName", "eventTime", "requestParameters")
ALL_EVENT_FIELDS = (*EVENT_FIELDS, "eventSource", "eventID", "errorCode", "userIdentity")
# What query engines write for a field that is not there.
NO_VALUE = ("", "null", "none", "-")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SECONDS = re.compile(r"[T ]\d\d:?\d\d:?\d\d")


@dataclass(frozen=True, slots=True)
class ExportedEvents:
    """The status changes of an export, and how far it is complete, if that was said."""

    events: KeyEvents = field(default_factory=KeyEvents)
    records: tuple[CompleteRecord, ...] = ()


def read_export(
    rows: Iterable[JsonMapping],
    covers_since: datetime | None,
    covers_until: datetime | None = None,
    columns: Iterable[str] | None = None,
) -> ExportedEvents:
    """Read the records of an export.

    Rows are mappings with AccessKeyId, Time, Status and optionally Actor, or CloudTrail's own
    records, of which only calls of UpdateAccessKey count that were not refused. `columns` is the
    header of a file that has one: without any row, it alone tells an empty export from a foreign
    file. `covers_until` is when the export was made; None: nobody knows, so it is complete no
    further than to its newest record.

    Raises:
        EvidenceError: a record cannot be read, so that the export is no evidence as a whole.
    """
    if columns is not None:
        _check_columns(columns)
    found: list[tuple[str | None, StatusChange]] = []
    for number, row in enumerate(rows, start=1):
        try:
            change = _read_row(row)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            reason = f"{error} missing" if isinstance(error, KeyError) else error
            raise EvidenceError(
                f"record {number} of events-from cannot be read ({reason}); each record needs "
                f"{', '.join(REQUIRED_FIELDS)}, or the form of a CloudTrail log record"
            ) from None
        if change:
            found.append(change)
    until = covers_until or max((change.time for _, change in found), default=None)
    records: tuple[CompleteRecord, ...] = ()
    if covers_since and until:
        records = (CompleteRecord(SOURCE, covers_since, until - SETTLING),)
    return ExportedEvents(by_key(found), records)


def _check_columns(columns: Iterable[str]) -> None:
    names = [name.strip() for name in columns]
    if not any(_has(names, wanted) for wanted in (REQUIRED_FIELDS, EVENT_FIELDS)):
        raise EvidenceError(
            f"the header of events-from is {', '.join(names) or 'missing'}; it needs "
            f"{', '.join(REQUIRED_FIELDS)}, or {', '.join(EVENT_FIELDS)} of CloudTrail's records"
        )


def _has(names: Iterable[str], wanted: Iterable[str]) -> bool:
    return {name.lower() for name in wanted} <= {name.lower() for name in names}


def _read_row(row: JsonMapping) -> tuple[str | None, StatusChange] | None:
    # Query engines differ in what they leave of a column name's case.
    fields = {name.strip().lower(): value for name, value in row.items()}
    if "eventname" in fields and not _has(fields, REQUIRED_FIELDS):
        return _read_event(_event(fields))
    missing = [name for name in REQUIRED_FIELDS if not fields.get(name.lower())]
    if missing:
        raise ValueError(f"{' and '.join(missing)} missing")
    status = fields["status"].strip().capitalize()
    if status not in (ACTIVE, INACTIVE):
        raise ValueError(f"Status {fields['status']!r} is neither {ACTIVE} nor {INACTIVE}")
    access_key_id = fields["accesskeyid"].strip().upper()
    if not is_access_key_id(access_key_id):
        raise ValueError(f"{fields['accesskeyid']!r} is not an access key id")
    if not _has_seconds(fields["time"]):
        raise ValueError(f"Time {fields['time']!r} has no hours, minutes and seconds")
    # Columns of CloudTrail's beside ours have their say: a refused call changed nothing.
    event = _event(fields)
    return read_details(
        {
            "eventName": event.get("eventName") or EVENT_NAME,
            "eventSource": event.get("eventSource") or EVENT_SOURCE,
            "errorCode": event.get("errorCode"),
            "eventID": event.get("eventID"),
            "eventTime": fields["time"],
            "requestParameters": {"accessKeyId": access_key_id, "status": status},
            "userIdentity": {"arn": fields.get("actor") or None},
        },
        SOURCE,
    )


def _read_event(event: JsonMapping) -> tuple[str | None, StatusChange] | None:
    """A record of CloudTrail's. What some collector has changed in it is not guessed at."""
    if "eventName" not in event:
        raise ValueError("the event has no name")
    found = read_details(event, SOURCE)
    if found is None:
        return None
    if not _has_seconds(event["eventTime"]):
        raise ValueError(f"eventTime {event['eventTime']!r} has no hours, minutes and seconds")
    key_id = found[0]
    if key_id is not None and not (is_access_key_id(key_id) and key_id == key_id.upper()):
        raise ValueError(f"{key_id!r} is not an access key id")
    return found


def _has_seconds(moment: object) -> bool:
    return not isinstance(moment, str) or bool(_SECONDS.search(moment))


def _event(fields: JsonMapping) -> JsonObject:
    """A record of CloudTrail with its fields as CloudTrail names them."""
    event = {name: fields[name.lower()] for name in ALL_EVENT_FIELDS if name.lower() in fields}
    code = event.get("errorCode")
    if isinstance(code, str) and code.strip().lower() in NO_VALUE:
        del event["errorCode"]
    name = str(event.get("eventName") or "")
    if name.strip().lower() in NO_VALUE:
        event.pop("eventName", None)
    elif name != EVENT_NAME and name.strip().lower() == EVENT_NAME.lower():
        raise ValueError(f"eventName is {name!r} instead of {EVENT_NAME!r}")
    return event


def read_moment(value: object) -> datetime:
    """A moment as YAML gives it: a date, a time, or the text of one.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(value, (date, datetime)):
        value = value.isoformat()
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is not a date")
    moment = parse_time(value)
    if moment < EPOCH:
        raise ValueError(f"{value!r} is long before there were access keys")
    return moment
