# SPDX-License-Identifier: Apache-2.0
"""Each fault at each call of the job, and the table of them in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.change.faults import cells
from tests.change.matrix import render, run_matrix

pytestmark = pytest.mark.e2e

PAGE = Path(__file__).parents[2] / "docs" / "safety.md"
TABLE = re.compile(r"<!-- fault matrix: .*? -->\n(.*)<!-- end of the fault matrix -->", re.DOTALL)


@pytest.fixture(scope="module", name="results")
def _results(sandbox_server, custodian_server):
    """All cells, run once; most of the time is spent waiting in back-offs and time-outs."""
    sandbox_server.reset()
    return run_matrix(sandbox_server, custodian_server)


def test_no_cell_is_wrong(results):
    """No wrong key deleted, every key on record, the status right, the other users done."""
    problems = [
        f"{result.cell.fault}, {result.cell.place.title}: {problem}"
        for result in results
        for problem in result.problems
    ]
    assert problems == []


def test_the_documented_table_is_what_was_seen(results):
    """`python tools/fault_matrix.py --update` puts it there."""
    found = TABLE.search(PAGE.read_text())
    assert found, f"no table in {PAGE}"
    assert found[1] == render(results)


def test_every_call_and_every_kind_of_outcome_is_in_the_matrix():
    """A call that loses its row of faults would not be missed otherwise."""
    all_cells = list(cells())
    assert len(all_cells) > 120
    for title in ("GetUser", "ListAccessKeys", "LookupEvents", "DeleteAccessKey", "UntagUser"):
        assert sum(cell.place.title == title for cell in all_cells) >= 8, title
    assert len({(cell.fault, cell.place.title) for cell in all_cells}) == len(all_cells)
