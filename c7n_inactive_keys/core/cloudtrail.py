# SPDX-License-Identifier: Apache-2.0
"""CloudTrail's events as evidence: which of them changed the status of a key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from c7n_inactive_keys.core.evidence import EVENT_HISTORY, StatusChange
from c7n_inactive_keys.core.keys import ACTIVE, INACTIVE, STATUSES
from c7n_inactive_keys.core.times import as_utc, parse_time, whole_second

EVENT_NAME = "UpdateAccessKey"


def read_event(event: Mapping[str, Any]) -> tuple[str, StatusChange] | None:
    """Key id and status change of a looked-up event; None if it changed no key's status."""
    return read_details(
        {
            "eventName": event.get("EventName"),
            "eventSource": event.get("EventSource"),
            "eventTime": event.get("EventTime"),
            "eventID": event.get("EventId"),
            **json.loads(event["CloudTrailEvent"]),
        }
    )


def read_details(
    details: Mapping[str, Any], source: str = EVENT_HISTORY
) -> tuple[str, StatusChange] | None:
    """The same from the event's own JSON, as it is in event history, in trails and in EventBridge.

    A failed call carries an errorCode and no parameters. The user name may be missing and does not
    matter: the key id is unique.

    Raises:
        ValueError: a call that succeeded cannot be read. It changed the status of some key, so the
            silence of the others would be no evidence.
    """
    if details.get("eventName") != EVENT_NAME or details.get("errorCode"):
        return None
    if details.get("eventSource", "iam.amazonaws.com") != "iam.amazonaws.com":
        return None
    try:
        return _read_success(details, source)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"an {EVENT_NAME} without what each has: {error!r}") from error


def _read_success(details: Mapping[str, Any], source: str) -> tuple[str, StatusChange] | None:
    parameters = details["requestParameters"]
    if isinstance(parameters, str):  # Athena keeps them as JSON text
        parameters = json.loads(parameters)
    access_key_id, status = parameters["accessKeyId"], parameters["status"]
    if not access_key_id or status not in STATUSES:
        raise ValueError(f"an {EVENT_NAME} of the key {access_key_id!r} to the status {status!r}")
    if status not in (ACTIVE, INACTIVE):
        return None
    moment = details["eventTime"]
    identity = details.get("userIdentity") or {}
    return access_key_id, StatusChange(
        time=whole_second(parse_time(moment) if isinstance(moment, str) else as_utc(moment)),
        status=status,
        source=source,
        event_id=details.get("eventID"),
        actor=identity.get("arn") or identity.get("principalId"),
    )
