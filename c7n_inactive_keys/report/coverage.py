# SPDX-License-Identifier: Apache-2.0
"""Which accounts were read, by every policy that was run at all: an unread one is never clean."""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from c7n_inactive_keys.core.times import parse_time
from c7n_inactive_keys.report.model import (
    FAILED,
    MISSING,
    READ,
    UNDO,
    AccountCoverage,
    Collection,
    FailureKey,
    ListedAccount,
    OrgFailure,
    PastRun,
    UnreadPlace,
)
from c7n_inactive_keys.report.rounds import Round, is_same_round, started

NO_OUTPUT = (
    "no output: c7n-org leaves none when a role cannot be assumed or a worker has not loaded the "
    "plugin"
)
LEFT_OUT = "no output of this policy: c7n-org leaves an account after the first denied call"
NO_POLICY = "no output of a policy that looks for access keys"
UNKNOWN = "unknown"

# c7n-org begins an account's regions about together, and its log seldom says when it began itself.
SAME_RUN = timedelta(minutes=10)

OrgFailures = Mapping[FailureKey, OrgFailure]
AccountFailures = Mapping[tuple[str | None, str], OrgFailure]  # by policy (None: all) and region
AccountRuns = dict[str, list[tuple[int, PastRun]]]  # by policy, with the number of their round


@dataclass(frozen=True, slots=True)
class PolicyCoverage:
    """Whether one policy has read one account."""

    status: str
    reason: str | None = None
    last_read: str | None = None
    is_exact: bool = False  # the reason is the run's own word on what it could not read


def coverage(
    found: Sequence[Round],
    listed: Sequence[ListedAccount] | None,
    org_failures: OrgFailures,
    collection: Collection,
) -> tuple[AccountCoverage, ...]:
    """All accounts that were to be read, left output, or failed by c7n-org's log, by name."""
    accounts = _with_unread(
        _Coverage(found, listed, org_failures, collection.expected).accounts(), collection.unread
    )
    return tuple(sorted(accounts, key=lambda item: (item.name, item.account_id)))


def _with_unread(
    accounts: Iterable[AccountCoverage], unread: Iterable[UnreadPlace]
) -> list[AccountCoverage]:
    """The accounts, failed where a directory of theirs could not be read.

    A directory that is no known account's may be that of one of which nothing else is known.
    """
    faults: dict[str, list[str]] = {}
    for place in unread:
        faults.setdefault(place.account_name, []).append(place.reason)
    result = []
    for account in accounts:
        reasons = faults.pop(account.name, None)
        if reasons:
            told = account.reason if account.status != READ else None
            reason = "; ".join(filter(None, (told, *reasons)))
            account = replace(account, status=FAILED, reason=reason)
        result.append(account)
    return result + [
        AccountCoverage("", name, FAILED, "; ".join(reasons)) for name, reasons in faults.items()
    ]


def by_account_name(
    org_failures: OrgFailures, policies: Names[str]
) -> dict[str, dict[tuple[str | None, str], OrgFailure]]:
    """The failures of each account name that say something of the policies."""
    failures: dict[str, dict[tuple[str | None, str], OrgFailure]] = {}
    for (name, policy, region), failure in org_failures.items():
        if failure.leaves_account or policy in policies:
            failures.setdefault(name, {})[policy, region] = failure
    return failures


class _Coverage:
    """What was to be read, by all that is known of it."""

    def __init__(
        self,
        found: Sequence[Round],
        listed: Sequence[ListedAccount] | None,
        org_failures: OrgFailures,
        expected: Iterable[ListedAccount],
    ) -> None:
        runs = [run for part in found for run in part]
        self.listed = listed
        self.parts = {account.account_id: account.name for account in expected}
        self.by_account = _by_account(found)
        self.last_begun = _last_begun(runs)
        self.failures = by_account_name(org_failures, self.last_begun)
        self.names = self._names(runs)
        # Taking something back is no look at accounts: it is not missed where it was not run.
        self.expected = {run.policy for run in runs if run.ours and run.stages != {UNDO}}
        self.finders = {run.policy for run in runs if run.finds_keys or run.stages}

    def _names(self, runs: Iterable[PastRun]) -> dict[str, str]:
        """The accounts that should have been read, and the names of others as far as known."""
        if self.listed is not None:
            return {account.account_id: account.name for account in self.listed}
        names = {run.account or UNKNOWN: run.account_name for run in runs if run.account_name}
        ids = {name: account for account, name in names.items()}
        left = [name for name in self.failures if name not in self.by_account]
        return {**self.parts, **names, **{ids.get(name, name): name for name in left}}

    def accounts(self) -> Iterable[AccountCoverage]:
        """All accounts, each with its coverage by all policies."""
        for account in {**self.by_account, **dict.fromkeys(self.names)}:
            yield self._account(account, self.by_account.get(account, {}))

    def _account(self, account: str, runs: AccountRuns) -> AccountCoverage:
        name = self.names.get(account) or _name(runs) or account
        told = self.failures.get(name, {})
        policies = {
            policy: _policy_coverage(runs.get(policy, []), began, told)
            for policy, began in self.last_begun.items()
            if policy in self.expected or policy in runs
        }
        # A policy that only keeps the ledger finds no key: alone, it leaves an account unread.
        looked = bool(self.finders & policies.keys())
        covered = looked and all(item.status == READ for item in policies.values())
        missing = all(item.status == MISSING for item in policies.values())
        return AccountCoverage(
            # A run that was killed early may be known by its directory's name alone.
            account_id=account if account.isdigit() else "",
            name=name,
            status=READ if covered else MISSING if missing else FAILED,
            reason=None if covered else _reason(policies, told),
            last_read=max(
                (item.last_read for item in policies.values() if item.last_read), default=None
            ),
            listed=self.listed is None or account in self.names,
        )


def _by_account(found: Sequence[Round]) -> dict[str, AccountRuns]:
    by_account: dict[str, AccountRuns] = {}
    for number, part in enumerate(found):
        for run in part:
            runs = by_account.setdefault(run.account or UNKNOWN, {})
            runs.setdefault(run.policy, []).append((number, run))
    return by_account


def _last_begun(runs: Iterable[PastRun]) -> dict[str, str]:
    """When each policy was last begun anywhere."""
    by_policy: dict[str, list[PastRun]] = {}
    for run in runs:
        by_policy.setdefault(run.policy, []).append(run)
    return {policy: started(part) for policy, part in sorted(by_policy.items())}


def _name(runs: Mapping[str, Iterable[tuple[int, PastRun]]]) -> str | None:
    return next(
        (run.account_name for part in runs.values() for _, run in part if run.account_name), None
    )


# -- one policy in one account --------------------------------------------------------------------


def _policy_coverage(
    runs: Sequence[tuple[int, PastRun]], last_begun: str, failures: AccountFailures
) -> PolicyCoverage:
    last_read = max((run.started for _, run in runs if run.state == READ), default=None)
    if not runs:
        return PolicyCoverage(MISSING)
    number = max(number for number, _ in runs)
    latest = [run for at, run in runs if at == number]
    # IAM is global: an account that was read in one of several regions was read.
    read = [run for run in latest if run.state == READ]
    if not read:
        last = max(latest, key=lambda run: (bool(run.reason), run.started))
        return PolicyCoverage(FAILED, last.reason, last_read, is_exact=last.fresh)
    stopped = [_stopping(run, failures) for run in read]
    read = [run for run, failure in zip(read, stopped, strict=True) if failure is None]
    if not read:
        return PolicyCoverage(FAILED, next(item.text for item in stopped if item), last_read)
    # Trees that were put together, or a directory that was used again, hold the output of accounts
    # that the policy's last run did not reach.
    if not is_same_round(max(run.started for run in read), last_begun):
        return PolicyCoverage(
            MISSING, f"not in the last run of {last_begun}, last read {last_read}", last_read
        )
    return PolicyCoverage(READ, None, last_read)


def _stopping(run: PastRun, failures: AccountFailures) -> OrgFailure | None:
    """The failure for which this run does not make its account read.

    It is that of a later run of c7n-org, which left this run's output as it was, or that of its
    worker, which did not come to all policies.
    """
    return next((item for key, item in failures.items() if _stops(run, *key, item)), None)


def _stops(run: PastRun, policy: str | None, region: str, failure: OrgFailure) -> bool:
    started, own, here = parse_time(run.started), policy == run.policy, run.region in (region, None)
    if not (own or failure.leaves_account) or (failure.time and failure.time < started):
        return False
    if here and (policy is None or (own and run.failed_action is None)):
        return True
    if failure.run_began is None:
        return here and not own
    # It may be this run's own failed action, or go with its read of another region.
    doubt = SAME_RUN if own or not here else timedelta()
    return started < failure.run_began - doubt


# -- why an account is not covered ----------------------------------------------------------------


def _reason(policies: Mapping[str, PolicyCoverage], failures: AccountFailures) -> str:
    """Each reason once, with the policies that it is about unless it is about all."""
    unread = {policy: item for policy, item in policies.items() if item.status != READ}
    if not unread:
        return _told(failures, None) or NO_POLICY
    missing = all(item.status == MISSING for item in policies.values())
    failed = any(item.status == FAILED for item in unread.values())
    reasons: dict[str, list[str]] = {}
    for policy, item in unread.items():
        own = LEFT_OUT if failed and item.status == MISSING else item.reason
        told = None if item.is_exact else _told(failures, policy)
        reason = told or own or (NO_OUTPUT if missing else LEFT_OUT)
        reasons.setdefault(reason, []).append(policy)
    if len(reasons) == 1 and len(unread) == len(policies):
        return next(iter(reasons))
    return "; ".join(f"{', '.join(which)}: {reason}" for reason, which in reasons.items())


def _told(failures: AccountFailures, policy: str | None) -> str | None:
    """What c7n-org said of a policy, or else of all of them."""
    found = {which: failure.text for (which, _), failure in failures.items()}
    return found.get(policy) or found.get(None)
