# SPDX-License-Identifier: Apache-2.0
"""What is known of each key, gathered with as few calls as the answer allows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from c7n_inactive_keys.core.cloudtrail import KeyEvents
from c7n_inactive_keys.core.event_export import ExportedEvents
from c7n_inactive_keys.core.evidence import CompleteRecord, Facts, LedgerEntry
from c7n_inactive_keys.core.found_key import FoundKey
from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.core.keys import AccessKey, LastUse, Unavailable
from c7n_inactive_keys.core.ledger import MalformedTag, read_tags
from c7n_inactive_keys.core.ledger_upkeep import valid_notice
from c7n_inactive_keys.core.timeline import assess
from c7n_inactive_keys.custodian.c7n_types import ExecutorFactory, Manager
from c7n_inactive_keys.custodian.memory import Shared
from c7n_inactive_keys.find.event_history import EventHistory, account_history
from c7n_inactive_keys.find.events_from import Export
from c7n_inactive_keys.find.last_uses import LastUses, reported_user
from c7n_inactive_keys.find.listing import UserKeys

log = logging.getLogger("custodian.inactive-keys")


_MALFORMED: Shared[set[str]] = Shared(set)


@dataclass
class Sources:
    """Which evidence to gather besides creation and last use.

    `told` is what the event says that a Lambda function was called with.
    """

    ledger: bool = True
    cloudtrail: bool = True
    exports: tuple[Export, ...] = ()
    told: KeyEvents = field(default_factory=KeyEvents)


class Investigation:
    """Finds out about keys of users."""

    def __init__(
        self, manager: Manager, sources: Sources, executor_factory: ExecutorFactory
    ) -> None:
        self.manager = manager
        self.sources = sources
        self.last_uses = LastUses(manager, executor_factory)
        self._history: EventHistory | Unavailable | None = None
        self._exports: list[ExportedEvents] = []

    def read(
        self,
        keys: Iterable[tuple[UserKeys, AccessKey]],
        matters: Callable[[AccessKey, LastUse | Unavailable], bool] | None = None,
    ) -> None:
        """Read all evidence of these keys but the tags, which their users hold.

        `matters` tells whether more evidence could change what is made of a key; if it can for
        none, event history is not asked.
        """
        keys = list(keys)
        self.last_uses.read(keys)
        if matters is None or any(matters(key, self.last_uses.of(key)) for _, key in keys):
            self._history = self.event_history(user.user for user, _ in keys)
        self._exports = [export.read() for export in self.sources.exports] if keys else []

    def facts(self, user: UserKeys, key: AccessKey) -> Facts:
        """All that is known of a key that `read` was told of."""
        history = self._history
        changes = list(self.sources.told.of(key.access_key_id))
        records: list[CompleteRecord] = []
        if isinstance(history, EventHistory):
            known = {change.event_id for change in changes}
            found = history.events.of(key.access_key_id)
            changes.extend(change for change in found if change.event_id not in known)
            records.append(history.record)
        for export in self._exports:
            changes.extend(export.events.of(key.access_key_id))
            records.extend(export.records)
        reported = reported_user(user.user)
        return Facts(
            key=key,
            last_use=self.last_uses.of(key),
            changes=tuple(changes),
            records=tuple(records),
            ledger=self.ledger_entry(user, key) if self.sources.ledger else None,
            seen_active=reported.seen_active(key) if reported else None,
            seen_inactive=reported.seen_inactive(key, user.keys) if reported else None,
            unavailable=(history,) if isinstance(history, Unavailable) else (),
        )

    def found(self, user: UserKeys, key: AccessKey) -> FoundKey:
        """The key with the interval of its deactivation, and with when its owner was told."""
        assessment = assess(self.facts(user, key), user.read)
        entry = self.ledger_entry(user, key)
        notice = valid_notice(entry, assessment) if entry else None
        return FoundKey.of(key, self.last_uses.of(key), assessment, notice)

    def ledger_entry(self, user: UserKeys, key: AccessKey) -> LedgerEntry | None:
        """The ledger's word on a key; a malformed one is not evidence and worth a warning."""
        entry = read_tags(user.user.get("Tags") or ()).get(key.access_key_id)
        if isinstance(entry, MalformedTag):
            warned = _MALFORMED.of(self.manager)
            if key.access_key_id not in warned:
                warned.add(key.access_key_id)
                log.warning(
                    'user %s: the ledger tag of access key %s is not evidence: %s in "%s"',
                    user.user_name,
                    key.access_key_id,
                    entry.problem,
                    entry.value,
                )
            return None
        return entry

    def event_history(self, users: Iterable[JsonObject]) -> EventHistory | Unavailable | None:
        """The account's event history, asked once; None: not wanted, or there are no users."""
        users = list(users)
        if not (users and self.sources.cloudtrail):
            return None
        return account_history(self.manager, users)
