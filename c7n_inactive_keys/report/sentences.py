# SPDX-License-Identifier: Apache-2.0
"""The report in a few sentences that can be forwarded, and what to do next, with commands."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from c7n_inactive_keys.core.journal import NOT_IN_PLAN, NOT_MATCHED
from c7n_inactive_keys.core.times import parse_time
from c7n_inactive_keys.report.evidence_words import clock, name_of
from c7n_inactive_keys.report.glance import why
from c7n_inactive_keys.report.model import (
    BACK,
    FOUND,
    IF_PLANNED,
    IN_USE,
    KEPT,
    PASSES,
    READ,
    SOMEBODY,
    TAKEN,
    WAITS,
    WAITS_FOR_NOTICE,
    WAITS_FOR_PROOF,
    ActiveRow,
    KeyRow,
    PastRun,
    Report,
)
from c7n_inactive_keys.report.summary import uncovered
from c7n_inactive_keys.report.words import counted, is_or_are

STEPS = 3
PARTIAL = "There may be others: no policy here lists all of them"
NAMED = 3  # accounts in a command, keys in a sentence


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do next."""

    text: str
    command: str | None = None


# -- what is ---------------------------------------------------------------------------------------


def headline(report: Report) -> list[str]:
    """What was found, what came of it, what comes next, what is not known: a sentence each."""
    found = (
        *(_woken, _found, _gone, _next_run, _unused, _changed),
        *(_somebody, _others, _coverage),
    )
    return [sentence for part in found if (sentence := part(report))]


def nothing_found(report: Report) -> str:
    """What there is to say where a list of keys would be empty."""
    read = counted(sum(account.status == READ for account in report.accounts), "account")
    if not _looks_for_inactive(report):
        return f"No unused or reactivated key was found in the {read} that could be read."
    if not _lists_all(report):
        return f"No inactive access key matched in the {read} that could be read. {PARTIAL}."
    return f"No inactive access key was found in the {read} that could be read."


def _looks_for_inactive(report: Report) -> bool:
    return any(run.finds_keys is not False for run in report.basis.runs)


def _lists_all(report: Report) -> bool:
    """Whether some policy looked for all inactive keys."""
    return any(run.finds_keys is not False and run.lists_all for run in report.basis.runs)


def _woken(report: Report) -> str | None:
    """Which dormant keys somebody reactivated, the longest inactive first."""
    rows = woken_rows(report)
    if not rows:
        return None
    named = "; ".join(map(_awake, rows[:NAMED]))
    more = f"; and {len(rows) - NAMED:,} more" if len(rows) > NAMED else ""
    verb = "was" if len(rows) == 1 else "were"
    return f"{counted(len(rows), 'dormant key')} {verb} reactivated: {named}{more}."


def _awake(row: ActiveRow) -> str:
    woken = row.key.woken
    days = f" after {int(woken.at_least_days):,} days" if woken else ""
    by = f" by {name_of(woken.actor)}" if woken and woken.actor else ""
    return f"{row.key.id} of {row.user.name} in {row.account_name}{days}{by}"


def woken_rows(report: Report) -> list[ActiveRow]:
    """The keys that were inactive for long and are active again, the longest inactive first."""
    rows = [row for row in report.active_keys if row.key.woken]
    return sorted(rows, key=lambda row: -row.key.woken.at_least_days if row.key.woken else 0)


def _found(report: Report) -> str | None:
    totals = report.totals
    if not _looks_for_inactive(report):
        return None
    if not totals.keys and not _lists_all(report):
        return f"No inactive access key matched. {PARTIAL}."
    if not totals.keys:
        return "No inactive access key was found."
    more = "" if _lists_all(report) else f" {PARTIAL}."
    return (
        f"{counted(totals.keys, 'inactive access key')} of {counted(totals.users, 'user')} in "
        f"{totals.accounts:,} of {counted(len(report.accounts), 'account')}.{more}"
    )


def _gone(report: Report) -> str | None:
    totals = report.totals
    if not totals.gone:
        return None
    if totals.gone == totals.deleted:
        return f"{totals.gone:,} {'was' if totals.gone == 1 else 'were'} deleted."
    gone = Counter(row.reason or row.outcome for row in report.keys if row.settled)
    parts = ", ".join(f"{number:,} {reason}" for reason, number in gone.most_common())
    return f"{totals.gone:,} {is_or_are(totals.gone)} gone: {parts}."


def _next_run(report: Report) -> str | None:
    """What a real run would do, of what is left."""
    if not any(row.outlook for row in report.keys):
        return None
    verdicts, goes = _verdicts(report), report.totals.would_be_deleted
    planned = " if the plan lists them" if verdicts[IF_PLANNED] else ""
    which = "A real run" if is_dry(report) else "The next run"
    parts = [f"{which} would delete {f'{goes:,}{planned}' if goes else 'none'}"]
    if exempt := sum(row.group == KEPT for row in report.keys):
        parts.append(f"{exempt:,} {is_or_are(exempt)} exempt")
    for verdict, words in (
        (WAITS_FOR_PROOF, "not yet proven"),
        (WAITS_FOR_NOTICE, "waiting for their owner to have been told"),
        (NOT_IN_PLAN, "not in the plan"),
    ):
        if number := verdicts[verdict]:
            later = _soon(report) if verdict == WAITS_FOR_PROOF else ""
            parts.append(f"{number:,} {is_or_are(number)} {words}{later}")
    if number := verdicts[NOT_MATCHED]:
        parts.append(f"{number:,} {is_or_are(number)} left out by its other filters")
    if number := sum(row.group == FOUND and not row.outlook for row in report.keys):
        parts.append(f"{number:,} {is_or_are(number)} in accounts that no such policy has read")
    return f"{'; '.join(parts)}."


def _unused(report: Report) -> str | None:
    """The active keys that nobody uses, and what a run would make of them."""
    groups = Counter(row.group for row in report.active_keys if row.key.unused_days is not None)
    number = sum(groups[group] for group in (PASSES, WAITS, KEPT, FOUND))
    if not number:
        return None
    which = "a real run" if _is_dry(report, _deactivation) else "the next run"
    parts = [f"{counted(number, 'active key')} {is_or_are(number)} unused"]
    if any(row.outlook for row in report.active_keys):
        parts.append(f"{which} would deactivate {groups[PASSES] or 'none'}")
    for group, words in ((KEPT, "exempt"), (WAITS, "not in the plan")):
        if groups[group]:
            parts.append(f"{groups[group]:,} {is_or_are(groups[group])} {words}")
    return f"{'; '.join(parts)}."


def _changed(report: Report) -> str | None:
    """What was deactivated, and taken back."""
    groups = Counter(row.group for row in report.active_keys)
    parts = []
    for group, words in (
        (TAKEN, "deactivated, since nobody used {}"),
        (BACK, "reactivated, which took back that we had deactivated {}"),
        (IN_USE, "left alone, since somebody uses {} or has reactivated {}"),
    ):
        if number := groups[group]:
            verb, it = ("was", "it") if number == 1 else ("were", "them")
            parts.append(f"{counted(number, 'key')} {verb} {words.format(it, it)}")
    return f"{'; '.join(parts)}." if parts else None


def is_dry(report: Report) -> bool:
    """Whether the policies that delete have only been tried."""
    return _is_dry(report, lambda run: run.deletion)


def _is_dry(report: Report, acts: Callable[[PastRun], object]) -> bool:
    return all(run.dryrun for run in report.basis.runs if acts(run))


def _deactivation(run: PastRun) -> object:
    return run.deactivation


def _verdicts(report: Report) -> Counter[str]:
    return Counter(
        row.outlook.verdict
        for row in report.keys
        if row.outlook and not row.settled and row.group != SOMEBODY
    )


def _soon(report: Report) -> str:
    """Of how many silence will be the proof, and from when on."""
    settling = settling_rows(report)
    if not settling:
        return ""
    return f" ({len(settling):,} of them from {_settled_by(report, settling)})"


def settling_rows(report: Report) -> list[KeyRow]:
    """Keys that only wait to be seen inactive once more."""
    return [
        row
        for row in report.keys
        if row.found.unsettled
        and row.outlook
        and row.outlook.verdict == WAITS_FOR_PROOF
        and row.outlook.deletable_from
        and parse_time(row.outlook.deletable_from) == row.found.unsettled.until
    ]


def _settled_by(report: Report, rows: list[KeyRow]) -> str:
    last = max(row.outlook.deletable_from or "" for row in rows if row.outlook)
    return clock(parse_time(last), parse_time(report.generated))


def _somebody(report: Report) -> str | None:
    woken = {id(row) for row in woken_rows(report)}
    rows = [row for row in report.rows if row.group == SOMEBODY and id(row) not in woken]
    if not rows:
        return None
    reasons = Counter(why(row) for row in rows)
    named = ", ".join(f"{reason} ({number:,})" for reason, number in reasons.most_common(NAMED))
    return f"{len(rows):,} {'needs' if len(rows) == 1 else 'need'} somebody: {named}."


def _others(report: Report) -> str | None:
    totals, parts = report.totals, []
    if totals.slot_blocked:
        number = totals.slot_blocked
        has = "has its" if number == 1 else "have their"
        parts.append(f"{counted(number, 'user')} {has} second key slot blocked by an inactive key")
    if totals.left_without_credentials:
        number = totals.left_without_credentials
        parts.append(f"{counted(number, 'user')} {is_or_are(number)} left without any credential")
    if report.expired:
        number = len(report.expired)
        parts.append(
            f"{counted(number, 'key')} {is_or_are(number)} Expired, which is another status"
        )
    return f"{'; '.join(parts)}." if parts else None


def _coverage(report: Report) -> str:
    missing, total = len(uncovered(report)), len(report.accounts)
    accounts = counted(total, "account")
    if not missing:
        return "The account was read." if total == 1 else f"All {accounts} were read."
    what = "it holds" if missing == 1 else "they hold"
    return f"{missing:,} of {accounts} {is_or_are(missing)} not covered: what {what} is not known."


# -- what next -------------------------------------------------------------------------------------


def next_steps(report: Report) -> list[Step]:
    """The three most urgent things to do."""
    return [*_steps(report)][:STEPS]


def _steps(report: Report) -> Iterator[Step]:
    missing = uncovered(report)
    if missing:
        names = [item.name for item in missing]
        some = "".join(f" -a {shlex.quote(name)}" for name in names[:NAMED])
        some += " ..." if len(names) > NAMED else ""
        yield Step(
            f"Put right why {counted(len(names), 'account')} "
            f"{is_or_are(len(names))} not covered, and run again there",
            f"{_run(report)}{some}" if _is_org(report) else _run(report),
        )
    woken = woken_rows(report)
    if woken:
        more = f", and of {len(woken) - 1:,} more" if len(woken) > 1 else ""
        yield Step(f"Ask who needs the dormant key {_awake(woken[0])}{more}; else deactivate it")
    if report.failures:
        yield Step(f"See to what failed, first: {report.failures[0].reason}")
    roots = sum(row.user.is_root and not row.settled for row in report.keys)
    if roots:
        yield Step(f"Delete {counted(roots, 'key')} of root users: only root can, no policy does")
    verdicts = _verdicts(report)
    if report.totals.would_be_deleted:
        number = counted(report.totals.would_be_deleted, "key")
        then = ", then run without --dryrun" if is_dry(report) else ""
        yield Step(
            f"Have the {number} approved that would be deleted{then}",
            f"c7n-inactive-keys report {_inputs(report)} --plan plan.csv",
        )
    if unused := report.totals.would_be_deactivated:
        then = ", then run without --dryrun" if _is_dry(report, _deactivation) else ""
        yield Step(f"Look through the {counted(unused, 'key')} that would be deactivated{then}")
    settling = settling_rows(report)
    if settling:
        yield Step(
            f"Run again at {_settled_by(report, settling)} or later: "
            f"{counted(len(settling), 'key')} will be proven then",
            _run(report),
        )
    if verdicts[WAITS_FOR_PROOF] and not _is_recorded(report):
        yield Step(
            "Run a policy with record-inactive-keys daily: it keeps the proof beyond 90 days",
            "c7n-inactive-keys policies",
        )
    if report.totals.deactivated:
        yield Step("Deactivated too much? Take it back with policies/undo-deactivation.yml")


def _is_recorded(report: Report) -> bool:
    return any(run.ours and not run.looks for run in report.basis.runs)


def _is_org(report: Report) -> bool:
    return any(run.account_name for run in report.basis.runs)


def _run(report: Report) -> str:
    """The command that runs the policies; where they stand is not known."""
    if _is_org(report):
        config = shlex.quote(report.config or "accounts.yml")
        return f"c7n-org run -c {config} -s OUT -u POLICIES.yml --cache-period 0"
    return "custodian run -s OUT POLICIES.yml"


def _inputs(report: Report) -> str:
    """The arguments by which the report found what it read."""
    parts = [part for source in report.sources for part in ("-s", source)]
    parts += ["-c", report.config] if report.config else []
    return shlex.join(parts) or "-s OUT"
