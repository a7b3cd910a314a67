# SPDX-License-Identifier: Apache-2.0
"""The page about migrating: each row is what `--fix` writes, and does what it says."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.docs.pages import ROOT
from tests.lint.account import ACCOUNT, HOLD_OFF, IDLE, OFF, changes, statuses
from tests.lint.linting import fixed, rules
from tests.support.commands import run

PAGE = (ROOT / "docs" / "migrating.md").read_text(encoding="utf-8")


def versions(diff: str) -> tuple[str, str]:
    """What a block shows as it was, and as it is put right."""
    lines = [(line[:1], line[1:]) for line in diff.splitlines()]
    before, after = (
        "".join(f"{text}\n" for sign, text in lines if sign in (" ", side)) for side in "-+"
    )
    return before, after


def rows() -> dict[str, tuple[str, str]]:
    """Both versions of the block below each heading that has one."""
    found = {}
    for section in re.split(r"^##+ ", PAGE, flags=re.MULTILINE)[1:]:
        _, fence, rest = section.partition("```diff\n")
        if fence:
            found[section.partition("\n")[0]] = versions(rest.partition("```")[0])
    return found


ROWS = rows()
# Row, policy, and what it does: matched users, deactivated keys, deleted keys.
DOES = [
    (
        "Inactive keys, by status and age of the key", "delete-inactive-keys",
        (HOLD_OFF, (), OFF),
    ),
    ("Deactivated, later deleted", "key-lifecycle", (IDLE, IDLE, ())),
    ("Deactivated, later deleted", "key-lifecycle-delete", (HOLD_OFF, (), OFF)),
]  # fmt: skip


@pytest.mark.parametrize("title", ROWS)
def test_a_row_shows_what_fix_writes(title):
    """Byte for byte, and nothing is left to be found."""
    before, after = ROWS[title]
    assert rules(before)
    assert fixed(before) == after
    assert rules(after) == []


def test_all_rows_are_read():
    """So that no block of the page goes untested."""
    assert len(ROWS) == PAGE.count("```diff") == 2
    assert {row[0] for row in DOES} == set(ROWS)


@pytest.mark.e2e
@pytest.mark.parametrize("title", ROWS)
def test_both_versions_are_valid_for_stock_custodian(title, tmp_path):
    """What was wrong passed its validation, and what is right does."""
    for name, text in zip(("before", "after"), ROWS[title], strict=True):
        file = tmp_path / f"{name}.yml"
        file.write_text(text)
        done = run(
            "custodian", "validate", file, HOME=str(tmp_path), AWS_DEFAULT_REGION="us-east-1"
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("title", "policy_name", "effect"),
    [pytest.param(*row, id=f"{row[0]}: {row[1]}") for row in DOES],
)
def test_a_row_put_right_does_what_the_page_says(
    title, policy_name, effect, keys, sandbox, custodian
):
    """It matches these users, and touches exactly these keys."""
    matched, deactivated, deleted = effect
    policies = yaml.safe_load(ROWS[title][1])["policies"]
    (data,) = (item for item in policies if item["name"] == policy_name)
    before = statuses(sandbox)
    done = custodian.run(ACCOUNT, data)
    assert done.status == 0, done.log
    assert {user["UserName"] for user in done.resources(policy_name)} == matched
    assert changes(keys, before, statuses(sandbox)) == (set(deactivated), set(deleted))
