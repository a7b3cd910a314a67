# SPDX-License-Identifier: Apache-2.0
"""Deleting a key: final, so it must still be the same inactive key, and nobody have objected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from c7n_inactive_keys.change.verb import Change, LedgerWork, Verb
from c7n_inactive_keys.core.found_key import FoundKey, found_keys
from c7n_inactive_keys.core.hindrance import Reading, Rules, to_delete
from c7n_inactive_keys.core.journal import DELETED, DELETING
from c7n_inactive_keys.core.json_types import JsonMapping
from c7n_inactive_keys.custodian import aws
from c7n_inactive_keys.custodian.c7n_types import Client


class Deletion(Verb[FoundKey]):
    """DeleteAccessKey."""

    doing, done = DELETING, DELETED

    def found(self, user: JsonMapping) -> list[FoundKey]:
        """The inactive keys that the policy's filters matched."""
        return found_keys(user)

    def read(self, iam: Client, found: FoundKey, reading: Reading, tried: bool) -> Reading:
        """The last use, which the credential report may have from hours ago."""
        if tried or reading.key(found.key.access_key_id) is None:
            return reading  # IAM knows no last use of a key that is gone
        return replace(reading, last_use=aws.get_last_use(iam, found.key.access_key_id))

    def hindrance(self, found: FoundKey, reading: Reading, rules: Rules) -> str | None:
        """As `to_delete`."""
        return to_delete(found, reading, rules)

    def call(self, iam: Client, user_name: str, access_key_id: str) -> None:
        """Delete it. Without UserName, IAM would take the caller's own key."""
        iam.delete_access_key(UserName=user_name, AccessKeyId=access_key_id)

    def is_done(self, access_key_id: str, reading: Reading) -> bool:
        """Whether the key is no longer there."""
        return reading.key(access_key_id) is None

    def ledger_work(self, changed: Iterable[Change[FoundKey]], gone: Iterable[str]) -> LedgerWork:
        """The tags of keys that are no more go."""
        return LedgerWork({}, [*(item.found.key.access_key_id for item in changed), *gone])
