# SPDX-License-Identifier: Apache-2.0
"""Why a key must not be changed, from what was found and what was read again. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from c7n_inactive_keys.core.evidence import PROPAGATION, LedgerEntry, StatusChange
from c7n_inactive_keys.core.found_key import FoundKey
from c7n_inactive_keys.core.journal import (
    ALREADY_GONE,
    ALREADY_INACTIVE,
    AMBIGUOUS,
    CHANGED,
    EXEMPT,
    MANAGED,
    NOT_IN_PLAN,
    NOT_MATCHED,
    REACTIVATED,
    USED,
    DeactivatedKey,
)
from c7n_inactive_keys.core.keys import ACTIVE, INACTIVE, AccessKey, LastUse
from c7n_inactive_keys.core.ledger import BY_US, read_tags
from c7n_inactive_keys.core.plan import Plan
from c7n_inactive_keys.core.unused_key import UnusedKey

# A machine's clock may be so far from AWS's: further off, AWS refuses its calls.
CLOCKS_APART = timedelta(minutes=15)
Tags = tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """Access key ids that the policy's built-in filters match, and those they cannot tell apart."""

    certain: frozenset[str]
    ambiguous: frozenset[str] = frozenset()

    def verdict(self, key_id: str) -> bool | None:
        """Whether a key is selected; None: cannot be told."""
        return None if key_id in self.ambiguous else key_id in self.certain

    def and_also(self, other: Selection) -> Selection:
        """What both select; what one of them cannot tell is uncertain."""
        return Selection(self.certain & other.certain, self.ambiguous | other.ambiguous)


@dataclass(frozen=True, slots=True)
class Reading:
    """A user's tags and keys as they were read at `now`, just before a key is changed.

    `selection` is what the policy's built-in key filters say of these keys; None: it has none.
    `last_use` is that of the key at hand, and `changes` are its events, where they matter.
    """

    now: datetime
    tags: Tags
    keys: tuple[AccessKey, ...]
    selection: Selection | None = None
    last_use: LastUse | None = None
    changes: tuple[StatusChange, ...] = ()

    def key(self, access_key_id: str) -> AccessKey | None:
        """The key of that id, if it is there."""
        return next((key for key in self.keys if key.access_key_id == access_key_id), None)

    def ledger_entry(self, access_key_id: str) -> LedgerEntry | None:
        """The ledger's word on a key, if it can be read."""
        entry = read_tags(self.tags).get(access_key_id)
        return entry if isinstance(entry, LedgerEntry) else None


@dataclass(frozen=True, slots=True)
class Rules:
    """What a policy demands of a key besides what its filters found.

    `managed` says what manages a key, by access key id, for keys that are to be left to it.
    """

    account_id: str
    exempt_tag: str | None = None
    plan: Plan | None = None
    managed: Mapping[str, str] = field(default_factory=dict)
    notice: bool = False  # a filter waits for the owner to have been told

    def exempts(self, tags: Iterable[Mapping[str, str]]) -> bool:
        """Whether tags of a user exempt it; IAM's tag keys are case-insensitive."""
        tag = (self.exempt_tag or "").lower()
        return bool(tag) and any(item["Key"].lower() == tag for item in tags)

    def spares(self, key: AccessKey) -> str | None:
        """Why the policy leaves a key alone, whatever its state, if it does."""
        if key.access_key_id in self.managed:
            return MANAGED
        if self.plan is None or self.plan.approves(key, self.account_id):
            return None
        return NOT_IN_PLAN


def to_delete(found: FoundKey, reading: Reading, rules: Rules) -> str | None:
    """The reason not to delete a key that the policy's filters matched; None: it may go."""
    reason = _same_key(found.key, INACTIVE, reading, rules)
    if reason:
        return reason
    if _used_since(found, reading) or _ledger_objects(found, reading):
        return CHANGED
    if rules.notice and _notice_withdrawn(found, reading):
        return CHANGED
    return _not_meant(found.key, reading, rules)


def to_deactivate(found: UnusedKey, reading: Reading, rules: Rules, rest: timedelta) -> str | None:
    """The same for deactivating a key that was found unused: it must not have been used since.

    Whoever reactivated a key wants to use it, so for the time `rest` it is left alone.
    """
    reason = _same_key(found.key, ACTIVE, reading, rules)
    if reason:
        return reason
    if reading.last_use is None or reading.last_use.time != found.last_use.time:
        return USED
    if _reactivated_after(reading, found.key.access_key_id, reading.now - rest):
        return REACTIVATED
    return _not_meant(found.key, reading, rules)


def to_reactivate(
    found: DeactivatedKey, reading: Reading, rules: Rules, known_since: datetime
) -> str | None:
    """The same for reactivating a key of which the journal says that we deactivated it.

    The ledger must still say so, and no event since may have changed the key or tried to. Of what
    happened before `known_since` events tell nothing, so the ledger must have been kept until then.
    """
    reason = _same_key(found.key, INACTIVE, reading, rules)
    if reason:
        return reason
    entry = reading.ledger_entry(found.key.access_key_id)
    if entry is None or entry.by != BY_US or found.time is None:
        return CHANGED
    # The journal bears the time of the machine that wrote it, the ledger AWS's.
    if entry.after > found.time + CLOCKS_APART or entry.verified < known_since:
        return CHANGED
    if entry.reactivated or _touched(entry, reading.changes):
        return CHANGED
    return _not_meant(found.key, reading, rules)


def _touched(entry: LedgerEntry, changes: Iterable[StatusChange]) -> bool:
    """Whether events tell of more than the one deactivation that the entry is about."""
    told = [change for change in changes if change.time >= entry.after]
    return (
        any(change.time > entry.since or change.status == ACTIVE for change in told)
        or sum(change.status == INACTIVE for change in told) > 1
    )


def _same_key(key: AccessKey, status: str, reading: Reading, rules: Rules) -> str | None:
    """Why the key is not what it was, or its user is exempt."""
    if rules.exempts(reading.tags):
        return EXEMPT
    now = reading.key(key.access_key_id)
    if now is None:
        return ALREADY_GONE
    if now.created != key.created:
        return CHANGED
    if now.status == status:
        return None
    return {ACTIVE: REACTIVATED, INACTIVE: ALREADY_INACTIVE}.get(now.status, CHANGED)


def _reactivated_after(reading: Reading, access_key_id: str, moment: datetime) -> bool:
    """Whether an active key was reactivated after a moment: by its events, or by the ledger."""
    entry = reading.ledger_entry(access_key_id)
    woken = max(entry.verified, entry.reactivated or entry.verified) if entry else None
    return bool(woken and woken > moment) or any(
        change.time > moment and _may_reactivate(change) for change in reading.changes
    )


def _may_reactivate(change: StatusChange) -> bool:
    return ACTIVE in (change.status, change.requested)


def _not_meant(key: AccessKey, reading: Reading, rules: Rules) -> str | None:
    """Why the policy does not mean the key."""
    if reading.selection and key.access_key_id not in reading.selection.certain:
        is_ambiguous = key.access_key_id in reading.selection.ambiguous
        return AMBIGUOUS if is_ambiguous else NOT_MATCHED
    return rules.spares(key)


def _used_since(found: FoundKey, reading: Reading) -> bool:
    """Whether IAM tells of a use when the key was inactive by what it was found by."""
    used = reading.last_use.time if reading.last_use else None
    return bool(used and used > found.not_after + PROPAGATION)


def _ledger_objects(found: FoundKey, reading: Reading) -> bool:
    """Whether the ledger takes back what the key was found by, or has it as active later."""
    entry = reading.ledger_entry(found.key.access_key_id)
    if entry is None:
        return found.ledger_since is not None
    return (
        bool(found.ledger_since and entry.since > found.ledger_since)
        or max(entry.after, entry.reactivated or entry.after) > found.not_after
        or max(entry.after, entry.since) > reading.now
    )


def _notice_withdrawn(found: FoundKey, reading: Reading) -> bool:
    """Whether the ledger no longer says that the owner was told when the filter waited for it."""
    entry = reading.ledger_entry(found.key.access_key_id)
    told = entry.notified if entry else None
    return bool(found.notified and not (told and told <= found.notified))
