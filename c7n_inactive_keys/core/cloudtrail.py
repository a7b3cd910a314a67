# SPDX-License-Identifier: Apache-2.0
"""CloudTrail's events as evidence: which of them changed the status of a key, or may have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from c7n_inactive_keys.core.evidence import EVENT_HISTORY, UNCLEAR, StatusChange
from c7n_inactive_keys.core.json_types import JsonMapping
from c7n_inactive_keys.core.keys import ACTIVE, INACTIVE
from c7n_inactive_keys.core.times import as_utc, parse_time, whole_second

EVENT_NAME = "UpdateAccessKey"
EVENT_SOURCE = "iam.amazonaws.com"
# What AWS answers when it refused a call, so that nothing changed. After any other error the call
# may have worked.
_REFUSALS = re.compile(
    r"(Client\.)?(AccessDenied|Unauthorized\w*|NotAuthorized|AuthFailure|OptInRequired"
    r"|NoSuchEntity|LimitExceeded|Validation\w*|Invalid\w*|Malformed\w*|Missing\w*|Throttl\w*"
    r"|RequestLimitExceeded|TooManyRequests|UnrecognizedClient|SignatureDoesNotMatch"
    r"|IncompleteSignature|ExpiredToken|RequestExpired|EntityTemporarilyUnmodifiable"
    r"|ConcurrentModification)(Exception|Error)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class KeyEvents:
    """Status changes by access key id, and those of which it is not known which key they met."""

    by_key: Mapping[str, tuple[StatusChange, ...]] = field(default_factory=dict)
    of_any_key: tuple[StatusChange, ...] = ()

    @property
    def reactivated(self) -> dict[str, StatusChange]:
        """The keys whose last certain change was to Active, each with that change."""
        return {
            key_id: last
            for key_id, changes in self.by_key.items()
            if (last := last_change(changes)) and last.status == ACTIVE
        }

    def of(self, access_key_id: str) -> tuple[StatusChange, ...]:
        """What happened, or may have happened, to one key."""
        return (*self.by_key.get(access_key_id, ()), *self.of_any_key)


def last_change(changes: Iterable[StatusChange]) -> StatusChange | None:
    """The last change of a key of which it is known what it did; of one second the last told."""
    certain = [change for change in changes if change.status != UNCLEAR]
    return max(reversed(certain), key=lambda change: change.time, default=None)


def by_key(found: Iterable[tuple[str | None, StatusChange]]) -> KeyEvents:
    """The changes in order, each with its key; None stands for a key that the event hides."""
    changes: dict[str | None, list[StatusChange]] = {}
    for access_key_id, change in found:
        changes.setdefault(access_key_id, []).append(change)
    of_any_key = tuple(changes.pop(None, ()))
    return KeyEvents({str(key): tuple(items) for key, items in changes.items()}, of_any_key)


def read_event(event: JsonMapping) -> tuple[str | None, StatusChange] | None:
    """Key id and status change of a looked-up event; None if it certainly changed nothing."""
    return read_details(
        {
            "eventName": event.get("EventName"),
            "eventTime": event.get("EventTime"),
            "eventID": event.get("EventId"),
            **json.loads(event["CloudTrailEvent"]),
        }
    )


def read_details(
    details: JsonMapping, source: str = EVENT_HISTORY
) -> tuple[str | None, StatusChange] | None:
    """The same from the event's own JSON, as it is in event history, in trails and in EventBridge.

    A refused call carries an errorCode and no parameters. A call that ended in a server's error,
    came from another service or set another status may have changed the key: UNCLEAR, and if it
    hides its key, it may have been any. The user name may be missing and does not matter: the key
    id is unique.

    Raises:
        ValueError: a call that succeeded cannot be read. It changed the status of some key, so the
            silence of the others would be no evidence.
    """
    if details.get("eventName") != EVENT_NAME:
        return None
    code = details.get("errorCode")
    if code and _REFUSALS.fullmatch(str(code)):
        return None
    try:
        return _read(details, source, str(code) if code else None)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"an {EVENT_NAME} without what each has: {error!r}") from error


def _read(
    details: JsonMapping, source: str, error_code: str | None
) -> tuple[str | None, StatusChange]:
    parameters = details.get("requestParameters") if error_code else details["requestParameters"]
    if isinstance(parameters, str):  # Athena keeps them as JSON text
        parameters = json.loads(parameters)
    access_key_id = (parameters or {}).get("accessKeyId")
    status = (parameters or {}).get("status")
    if not error_code and not (access_key_id and status):
        raise ValueError(f"an {EVENT_NAME} of the key {access_key_id!r} to the status {status!r}")
    reason = _why_unclear(details, status, error_code)
    moment = details["eventTime"]
    identity = details.get("userIdentity") or {}
    return access_key_id or None, StatusChange(
        time=whole_second(parse_time(moment) if isinstance(moment, str) else as_utc(moment)),
        status=UNCLEAR if reason else str(status),
        source=source,
        event_id=details.get("eventID"),
        actor=identity.get("arn") or identity.get("principalId"),
        reason=reason,
        user_name=(parameters or {}).get("userName") or identity.get("userName"),
        requested=str(status) if reason and status else None,
    )


def _why_unclear(details: JsonMapping, status: object, error_code: str | None) -> str | None:
    if error_code:
        return f"the call ended in {error_code} and may have worked"
    event_source = details.get("eventSource")
    if event_source != EVENT_SOURCE:
        return f"its event source is {event_source or 'missing'}, not {EVENT_SOURCE}"
    if status not in (ACTIVE, INACTIVE):
        return f"it set the status {status!r}"
    return None
