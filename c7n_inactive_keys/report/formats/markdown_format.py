# SPDX-License-Identifier: Apache-2.0
"""The report as Markdown, for a ticket or the summary of a job: what to do first, and bounded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from c7n_inactive_keys.core.times import parse_time
from c7n_inactive_keys.report.glance import known
from c7n_inactive_keys.report.model import GONE, GROUPS, KeyRow, Report, Row
from c7n_inactive_keys.report.sentences import headline, next_steps
from c7n_inactive_keys.report.summary import in_order, uncovered
from c7n_inactive_keys.report.words import counted

# A job summary of GitHub's takes a mebibyte, a comment in a ticket far less.
KEYS, OTHERS = 200, 50


def render(report: Report) -> Iterator[str]:
    """The document in pieces."""
    yield f"# Inactive access keys\n\n{' '.join(headline(report))}\n"
    yield from _steps(report)
    yield from _table(
        "Accounts that are not covered",
        ("Account", "Name", "Status", "Reason"),
        [(item.account_id, item.name, item.status, item.reason) for item in uncovered(report)],
        OTHERS,
    )
    yield from _table(
        "Actions that failed",
        ("Account", "Policy", "Keys", "Reason"),
        [
            (item.account_name, item.policy, f"{item.keys or ''}", item.reason)
            for item in report.failures
        ],
        OTHERS,
    )
    left = [row for row in in_order(report.rows) if row.group != GONE]
    for group in GROUPS:
        rows = [_cells(row, report) for row in left[:KEYS] if row.group == group]
        number = sum(row.group == group for row in left)
        title = f"{group[0].upper()}{group[1:]}: {counted(number, 'key')}"
        heads = ("Account", "User", "Access key", "Days proven", "What is known", "From")
        yield from _table(title, heads, rows, KEYS, number)
    yield f"\n<sub>{report.generated}, c7n-inactive-keys</sub>\n"


def _steps(report: Report) -> Iterator[str]:
    for number, step in enumerate(next_steps(report), 1):
        command = f": {_code(step.command)}" if step.command else ""
        yield f"{'' if number > 1 else chr(10)}{number}. {_escaped(step.text)}{command}\n"


def _cells(row: Row, report: Report) -> tuple[str | None, ...]:
    later = row.outlook.deletable_from if row.outlook else None
    return (
        row.account_name,
        row.user.name,
        row.key.id,
        _proven(row),
        known(row, parse_time(report.generated)),
        later,
    )


def _proven(row: Row) -> str:
    if not isinstance(row, KeyRow):
        return ""
    return f"{row.found.at_least_days}" if row.key.proven else "nothing"


def _table(
    title: str,
    heads: Sequence[str],
    rows: Sequence[Iterable[str | None]],
    most: int,
    number: int | None = None,
) -> Iterator[str]:
    if not rows:
        return
    yield f"\n## {title}\n\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n"
    for row in rows[:most]:
        yield f"| {' | '.join(_code(cell) for cell in row)} |\n"
    more = (number or len(rows)) - len(rows[:most])
    if more:
        yield f"\n{more:,} more; the csv, json and html formats have all.\n"


def _code(text: str | None) -> str:
    """Text as it is: as code it mentions nobody, links nowhere and is no HTML."""
    if not text:
        return ""
    return "`" + text.replace("`", "'").replace("|", "\\|") + "`"


def _escaped(text: str) -> str:
    """Text of ours with what others wrote in it."""
    return "".join(f"\\{char}" if char in "\\`*_[]<>|@#&" else char for char in text)
