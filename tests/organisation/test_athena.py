# SPDX-License-Identifier: Apache-2.0
"""deploy/athena.sql: its tables have the fields of what is written, and it asks for known words."""

from __future__ import annotations

import re

import pytest

from c7n_inactive_keys.core import journal
from c7n_inactive_keys.report.formats.key_fields import COLUMNS, INACTIVE
from c7n_inactive_keys.report.model import GROUPS
from tests.support.paths import ROOT

SQL = re.sub(r"--.*", "", (ROOT / "deploy" / "athena.sql").read_text())
TABLES = dict(
    re.findall(r"CREATE EXTERNAL TABLE (\w+) \((.*?)\)\nPARTITIONED", SQL, re.DOTALL),
)
WRITTEN = {
    "inactive_keys": {"generated", *COLUMNS},
    "journal": set(journal.KNOWN),
}


@pytest.mark.parametrize("table", WRITTEN)
def test_columns_are_fields_that_are_written(table):
    """Athena shows nothing, and says nothing, where a column's name is not that of a field."""
    columns = re.sub(r"<[^>]*>", "", TABLES[table]).split(",")
    names = {column.split()[0].strip("`") for column in columns}
    assert names <= WRITTEN[table]
    assert {"account_id", "access_key_id", "outcome"} <= names


def test_questions_ask_for_words_that_are_written():
    """A group or an outcome of another name would be in no row."""
    compared = set(re.findall(r"(?:\"group\"|outcome) (?:=|<>) '([^']+)'", SQL))
    assert compared == {"would be deleted", "gone", "deleting", "failed"}
    assert {"would be deleted", "gone"} <= set(GROUPS)
    assert f"stage = '{INACTIVE}'" in SQL
    assert {"deleting", "failed"} <= set(journal.OUTCOMES)


def test_there_are_five_questions():
    """Each stands behind a comment that asks it."""
    text = (ROOT / "deploy" / "athena.sql").read_text()
    assert len(re.findall(r"^-- .*\?\n(?:WITH|SELECT)", text, re.MULTILINE)) == 5
