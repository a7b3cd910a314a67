# SPDX-License-Identifier: Apache-2.0
"""What the ledger tags of users should become: of all their keys, or after one event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from c7n_inactive_keys.core.evidence import Assessment, LedgerEntry, StatusChange
from c7n_inactive_keys.core.found_key import INACTIVE_KEYS
from c7n_inactive_keys.core.keys import AccessKey
from c7n_inactive_keys.core.ledger import read_tags
from c7n_inactive_keys.core.ledger_upkeep import (
    carry_on,
    carry_on_after_event,
    ended_by_event,
    needs_writing,
)
from c7n_inactive_keys.custodian import aws
from c7n_inactive_keys.custodian.clock import clock
from c7n_inactive_keys.custodian.filter_tree import INACTIVE_FILTER, of_type
from c7n_inactive_keys.custodian.unread_users import read_error
from c7n_inactive_keys.find.gather import Investigation, Sources
from c7n_inactive_keys.find.listing import UserKeys, list_keys
from c7n_inactive_keys.record.ledger_tags import TagChanges

# A user with its tags as they are now, and what is to be done to them, or why that is unknown.
PlannedUser = tuple[dict[str, Any], TagChanges | aws.ApiError]


class LedgerChanges:
    """Compares the ledger with the keys as they are now."""

    def __init__(
        self, manager: Any, executor_factory: Callable[..., Any], notified: bool = False
    ) -> None:
        self.manager = manager
        self.executor_factory = executor_factory
        self.notified = notified

    def of_all(self, users: list[dict[str, Any]]) -> list[PlannedUser]:
        """Bring all keys of the users in line, with all evidence that there is."""
        listed, failed = self._read(users)
        sources = Sources(exports=self._exports())
        investigation = Investigation(self.manager, sources, self.executor_factory)
        assessments = investigation.assess(listed, clock.now())
        return [*((user.user, self._changes(user, assessments)) for user in listed), *failed]

    def after_event(
        self, users: list[dict[str, Any]], access_key_id: str, change: StatusChange
    ) -> list[PlannedUser]:
        """What an UpdateAccessKey event means for the tag of its key, and of no other."""
        listed, planned = self._read(users)
        for user in listed:
            ledger = read_tags(user.user["Tags"])
            changes = TagChanges()
            key = next((key for key in user.keys if key.access_key_id == access_key_id), None)
            old = _entry(ledger, key) if key else None
            if key and key.inactive:
                _plan(changes, key, old, carry_on_after_event(old, key, change, clock.now()))
            elif key and key.active and old and (ended := ended_by_event(old, change, clock.now())):
                _plan(changes, key, old, ended)
            elif access_key_id in ledger:
                changes.remove.append(access_key_id)
            planned.append((user.user, changes))
        return planned

    def _read(self, users: list[dict[str, Any]]) -> tuple[list[UserKeys], list[PlannedUser]]:
        """The users that the ledger concerns, with keys and tags as they are now, and the unread.

        Tags are written as a whole, so a notice or word that another run added must not be lost to
        a user list from Custodian's cache.
        """

        def with_tags(user: UserKeys) -> UserKeys | aws.ApiError | None:
            try:
                now = aws.get_user(iam, user.user_name)
            except aws.API_ERRORS as error:
                return None if aws.is_gone(error) else aws.describe_error(error)
            return replace(user, user={**user.user, "Tags": now.get("Tags") or []})

        iam = aws.client(self.manager, "iam")
        listing = list_keys(self.manager, self.executor_factory, users, again=True)
        concerned = [user for user in listing.users if _is_concerned(user)]
        by_name = {user["UserName"]: user for user in users}
        failed: list[PlannedUser] = [
            (by_name[name], error) for name, error in listing.unread.items()
        ]
        read = []
        with self.executor_factory(max_workers=aws.WORKERS) as workers:
            for user, found in zip(concerned, workers.map(with_tags, concerned), strict=True):
                if isinstance(found, aws.ApiError):
                    failed.append((user.user, found))
                elif found is not None:
                    read.append(found)
        return read, failed

    def _exports(self) -> tuple[Any, ...]:
        """The records of events that the policy's filters use are evidence here too."""
        filters = [item for item, _ in of_type(self.manager, INACTIVE_FILTER)]
        return tuple(item.export for item in filters if item.export)

    def _changes(self, user: UserKeys, assessments: Mapping[str, Assessment]) -> TagChanges:
        ledger = read_tags(user.user["Tags"])
        changes = TagChanges()
        for key in user.inactive:
            assessment = assessments[key.access_key_id]
            old = _entry(ledger, key)
            entry = carry_on(old, assessment)
            if self.notified and key.access_key_id in _matched(user.user):
                entry = entry.noticed(assessment.now)
            _plan(changes, key, old, entry)
        inactive = {key.access_key_id for key in user.inactive}
        changes.remove = [key_id for key_id in ledger if key_id not in inactive]
        return changes


def _entry(ledger: Mapping[str, Any], key: AccessKey) -> LedgerEntry | None:
    """What the ledger says of a key, if it can be read."""
    found = ledger.get(key.access_key_id)
    return found if isinstance(found, LedgerEntry) else None


def _plan(changes: TagChanges, key: AccessKey, old: LedgerEntry | None, new: LedgerEntry) -> None:
    """Add what is to be done to the tag of an inactive key."""
    if needs_writing(old, new):
        changes.write[key.access_key_id] = new
    else:
        changes.keep.append(key.access_key_id)


def _is_concerned(user: UserKeys) -> bool:
    """Whether there is or may be something to write to or to remove from the user's tags."""
    return bool(user.inactive or read_tags(user.user.get("Tags") or ()) or read_error(user.user))


def _matched(user: Mapping[str, Any]) -> set[str]:
    """The keys that the policy's filters matched."""
    return {entry["AccessKeyId"] for entry in user.get(INACTIVE_KEYS) or ()}
