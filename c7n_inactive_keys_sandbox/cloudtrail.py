# SPDX-License-Identifier: Apache-2.0
"""CloudTrail: which calls leave an event, and the event history of 90 days in one region."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from itertools import dropwhile
from typing import Any

from c7n_inactive_keys_sandbox.events import Event
from c7n_inactive_keys_sandbox.protocol import ApiError, Request
from c7n_inactive_keys_sandbox.realm import identifier
from c7n_inactive_keys_sandbox.world import World

REACH = timedelta(days=90)
_PAGE = 50
_RECORDED = frozenset({
    "CreateUser", "UpdateUser", "DeleteUser", "TagUser", "UntagUser",
    "CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey",
})  # fmt: skip
_ATTRIBUTES = frozenset({
    "EventId", "EventName", "ReadOnly", "Username", "ResourceType", "ResourceName", "EventSource",
    "AccessKeyId",
})  # fmt: skip
# CloudTrail's error codes are not IAM's in every case.
_ERROR_CODES = {
    "NoSuchEntity": "NoSuchEntityException",
    "LimitExceeded": "LimitExceededException",
    "DeleteConflict": "DeleteConflictException",
    "EntityAlreadyExists": "EntityAlreadyExistsException",
    "Throttling": "ThrottlingException",
}


def record(
    world: World,
    request: Request,
    result: Mapping[str, Any] | None = None,
    error: ApiError | None = None,
) -> None:
    """Record a call that changes something, or was meant to."""
    if request.service != "iam" or request.action not in _RECORDED or request.principal is None:
        return
    fields: dict[str, Any] = {
        "userAgent": request.headers.get("User-Agent", ""),
        "requestParameters": _asked(request),
        "responseElements": _answered(result or {}),
    }
    if error:
        fields["errorCode"] = _ERROR_CODES.get(error.code, error.code)
        fields["errorMessage"] = error.message
        if error.code.startswith("AccessDenied"):  # the target stands in the message alone
            fields["requestParameters"] = None
    world.account_of(request).add_event(request.action, actor=request.principal, **fields)


def _asked(request: Request) -> dict[str, Any]:
    asked: dict[str, Any] = {
        name[0].lower() + name[1:]: value
        for name, value in request.parameters.items()
        if name not in ("Action", "Version") and "." not in name
    }
    if tags := request.members("Tags"):
        asked["tags"] = [{"key": tag.get("Key"), "value": tag.get("Value")} for tag in tags]
    if keys := request.texts("TagKeys"):
        asked["tagKeys"] = keys
    return asked


def _answered(result: Mapping[str, Any]) -> dict[str, Any] | None:
    if "AccessKey" not in result:
        return None
    key = result["AccessKey"]
    shown = {"userName": "UserName", "accessKeyId": "AccessKeyId", "status": "Status"}
    return {"accessKey": {name: key[ours] for name, ours in shown.items()}}


def lookup_events(world: World, request: Request) -> dict[str, Any]:
    """LookupEvents, with AWS's limits and errors."""
    parameters = request.parameters
    size = _page_size(parameters)
    attribute = _attribute(parameters)
    start, end = _range(parameters, world.now())
    question = identifier("", 12, attribute, parameters.get("StartTime"), parameters.get("EndTime"))
    last = _cursor(parameters.get("NextToken"), question)
    found = [
        event
        for event in _newest_first(world, request)
        if start <= event.time <= end and (attribute is None or event.has(*attribute))
    ]
    if last is not None:
        found = list(dropwhile(lambda event: event.id != last, found))
        if not found:
            raise ApiError("InvalidNextTokenException", "Invalid token.")
        found = found[1:]
    page = found[:size]
    answer: dict[str, Any] = {"Events": [event.lookup() for event in page]}
    if len(found) > size:
        token = json.dumps([question, page[-1].id]).encode()
        answer["NextToken"] = base64.b64encode(token).decode()
    return answer


def _newest_first(world: World, request: Request) -> list[Event]:
    """The events that have arrived; of two in one second the later recorded comes first."""
    # Elsewhere than in the home region there is nothing, and nothing says so: as in AWS.
    if request.region != world.realm.home_region:
        return []
    now = world.now()
    events = world.account_of(request).events
    arrived = [event for event in events if world.visible_from(event) <= now]
    return sorted(arrived, key=lambda event: event.time)[::-1]


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


def _range(parameters: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime]:
    start, end = (
        datetime.fromtimestamp(parameters[name], timezone.utc) if name in parameters else None
        for name in ("StartTime", "EndTime")
    )
    if start and end and start > end:
        raise ApiError("InvalidTimeRangeException", "Start time must not be after end time.")
    return max(start or now - REACH, now - REACH), end or now


def _cursor(token: str | None, question: str) -> str | None:
    """The last event of the page before; a token belongs to the question it was given for."""
    if token is None:
        return None
    try:
        asked, last = json.loads(base64.b64decode(token, validate=True))
    except (ValueError, TypeError) as error:
        raise ApiError("InvalidNextTokenException", "Invalid token.") from error
    if asked != question or not isinstance(last, str):
        raise ApiError("InvalidNextTokenException", "Invalid token.")
    return last
