# SPDX-License-Identifier: Apache-2.0
"""The event that an event mode was called with, if it is about an access key."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from c7n_inactive_keys.core.evidence import StatusChange

log = logging.getLogger("custodian.inactive-keys")


class KeyEvent(NamedTuple):
    """What an UpdateAccessKey did, or may have done, to a key."""

    access_key_id: str
    change: StatusChange


def key_event(event: Mapping[str, Any] | None) -> KeyEvent | None:
    """The UpdateAccessKey of an event from EventBridge; None: all keys are to be looked at."""
    from c7n_inactive_keys.core.cloudtrail import EVENT_NAME, read_details

    details = (event or {}).get("detail") or {}
    if details.get("eventName") != EVENT_NAME:
        return None
    try:
        found = read_details(details)
    except ValueError as error:
        log.warning("the event cannot be read, so all keys are looked at: %s", error)
        return None
    if found is None or found[0] is None:
        return None
    return KeyEvent(found[0], found[1])
