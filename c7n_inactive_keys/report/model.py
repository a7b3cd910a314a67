# SPDX-License-Identifier: Apache-2.0
"""What was read of past runs, and what a report says: frozen values, times as ISO 8601 UTC text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from c7n_inactive_keys.core.credential_report import ROOT_USER
from c7n_inactive_keys.core.found_key import FoundKey
from c7n_inactive_keys.core.journal import (
    ALREADY_GONE,
    ALREADY_INACTIVE,
    DEACTIVATED,
    DELETED,
    EXEMPT,
    NOT_IN_PLAN,
    NOT_MATCHED,
    REACTIVATED,
    USED,
    USER_GONE,
)
from c7n_inactive_keys.core.journal import FAILED as KEY_FAILED
from c7n_inactive_keys.core.keys import AccessKey, LastUse
from c7n_inactive_keys.core.plan import PlanFile
from c7n_inactive_keys.core.reactivated_key import ReactivatedKey

READ = "read"
FAILED = "failed"
MISSING = "missing"

# Reasons for which the delete action skips a key because it is not an inactive key any more. That
# its user was not found says nothing: a user that was renamed keeps its keys.
NO_LONGER_INACTIVE = (REACTIVATED, ALREADY_GONE)

AWS = "aws"  # the partition of whom nothing else is known

KeyId = tuple[str, str]  # account id, access key id


@dataclass(frozen=True, slots=True)
class SeenUser:
    """A user as one policy run, or a journal, describes it."""

    account_id: str
    name: str
    path: str = "/"
    partition: str = AWS
    keys: int | None = None  # of any status that it holds; None: not recorded
    tags: Mapping[str, str] = field(default_factory=dict)
    other_credentials: bool | None = None  # a password or certificate; None: not recorded

    @property
    def identity(self) -> tuple[str, str]:
        """What tells it from all other users, in one run."""
        return self.account_id, self.name

    @property
    def is_root(self) -> bool:
        """Whether it is no user but the account's root."""
        return self.name == ROOT_USER

    @property
    def arn(self) -> str:
        """As IAM makes it."""
        name = "root" if self.is_root else f"user{self.path}{self.name}"
        return f"arn:{self.partition}:iam::{self.account_id}:{name}"

    def tag(self, *names: str) -> str | None:
        """The value of the first of these tags that it has; IAM ignores the case of their keys."""
        wanted = {name.lower() for name in names}
        return next((value for key, value in self.tags.items() if key.lower() in wanted), None)


@dataclass(frozen=True, slots=True)
class SeenKey:
    """An inactive key as one policy run, or a journal, describes it; days are those of that run."""

    found: FoundKey
    user: SeenUser
    proven: bool  # whether anything is: else it may have been active until it was found
    selected: bool = True  # Custodian's own access-key filters, if any, matched it as well
    first_seen: str | None = None  # where that is not the run that it is of

    @property
    def id(self) -> str:
        """The access key id."""
        return self.found.key.access_key_id

    @property
    def identity(self) -> KeyId:
        """What tells it from all other keys."""
        return self.user.account_id, self.id


@dataclass(frozen=True, slots=True)
class KeyOutcome:
    """What an action's journal says became of one key in one run."""

    key: SeenKey  # as far as the journal describes it
    policy: str
    time: str
    outcome: str  # deleted, skipped or failed
    reason: str | None = None
    plan: PlanFile | None = None  # that had to approve it
    latest_run: bool = True  # whether it belongs to the last run that its journal holds


@dataclass(frozen=True, slots=True)
class ActiveKey:
    """A key that is active, or was until we deactivated it, as one policy run describes it."""

    key: AccessKey
    last_use: LastUse
    user: SeenUser
    unused_days: float | None = None  # None: it was not found for not being used
    woken: ReactivatedKey | None = None  # it was inactive for long, and somebody reactivated it
    selected: bool = True  # Custodian's own access-key filters, if any, matched it as well

    @property
    def id(self) -> str:
        """The access key id."""
        return self.key.access_key_id

    @property
    def identity(self) -> KeyId:
        """What tells it from all other keys."""
        return self.user.account_id, self.id


@dataclass(frozen=True, slots=True)
class ActiveOutcome:
    """What a journal says became of a key that was to be deactivated or reactivated."""

    key: ActiveKey  # as far as the journal describes it
    aim: str  # deactivated or reactivated
    policy: str
    time: str
    outcome: str  # the aim, skipped or failed
    reason: str | None = None
    plan: PlanFile | None = None
    latest_run: bool = True

    @property
    def is_done(self) -> bool:
        """Whether the key was changed."""
        return self.outcome == self.aim


@dataclass(frozen=True, slots=True)
class ExpiredKey:
    """A key with AWS's status Expired, which is another one than Inactive."""

    account_id: str
    user_name: str
    access_key_id: str


@dataclass(frozen=True, slots=True)
class ActionRules:
    """What a policy demands of the keys that it changes, as far as it can be told from its text."""

    days: float | None = 0.0  # None: its filters are too involved
    possible: bool = False
    notified_days: float | None = None
    exempt_tags: frozenset[str] = frozenset()  # in lower case
    plan: str | None = None  # the url of the approved plan
    max_keys: int | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that a run needed to read and could not."""

    reason: str  # the journal's word: unreadable, event-history, last-used, user
    subject: str  # the user or access key id that it is about; empty: the account
    cause: str  # what AWS said


@dataclass(frozen=True, slots=True)
class PastRun:
    """The output directory of one policy in one account and region, read."""

    source: str  # the -s it was found under
    root: str  # where in it the tree begins that the directory belongs to
    place: str  # the directory, for messages
    stamp: str  # YYYY/MM/DD/HH of an s3 output, else empty
    account_id: str  # empty: the run ended before it was written down
    account_name: str | None
    region: str | None
    policy: str
    started: str  # else, when its files were last written
    start_known: bool
    dryrun: bool
    ours: bool | None  # has a filter or action of this package; None: unknown
    finds_keys: bool | None  # has the filter inactive-access-key
    deletion: ActionRules | None  # it has the action delete-inactive-keys
    state: str  # read or failed
    reason: str | None = None
    fresh: bool = True  # its keys are those that this very run found
    failed_action: str | None = None  # why an action failed; empty: its files do not say it
    user_failures: tuple[str, ...] = ()  # actions that failed on a user as a whole, in words
    keys: tuple[SeenKey, ...] = ()
    active_key_ids: frozenset[str] = frozenset()
    expired: tuple[ExpiredKey, ...] = ()
    owner_tag: str | None = None  # the tag that names a user's owner, by the policy's metadata
    outcomes: tuple[KeyOutcome, ...] = ()
    stages: frozenset[str] = frozenset()  # of the life of a key that it is about, but INACTIVE
    lists_all: bool = True  # if it finds inactive keys, then all: nothing narrows its filter
    deactivation: ActionRules | None = None  # it has the action deactivate-unused-keys
    active_keys: tuple[ActiveKey, ...] = ()
    active_outcomes: tuple[ActiveOutcome, ...] = ()

    @property
    def looks(self) -> bool:
        """Whether it may have looked for keys, and not only kept the ledger."""
        return self.finds_keys is not False or bool(self.stages)

    @property
    def account(self) -> str:
        """The account's id, or the name by which alone it is known."""
        return self.account_id or self.account_name or ""


@dataclass(frozen=True, slots=True)
class ListedAccount:
    """An account that should have been read, from accounts.yml."""

    account_id: str
    name: str


@dataclass(frozen=True, slots=True)
class UnreadPlace:
    """A directory of a tree that could not be read, or a link that leads nowhere."""

    path: str  # within the tree, as far as output is laid out by account
    reason: str

    @property
    def account_name(self) -> str:
        """The account whose output it is, if c7n-org wrote it."""
        return self.path.partition("/")[0]


FailureKey = tuple[str, str | None, str]  # account name, policy (None: all of them), region


@dataclass(frozen=True, slots=True)
class OrgFailure:
    """A failure that c7n-org printed, in one account and region, and its run."""

    text: str
    leaves_account: bool  # policies behind the one that failed were not run either
    time: datetime | None  # None: the line does not say it
    run_began: datetime | None  # at the latest, as far as the log tells


@dataclass(frozen=True, slots=True)
class Collection:
    """All that was read: the runs, and what could not be made sense of, as sentences."""

    runs: tuple[PastRun, ...]
    problems: tuple[str, ...] = ()
    unread: tuple[UnreadPlace, ...] = ()
    other_policies: frozenset[str] = frozenset()  # those that do not look at an account's keys
    expected: tuple[ListedAccount, ...] = ()  # by the accounts files of reports that were read
    org_failures: Mapping[FailureKey, OrgFailure] = field(default_factory=dict)
    has_earlier: bool = False  # runs in S3 that were not read


@dataclass(frozen=True, slots=True)
class AccountCoverage:
    """Whether one account was read, and if not, why."""

    account_id: str
    name: str
    status: str  # read, failed or missing
    reason: str | None = None
    keys: int = 0
    last_read: str | None = None
    listed: bool = True  # it is in accounts.yml, or no accounts.yml was given


# What a policy may be about besides inactive keys.
UNUSED = "unused"
WOKEN = "woken"
UNDO = "undo"

# What the next run of a policy that changes keys makes of one: one of the journal's words, or
WAITS_FOR_PROOF = "not-proven"
WAITS_FOR_NOTICE = "not-told"
IF_PLANNED = "if-in-plan"
ROOT = "root"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a real run of a policy would make of a key, by all that is known now."""

    verdict: str  # deleted or deactivated, or why not
    policy: str
    deletable_from: str | None = None  # when that changes if nothing else turns up


# What there is to do about a key, or was done; each is in one of these.
SOMEBODY = "needs somebody"
GOES = "would be deleted"
PASSES = "would be deactivated"
WAITS = "not yet"
KEPT = "exempt"
FOUND = "only found"
TAKEN = "deactivated"
BACK = "reactivated"
IN_USE = "in use"
GONE = "gone"
GROUPS = (SOMEBODY, GOES, PASSES, WAITS, KEPT, FOUND, TAKEN, BACK, IN_USE, GONE)
GROUP_OF = {
    DELETED: GOES,
    IF_PLANNED: GOES,
    DEACTIVATED: PASSES,
    WAITS_FOR_PROOF: WAITS,
    WAITS_FOR_NOTICE: WAITS,
    NOT_IN_PLAN: WAITS,
    EXEMPT: KEPT,
    NOT_MATCHED: FOUND,
}


class HasOutcome:
    """A row of the report, and what became of its key."""

    __slots__ = ()
    done: KeyOutcome | ActiveOutcome | None

    @property
    def outcome(self) -> str | None:
        """What became of it: deleted, deactivated, skipped, ...; None: it was only found."""
        return self.done.outcome if self.done else None

    @property
    def reason(self) -> str | None:
        """Why."""
        return self.done.reason if self.done else None

    @property
    def outcome_time(self) -> str | None:
        """When."""
        return self.done.time if self.done else None


@dataclass(frozen=True, slots=True)
class KeyRow(HasOutcome):
    """One key of the report, merged over regions, policies and runs."""

    key: SeenKey
    account_name: str
    done: KeyOutcome | None  # the last outcome that still stands
    first_seen: str | None
    last_seen: str | None
    slot_blocked: bool  # the user's second key slot is taken by an inactive key
    policies: tuple[str, ...]
    owner: str | None = None
    outlook: Outlook | None = None  # None: no policy deletes, or none has read the account
    last_credential: bool = False  # without it the user has, or will have, no credential at all
    just_deactivated: bool = False  # by the last run of a policy of ours

    @property
    def settled(self) -> bool:
        """Whether it is known that the key is no longer an inactive one."""
        return self.done is not None and settles(self.done)

    @property
    def group(self) -> str:
        """What there is to do about it."""
        if self.settled:
            return GONE
        if self.outcome == KEY_FAILED or self.user.is_root:
            return SOMEBODY
        group = GROUP_OF.get(self.outlook.verdict, SOMEBODY) if self.outlook else FOUND
        return TAKEN if self.just_deactivated and group in (WAITS, FOUND) else group

    @property
    def description(self) -> str | None:
        """The key's description: the console keeps it in a tag of the user, under the bare id."""
        return self.user.tag(self.key.id)

    @property
    def never_used(self) -> bool:
        """Whether IAM recorded no use of the key."""
        return self.found.last_use.time is None

    @property
    def found(self) -> FoundKey:
        """The key with its best proof."""
        return self.key.found

    @property
    def user(self) -> SeenUser:
        """Whose key it is."""
        return self.key.user


def settles(outcome: KeyOutcome) -> bool:
    """Whether the key is no longer an inactive one by this outcome, if none saw it later."""
    return outcome.outcome == DELETED or outcome.reason in NO_LONGER_INACTIVE


# What skipping a key that was to be deactivated or reactivated says of it.
SKIPPED_FOR = {
    USED: IN_USE,
    REACTIVATED: IN_USE,
    ALREADY_INACTIVE: GONE,
    ALREADY_GONE: GONE,
    USER_GONE: GONE,
    EXEMPT: KEPT,
    NOT_IN_PLAN: WAITS,
    NOT_MATCHED: FOUND,
}


@dataclass(frozen=True, slots=True)
class ActiveRow(HasOutcome):
    """One key of the report that is, or was until now, active: one that nobody uses or that woke.

    Or one that we reactivated, because we had deactivated it.
    """

    key: ActiveKey
    account_name: str
    done: ActiveOutcome | None
    first_seen: str | None
    last_seen: str | None  # None: only a journal knows it
    policies: tuple[str, ...]
    owner: str | None = None
    outlook: Outlook | None = None

    @property
    def group(self) -> str:
        """What there is to do about it."""
        if self.outcome == KEY_FAILED or self.key.woken:
            return SOMEBODY
        if self.done and self.done.is_done:
            return TAKEN if self.done.aim == DEACTIVATED else BACK
        if self.done:
            return SKIPPED_FOR.get((self.reason or "").partition(": ")[0], SOMEBODY)
        if self.outlook is None:
            return FOUND
        planned = self.outlook.verdict == IF_PLANNED
        return PASSES if planned else GROUP_OF.get(self.outlook.verdict, SOMEBODY)

    @property
    def description(self) -> str | None:
        """The key's description, as the console keeps it."""
        return self.user.tag(self.key.id)

    @property
    def never_used(self) -> bool:
        """Whether IAM recorded no use of the key; where that was not asked, it is not known."""
        asked = self.key.unused_days is not None or self.key.woken is not None
        return asked and self.key.last_use.time is None

    @property
    def user(self) -> SeenUser:
        """Whose key it is."""
        return self.key.user


Row = KeyRow | ActiveRow


@dataclass(frozen=True, slots=True)
class Totals:
    """The numbers of the report: of all inactive keys that were found, and of those that remain.

    How many keys are in each group is counted over all rows; so is `failed`, and `skipped`.
    """

    keys: int
    users: int
    accounts: int
    never_used: int
    deleted: int
    skipped: int
    failed: int
    slot_blocked: int  # users
    remaining: int  # keys that are still inactive, as far as is known
    remaining_users: int
    remaining_accounts: int
    remaining_never_used: int
    unproven: int  # of the remaining keys
    needs_somebody: int
    would_be_deleted: int
    would_be_deactivated: int
    not_yet: int
    exempt: int
    only_found: int
    deactivated: int
    reactivated: int  # by us, because we had deactivated them
    in_use: int
    gone: int
    woken: int  # dormant keys that somebody reactivated
    left_without_credentials: int  # users of whom all keys are gone and who have nothing else


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
class Failure:
    """One cause for which an action of a policy failed in one account."""

    account_id: str
    account_name: str
    policy: str
    keys: int  # 0: it did not get as far as a key
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a format may say."""

    generated: str
    totals: Totals
    accounts: tuple[AccountCoverage, ...]
    keys: tuple[KeyRow, ...]
    ages: tuple[AgeBin, ...]
    reasons: tuple[tuple[str, str, int], ...]  # outcome, reason, keys
    failures: tuple[Failure, ...]
    trend: tuple[TrendPoint, ...]
    policies: tuple[str, ...]
    active_keys: tuple[ActiveRow, ...] = ()
    expired: tuple[ExpiredKey, ...] = ()
    problems: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()  # what it was made of, as the command was told
    config: str | None = None
    basis: Collection = Collection(())  # what it rests on: of each policy the last in an account

    @property
    def rows(self) -> tuple[Row, ...]:
        """All keys, each once: what a run has just deactivated is an inactive key by now."""
        shown = {row.key.identity for row in self.keys}
        return (*self.keys, *(row for row in self.active_keys if row.key.identity not in shown))

    def covered(self, status: str) -> int:
        """How many accounts have the coverage status."""
        return sum(account.status == status for account in self.accounts)

    @property
    def complete(self) -> bool:
        """Whether every account was read."""
        return all(account.status == READ for account in self.accounts)
