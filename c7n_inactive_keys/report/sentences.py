# SPDX-License-Identifier: Apache-2.0
"""The report in a few sentences that can be forwarded, and what to do next, with commands."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from c7n_inactive_keys.core.journal import FAILED, MANAGED, MAX_KEYS, NOT_IN_PLAN, NOT_MATCHED
from c7n_inactive_keys.core.times import parse_time
from c7n_inactive_keys.report.evidence_words import clock
from c7n_inactive_keys.report.failures import short_reason
from c7n_inactive_keys.report.model import (
    FOUND,
    IF_PLANNED,
    READ,
    ROOT,
    SOMEBODY,
    WAITS_FOR_NOTICE,
    WAITS_FOR_PROOF,
    KeyRow,
    Report,
)
from c7n_inactive_keys.report.summary import uncovered
from c7n_inactive_keys.report.words import counted, is_or_are

STEPS = 3
NAMED = 3  # accounts in a command
REASONS = {
    MAX_KEYS: "more keys qualify than max-keys allows in one run",
    ROOT: "a root user's key",
    MANAGED: "managed elsewhere, to be deleted there",
    WAITS_FOR_PROOF: "not proven for long enough",
    WAITS_FOR_NOTICE: "its owner was not told long enough ago",
    NOT_IN_PLAN: "not in the plan",
}


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do next."""

    text: str
    command: str | None = None


# -- what is ---------------------------------------------------------------------------------------


def headline(report: Report) -> list[str]:
    """What was found, what came of it, what comes next, what is not known: a sentence each."""
    found = (_found, _gone, _next_run, _somebody, _others, _coverage)
    return [sentence for part in found if (sentence := part(report))]


def nothing_found(report: Report) -> str:
    """What there is to say where a list of keys would be empty."""
    read = counted(sum(account.status == READ for account in report.accounts), "account")
    return f"No inactive access key was found in the {read} that could be read."


def _found(report: Report) -> str:
    totals = report.totals
    if not totals.keys:
        return "No inactive access key was found."
    return (
        f"{counted(totals.keys, 'inactive access key')} of {counted(totals.users, 'user')} in "
        f"{totals.accounts:,} of {counted(len(report.accounts), 'account')}."
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
    totals, verdicts = report.totals, _verdicts(report)
    goes = totals.would_be_deleted
    planned = " if the plan lists them" if verdicts[IF_PLANNED] else ""
    which = "A real run" if is_dry(report) else "The next run"
    parts = [f"{which} would delete {f'{goes:,}{planned}' if goes else 'none'}"]
    if totals.exempt:
        parts.append(f"{totals.exempt:,} {is_or_are(totals.exempt)} exempt")
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


def is_dry(report: Report) -> bool:
    """Whether the policies that delete have only been tried."""
    return all(run.dryrun for run in report.basis.runs if run.deletion)


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
    rows = [row for row in report.keys if row.group == SOMEBODY]
    if not rows:
        return None
    reasons = Counter(why(row) for row in rows)
    named = ", ".join(f"{reason} ({number:,})" for reason, number in reasons.most_common(NAMED))
    return f"{len(rows):,} {'needs' if len(rows) == 1 else 'need'} somebody: {named}."


def why(row: KeyRow) -> str:
    """Why a key needs somebody, or what holds it."""
    if row.outcome == FAILED:
        return f"failed: {short_reason(row)}" if row.reason else FAILED
    verdict = row.outlook.verdict if row.outlook else ROOT if row.user.is_root else ""
    return REASONS.get(verdict, verdict)


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


def _is_recorded(report: Report) -> bool:
    return any(run.ours and run.finds_keys is False for run in report.basis.runs)


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
