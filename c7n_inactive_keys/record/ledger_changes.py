# SPDX-License-Identifier: Apache-2.0
"""What the ledger tags of users should become: of all their keys, or after one event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from c7n_inactive_keys.core.annotations import INACTIVE_KEYS
from c7n_inactive_keys.core.evidence import READING, LedgerEntry, StatusChange
from c7n_inactive_keys.core.json_types import JsonMapping, JsonObject
from c7n_inactive_keys.core.keys import AccessKey, Unavailable
from c7n_inactive_keys.core.ledger import BY_US, MalformedTag, read_tags
from c7n_inactive_keys.core.ledger_upkeep import (
    carry_on,
    carry_on_after_event,
    ended_by_event,
    ended_by_run,
    needs_writing,
)
from c7n_inactive_keys.core.timeline import assess
from c7n_inactive_keys.custodian.c7n_types import ExecutorFactory, Manager
from c7n_inactive_keys.custodian.filter_tree import INACTIVE_FILTER, of_type
from c7n_inactive_keys.custodian.key_event import key_event, told_by
from c7n_inactive_keys.custodian.unread_users import read_error
from c7n_inactive_keys.find.event_history import EventHistory
from c7n_inactive_keys.find.events_from import Export
from c7n_inactive_keys.find.gather import Investigation, Sources
from c7n_inactive_keys.find.listing import Listing, UserKeys, list_keys
from c7n_inactive_keys.record.ledger_tags import TagChanges

Ledger = Mapping[str, LedgerEntry | MalformedTag]


class LedgerChanges:
    """Compares the ledger with the keys as they are now, or as an event says that they are."""

    def __init__(
        self,
        manager: Manager,
        executor_factory: ExecutorFactory,
        event: JsonMapping | None,
        notified: bool = False,
    ) -> None:
        self.manager = manager
        self.executor_factory = executor_factory
        self.notified = notified
        told = told_by(event)
        self.event = key_event(told)
        sources = Sources(exports=self._exports(), told=told)
        self.investigation = Investigation(manager, sources, executor_factory)
        self.history: EventHistory | Unavailable | None = None

    def read(self, users: Iterable[JsonObject]) -> Listing:
        """The users that the ledger concerns and all evidence of their keys, except for the tags.

        That may take minutes, in which other runs and event functions write tags.
        """
        listing = list_keys(self.manager, self.executor_factory, users, again=True)
        concerned = [user for user in listing.users if _is_concerned(user)]
        if self.event is None:
            self.investigation.read((user, key) for user in concerned for key in user.inactive)
            woken = (user.user for user in concerned if _has_woken(user))
            self.history = self.investigation.event_history(woken)
        return Listing(concerned, listing.unread)

    def of(self, user: UserKeys) -> TagChanges:
        """What is to be done to the tags of a user, which were read just now."""
        ledger = read_tags(user.user["Tags"])
        return (
            self._after_event(user, ledger, *self.event) if self.event else self._all(user, ledger)
        )

    def _after_event(
        self, user: UserKeys, ledger: Ledger, access_key_id: str, change: StatusChange
    ) -> TagChanges:
        """What an UpdateAccessKey means for the tag of its key, and of no other."""
        changes = TagChanges()
        key = next((key for key in user.keys if key.access_key_id == access_key_id), None)
        old = _entry(ledger, key) if key else None
        if key and key.inactive:
            _plan(changes, key, old, carry_on_after_event(old, key, change, user.read))
        elif key and key.active and old and (ended := ended_by_event(old, change, user.read)):
            _plan(changes, key, old, ended)
        elif access_key_id in ledger:
            changes.remove.append(access_key_id)
        return changes

    def _all(self, user: UserKeys, ledger: Ledger) -> TagChanges:
        """All keys of the user in line."""
        changes = TagChanges()
        for key in user.inactive:
            assessment = assess(self.investigation.facts(user, key), user.read)
            old = _entry(ledger, key)
            entry = carry_on(old, assessment)
            if self.notified and key.access_key_id in _matched(user.user):
                entry = entry.noticed(assessment.now)
            _plan(changes, key, old, entry)
        for key in user.active:
            old = _entry(ledger, key)
            if old and (ended := ended_by_run(old, self._changes(key), user.read)):
                _plan(changes, key, old, ended)
        kept = {*(key.access_key_id for key in user.inactive), *changes.write, *changes.keep}
        changes.remove = [
            key_id
            for key_id, entry in ledger.items()
            if key_id not in kept and not _is_newer(entry, user.read - READING)
        ]
        return changes

    def _changes(self, key: AccessKey) -> tuple[StatusChange, ...]:
        """What event history holds of an active key."""
        history = self.history
        return history.events.of(key.access_key_id) if isinstance(history, EventHistory) else ()

    def _exports(self) -> tuple[Export, ...]:
        """The records of events that the policy's filters use are evidence here too."""
        filters = [item for item, _ in of_type(self.manager, INACTIVE_FILTER)]
        return tuple(item.export for item in filters if item.export)


def _entry(ledger: Ledger, key: AccessKey) -> LedgerEntry | None:
    """What the ledger says of a key, if it can be read."""
    found = ledger.get(key.access_key_id)
    return found if isinstance(found, LedgerEntry) else None


def _is_newer(entry: LedgerEntry | MalformedTag, moment: datetime) -> bool:
    """Whether somebody has written of a later deactivation than was known at that moment."""
    return isinstance(entry, LedgerEntry) and max(entry.after, entry.since) >= moment


def _plan(changes: TagChanges, key: AccessKey, old: LedgerEntry | None, new: LedgerEntry) -> None:
    """Add what is to be done to the tag of an inactive key."""
    if needs_writing(old, new):
        changes.write[key.access_key_id] = new
    else:
        changes.keep.append(key.access_key_id)


def _is_concerned(user: UserKeys) -> bool:
    """Whether there is or may be something to write to or to remove from the user's tags."""
    return bool(user.inactive or read_tags(user.user.get("Tags") or ()) or read_error(user.user))


def _has_woken(user: UserKeys) -> bool:
    """Whether a key of the user is active that we deactivated."""
    ledger = read_tags(user.user.get("Tags") or ())
    entries = (_entry(ledger, key) for key in user.active)
    return any(entry and entry.by == BY_US for entry in entries)


def _matched(user: JsonMapping) -> set[str]:
    """The keys that the policy's filters matched."""
    return {entry["AccessKeyId"] for entry in user.get(INACTIVE_KEYS) or ()}
