# SPDX-License-Identifier: Apache-2.0
"""The report for a terminal; plain and wide when it goes into a pipe or a file."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from c7n_inactive_keys.core.journal import DELETED
from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.report.model import FAILED, MISSING, READ, KeyRow, Report
from c7n_inactive_keys.report.summary import oldest, top_accounts, uncovered
from c7n_inactive_keys.report.words import clean, counted, evidence_words

PLAIN_WIDTH = 1000
TERMINAL_KEYS = 40
PLAIN_KEYS = 1000
BAR = 30
STYLES = {DELETED: "green", "skipped": "yellow", FAILED: "bold red", MISSING: "bold red"}


def render(report: Report) -> Iterator[str]:
    """The report as plain text."""
    stream = io.StringIO()
    show(report, Console(file=stream, width=PLAIN_WIDTH, color_system=None, legacy_windows=False))
    for line in stream.getvalue().splitlines():
        yield f"{line.rstrip()}\n"


def show(report: Report, console: Console) -> None:
    """Print the report on a console, as wide and as colourful as that is."""
    _Page(report, console).show()


class _Page:
    """The parts of the report in the order in which they are read."""

    def __init__(self, report: Report, console: Console) -> None:
        self.report = report
        self.console = console

    def show(self) -> None:
        self._headline()
        self._coverage()
        self._ages()
        self._outcomes()
        self._failures()
        self._top_accounts()
        self._trend()
        self._keys()
        self._problems()

    def _line(self, text: str = "", style: str = "") -> None:
        self.console.print(Text(clean(text), style=style), soft_wrap=True)

    def _table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]],
        right: Sequence[str] = (),
    ) -> None:
        self._line()
        self._line(title, style="bold")
        table = Table(box=box.SIMPLE_HEAD if self.console.is_terminal else None, pad_edge=False)
        for column in columns:
            table.add_column(
                column,
                justify="right" if column in right else "left",
                overflow="fold",
                header_style="dim",
                # An access key id that is broken over two lines cannot be searched or copied.
                no_wrap=column == "access key",
            )
        for row in rows:
            cells = (clean(str(cell)) for cell in row)
            table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in cells))
        self.console.print(table)

    def _headline(self) -> None:
        """What was found and what came of it, then what is left: each number says of which."""
        totals = self.report.totals
        self._line(f"Inactive access keys, {self.report.generated}", style="bold")
        self._line(
            f"{_of(totals.keys, totals.users, totals.accounts)} "
            f"{'was' if totals.keys == 1 else 'were'} found: {totals.deleted:,} deleted, "
            f"{totals.skipped:,} skipped, {totals.failed:,} failed"
        )
        self._line(
            f"{_of(totals.remaining, totals.remaining_users, totals.remaining_accounts)} "
            f"{'remains' if totals.remaining == 1 else 'remain'}: "
            f"{totals.remaining_never_used:,} with no recorded use, {totals.unproven:,} of which "
            f"nothing is proven"
        )
        self._line(
            f"{counted(totals.slot_blocked, 'user')} "
            f"{'has its' if totals.slot_blocked == 1 else 'have their'} second key slot blocked by "
            f"an inactive key"
        )

    def _coverage(self) -> None:
        report = self.report
        self._line(
            f"Coverage: {report.covered(READ):,} of {counted(len(report.accounts), 'account')} "
            f"read, {report.covered(FAILED):,} failed, {report.covered(MISSING):,} missing",
            style="" if report.complete else "bold red",
        )
        missing = uncovered(report)
        if missing:
            self._table(
                "Accounts that are not covered",
                ("account", "name", "status", "reason"),
                ((a.account_id, a.name, a.status, a.reason or "") for a in missing),
            )

    def _ages(self) -> None:
        most = max((max(age.proven, age.possible) for age in self.report.ages), default=0)
        if most:
            self._table(
                "Days of inactivity",
                ("", "proven", "", "possible", " "),
                (
                    (
                        age.label,
                        f"{age.proven:,}",
                        _bar(age.proven, most),
                        f"{age.possible:,}",
                        _bar(age.possible, most),
                    )
                    for age in self.report.ages
                ),
                right=("proven", "possible"),
            )

    def _outcomes(self) -> None:
        if self.report.reasons:
            self._table(
                "Outcomes",
                ("outcome", "reason", "keys"),
                ((o, reason, f"{n:,}") for o, reason, n in self.report.reasons),
                right=("keys",),
            )

    def _failures(self) -> None:
        if self.report.failures:
            self._table(
                "Actions that failed",
                ("account", "name", "policy", "keys", "reason"),
                (
                    (
                        f.account_id,
                        f.account_name,
                        f.policy,
                        f"{f.keys:,}" if f.keys else "",
                        f.reason,
                    )
                    for f in self.report.failures
                ),
                right=("keys",),
            )

    def _top_accounts(self) -> None:
        top = top_accounts(self.report, 10)
        if len(top) > 1:
            self._table(
                "Accounts with the most keys",
                ("account", "name", "keys"),
                ((account.account_id, account.name, f"{n:,}") for account, n in top),
                right=("keys",),
            )

    def _trend(self) -> None:
        if len(self.report.trend) > 1:
            names = ("accounts", "keys", "new", "still", "reactivated", "deleted", "gone")
            self._table(
                "Trend",
                ("run", *names),
                (
                    (point.started, *(f"{getattr(point, name):,}" for name in names))
                    for point in self.report.trend
                ),
                right=names,
            )

    def _keys(self) -> None:
        report = self.report
        limit = TERMINAL_KEYS if self.console.is_terminal else PLAIN_KEYS
        done = [row for row in report.keys if row.settled]
        rows = (oldest(report.keys, limit) + done)[:limit]
        if not rows:
            return
        self._table(
            "Keys, longest proven inactivity first"
            if len(rows) == len(report.keys)
            else f"Keys, the {len(rows):,} of longest proven inactivity",
            (
                "account",
                "user",
                "access key",
                "created",
                "last used",
                "at least",
                "at most",
                "outcome",
                "evidence",
            ),
            (_key_cells(row, self.console.is_terminal) for row in rows),
            right=("at least", "at most"),
        )
        if len(rows) < len(report.keys):
            self._line(
                f"{counted(len(report.keys) - len(rows), 'more key')}: --format csv, json and html "
                "show all"
            )

    def _problems(self) -> None:
        if self.report.problems:
            self._line()
            self._line("Problems", style="bold")
            for problem in self.report.problems:
                self._line(f"  {problem}")


def _of(keys: int, users: int, accounts: int) -> str:
    """`39 keys of 37 users in 12 accounts`."""
    return f"{counted(keys, 'key')} of {counted(users, 'user')} in {counted(accounts, 'account')}"


def _bar(number: int, most: int) -> str:
    return "█" * -(-number * BAR // most)


def _key_cells(row: KeyRow, terminal: bool) -> Sequence[object]:
    outcome = ": ".join(filter(None, (row.outcome, row.reason)))
    found, use = row.found, row.found.last_use
    last_used = format_time(use.time) if use.time else None
    used = " ".join(filter(None, (last_used, use.service, use.region)))
    evidence = [evidence_words(item) for item in found.evidence]
    return (
        row.account_name if terminal else f"{row.user.account_id} {row.account_name}",
        row.user.name,
        row.key.id,
        format_time(found.key.created)[:10],
        (last_used[:10] if terminal and last_used else used) or "none recorded",
        f"{found.at_least_days} d",
        f"{found.at_most_days} d",
        outcome,
        evidence[-1] if terminal and evidence else "; ".join(evidence),
    )
