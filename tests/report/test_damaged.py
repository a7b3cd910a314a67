# SPDX-License-Identifier: Apache-2.0
"""Output and environments that are not as they should be: named, counted, never fatal."""

from __future__ import annotations

import gzip
import json
import sys
from datetime import timedelta

import pytest
from click.testing import CliRunner

from c7n_inactive_keys.cli import main
from c7n_inactive_keys.report.formats.findings import PartitionError, region_of

from .output_tree import DELETE, NOW, entry, key, user

A = "111111111111"


def test_resources_that_are_no_list_make_the_account_failed(tree, report):
    """Nothing is taken from such a file, so its account is not read."""
    (tree.run(A, [], name="one") / "resources.json").write_text("{}")
    result = report(tree)
    assert [account.status for account in result.accounts] == ["failed"]
    assert any("it holds no list of users" in problem for problem in result.problems)


def test_a_user_without_an_arn_belongs_to_the_account_of_the_run(tree, report):
    """The run knows where it was."""
    nameless = user(A, "ci", key(1)) | {"Arn": None}
    tree.run(A, [nameless], name="one")
    (row,) = report(tree).keys
    assert row.user.account_id == A


def test_what_an_earlier_run_said_of_a_whole_user_is_past(tree, report):
    """Only the last run's failures that concern no single key still count."""
    found = key(1)
    earlier, later = (
        entry(A, name, found, "failed", run_id=run, reason="ledger-tag", time=NOW + after)
        | {"access_key_id": None}
        for name, run, after in (("old", "run-1", timedelta()), ("new", "run-2", timedelta(days=1)))
    )
    tree.run(
        A,
        [user(A, "ci", found)],
        policy=DELETE,
        journal=[earlier, later],
        started=NOW + timedelta(hours=1),
        failed=True,
    )
    (failure,) = report(tree).failures
    assert failure.reason.startswith("user new: ")


def test_lines_of_another_form_are_named_and_left_out(tree, report):
    """JSON that is no line of a journal is a problem of that line alone."""
    found = key(1)
    good = entry(A, "ci", found, "deleted")
    tree.run(A, [user(A, "ci", found)], policy=DELETE, journal=[good, good | {"user_name": 5}])
    result = report(tree)
    assert [row.outcome for row in result.keys] == ["deleted"]
    assert any("line 2: it is not in the form of a journal" in text for text in result.problems)


def test_a_damaged_file_of_a_journal_leaves_its_other_files_readable(tree, report):
    """Output in S3 holds a copy for each run: one of them torn, another one's lines twice."""
    first, second = key(1), key(2)
    later = NOW + timedelta(minutes=5)
    place = tree.run(
        A,
        [user(A, "db", second)],
        policy=DELETE,
        stamp="2026/11/20/04",
        started=later,
        journal=[entry(A, "db", second, "deleted", time=later, run_id="run-2"), {"odd": 1}],
    )
    journal = place / "inactive-keys.jsonl"
    (place / "inactive-keys-run-2.jsonl").write_text(journal.read_text())
    earlier = json.dumps(entry(A, "ci", first, "deleted", run_id="run-1")) + "\n"
    (place / "inactive-keys-run-1.jsonl.gz").write_bytes(gzip.compress(earlier.encode()))
    (place / "inactive-keys-run-0.jsonl.gz").write_bytes(gzip.compress(earlier.encode())[:-9])
    result = report(tree)
    assert [row.outcome for row in result.keys] == ["deleted", "deleted"]
    assert len(result.problems) == 2
    assert any("inactive-keys-run-0.jsonl cannot be read" in text for text in result.problems)
    assert any("not a line of this journal" in text for text in result.problems)


def test_a_partition_that_nobody_knows_is_an_error_not_a_guess():
    """A finding has to name a region, and a wrong one would be worse than none."""
    with pytest.raises(PartitionError, match="aws-moon"):
        region_of("aws-moon")


def test_a_format_whose_module_is_missing_names_the_extra_to_install(tree, monkeypatch):
    """Wrong usage, exit status 2."""
    tree.run(A, [user(A, "ci", key(1))], name="one")
    for name in [name for name in sys.modules if name.startswith("py_ocsf_models")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "c7n_inactive_keys.report.formats.ocsf", raising=False)
    monkeypatch.setitem(sys.modules, "py_ocsf_models", None)
    done = CliRunner().invoke(main, ["report", "-s", str(tree.root), "--format", "ocsf"])
    assert done.exit_code == 2
    assert "pip install 'c7n-inactive-keys[ocsf]'" in done.stderr
