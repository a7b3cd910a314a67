# SPDX-License-Identifier: Apache-2.0
"""Why a key must not be deleted, from what was found and what was read again. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from c7n_inactive_keys.core.evidence import LedgerEntry
from c7n_inactive_keys.core.found_key import FoundKey
from c7n_inactive_keys.core.journal import (
    ALREADY_GONE,
    AMBIGUOUS,
    CHANGED,
    EXEMPT,
    NOT_IN_PLAN,
    NOT_MATCHED,
    REACTIVATED,
)
from c7n_inactive_keys.core.keys import ACTIVE, AccessKey
from c7n_inactive_keys.core.ledger import read_tags
from c7n_inactive_keys.core.plan import Plan

Tags = tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """Access key ids that the policy's built-in filters match, and those they cannot tell apart."""

    certain: frozenset[str]
    ambiguous: frozenset[str] = frozenset()

    def verdict(self, key_id: str) -> bool | None:
        """Whether a key is selected; None: cannot be told."""
        return None if key_id in self.ambiguous else key_id in self.certain


@dataclass(frozen=True, slots=True)
class Reading:
    """A user's tags and keys as they were read at `now`, just before a deletion.

    `selection` is what the policy's built-in key filters say of these keys; None: it has none.
    """

    now: datetime
    tags: Tags
    keys: tuple[AccessKey, ...]
    selection: Selection | None = None

    def lists(self, access_key_id: str) -> bool:
        """Whether the key is still there."""
        return any(key.access_key_id == access_key_id for key in self.keys)

    def ledger_entry(self, access_key_id: str) -> LedgerEntry | None:
        """The ledger's word on a key, if it can be read."""
        entry = read_tags(self.tags).get(access_key_id)
        return entry if isinstance(entry, LedgerEntry) else None


@dataclass(frozen=True, slots=True)
class Rules:
    """What a policy demands of a key besides being inactive."""

    account_id: str
    exempt_tag: str | None = None
    plan: Plan | None = None
    notice: bool = False  # a filter waits for the owner to have been told

    def exempts(self, tags: Iterable[Mapping[str, str]]) -> bool:
        """Whether tags of a user exempt it; IAM's tag keys are case-insensitive."""
        tag = (self.exempt_tag or "").lower()
        return bool(tag) and any(item["Key"].lower() == tag for item in tags)

    def approves(self, key: AccessKey) -> bool:
        """Whether the plan, if there is one, lists the key."""
        return self.plan is None or self.plan.approves(key, self.account_id)


def hindrance(found: FoundKey, reading: Reading, rules: Rules) -> str | None:
    """The reason to skip a key that the policy's filters matched; None: it may be deleted."""
    if rules.exempts(reading.tags):
        return EXEMPT
    same_id = [key for key in reading.keys if key.access_key_id == found.key.access_key_id]
    if not same_id:
        return ALREADY_GONE
    key = same_id[0]
    if key.created != found.key.created:
        return CHANGED
    if not key.inactive:
        return REACTIVATED if key.status == ACTIVE else CHANGED
    if _ledger_objects(found, reading) or (rules.notice and _notice_withdrawn(found, reading)):
        return CHANGED
    if reading.selection and key.access_key_id not in reading.selection.certain:
        is_ambiguous = key.access_key_id in reading.selection.ambiguous
        return AMBIGUOUS if is_ambiguous else NOT_MATCHED
    return None if rules.approves(key) else NOT_IN_PLAN


def _ledger_objects(found: FoundKey, reading: Reading) -> bool:
    """Whether the ledger takes back what the key was found by, or has it as active later."""
    entry = reading.ledger_entry(found.key.access_key_id)
    if entry is None:
        return found.ledger_since is not None
    return (
        bool(found.ledger_since and entry.since > found.ledger_since)
        or entry.after > found.not_after
        or max(entry.after, entry.since) > reading.now
    )


def _notice_withdrawn(found: FoundKey, reading: Reading) -> bool:
    """Whether the ledger no longer says that the owner was told when the filter waited for it."""
    entry = reading.ledger_entry(found.key.access_key_id)
    told = entry.notified if entry else None
    return bool(found.notified and not (told and told <= found.notified))
