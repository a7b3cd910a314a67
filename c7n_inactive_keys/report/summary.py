# SPDX-License-Identifier: Apache-2.0
"""From what was read to what is reported: one row a key, totals, ages, coverage. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, replace
from datetime import datetime
from typing import TypeVar

from c7n_inactive_keys.core.journal import DELETED, FAILED, SKIPPED
from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.report.active_rows import active_rows
from c7n_inactive_keys.report.coverage import OrgFailures, by_account_name, coverage
from c7n_inactive_keys.report.failures import failures, last_runs, short_reason
from c7n_inactive_keys.report.lost_ledger import lost_ledger
from c7n_inactive_keys.report.model import (
    BACK,
    FOUND,
    GOES,
    GONE,
    GROUPS,
    IN_USE,
    KEPT,
    PASSES,
    READ,
    SOMEBODY,
    TAKEN,
    WAITS,
    AccountCoverage,
    ActiveRow,
    AgeBin,
    Collection,
    KeyId,
    KeyRow,
    ListedAccount,
    PastRun,
    Report,
    Row,
    Totals,
)
from c7n_inactive_keys.report.outlook import (
    users_left_without,
    with_deactivations,
    with_outlooks,
)
from c7n_inactive_keys.report.rounds import relevant_runs, rounds
from c7n_inactive_keys.report.rows import key_rows
from c7n_inactive_keys.report.sightings import current_runs
from c7n_inactive_keys.report.trend import trend

UNPROVEN = "nothing proven"
FIRST = 1e6  # more days than any key has lived
MINUTE = len("2026-11-24T20:05")
AGES: tuple[tuple[str, float, float | None], ...] = (
    ("under 1 week", 0, 7),
    ("1 week to 30 days", 7, 30),
    ("30 to 90 days", 30, 90),
    ("90 to 180 days", 90, 180),
    ("180 days to 1 year", 180, 365),
    ("1 to 2 years", 365, 730),
    ("2 to 5 years", 730, 1826),
    ("over 5 years", 1826, None),
)


def summarise(
    collection: Collection,
    generated: datetime,
    listed: Sequence[ListedAccount] | None = None,
    policies: Sequence[str] = (),
    org_failures: OrgFailures | None = None,
) -> Report:
    """The report over the collected runs, against the accounts that should have been read."""
    runs = relevant_runs(collection, listed, policies)
    found = rounds(runs)
    org_failures = {**collection.org_failures, **(org_failures or {})}
    accounts = coverage(found, listed, org_failures, collection)
    names = {account.account_id: account.name for account in accounts if account.account_id}
    current = current_runs(found)
    rows, problems = key_rows(found, current, names)
    covered = {account.account_id for account in accounts if account.status == READ}
    every_run = [run for part in found for run in part]
    active = active_rows(every_run, current, rows, names)
    active = _with_owners(tuple(with_deactivations(active, current, covered)), current)
    rows = _without_woken(rows, active)
    rows = _with_users(tuple(with_outlooks(rows, current, covered)), current, active)
    per_account = Counter(row.user.account_id for row in rows)
    every: tuple[Row, ...] = (*rows, *active)
    told = by_account_name(org_failures, {run.policy for run in runs})
    return Report(
        generated=format_time(generated),
        totals=totals(rows, active),
        accounts=tuple(replace(a, keys=per_account[a.account_id]) for a in accounts),
        keys=rows,
        ages=ages(rows),
        reasons=reasons(every),
        failures=failures(every, found, names, told),
        trend=trend(found),
        policies=tuple(sorted({run.policy for run in runs})),
        active_keys=active,
        expired=tuple(sorted({key for run in current for key in run.expired}, key=astuple)),
        basis=Collection(
            runs=tuple({id(run): run for run in (*current, *last_runs(found))}.values()),
            unread=collection.unread,
            expected=tuple(collection.expected if listed is None else listed),
            org_failures=org_failures,
        ),
        problems=(
            *collection.problems,
            *problems,
            *lost_ledger(run for part in found for run in part),
            *_unlisted(accounts),
        ),
    )


def _without_woken(rows: Iterable[KeyRow], active: Iterable[ActiveRow]) -> tuple[KeyRow, ...]:
    """The rows but those of keys that are told to have woken: they are no inactive keys."""
    woken = {row.key.identity for row in active if row.key.woken}
    return tuple(row for row in rows if row.key.identity not in woken)


def _with_users(
    rows: tuple[KeyRow, ...], current: Sequence[PastRun], active: Iterable[ActiveRow]
) -> tuple[KeyRow, ...]:
    """The rows with what is known of their users and of what the last run did before."""
    left = users_left_without(rows)
    taken: set[KeyId] = {row.key.identity for row in active if row.group == TAKEN}
    rows = _with_owners(rows, current)
    marks = [
        (
            row.user.identity in left and (row.settled or row.group == GOES),
            row.key.identity in taken,
        )
        for row in rows
    ]
    return tuple(
        replace(row, last_credential=last, just_deactivated=just) if last or just else row
        for row, (last, just) in zip(rows, marks, strict=True)
    )


RowOf = TypeVar("RowOf", KeyRow, ActiveRow)


def _with_owners(rows: tuple[RowOf, ...], current: Iterable[PastRun]) -> tuple[RowOf, ...]:
    """The rows with their users' owners, by the tags that policies name for that."""
    tags = sorted({run.owner_tag for run in current if run.owner_tag})
    return tuple(replace(row, owner=row.user.tag(*tags)) for row in rows) if tags else rows


def totals(rows: Sequence[KeyRow], active: Sequence[ActiveRow]) -> Totals:
    """The numbers over all rows, and over those of inactive keys that are still there."""
    known = {row.key.identity for row in rows}
    every: list[Row] = [*rows, *(row for row in active if row.key.identity not in known)]
    groups = Counter(row.group for row in every)
    left = tuple(row for row in rows if not row.settled)
    outcomes = Counter([row.outcome for row in rows] + [row.outcome for row in active])
    return Totals(
        keys=len(rows),
        users=len({row.user.identity for row in rows}),
        accounts=len({row.user.account_id for row in rows}),
        never_used=sum(row.never_used for row in rows),
        deleted=outcomes[DELETED],
        skipped=outcomes[SKIPPED],
        failed=outcomes[FAILED],
        slot_blocked=len({row.user.identity for row in rows if row.slot_blocked}),
        remaining=len(left),
        remaining_users=len({row.user.identity for row in left}),
        remaining_accounts=len({row.user.account_id for row in left}),
        remaining_never_used=sum(row.never_used for row in left),
        unproven=sum(not row.key.proven for row in left),
        needs_somebody=groups[SOMEBODY],
        would_be_deleted=groups[GOES],
        would_be_deactivated=groups[PASSES],
        not_yet=groups[WAITS],
        exempt=groups[KEPT],
        only_found=groups[FOUND],
        deactivated=groups[TAKEN],
        reactivated=groups[BACK],
        in_use=groups[IN_USE],
        gone=groups[GONE],
        woken=sum(bool(row.key.woken) for row in active),
        left_without_credentials=len(
            {row.user.identity for row in rows if row.last_credential and row.settled}
            - {row.user.identity for row in rows if row.last_credential and not row.settled}
        ),
    )


def ages(rows: Iterable[KeyRow]) -> tuple[AgeBin, ...]:
    """The keys that are still inactive by days of inactivity: proven, and possible.

    Those of which nothing is proven come first: in no row of what is proven are they an age.
    """
    left = [row for row in rows if not row.settled]
    proven = Counter(_bin(row.found.at_least_days) for row in left if row.key.proven)
    possible = Counter(_bin(row.found.at_most_days) for row in left)
    unproven = sum(not row.key.proven for row in left)
    return (
        AgeBin(UNPROVEN, 0, 0, unproven, 0),
        *(
            AgeBin(label, low, high, proven[number], possible[number])
            for number, (label, low, high) in enumerate(AGES)
        ),
    )


def _bin(days: float) -> int:
    return max(number for number, (_, low, _) in enumerate(AGES) if days >= low or number == 0)


def reasons(rows: Iterable[Row]) -> tuple[tuple[str, str, int], ...]:
    """How often each outcome came about for each reason, the most frequent first."""
    counts = Counter((row.outcome, short_reason(row)) for row in rows if row.outcome is not None)
    return tuple(
        (outcome, reason, number)
        for (outcome, reason), number in sorted(counts.items(), key=lambda i: (-i[1], i[0]))
    )


def _unlisted(accounts: Iterable[AccountCoverage]) -> Iterable[str]:
    return (
        f"account {account.name} ({account.account_id}) has output but is not in the accounts file"
        for account in accounts
        if not account.listed
    )


def in_order(rows: Iterable[Row]) -> list[Row]:
    """The keys that need somebody first, then by what comes soonest and is known longest."""
    return sorted(
        rows,
        key=lambda row: (
            GROUPS.index(row.group),
            ((row.outlook and row.outlook.deletable_from) or "~")[:MINUTE],
            *_days(row),
            row.account_name,
            row.key.id,
        ),
    )


def _days(row: Row) -> tuple[float, float]:
    """What sorts keys of a group: woken ones first, then the longest inactive or unused."""
    if isinstance(row, KeyRow):
        return -row.found.at_least_days, -row.found.at_most_days
    woken = row.key.woken
    return (-woken.at_least_days - FIRST, 0) if woken else (-(row.key.unused_days or 0), 0)


def top_accounts(report: Report, number: int) -> list[tuple[AccountCoverage, int]]:
    """The accounts with the most keys that are still inactive."""
    remaining: Mapping[str, int] = Counter(
        row.user.account_id for row in report.keys if not row.settled
    )
    ranked = [(a, remaining[a.account_id]) for a in report.accounts if remaining[a.account_id]]
    return sorted(ranked, key=lambda item: (-item[1], item[0].name))[:number]


def uncovered(report: Report) -> list[AccountCoverage]:
    """The accounts that were not read."""
    return [account for account in report.accounts if account.status != READ]
