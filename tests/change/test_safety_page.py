# SPDX-License-Identifier: Apache-2.0
"""What docs/safety.md and README.md beside this file say of the tests is so."""

from __future__ import annotations

import re
from pathlib import Path

from tools.mutation_check import MUTATIONS

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "safety.md"
TESTED = HERE / "README.md"


def test_every_test_that_the_page_names_is_there():
    """A guarantee whose test was renamed or lost is none."""
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text() + TESTED.read_text()))
    sources = "".join(path.read_text() for path in HERE.parent.rglob("test_*.py"))
    defined = set(re.findall(r"^def (test_\w+)\(", sources, re.MULTILINE))
    assert len(named) > 20
    assert named - defined == set()


def test_every_rule_of_the_mutation_check_is_on_the_page():
    """The page shows the list that `python tools/mutation_check.py` prints."""
    lists = re.findall(r"^- `test_\w+`: (.*)$", TESTED.read_text(), re.MULTILINE)
    rules = [rule for text in lists for rule in text.split("; ")]
    assert sorted(rules) == sorted(mutation.rule for mutation in MUTATIONS)
