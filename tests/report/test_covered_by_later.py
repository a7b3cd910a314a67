# SPDX-License-Identifier: Apache-2.0
"""What an earlier run left in a directory does not cover for a later one that failed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from click.testing import CliRunner

from c7n_inactive_keys.cli import main

from .output_tree import NOW, POLICIES, REPORT, accounts_file, key, user

A, B = "111111111111", "222222222222"
PERIODIC = {**POLICIES[REPORT], "mode": {"type": "periodic", "schedule": "rate(1 day)"}}
LINE = "{time:%Y-%m-%d %H:%M:%S},000: c7n_org:ERROR Error running policy in one @ us-east-1 "
BOOM = "exception: boom"


@pytest.fixture(name="log")
def _log(tmp_path):
    """c7n-org's stderr with a failure of account `one`, so many hours after the run."""

    def write(hours):
        path = tmp_path / "c7n-org.log"
        local = (NOW + timedelta(hours=hours)).astimezone()
        path.write_text(LINE.format(time=local) + BOOM + "\n")
        return path

    return write


def report(tree, *arguments):
    """The command, in this process."""
    return CliRunner().invoke(main, ["report", "-s", str(tree.root), *map(str, arguments)])


@pytest.mark.parametrize(("hours", "status"), [(2, 3), (-2, 0)], ids=["later", "earlier"])
def test_a_failure_that_the_log_tells_counts_if_it_is_later(tree, tmp_path, log, hours, status):
    """The directory was used again, and the second run never got into the account."""
    tree.run(A, [user(A, "ci", key(1))], name="one")
    listed = accounts_file(tmp_path / "accounts.yml", one=A)
    result = report(tree, "-c", listed, "--log", log(hours))
    assert result.exit_code == status, result.output
    assert ("boom" in result.output) == bool(status)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"policy": {"name": "x", "filters": 5}}'])
def test_damaged_metadata_makes_no_clean_account(tree, text):
    """What it would have said is unknown: perhaps that today's run failed."""
    place = tree.run(A, [user(A, "ci", key(1))], name="one")
    (place / "metadata.json").write_text(text)
    result = report(tree)
    assert result.exit_code == 3
    assert "metadata.json" in result.stderr


def test_a_scheduled_function_that_fails_now_is_not_covered_by_its_last_success(tree):
    """A month ago it read the account; today it is denied."""
    tree.run(
        A, [user(A, "ci", key(1))], stamp="2026/10/20/04", data=PERIODIC,
        started=NOW - timedelta(days=31),
    )  # fmt: skip
    tree.run(A, None, stamp="2026/11/20/04", data=PERIODIC)
    result = report(tree)
    assert result.exit_code == 3, result.output


def test_accounts_behind_links_are_read(tree, tmp_path):
    """Whoever gathers trees by links has them all in the report; a loop ends."""
    apart = type(tree)(tmp_path / "apart")
    apart.run(B, [user(B, "ops", key(2))], name="two")
    tree.run(A, [user(A, "ci", key(1))], name="one")
    (tree.root / "two").symlink_to(apart.root / "two")
    (tree.root / "loop").symlink_to(tree.root)
    result = report(tree, "--format", "csv")
    assert result.exit_code == 0, result.output
    assert {line.split(",")[0] for line in result.stdout.splitlines()[1:]} == {A, B}
