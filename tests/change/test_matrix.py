# SPDX-License-Identifier: Apache-2.0
"""Each fault at each call of the job, and the table of them in README.md.

A fixed sample of the cells, or with `--whole` all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.change.faults import DONE, PLACES, STOPPED, UNREAD, cells, sample
from tests.change.matrix import render, run_matrix
from tests.support.custodian import Custodian
from tests.support.paths import ROOT

PAGE = ROOT / "tests" / "change" / "README.md"
TABLE = re.compile(r"<!-- fault matrix: .*? -->\n(.*)<!-- end of the fault matrix -->", re.DOTALL)


@pytest.fixture(scope="module", name="results")
def _results(sandbox_server, whole, tmp_path_factory):
    """The cells, run once; most of the time is spent waiting in back-offs and time-outs."""
    sandbox_server.reset()
    custodian = Custodian(sandbox_server, tmp_path_factory.mktemp("runs"))
    return run_matrix(sandbox_server, custodian, list(cells()) if whole else sample())


@pytest.mark.e2e
def test_no_cell_is_wrong(results):
    """No wrong key deleted, every key on record, the status right, the other users done."""
    problems = [
        f"{result.cell.fault}, {result.cell.place.title}: {problem}"
        for result in results
        for problem in result.problems
    ]
    assert problems == []


def documented() -> str:
    """The table as the page has it."""
    found = TABLE.search(PAGE.read_text())
    assert found, f"no table in {PAGE}"
    return found[1]


def shown(tables: str) -> Iterator[tuple[str, str, str, str]]:
    """Of each cell the table's title, the fault (one of a row's), the call and the outcome."""
    for part in tables.split("\n\n| fault ")[1:]:
        heading, _, *rows = (
            [cell.strip() for cell in line.split("|")[1:-1]]
            for line in f"| fault {part}".splitlines()
            if line.startswith("|")
        )
        for faults, *outcomes in rows:
            for title, outcome in zip(heading[1:], outcomes, strict=True):
                for fault in faults.split("; "):
                    yield ", ".join(heading[1:]), fault, title, outcome


@pytest.mark.e2e
def test_the_documented_table_is_what_was_seen(results, whole):
    """`python tools/fault_matrix.py --update` puts it there."""
    seen = {cell for cell in shown(render(results)) if cell[-1]}
    assert seen - set(shown(documented())) == set()
    if whole:
        assert documented() == render(results)


def test_every_call_and_every_kind_of_outcome_is_in_the_matrix():
    """A call that loses its row of faults would not be missed otherwise."""
    all_cells = list(cells())
    assert len(all_cells) > 300
    for place in PLACES:
        assert sum(cell.place == place for cell in all_cells) >= 8, place
    assert len({(cell.fault, cell.place) for cell in all_cells}) == len(all_cells)
    outcomes = {cell.key for cell in all_cells}
    assert {*DONE.values(), "failed", "failed unreadable", UNREAD, STOPPED} <= outcomes


def test_every_fault_and_every_call_is_in_the_sample():
    """What is left out of it is left to the whole series."""
    assert {cell.fault for cell in sample()} == {cell.fault for cell in cells()}
    assert {cell.place for cell in sample()} == set(PLACES)
    assert len(sample()) < len(list(cells())) / 4
