# SPDX-License-Identifier: Apache-2.0
"""CloudTrail's event history: 90 days of UpdateAccessKey, read completely or not at all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from c7n_inactive_keys.core.cloudtrail import EVENT_NAME, read_event
from c7n_inactive_keys.core.evidence import EVENT_HISTORY, CompleteRecord, StatusChange
from c7n_inactive_keys.core.keys import Unavailable
from c7n_inactive_keys.core.times import next_second
from c7n_inactive_keys.custodian import aws
from c7n_inactive_keys.partitions import home_region

HISTORY = timedelta(days=90)
# LookupEvents admits two requests a second for an account and region.
PAGE_INTERVAL = 0.5
# While pages are read, the oldest events drop out at the far end.
FAR_END = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class EventHistory:
    """A complete sweep: every status change in the account since `record.since`, by key id."""

    record: CompleteRecord
    changes: Mapping[str, tuple[StatusChange, ...]] = field(default_factory=dict)


def read_event_history(manager: Any, partition: str) -> EventHistory | Unavailable:
    """The event history of the policy's account, or why there is no evidence in it."""
    region = home_region(partition)
    if region is None:
        return Unavailable(
            EVENT_HISTORY,
            f"the region that holds the IAM events of partition {partition} is unknown",
        )
    try:
        return sweep(
            aws.client(manager, "cloudtrail", region), next_second(datetime.now(timezone.utc))
        )
    except aws.API_ERRORS as error:
        code, message = aws.describe_error(error)
        return Unavailable(EVENT_HISTORY, f"{code}: {message}")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return Unavailable(EVENT_HISTORY, f"an event cannot be read: {error!r}")


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
        CompleteRecord(EVENT_HISTORY, since + FAR_END),
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
