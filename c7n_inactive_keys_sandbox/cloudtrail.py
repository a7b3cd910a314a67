# SPDX-License-Identifier: Apache-2.0
"""CloudTrail: which calls leave an event, and the event history of 90 days."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from c7n_inactive_keys_sandbox.books import identifier, now
from c7n_inactive_keys_sandbox.events import HOME_REGIONS, Event, event
from c7n_inactive_keys_sandbox.protocol import ApiError, Request

if TYPE_CHECKING:
    from c7n_inactive_keys_sandbox.world import World

REACH = timedelta(days=90)
_PAGE = 50


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


RECORDED = frozenset(
    {
        "CreateUser",
        "DeleteUser",
        "TagUser",
        "UntagUser",
        "CreateAccessKey",
        "UpdateAccessKey",
        "DeleteAccessKey",
    }
)
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
    if request.service != "iam" or request.action not in RECORDED or request.principal is None:
        return
    account = world.state.account(request.principal.account_id)
    # A call that was denied is recorded without its parameters: its target stands in the message.
    denied = error is not None and error.code.startswith("AccessDenied")
    parameters = None if denied else _parameters(request)
    account.events.append(
        event(
            account,
            request.action,
            world.now(),
            request.principal,
            parameters,
            resources=() if error else _resources(request, result or {}),
            response=None if error else _response(request.action, result or {}),
            error=(_ERROR_CODES.get(error.code, error.code), error.message) if error else None,
            agent=request.headers.get("User-Agent", ""),
        )
    )


def _parameters(request: Request) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        name[0].lower() + name[1:]: value
        for name, value in request.parameters.items()
        if name not in ("Action", "Version") and "." not in name
    }
    if tags := request.members("Tags"):
        parameters["tags"] = [{"key": tag.get("Key"), "value": tag.get("Value")} for tag in tags]
    if keys := request.texts("TagKeys"):
        parameters["tagKeys"] = keys
    return parameters


def _resources(request: Request, result: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    key_id = request.parameters.get("AccessKeyId") or result.get("AccessKey", {}).get("AccessKeyId")
    user = request.parameters.get("UserName")
    resources = []
    if key_id:
        resources.append(("AWS::IAM::AccessKey", key_id))
    if user:
        resources.append(("AWS::IAM::User", user))
    return tuple(resources)


def _response(action: str, result: Mapping[str, Any]) -> dict[str, Any] | None:
    if action == "CreateAccessKey":
        key = result["AccessKey"]
        return {
            "accessKey": {
                "userName": key["UserName"],
                "accessKeyId": key["AccessKeyId"],
                "status": key["Status"],
            }
        }
    return None
