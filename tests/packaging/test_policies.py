# SPDX-License-Identifier: Apache-2.0
"""`c7n-inactive-keys policies`: what somebody who installed the package has to run."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

import c7n_inactive_keys
from tests.support.commands import must, run
from tests.support.paths import ROOT

pytestmark = pytest.mark.e2e

BIN = Path(sys.executable).parent
COMMAND = ("c7n-inactive-keys", "policies")


def tree(directory: Path) -> dict[str, bytes]:
    """Content of all files under a directory, by path."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def shipped() -> dict[str, bytes]:
    """What the repository has at its top."""
    folders = {
        f"{folder}/{name}": content
        for folder in ("policies", "templates", "deploy")
        for name, content in tree(ROOT / folder).items()
    }
    return {**folders, "accounts.yml": (ROOT / "accounts.yml").read_bytes()}


def test_an_empty_directory_gets_the_policies_and_custodian_accepts_them(tmp_path):
    """The files are those of the repository, and stock `custodian validate` takes the policies."""
    said = must(*COMMAND, cwd=tmp_path)
    assert tree(tmp_path) == shipped()
    assert [line.split()[0] for line in said.splitlines()] == ["written"] * len(shipped())
    validated = run("custodian", "validate", "policies/inactive-keys.yml", cwd=tmp_path)
    assert validated.returncode == 0, validated.stderr


def test_a_directory_that_is_named_is_made(tmp_path):
    """In a path with spaces too."""
    must(*COMMAND, "a new/place", cwd=tmp_path)
    assert tree(tmp_path / "a new" / "place") == shipped()


def test_a_second_time_changes_nothing(tmp_path):
    """Files as they are shipped are no obstacle, and what is missing is written."""
    must(*COMMAND, cwd=tmp_path)
    (tmp_path / "policies" / "scheduled.yml").unlink()
    said = must(*COMMAND, cwd=tmp_path)
    assert tree(tmp_path) == shipped()
    written = [line.split()[1] for line in said.splitlines() if line.startswith("written")]
    assert written == ["policies/scheduled.yml"]


def test_a_policy_that_was_changed_is_kept_and_nothing_is_written(tmp_path):
    """One sentence names it and the ways out; --force overwrites it."""
    changed = tmp_path / "policies" / "inactive-keys.yml"
    changed.parent.mkdir()
    changed.write_text("policies: []\n", encoding="utf-8")
    done = run(*COMMAND, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "policies/inactive-keys.yml (--force" in done.stderr
    assert tree(tmp_path) == {"policies/inactive-keys.yml": b"policies: []\n"}
    must(*COMMAND, "--force", cwd=tmp_path)
    assert tree(tmp_path) == shipped()


def test_an_accounts_file_is_never_overwritten(tmp_path):
    """It is an example until there is one, and then the user's, whatever is forced."""
    (tmp_path / "accounts.yml").write_text("accounts: []\n", encoding="utf-8")
    for force in ([], ["--force"]):
        said = must(*COMMAND, *force, cwd=tmp_path)
        assert tree(tmp_path) == {**shipped(), "accounts.yml": b"accounts: []\n"}
        assert "yours       accounts.yml" in said


def test_files_of_other_people_in_the_directory_stay(tmp_path):
    """A repository with policies of its own keeps them."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "mine.yml").write_text("policies: []\n", encoding="utf-8")
    must(*COMMAND, "--force", cwd=tmp_path)
    assert tree(tmp_path) == {**shipped(), "policies/mine.yml": b"policies: []\n"}


@pytest.mark.parametrize(
    ("obstacle", "named"),
    [
        pytest.param("policies", "policies", id="a file where a directory should be"),
        pytest.param("place", "place", id="a file where the directory should be"),
    ],
)
def test_what_cannot_be_written_is_one_sentence(tmp_path, obstacle, named):
    """Status 1, the path and the reason, no traceback."""
    (tmp_path / obstacle).write_text("a file", encoding="utf-8")
    done = run(*COMMAND, *(["place"] if obstacle == "place" else []), cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert named in done.stderr
    assert "cannot be read or written" in done.stderr


def test_a_package_without_its_policies_says_so(tmp_path):
    """A copy of the package alone, as in a Lambda archive, has nothing to write."""
    package = tmp_path / "c7n_inactive_keys"
    source = Path(c7n_inactive_keys.__file__).parent
    shutil.copytree(
        source, package, ignore=shutil.ignore_patterns("__pycache__", "policies", "templates")
    )
    code = "from c7n_inactive_keys.cli import main; main()"
    done = run(sys.executable, "-c", code, "policies", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "the shipped policies are missing" in done.stderr
    assert done.stderr.count("\n") == 1
