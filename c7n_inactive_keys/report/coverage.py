# SPDX-License-Identifier: Apache-2.0
"""Which accounts were read, by every policy that was run at all: an unread one is never clean."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from c7n_inactive_keys.core.times import parse_time
from c7n_inactive_keys.report.model import (
    FAILED,
    MISSING,
    READ,
    Account,
    ListedAccount,
    PolicyRun,
    UnreadPlace,
)
from c7n_inactive_keys.report.read.org_log import FailureKey, OrgFailure
from c7n_inactive_keys.report.rounds import Round, is_same_round, started

NO_OUTPUT = (
    "no output: c7n-org leaves none when a role cannot be assumed or a worker has not loaded the "
    "plugin"
)
LEFT_OUT = "no output of this policy: c7n-org leaves an account after the first denied call"
UNKNOWN = "unknown"
NO_POLICY = "no output of a policy with the filter inactive-access-key"

# c7n-org begins an account's regions about together, and its log seldom says when it began itself.
SAME_RUN = timedelta(minutes=10)

OrgFailures = Mapping[FailureKey, OrgFailure]
AccountFailures = Mapping[tuple[str | None, str], OrgFailure]  # by policy (None: all) and region


@dataclass(frozen=True, slots=True)
class PolicyCoverage:
    """Whether one policy has read one account."""

    status: str
    reason: str | None = None
    last_read: str | None = None


def coverage(
    found: Sequence[Round],
    listed: Sequence[ListedAccount] | None,
    org_failures: OrgFailures,
    unread: Iterable[UnreadPlace] = (),
) -> tuple[Account, ...]:
    """All accounts that were to be read, left output, or failed by c7n-org's log, by name."""
    names = {account.account_id: account.name for account in listed or ()}
    by_account: dict[str, dict[str, list[tuple[int, PolicyRun]]]] = {}
    for number, part in enumerate(found):
        for run in part:
            account = run.account or UNKNOWN
            by_account.setdefault(account, {}).setdefault(run.policy, []).append((number, run))
            if run.account_name and not listed:
                names[account] = run.account_name
    last_begun = _last_begun(found)
    expected = {run.policy for part in found for run in part if run.finds_keys}
    failures = by_account_name(org_failures, last_begun)
    if not listed:
        ids = {name: account for account, name in names.items()}
        names.update((ids.get(name, name), name) for name in failures if name not in by_account)
    accounts = []
    for account in {**by_account, **dict.fromkeys(names)}:
        runs = by_account.get(account, {})
        name = names.get(account) or _name(runs) or account
        told = failures.get(name, {})
        policies = {
            policy: _policy_coverage(runs.get(policy, []), began, told)
            for policy, began in last_begun.items()
            if policy in expected or policy in runs
        }
        known = listed is None or account in names
        accounts.append(_account(account, name, policies, told, known))
    accounts = _with_unread(accounts, unread)
    return tuple(sorted(accounts, key=lambda item: (item.name, item.account_id)))


def _with_unread(accounts: Sequence[Account], unread: Iterable[UnreadPlace]) -> list[Account]:
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
        Account("", name, FAILED, "; ".join(reasons)) for name, reasons in faults.items()
    ]


def by_account_name(
    org_failures: OrgFailures, policies: Collection[str]
) -> dict[str, dict[tuple[str | None, str], OrgFailure]]:
    """The failures of each account name that say something of the policies."""
    failures: dict[str, dict[tuple[str | None, str], OrgFailure]] = {}
    for (name, policy, region), failure in org_failures.items():
        if failure.leaves_account or policy in policies:
            failures.setdefault(name, {})[policy, region] = failure
    return failures


def _last_begun(found: Sequence[Round]) -> dict[str, str]:
    """When each policy was last begun anywhere."""
    runs: dict[str, list[PolicyRun]] = {}
    for run in (run for part in found for run in part):
        runs.setdefault(run.policy, []).append(run)
    return {policy: started(part) for policy, part in sorted(runs.items())}


def _name(runs: Mapping[str, Iterable[tuple[int, PolicyRun]]]) -> str | None:
    return next(
        (run.account_name for part in runs.values() for _, run in part if run.account_name), None
    )


def _policy_coverage(
    runs: Sequence[tuple[int, PolicyRun]], last_begun: str, failures: AccountFailures
) -> PolicyCoverage:
    last_read = max((run.started for _, run in runs if run.state == READ), default=None)
    if not runs:
        return PolicyCoverage(MISSING)
    number = max(number for number, _ in runs)
    latest = [run for at, run in runs if at == number]
    # IAM is global: an account that was read in one of several regions was read.
    read = [run for run in latest if run.state == READ]
    if not read:
        latest.sort(key=lambda run: run.started, reverse=True)
        reason = next((run.reason for run in latest if run.reason), None)
        return PolicyCoverage(FAILED, reason, last_read)
    later = [_later_failure(run, failures) for run in read]
    read = [run for run, failure in zip(read, later, strict=True) if failure is None]
    if not read:
        return PolicyCoverage(FAILED, next(failure.text for failure in later if failure), last_read)
    # Trees that were put together, or a directory that was used again, hold the output of accounts
    # that the policy's last run did not reach.
    if not is_same_round(max(run.started for run in read), last_begun):
        return PolicyCoverage(
            MISSING, f"not in the last run of {last_begun}, last read {last_read}", last_read
        )
    return PolicyCoverage(READ, None, last_read)


def _later_failure(run: PolicyRun, failures: AccountFailures) -> OrgFailure | None:
    """The failure of a later run of c7n-org that left this run's output as it was."""
    return next((item for key, item in failures.items() if _is_later(run, *key, item)), None)


def _is_later(run: PolicyRun, policy: str | None, region: str, failure: OrgFailure) -> bool:
    started, own, here = parse_time(run.started), policy == run.policy, run.region in (region, None)
    if not (own or failure.leaves_account) or (failure.time and failure.time < started):
        return False
    if here and own and run.failed_action is None:
        return True
    if failure.run_began is None:
        return here and not own
    # It may be this run's own failed action, or go with its read of another region.
    doubt = SAME_RUN if own or not here else timedelta()
    return started < failure.run_began - doubt


def _told(failures: AccountFailures, policy: str | None) -> str | None:
    """What c7n-org said of a policy, or else of all of them."""
    found = {which: failure.text for (which, _), failure in failures.items()}
    return found.get(policy) or found.get(None)


def _account(
    account_id: str,
    name: str,
    policies: Mapping[str, PolicyCoverage],
    failures: AccountFailures,
    listed: bool,
) -> Account:
    unread = {policy: item for policy, item in policies.items() if item.status != READ}
    last_read = max((item.last_read for item in policies.values() if item.last_read), default=None)
    if policies and not unread:
        return Account(account_id, name, READ, last_read=last_read, listed=listed)
    all_missing = all(item.status == MISSING for item in policies.values())
    reasons: dict[str, list[str]] = {}
    failed = any(item.status == FAILED for item in unread.values())
    for policy, item in unread.items():
        reasons.setdefault(
            _told(failures, policy)
            or (LEFT_OUT if failed and item.status == MISSING else item.reason)
            or (NO_OUTPUT if all_missing else LEFT_OUT),
            [],
        ).append(policy)
    if not policies:
        reasons = {_told(failures, None) or NO_POLICY: []}
    told_all = len(unread) == len(policies) and len(reasons) == 1
    return Account(
        # A run that was killed early, in no accounts file, is known by its directory's name alone.
        account_id if account_id.isdigit() else "",
        name,
        status=MISSING if all_missing else FAILED,
        reason="; ".join(
            reason if told_all or not which else f"{', '.join(which)}: {reason}"
            for reason, which in reasons.items()
        ),
        last_read=last_read,
        listed=listed,
    )
