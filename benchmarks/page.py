# SPDX-License-Identifier: Apache-2.0
"""The figures of docs/performance.md: a table of measured comparisons."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from datetime import datetime, timezone
from importlib import metadata

from benchmarks.commands import ROOT
from benchmarks.ratios import Comparison

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- measured: make bench -->\n", "<!-- end of the measurement -->"
HEAD = """\
| What | Calls | Time | CPU time | Faster |
|---|--:|--:|--:|--:|"""


def render(comparisons: Iterable[Comparison]) -> str:
    """When and where it was measured, and a row for each comparison: ours / the other."""
    comparisons = list(comparisons)
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("c7n", "botocore"))
    ours, other = map(max, zip(*(found.medians("memory") for found in comparisons), strict=True))
    measured = (
        f"Measured on {datetime.now(timezone.utc):%Y-%m-%d}: {os.cpu_count()} cores (load average "
        f"{os.getloadavg()[2]:.0f}), {platform.system()} {platform.machine()}, Python "
        f"{platform.python_version()}, {versions}. Memory: up to {ours:.0f} / {other:.0f} MiB."
    )
    return "\n".join(["", measured, "", HEAD, *map(_row, comparisons), "", ""])


def write(table: str) -> None:
    """Replace the page's figures."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + table + END + rest.partition(END)[2], "utf-8")


def _row(found: Comparison) -> str:
    calls, other_calls = found.medians("requests")
    figures = (
        f"{calls:,.0f} / {other_calls:,.0f}" if calls else "",
        _seconds(*found.medians("wall")),
        _seconds(*found.medians("cpu")),
        f"**{found.ratio('wall'):.1f} times**" if calls else "",
    )
    return f"| {found.name} | {' | '.join(figures)} |"


def _seconds(ours: float, other: float) -> str:
    if max(ours, other) < 1:
        return f"{ours * 1000:.1f} / {other * 1000:.1f} ms"
    return f"{ours:.1f} / {other:.1f} s"
