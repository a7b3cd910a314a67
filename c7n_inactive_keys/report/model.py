# SPDX-License-Identifier: Apache-2.0
"""What was read of past runs, and what a report says: frozen values, times as ISO 8601 UTC text."""

from __future__ import annotations

from dataclasses import dataclass

from c7n_inactive_keys.core.journal import ALREADY_GONE, DELETED, REACTIVATED, USER_GONE

READ = "read"
FAILED = "failed"
MISSING = "missing"

# Reasons for which the delete action skips a key because it is not an inactive key any more.
GONE = (ALREADY_GONE, USER_GONE)
NO_LONGER_INACTIVE = (REACTIVATED, *GONE)

KeyId = tuple[str, str]  # account id, access key id


@dataclass(frozen=True, slots=True)
class FoundKey:
    """One inactive key as one policy run found it; days are those of that run."""

    account_id: str
    user_name: str
    path: str
    partition: str
    access_key_id: str
    created: str
    last_used: str | None
    last_used_service: str | None
    last_used_region: str | None
    not_before: str
    not_after: str
    at_least_days: float
    at_most_days: float
    evidence: tuple[str, ...]  # in words
    user_keys: int | None = None  # keys of any status that the user holds; None: not recorded
    exempt: bool = False  # the user carried the exempt-tag of the policy's delete action
    selected: bool = True  # Custodian's own access-key filters, if any, matched it as well


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the delete action's journal says became of one key in one run."""

    account_id: str
    user_name: str
    access_key_id: str
    policy: str
    time: str
    outcome: str  # deleted, skipped or failed
    reason: str | None = None
    created: str | None = None
    not_before: str | None = None
    not_after: str | None = None
    at_least_days: float | None = None
    at_most_days: float | None = None
    last_used: str | None = None
    evidence: tuple[str, ...] = ()
    latest_run: bool = True  # whether it belongs to the last run that its journal holds


@dataclass(frozen=True, slots=True)
class PolicyRun:
    """The output directory of one policy in one account and region, read."""

    source: str  # the -s it was found under
    place: str  # the directory, for messages
    stamp: str  # YYYY/MM/DD/HH of an s3 output, else empty
    account_id: str  # empty: the run ended before it was written down
    account_name: str | None
    region: str | None
    policy: str
    started: str  # else, when its files were last written
    start_known: bool
    dryrun: bool
    finds_keys: bool | None  # has the filter inactive-access-key; None: unknown
    deletes: bool  # has the action delete-inactive-keys
    state: str  # read or failed
    reason: str | None = None
    keys: tuple[FoundKey, ...] = ()
    active_key_ids: frozenset[str] = frozenset()
    outcomes: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedAccount:
    """An account that should have been read, from accounts.yml."""

    account_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Collection:
    """All that was read: the runs, and what could not be made sense of, as sentences."""

    runs: tuple[PolicyRun, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """Whether one account was read, and if not, why."""

    account_id: str
    name: str
    status: str  # read, failed or missing
    reason: str | None = None
    keys: int = 0
    last_read: str | None = None
    listed: bool = True  # it is in accounts.yml, or no accounts.yml was given


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key of the report, merged over regions, policies and runs."""

    account_id: str
    account_name: str
    user_name: str
    path: str
    partition: str
    access_key_id: str
    created: str
    last_used: str | None
    last_used_service: str | None
    last_used_region: str | None
    not_before: str
    not_after: str
    at_least_days: float
    at_most_days: float
    evidence: tuple[str, ...]
    outcome: str | None
    reason: str | None
    outcome_time: str | None
    first_seen: str | None
    last_seen: str | None
    slot_blocked: bool  # the user's second key slot is taken by an inactive key
    policies: tuple[str, ...]

    @property
    def settled(self) -> bool:
        """Whether it is known that the key is no longer an inactive one."""
        return self.outcome == DELETED or self.reason in NO_LONGER_INACTIVE

    @property
    def never_used(self) -> bool:
        """Whether IAM recorded no use of the key."""
        return self.last_used is None


# What the json and csv reports say of a key, in this order.
KEY_FIELDS = (
    "account_id",
    "account_name",
    "user_name",
    "path",
    "access_key_id",
    "created",
    "last_used",
    "last_used_service",
    "last_used_region",
    "not_before",
    "not_after",
    "at_least_days",
    "at_most_days",
    "evidence",
    "outcome",
    "reason",
    "outcome_time",
    "first_seen",
    "last_seen",
    "slot_blocked",
    "policies",
)


@dataclass(frozen=True, slots=True)
class Totals:
    """The numbers of the report; all but `slot_blocked` and `users` count keys or accounts."""

    keys: int
    users: int
    accounts: int
    never_used: int
    deleted: int
    skipped: int
    failed: int
    slot_blocked: int  # users
    remaining: int  # keys that are still inactive, as far as is known


@dataclass(frozen=True, slots=True)
class AgeBin:
    """Keys whose days of inactivity lie in [from_days, to_days), by proof and by possibility."""

    label: str
    from_days: float
    to_days: float | None
    proven: int
    possible: int


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One round of runs, compared with what was known of the same accounts before it."""

    started: str
    accounts: int
    keys: int
    first: int  # keys of accounts or policies that were not read before
    new: int
    still: int
    reactivated: int
    deleted: int  # in this round by this tool, according to its journals
    gone: int  # no longer inactive, and nobody told us why


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a format may say."""

    generated: str
    totals: Totals
    accounts: tuple[Account, ...]
    keys: tuple[KeyRow, ...]
    ages: tuple[AgeBin, ...]
    reasons: tuple[tuple[str, str, int], ...]  # outcome, reason, keys
    trend: tuple[TrendPoint, ...]
    policies: tuple[str, ...]
    problems: tuple[str, ...] = ()

    def covered(self, status: str) -> int:
        """How many accounts have the coverage status."""
        return sum(account.status == status for account in self.accounts)

    @property
    def complete(self) -> bool:
        """Whether every account was read."""
        return all(account.status == READ for account in self.accounts)
