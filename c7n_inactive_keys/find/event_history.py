# SPDX-License-Identifier: Apache-2.0
"""CloudTrail's event history: 90 days of UpdateAccessKey, read completely or not at all."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from c7n.utils import get_partition

from c7n_inactive_keys.core.cloudtrail import EVENT_NAME, KeyEvents, by_key, read_event
from c7n_inactive_keys.core.evidence import (
    EVENT_HISTORY,
    FAR_END,
    HISTORY,
    SETTLING,
    CompleteRecord,
)
from c7n_inactive_keys.core.journal import UNREAD_HISTORY
from c7n_inactive_keys.core.json_types import JsonMapping
from c7n_inactive_keys.core.keys import Unavailable
from c7n_inactive_keys.custodian import aws
from c7n_inactive_keys.custodian.account import account_id
from c7n_inactive_keys.custodian.c7n_types import Client, Manager
from c7n_inactive_keys.custodian.clock import clock
from c7n_inactive_keys.custodian.memory import once_per_run
from c7n_inactive_keys.custodian.unread_users import report_unread_evidence
from c7n_inactive_keys.partitions import home_region

log = logging.getLogger("custodian.inactive-keys")

# LookupEvents admits two requests a second for an account and region.
PAGE_INTERVAL = 0.5


@dataclass(frozen=True, slots=True)
class EventHistory:
    """A complete sweep: every status change in the account since `record.since`."""

    record: CompleteRecord
    events: KeyEvents = field(default_factory=KeyEvents)


def partition_of_users(manager: Manager, users: Iterable[JsonMapping]) -> str:
    """The partition that users are in; those from AWS Config may have no ARN that tells."""
    arns = (user.get("Arn") for user in users)
    arn = next(filter(None, arns), None)
    return str(arn.split(":")[1] if arn else get_partition(manager.config.region))


def account_history(manager: Manager, users: Iterable[JsonMapping]) -> EventHistory | Unavailable:
    """The event history of the account of these users, read once in a run.

    That it could not be read is told and noted: what it would have said is unknown.
    """
    partition = partition_of_users(manager, users)
    history = once_per_run(manager, "event-history", lambda: read_event_history(manager, partition))
    if isinstance(history, Unavailable):
        log.warning(
            "policy:%s account:%s event history could not be read (cloudtrail:LookupEvents), "
            "so its silence proves nothing: %s",
            manager.ctx.policy.name,
            account_id(manager),
            history.reason,
        )
        error = aws.ApiError(history.code, history.message)
        report_unread_evidence(manager, UNREAD_HISTORY, error)
    return history


def read_event_history(manager: Manager, partition: str) -> EventHistory | Unavailable:
    """The event history of the policy's account, or why there is no evidence in it."""
    region = home_region(partition)
    if region is None:
        return Unavailable(
            EVENT_HISTORY,
            f"the region that holds the IAM events of partition {partition} is unknown",
        )
    try:
        return sweep(aws.client(manager, "cloudtrail", region), clock.now())
    except aws.API_ERRORS as error:
        code, message = aws.describe_error(error)
        return Unavailable(EVENT_HISTORY, message, code)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return Unavailable(EVENT_HISTORY, f"an event cannot be read: {error!r}")


def sweep(cloudtrail: Client, now: datetime) -> EventHistory:
    """Read the whole event history of UpdateAccessKey up to now.

    Raises:
        ClientError, BotoCoreError: a page could not be read; the pages before it prove nothing.
    """
    since = now - HISTORY
    found = [read_event(event) for event in _events(cloudtrail, since)]
    since = max(since, clock.now() - HISTORY)  # what it reached back to when it was read to the end
    return EventHistory(
        events=by_key(change for change in found if change),
        record=CompleteRecord(EVENT_HISTORY, since + FAR_END, now - SETTLING),
    )


def _events(cloudtrail: Client, since: datetime) -> Iterator[JsonMapping]:
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
