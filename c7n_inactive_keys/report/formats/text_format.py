# SPDX-License-Identifier: Apache-2.0
"""The report for a terminal, what matters most last; plain and whole in a pipe or a file."""

from __future__ import annotations

import io
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from rich.console import Console
from rich.text import Text

from c7n_inactive_keys.core.times import parse_time
from c7n_inactive_keys.report.evidence_words import clock, day
from c7n_inactive_keys.report.formats.lines import Column, head, line, widths
from c7n_inactive_keys.report.glance import access_key, evidence, known, last_use
from c7n_inactive_keys.report.model import (
    BACK,
    FOUND,
    GOES,
    GONE,
    IN_USE,
    KEPT,
    PASSES,
    SOMEBODY,
    TAKEN,
    WAITS,
    KeyRow,
    Report,
    Row,
)
from c7n_inactive_keys.report.sentences import headline, next_steps
from c7n_inactive_keys.report.summary import in_order, top_accounts, uncovered

PLAIN_WIDTH = 10_000
SHOWN = 50  # keys on a terminal
LISTED = 10  # sentences of a kind on a terminal
BAR = 24
STYLES = {
    SOMEBODY: "bold red",
    GOES: "bold yellow",
    PASSES: "bold yellow",
    WAITS: "bold blue",
    KEPT: "bold",
    FOUND: "bold",
    TAKEN: "bold green",
    BACK: "bold green",
    IN_USE: "bold",
    GONE: "bold green",
}
COLUMNS = (
    Column("to do", 0, 20),
    Column("account", 5, 13, 8),
    Column("account id", 12, 12),
    Column("user", 2, 16, 10),
    Column("access key", 1, 20),
    Column("proven", 4, 8, right=True),
    Column("possible", 8, 9, right=True),
    Column("what is known", 3, 28, 22, in_middle=False),
    Column("from", 6, 13),
    Column("last used", 7, 10),
    Column("created", 9, 10),
    Column("owner", 10, 16),
    Column("description", 11, 20, in_middle=False),
)


def render(report: Report, evidence: bool = False) -> Iterator[str]:
    """The report as plain text, one line a key."""
    stream = io.StringIO()
    show(
        report,
        Console(file=stream, width=PLAIN_WIDTH, color_system=None, legacy_windows=False),
        evidence,
    )
    for text in stream.getvalue().splitlines():
        yield f"{text.rstrip()}\n"


def show(report: Report, console: Console, evidence: bool = False) -> int:
    """Print the report, as wide and as colourful as the console is; the number of keys left out."""
    page = _Page(report, console, evidence)
    page.show()
    return page.left_out


class _Page:
    """The parts of the report in the order in which they are printed."""

    def __init__(self, report: Report, console: Console, evidence: bool) -> None:
        self.report = report
        self.console = console
        self.evidence = evidence
        self.now = parse_time(report.generated)
        self.is_terminal = console.is_terminal
        self.width = console.width if self.is_terminal else None
        rows = in_order(report.rows)
        self.rows = rows[:SHOWN] if self.is_terminal else rows
        self.left_out = len(rows) - len(self.rows)

    def show(self) -> None:
        self._line(f"Inactive access keys, {self.report.generated}", "bold")
        self._keys()
        self._uncovered()
        self._failures()
        self._expired()
        self._list("Problems", self.report.problems)
        self._trend()
        self._ages()
        self._accounts()
        self._last_words()

    # -- printing -------------------------------------------------------------------------------

    def _line(self, text: str = "", style: str = "") -> None:
        self.console.print(Text(text, style=style), soft_wrap=True)

    def _title(self, text: str, style: str = "bold") -> None:
        self._line()
        self._line(text, style)

    def _sentence(self, text: str, indent: str = "", style: str = "") -> None:
        """A sentence over as many lines as a terminal takes for it."""
        width = self.width or PLAIN_WIDTH
        for part in textwrap.wrap(
            text, width, initial_indent=indent, subsequent_indent=f"{indent}  ",
            break_on_hyphens=False, break_long_words=False,
        ):  # fmt: skip
            self._line(part, style)

    def _list(self, title: str, items: Iterable[str]) -> None:
        items = list(items)
        if items:
            self._title(f"{title} ({len(items):,})")
        for item in items[: LISTED if self.is_terminal else None]:
            self._sentence(item, "  ")
        if self.is_terminal and len(items) > LISTED:
            self._line(f"  and {len(items) - LISTED:,} more", "dim")

    # -- keys -----------------------------------------------------------------------------------

    def _keys(self) -> None:
        if not self.rows:
            return
        cells = [self._cells(row) for row in self.rows]
        columns = COLUMNS[1:] if self.is_terminal else COLUMNS
        sizes = widths(columns, cells, self.width)
        self._line()
        self._line(head(sizes), "dim")
        group, numbers = None, Counter(row.group for row in self.report.rows)
        for row, texts in zip(self.rows, cells, strict=True):
            if self.is_terminal and row.group != group:
                group = row.group
                number = numbers[group]
                self._line(f"{group[0].upper()}{group[1:]} ({number:,})", STYLES[group])
            text = line(texts, sizes)
            if self.evidence and not self.is_terminal:
                text = f"{text}  {'; '.join(evidence(row))}"
            self._line(text)
            for sentence in evidence(row) if self.evidence and self.is_terminal else ():
                self._sentence(sentence, "    ", "dim")

    def _cells(self, row: Row) -> dict[str, str]:
        found = row.found if isinstance(row, KeyRow) else None
        return {
            "to do": row.group,
            "account": row.account_name,
            "account id": row.user.account_id if row.account_name != row.user.account_id else "",
            "user": row.user.name,
            "access key": row.key.id,
            "proven": _proven(row),
            "possible": _days(found.at_most_days) if found else "",
            "what is known": known(row, self.now),
            "from": self._from(row),
            "last used": _used(row),
            "created": f"{access_key(row).created:%Y-%m-%d}",
            "owner": row.owner or "",
            "description": row.description or "",
        }

    def _from(self, row: Row) -> str:
        """When a real run would delete it, if not now."""
        if row.group != WAITS or not row.outlook or not row.outlook.deletable_from:
            return ""
        return _moment(parse_time(row.outlook.deletable_from), self.now)

    # -- what else there is ---------------------------------------------------------------------

    def _uncovered(self) -> None:
        self._list(
            "Accounts that are not covered",
            (
                f"{_named(item.name, item.account_id)} {item.status}: {item.reason or ''}"
                for item in uncovered(self.report)
            ),
        )

    def _failures(self) -> None:
        self._list(
            "Actions that failed",
            (
                f"{_named(item.account_name, item.account_id)} {item.policy}"
                f"{f', {item.keys:,} keys' if item.keys > 1 else ''}: {item.reason}"
                for item in self.report.failures
            ),
        )

    def _expired(self) -> None:
        self._list(
            "Keys with the status Expired, which are neither found nor deleted",
            (
                f"{key.access_key_id} of {key.user_name} in {key.account_id}"
                for key in self.report.expired
            ),
        )

    def _trend(self) -> None:
        if len(self.report.trend) < 2:
            return
        names = ("accounts", "keys", "new", "still", "reactivated", "deleted", "gone")
        rows = [
            {"run": point.started, **{name: f"{getattr(point, name):,}" for name in names}}
            for point in self.report.trend
        ]
        columns = [Column("run", 0, 20), *(Column(name, 1, 11, right=True) for name in names)]
        self._table("Trend", columns, rows)

    def _ages(self) -> None:
        ages = [age for age in self.report.ages if age.proven or age.possible]
        most = max((max(age.proven, age.possible) for age in ages), default=0)
        rows = [
            {
                "days inactive": age.label,
                "proven": f"{age.proven:,}",
                " ": _bar(age.proven, most),
                "possible": f"{age.possible:,}",
                "  ": _bar(age.possible, most),
            }
            for age in ages
        ]
        columns = [
            Column("days inactive", 0, 18),
            Column("proven", 1, 9, right=True),
            Column(" ", 3, BAR),
            Column("possible", 2, 9, right=True),
            Column("  ", 4, BAR),
        ]
        self._table("Age", columns, rows)

    def _table(self, title: str, columns: Sequence[Column], rows: Sequence[dict[str, str]]) -> None:
        if not rows:
            return
        sizes = widths(columns, rows, self.width)
        self._title(title)
        self._line(head(sizes), "dim")
        for row in rows:
            self._line(line(row, sizes))

    def _accounts(self) -> None:
        top = top_accounts(self.report, 5)
        if len(top) > 1:
            self._line()
            self._sentence(
                "Most keys: " + ", ".join(f"{account.name} {number:,}" for account, number in top)
            )

    def _last_words(self) -> None:
        self._line()
        for text in headline(self.report):
            self._sentence(text, style="" if self.report.complete else "bold")
        steps = next_steps(self.report)
        for number, step in enumerate(steps, 1):
            if number == 1:
                self._title("Next")
            self._sentence(f"{number}. {step.text}{':' if step.command else ''}")
            if step.command:
                self._line(f"   {step.command}", "cyan")


def _proven(row: Row) -> str:
    if not isinstance(row, KeyRow):
        return ""
    return _days(row.found.at_least_days) if row.key.proven else "-"


def _used(row: Row) -> str:
    time = last_use(row).time
    return f"{time:%Y-%m-%d}" if time else "no record" if row.never_used else ""


def _days(days: float) -> str:
    """Days in few characters, and never more of them than there are."""
    return f"{days:.1f} d" if days < 100 else f"{int(days):,} d"


def _moment(time: datetime, now: datetime) -> str:
    """A time to come: by the hour if that is soon, else by the date."""
    return clock(time, now) if abs((time - now).days) < 2 else day(time, now)


def _named(name: str, account_id: str) -> str:
    return f"{name} ({account_id})" if account_id and account_id != name else name


def _bar(number: int, most: int) -> str:
    return "█" * -(-number * BAR // most)
