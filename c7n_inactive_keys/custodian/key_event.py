# SPDX-License-Identifier: Apache-2.0
"""The event that an event mode was called with, if it is about an access key."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from c7n_inactive_keys.core.json_types import JsonMapping
from c7n_inactive_keys.custodian.clock import clock

if TYPE_CHECKING:
    from c7n_inactive_keys.core.cloudtrail import KeyEvents
    from c7n_inactive_keys.core.evidence import StatusChange

log = logging.getLogger("custodian.inactive-keys")


class KeyEvent(NamedTuple):
    """What an UpdateAccessKey did, or may have done, to a key."""

    access_key_id: str
    change: StatusChange


def told_by(event: JsonMapping | None) -> KeyEvents:
    """What an event from EventBridge, which event history may not hold yet, says of keys.

    One that cannot be read, or hides its key, may have been about any.
    """
    from c7n_inactive_keys.core.cloudtrail import by_key, read_details
    from c7n_inactive_keys.core.evidence import EVENT_HISTORY, UNCLEAR, StatusChange

    found: tuple[str | None, StatusChange] | None
    try:
        found = read_details((event or {}).get("detail") or {})
    except ValueError as error:
        log.warning("the event cannot be read, so all keys are looked at: %s", error)
        found = None, StatusChange(clock.now(), UNCLEAR, EVENT_HISTORY, reason=str(error))
    return by_key([found] if found else [])


def key_event(told: KeyEvents) -> KeyEvent | None:
    """The one change that an event told of; None: all keys are to be looked at."""
    return next((KeyEvent(key_id, changes[0]) for key_id, changes in told.by_key.items()), None)
