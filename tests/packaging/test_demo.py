# SPDX-License-Identifier: Apache-2.0
"""`make demo` and the Makefile around it."""

from __future__ import annotations

import json
import re
import shutil
import sys

import pytest

from tests.support.commands import run
from tests.support.paths import ROOT

pytestmark = pytest.mark.e2e

needs_make = pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")


def test_the_demo_works_again_and_in_a_path_with_spaces(demo):
    """Day one records, day two deletes what is proven and spares the key that was reactivated.

    What an earlier demo left there is replaced.
    """
    assert not (demo.out / "day-two" / "left").exists()
    said = " ".join(demo.said.split())
    assert "All of them were inactive" in said
    assert "scanner (reactivated)" in said
    assert "break-glass (tagged keep-keys)" in said
    assert "deploy (2.0 days proven)" in said
    assert "<root_account> (only root can delete it)" in said
    assert "Deleted: 1. Recorded, not yet proven: " in said
    assert (demo.out / "report.html").stat().st_size > 10_000
    report = json.loads((demo.out / "report.json").read_text(encoding="utf-8"))
    first = json.loads((demo.out / "day-one.json").read_text(encoding="utf-8"))
    deleted = [
        key for part in (first, report) for key in part["keys"] if key["outcome"] == "deleted"
    ]
    assert f"{len(deleted)} keys are gone" in demo.said
    assert min(key["at_least_days"] for key in deleted) >= 90
    assert [account["status"] for account in report["accounts"]] == ["read"] * 14


def test_a_year_of_one_key_is_shown_in_six_lines(demo):
    """Deactivated, told, reactivated and left alone, deactivated and told anew, deleted."""
    lines = dict(re.findall(r"^  day (\d+)  (\S.*)$", demo.said, re.MULTILINE))
    assert [line.split()[0] for line in lines.values()] == [
        "deactivated:", "its", "left", "deactivated:", "its", "deleted:",
    ]  # fmt: skip
    journals = {path.parent.name for path in demo.out.glob("year/day-352/*/inactive-keys.jsonl")}
    assert journals == {"key-lifecycle-delete"}


def test_the_demo_leaves_a_directory_alone_that_is_not_its_own(tmp_path):
    """A directory with somebody's files is refused, and its files stay."""
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    done = run(sys.executable, "-m", "c7n_inactive_keys_sandbox.demo", "-o", tmp_path)
    assert done.returncode == 2
    assert "was not made by the demo" in done.stderr
    assert (tmp_path / "mine.txt").exists()


@needs_make
def test_make_alone_lists_what_there_is_to_make():
    """Plain `make` is help, and changes nothing."""
    done = run("make", cwd=ROOT)
    assert {"make demo", "make test"} <= {text.split("\t")[0] for text in done.stdout.splitlines()}


@needs_make
@pytest.mark.parametrize("python", ["", "no-such-python", "/bin/false"])
def test_make_without_a_usable_python_says_what_is_needed(python):
    """One sentence with the way out, and a status other than 0."""
    done = run("make", f"PYTHON={python}", "env-demo", cwd=ROOT)
    assert done.returncode != 0
    assert "Python 3.10 or newer is needed" in done.stderr


@needs_make
@pytest.mark.parametrize("target", ["test-wheel", "test-lowest"])
def test_the_workflow_makes_what_the_makefile_has(target):
    """Each kind of suite that the workflow asks for is there, with the Python that it names."""
    workflow = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    assert f"target: {target}" in workflow
    done = run("make", "-n", target, "PYTHON=/a/python", cwd=ROOT)
    assert done.returncode == 0
    assert '"/a/python" tools/suite.py' in done.stdout
