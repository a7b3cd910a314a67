# SPDX-License-Identifier: Apache-2.0
"""Prints the fault matrix: what a run makes of a key when a call of it meets a fault.

Every cell is a run of stock Custodian over an account of the embedded AWS. Exit status 1 if any
cell is not as it must be. `--update` puts the table into tests/change/README.md as well.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from c7n_inactive_keys_sandbox import Sandbox  # noqa: E402 - the checkout comes first
from tests.change.faults import cells  # noqa: E402
from tests.change.matrix import render, run_matrix  # noqa: E402
from tests.support.custodian import Custodian  # noqa: E402

PAGE = ROOT / "tests" / "change" / "README.md"
BEGIN = "<!-- fault matrix: printed by tools/fault_matrix.py -->\n"
END = "<!-- end of the fault matrix -->\n"


def main() -> int:
    """Run, print, and say what is wrong."""
    with tempfile.TemporaryDirectory() as directory, Sandbox() as sandbox:
        results = run_matrix(sandbox, Custodian(sandbox, Path(directory)), list(cells()))
    table = render(results)
    sys.stdout.write(table)
    wrong = [result for result in results if result.problems]
    for result in wrong:
        for problem in result.problems:
            sys.stderr.write(f"{result.cell.fault}, {result.cell.place.title}: {problem}\n")
    if "--update" in sys.argv[1:] and not wrong:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(before + BEGIN + table + END + rest.partition(END)[2])
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
