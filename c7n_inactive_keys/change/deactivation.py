# SPDX-License-Identifier: Apache-2.0
"""Deactivating a key: the same active key still, neither used since nor just reactivated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from c7n_inactive_keys.change.verb import Change, LedgerWork, Verb
from c7n_inactive_keys.core.cloudtrail import KeyEvents
from c7n_inactive_keys.core.evidence import LedgerEntry
from c7n_inactive_keys.core.hindrance import Reading, Rules, to_deactivate
from c7n_inactive_keys.core.journal import DEACTIVATED, DEACTIVATING
from c7n_inactive_keys.core.json_types import JsonMapping
from c7n_inactive_keys.core.keys import INACTIVE
from c7n_inactive_keys.core.ledger import BY_US
from c7n_inactive_keys.core.unused_key import UnusedKey, unused_keys
from c7n_inactive_keys.custodian import aws
from c7n_inactive_keys.custodian.c7n_types import Client


class Deactivation(Verb[UnusedKey]):
    """UpdateAccessKey to Inactive."""

    doing, done = DEACTIVATING, DEACTIVATED

    def __init__(self, events: KeyEvents, rest: timedelta) -> None:
        self.events = events
        self.rest = rest  # for how long a reactivated key is left alone

    def found(self, user: JsonMapping) -> list[UnusedKey]:
        """The unused keys that the policy's filters matched."""
        return unused_keys(user)

    def read(self, iam: Client, found: UnusedKey, reading: Reading, tried: bool) -> Reading:
        """The last use, and what event history holds of the key."""
        del tried  # before each call it must not have been used
        key_id = found.key.access_key_id
        if reading.key(key_id) is None:
            return reading  # IAM knows no last use of a key that is gone
        return replace(
            reading,
            last_use=aws.get_last_use(iam, key_id),
            changes=self.events.by_key.get(key_id, ()),
        )

    def hindrance(self, found: UnusedKey, reading: Reading, rules: Rules) -> str | None:
        """As `to_deactivate`."""
        return to_deactivate(found, reading, rules, self.rest)

    def call(self, iam: Client, user_name: str, access_key_id: str) -> None:
        """Deactivate it. Without UserName, IAM would take the caller's own key."""
        iam.update_access_key(UserName=user_name, AccessKeyId=access_key_id, Status=INACTIVE)

    def is_done(self, access_key_id: str, reading: Reading) -> bool:
        """Whether the key is inactive now."""
        key = reading.key(access_key_id)
        return key is not None and key.inactive

    def ledger_work(self, changed: Iterable[Change[UnusedKey]], gone: Iterable[str]) -> LedgerWork:
        """The ledger gets the moment, and who it was."""
        entries = {
            item.found.key.access_key_id: LedgerEntry(
                after=item.began,
                since=item.ended,
                verified=item.ended,
                by=BY_US if item.by_us else None,
            )
            for item in changed
        }
        return LedgerWork(entries, gone)
