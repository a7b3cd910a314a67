# SPDX-License-Identifier: Apache-2.0
"""Reactivating a key that we deactivated, and that nobody has touched since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from c7n_inactive_keys.change.verb import Change, LedgerWork, Verb
from c7n_inactive_keys.core.evidence import LedgerEntry
from c7n_inactive_keys.core.hindrance import Reading, Rules, to_reactivate
from c7n_inactive_keys.core.journal import (
    DEACTIVATED,
    REACTIVATED,
    REACTIVATING,
    DeactivatedKey,
    JournalLine,
)
from c7n_inactive_keys.core.json_types import JsonMapping
from c7n_inactive_keys.core.keys import ACTIVE
from c7n_inactive_keys.core.ledger import BY_US
from c7n_inactive_keys.custodian.c7n_types import Client
from c7n_inactive_keys.find.event_history import EventHistory


class Reactivation(Verb[DeactivatedKey]):
    """UpdateAccessKey to Active."""

    doing, done = REACTIVATING, REACTIVATED

    def __init__(
        self,
        keys: Mapping[str, list[DeactivatedKey]],
        history: EventHistory,
        annotations: Iterable[str],
    ) -> None:
        self.keys = keys
        self.history = history
        self.annotations = set(annotations)  # of the policy's filters on keys

    def found(self, user: JsonMapping) -> list[DeactivatedKey]:
        """The keys of the user that the journal says we deactivated, and that the filters match."""
        keys = self.keys.get(user["UserName"], [])
        if not self.annotations:
            return keys
        entries = [entry for name in self.annotations for entry in user.get(name) or ()]
        matched = {entry["AccessKeyId"] for entry in entries}
        return [found for found in keys if found.key.access_key_id in matched]

    def read(self, iam: Client, found: DeactivatedKey, reading: Reading, tried: bool) -> Reading:
        """What event history holds of the key."""
        del iam, tried
        return replace(reading, changes=self.history.events.of(found.key.access_key_id))

    def hindrance(self, found: DeactivatedKey, reading: Reading, rules: Rules) -> str | None:
        """As `to_reactivate`."""
        return to_reactivate(found, reading, rules, self.history.record.since)

    def call(self, iam: Client, user_name: str, access_key_id: str) -> None:
        """Reactivate it. Without UserName, IAM would take the caller's own key."""
        iam.update_access_key(UserName=user_name, AccessKeyId=access_key_id, Status=ACTIVE)

    def is_done(self, access_key_id: str, reading: Reading) -> bool:
        """Whether the key is active now."""
        key = reading.key(access_key_id)
        return key is not None and key.active

    def ledger_work(
        self, changed: Iterable[Change[DeactivatedKey]], gone: Iterable[str]
    ) -> LedgerWork:
        """The ledger's entries end, so that no other run deactivates the keys again at once."""
        entries = {
            item.found.key.access_key_id: LedgerEntry(
                after=item.began,
                since=item.began,
                verified=item.began,
                by=BY_US,
                reactivated=item.ended,
            )
            for item in changed
        }
        return LedgerWork(entries, gone)


def deactivated_keys(
    lines: Iterable[JournalLine], account_id: str
) -> dict[str, list[DeactivatedKey]]:
    """The keys of an account that were deactivated last, by user, from the lines of journals."""
    last: dict[str, JournalLine] = {}
    for line in sorted(lines, key=lambda line: line.time):
        ours = line.account_id == account_id and line.outcome in (DEACTIVATED, REACTIVATED)
        if ours and line.access_key_id and line.found:
            last[line.access_key_id] = line
    keys: dict[str, list[DeactivatedKey]] = {}
    for line in last.values():
        if line.outcome == DEACTIVATED and line.found and line.user_name:
            found = DeactivatedKey(line.found.key, line.time)
            keys.setdefault(line.user_name, []).append(found)
    return keys
