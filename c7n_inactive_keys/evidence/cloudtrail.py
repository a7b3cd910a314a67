# SPDX-License-Identifier: Apache-2.0
"""CloudTrail's event history as evidence: 90 days of UpdateAccessKey, complete or not at all."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botocore.loaders import create_loader

from c7n_inactive_keys.facts import EVENT_HISTORY, CompleteRecord, StatusChange
from c7n_inactive_keys.keys import ACTIVE, INACTIVE
from c7n_inactive_keys.times import as_utc, parse_time

SOURCE = EVENT_HISTORY
HISTORY = timedelta(days=90)
EVENT_NAME = "UpdateAccessKey"
# LookupEvents admits two requests a second for an account and region.
PAGE_INTERVAL = 0.5
# While pages are read, the oldest events drop out at the far end.
FAR_END = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class EventHistory:
    """A complete sweep: every status change in the account since `record.since`, by key id."""

    record: CompleteRecord
    changes: Mapping[str, tuple[StatusChange, ...]] = field(default_factory=dict)


def home_region(partition: str) -> str | None:
    """The region that holds a partition's IAM events, or None if botocore does not know it.

    Taken from the endpoint data, since a client signs for the session's region as soon as it has a
    custom endpoint URL, and the history of a wrong region is silent.
    """
    for known in create_loader().load_data("endpoints")["partitions"]:
        if known["partition"] == partition:
            iam = known["services"].get("iam", {}).get("endpoints", {})
            region = iam.get(f"{partition}-global", {}).get("credentialScope", {}).get("region")
            return str(region) if region else None
    return None


def sweep(cloudtrail: Any, now: datetime) -> EventHistory:
    """Read the whole event history of UpdateAccessKey up to now.

    Raises:
        ClientError, BotoCoreError: a page could not be read; the pages before it prove nothing.
    """
    since = now - HISTORY
    changes: dict[str, list[StatusChange]] = {}
    for event in _events(cloudtrail, since):
        found = read_event(event)
        if found:
            access_key_id, change = found
            changes.setdefault(access_key_id, []).append(change)
    return EventHistory(
        CompleteRecord(SOURCE, since + FAR_END),
        {key: tuple(found) for key, found in changes.items()},
    )


def _events(cloudtrail: Any, since: datetime) -> Iterator[Mapping[str, Any]]:
    pages = cloudtrail.get_paginator("lookup_events").paginate(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": EVENT_NAME}],
        StartTime=since,
        PaginationConfig={"PageSize": 50},
    )
    for page in pages:
        fetched = time.monotonic()
        yield from page["Events"]
        if page.get("NextToken"):
            time.sleep(max(0.0, PAGE_INTERVAL - (time.monotonic() - fetched)))


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
    details: Mapping[str, Any], source: str = SOURCE
) -> tuple[str, StatusChange] | None:
    """The same from the event's own JSON, as it is in event history, in trails and in EventBridge.

    A failed call carries an errorCode and no parameters. The user name may be missing and does not
    matter: the key id is unique.
    """
    if details.get("eventName") != EVENT_NAME or details.get("errorCode"):
        return None
    if details.get("eventSource", "iam.amazonaws.com") != "iam.amazonaws.com":
        return None
    parameters = details.get("requestParameters") or {}
    if isinstance(parameters, str):  # Athena keeps them as JSON text
        parameters = json.loads(parameters)
    status = parameters.get("status")
    if not parameters.get("accessKeyId") or status not in (ACTIVE, INACTIVE):
        return None
    moment = details["eventTime"]
    identity = details.get("userIdentity") or {}
    return parameters["accessKeyId"], StatusChange(
        time=parse_time(moment) if isinstance(moment, str) else as_utc(moment),
        status=status,
        source=source,
        event_id=details.get("eventID"),
        actor=identity.get("arn") or identity.get("principalId"),
    )
