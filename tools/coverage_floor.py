# SPDX-License-Identifier: Apache-2.0
"""What the tests reach, file by file; exit status 1 if that is less than it has to be.

Reads the data that `make coverage` has collected. Statements and branches are held against the
floor each for itself, so that many statements don't make up for a missing branch.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from coverage import Coverage

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "c7n_inactive_keys"
# Whatever decides over a change of a key, or writes down what was changed.
CORE = [
    f"{PACKAGE}/{name}"
    for name in (
        *("core/*", "change/*", "record/*", "find/event_history.py", "find/unused_filter.py"),
        *("find/last_uses.py", "custodian/run_record.py", "partitions.py"),
    )
]


def totals(measured: Coverage, **files: list[str]) -> dict[str, Any]:
    """The sums over some files, as coverage's JSON report has them."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "coverage.json"
        measured.json_report(outfile=str(path), **files)
        sums: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["totals"]
    return sums


def reaches(title: str, floor: float, sums: dict[str, Any]) -> bool:
    """Print one part's figures; are they at the floor?"""
    enough = True
    for kind, reached, there in (
        ("branches", sums["covered_branches"], sums["num_branches"]),
        ("statements", sums["covered_lines"], sums["num_statements"]),
    ):
        share = 100 * reached / there
        enough &= share >= floor
        verdict = "" if share >= floor else f"  UNDER {floor} %"
        print(f"{title}: {reached} of {there} {kind}, {share:.2f} %{verdict}")
    return enough


def main() -> None:
    """Print the tables and the sums."""
    measured = Coverage(config_file=str(ROOT / "pyproject.toml"))
    measured.load()
    for title, files in (("Core", {"include": CORE}), ("Rest", {"omit": CORE})):
        print(f"\n{title}")
        measured.report(show_missing=True, skip_covered=title == "Rest", **files)
    print()
    results = [
        reaches("Core", 100, totals(measured, include=CORE)),
        reaches("Rest", 95, totals(measured, omit=CORE)),
    ]
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
