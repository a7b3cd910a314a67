# SPDX-License-Identifier: Apache-2.0
"""CloudTrail's event history: 90 days, one attribute, pages of 50, newest first, one region."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from c7n_inactive_keys.sandbox.accounts import Account, Key
from c7n_inactive_keys.sandbox.principals import Principal
from c7n_inactive_keys.sandbox.protocol import ApiError, Request
from c7n_inactive_keys.sandbox.values import identifier, now
from c7n_inactive_keys.times import format_time

if TYPE_CHECKING:
    from c7n_inactive_keys.sandbox.world import World

REACH = timedelta(days=90)
HOME_REGIONS = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-iso-f": "us-isof-south-1",
    "aws-eusc": "eusc-de-east-1",
    "aws-iso-e": "eu-isoe-west-1",
}
_PAGE = 50


@dataclass(frozen=True)
class Event:
    """One management event. `parameters` None: the call was denied before they were read."""

    name: str
    time: datetime
    account_id: str
    actor: Principal
    region: str
    parameters: Mapping[str, Any] | None
    resources: tuple[tuple[str, str], ...] = ()
    response: Mapping[str, Any] | None = None
    error: tuple[str, str] | None = None
    id: str = ""
    agent: str = "aws-cli/2.31.0"
    detail: Mapping[str, Any] = field(default_factory=dict)

    def aged(self, by: timedelta) -> Event:
        """The same event, earlier."""
        return replace(self, time=self.time - by)

    def record(self) -> dict[str, Any]:
        """The event as CloudTrail writes it into files and `CloudTrailEvent`."""
        record: dict[str, Any] = {
            "eventVersion": "1.11",
            "userIdentity": self.actor.identity(),
            "eventTime": format_time(self.time),
            "eventSource": "iam.amazonaws.com",
            "eventName": self.name,
            "awsRegion": self.region,
            "sourceIPAddress": "192.0.2.10",
            "userAgent": self.agent,
        }
        if self.error:
            record["errorCode"], record["errorMessage"] = self.error
        record |= {
            "requestParameters": self.parameters,
            "responseElements": self.response,
            "requestID": self.id[::-1],
            "eventID": self.id,
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": self.account_id,
            "eventCategory": "Management",
        }
        return record

    def envelope(self) -> dict[str, Any]:
        """The event as EventBridge hands it to a Lambda function."""
        return {
            "version": "0",
            "id": self.id[::-1],
            "detail-type": "AWS API Call via CloudTrail",
            "source": "aws.iam",
            "account": self.account_id,
            "time": format_time(self.time),
            "region": self.region,
            "resources": [],
            "detail": self.record(),
        }

    def lookup(self) -> dict[str, Any]:
        """The event as LookupEvents shows it."""
        return {
            "EventId": self.id,
            "EventName": self.name,
            "ReadOnly": "false",
            "AccessKeyId": self.actor.access_key_id,
            "EventTime": self.time,
            "EventSource": "iam.amazonaws.com",
            "Username": self.actor.event_name,
            "Resources": [
                {"ResourceType": kind, "ResourceName": name} for kind, name in self.resources
            ],
            "CloudTrailEvent": json.dumps(self.record()),
        }

    def has(self, attribute: str, value: str) -> bool:
        """Whether a lookup attribute has the value."""
        if attribute == "ResourceName":
            return any(name == value for _, name in self.resources)
        if attribute == "ResourceType":
            return any(kind == value for kind, _ in self.resources)
        return (
            value
            == {
                "EventName": self.name,
                "Username": self.actor.event_name,
                "EventId": self.id,
                "EventSource": "iam.amazonaws.com",
                "ReadOnly": "false",
                "AccessKeyId": self.actor.access_key_id,
            }[attribute]
        )


_ATTRIBUTES = (
    "EventId",
    "EventName",
    "ReadOnly",
    "Username",
    "ResourceType",
    "ResourceName",
    "EventSource",
    "AccessKeyId",
)


def event(
    account: Account,
    name: str,
    at: datetime,
    actor: Principal,
    parameters: Mapping[str, Any] | None,
    **more: Any,
) -> Event:
    """A new event of the account, with an id of its own."""
    text = account.state.new_id("", 32, account.id, "event")
    digest = hashlib.sha256(text.encode()).hexdigest()
    number = "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
    region = HOME_REGIONS[account.state.partition]
    return Event(name, at, account.id, actor, region, parameters, id=number, **more)


def status_changed(key: Key, status: str, at: datetime, by_user: bool = False) -> Event:
    """A successful UpdateAccessKey of the administrator or of the user's own.

    A user need not name itself: then the event names the key alone.
    """
    user = key.user
    parameters = {"accessKeyId": key.id, "status": status}
    resources = [("AWS::IAM::AccessKey", key.id)]
    if not by_user:
        parameters = {"userName": user.name} | parameters
        resources.append(("AWS::IAM::User", user.name))
    actor = user.principal(key.id) if by_user else user.account.administrator
    return event(user.account, "UpdateAccessKey", at, actor, parameters, resources=tuple(resources))


def change_denied(key: Key, at: datetime) -> Event:
    """An UpdateAccessKey that was denied: its parameters are not recorded."""
    account = key.user.account
    actor = account.administrator
    return event(
        account,
        "UpdateAccessKey",
        at,
        actor,
        None,
        error=(
            "AccessDenied",
            (
                f"User: {actor.arn} is not authorized to perform: iam:UpdateAccessKey on resource: "
                f"user {key.user.name} with an explicit deny in a service control policy"
            ),
        ),
    )


def lookup_events(world: World, request: Request) -> dict[str, Any]:
    """LookupEvents, with AWS's limits and errors."""
    assert request.principal is not None
    parameters = request.parameters
    size = _page_size(parameters)
    attribute = _attribute(parameters)
    start, end = _range(parameters)
    question = identifier("", 12, attribute, parameters.get("StartTime"), parameters.get("EndTime"))
    seen = _cursor(parameters.get("NextToken"), question)
    account = world.state.account(request.principal.account_id)
    # Elsewhere than in the home region there is nothing, and nothing says so: as in AWS.
    events: Iterator[Event] = iter(())
    if request.region == HOME_REGIONS[world.state.partition]:
        latest = min(end, now() - world.event_delay)
        events = _newest_first(account.events, attribute, start, latest)
    page: list[Event] = []
    more = False
    skipping = seen is not None
    for found in events:
        if skipping:
            skipping = found.id != seen
            continue
        if len(page) == size:
            more = True
            break
        page.append(found)
    if skipping:
        raise ApiError("InvalidNextTokenException", "Invalid token.")
    answer: dict[str, Any] = {"Events": [found.lookup() for found in page]}
    if more:
        token = json.dumps([question, page[-1].id]).encode()
        answer["NextToken"] = base64.b64encode(token).decode()
    return answer


def _newest_first(
    events: list[Event],
    attribute: tuple[str, str] | None,
    start: datetime,
    end: datetime,
) -> Iterator[Event]:
    # Of two events in one second the later recorded comes first.
    oldest_first = sorted(events, key=lambda item: item.time)
    for found in reversed(oldest_first):
        if found.time < start:
            return
        if found.time <= end and (attribute is None or found.has(*attribute)):
            yield found


def _page_size(parameters: Mapping[str, Any]) -> int:
    size = parameters.get("MaxResults", _PAGE)
    if not isinstance(size, int) or not 1 <= size <= _PAGE:
        raise ApiError("InvalidMaxResultsException", "MaxResults must be between 1 and 50.")
    return size


def _attribute(parameters: Mapping[str, Any]) -> tuple[str, str] | None:
    attributes = parameters.get("LookupAttributes") or []
    if not attributes:
        return None
    if len(attributes) > 1:
        raise ApiError(
            "InvalidLookupAttributesException", "You can specify only one attribute key."
        )
    name = attributes[0].get("AttributeKey")
    value = attributes[0].get("AttributeValue")
    if name not in _ATTRIBUTES or not isinstance(value, str) or not 1 <= len(value) <= 2000:
        raise ApiError("InvalidLookupAttributesException", "Invalid lookup attribute.")
    return name, value


def _range(parameters: Mapping[str, Any]) -> tuple[datetime, datetime]:
    start, end = (
        datetime.fromtimestamp(parameters[name], timezone.utc) if name in parameters else None
        for name in ("StartTime", "EndTime")
    )
    if start and end and start > end:
        raise ApiError("InvalidTimeRangeException", "Start time must not be after end time.")
    oldest = datetime.now(timezone.utc) - REACH
    return max(start or oldest, oldest), end or datetime.now(timezone.utc)


def _cursor(token: str | None, question: str) -> str | None:
    """The last event of the page before; a token belongs to the question it was given for."""
    if token is None:
        return None
    try:
        asked, seen = json.loads(base64.b64decode(token, validate=True))
    except (ValueError, TypeError) as error:
        raise ApiError("InvalidNextTokenException", "Invalid token.") from error
    if asked != question or not isinstance(seen, str):
        raise ApiError("InvalidNextTokenException", "Invalid token.")
    return seen
