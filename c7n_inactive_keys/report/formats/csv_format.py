# SPDX-License-Identifier: Apache-2.0
"""The report as CSV, one row a key, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator

from c7n_inactive_keys.report.formats.key_fields import COLUMNS, table
from c7n_inactive_keys.report.model import Report

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render(report: Report) -> Iterator[str]:
    """The header and a line for each key."""
    rows = (map(_cell, record.values()) for record in table(report))
    return csv_lines(COLUMNS, rows)


def csv_lines(
    columns: Iterable[str],
    rows: Iterable[Iterable[object]],
    guard: Callable[[object], object] | None = None,
) -> Iterator[str]:
    """Lines of RFC 4180 text; each cell goes through `guard` (default: `harmless`)."""
    guard = guard or harmless
    line = io.StringIO(newline="")
    writer = csv.writer(line)
    writer.writerow(columns)
    yield _flush(line)
    for row in rows:
        writer.writerow([guard(cell) for cell in row])
        yield _flush(line)


def _flush(line: io.StringIO) -> str:
    text = line.getvalue()
    line.seek(0)
    line.truncate()
    return text


def harmless(cell: object) -> object:
    """The cell, with an apostrophe before what a spreadsheet would take for a formula."""
    if isinstance(cell, str) and cell.startswith(FORMULA):
        return f"'{cell}"
    return "" if cell is None else cell


def _cell(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return "; ".join(value)
    return str(value).lower() if isinstance(value, bool) else value
