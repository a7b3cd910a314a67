# SPDX-License-Identifier: Apache-2.0
"""Where the report may go, and what it leaves alone there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from .output_tree import OutputTree, accounts_file, key, user

A, B = "111111111111", "222222222222"
COMMAND = Path(sys.executable).with_name("c7n-inactive-keys")


@pytest.fixture(name="tree")
def _tree(tmp_path):
    """An account with a key whose user has a name that is not ASCII in the report."""
    tree = OutputTree(tmp_path / "out")
    tree.run(A, [user(A, "ci", key(1))], name="münchen")
    return tree


def report(tree, *arguments, **options):
    """The command as users start it."""
    return subprocess.run(
        [COMMAND, "report", "-s", tree.root, *arguments],
        **{"capture_output": True, "check": False, **options},
    )


def test_a_pipe_gets_the_report_and_stays_a_pipe(tree, tmp_path):
    """As `-o >(command)` makes one."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    done = report(tree, "--format", "json", "-o", pipe)
    reader.join(60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(json.loads(read[0])["keys"]) == 1
    assert pipe.is_fifo()


def test_a_link_stays_and_what_it_links_to_is_replaced(tree, tmp_path):
    """With the mode that it had: a report may be private."""
    target, link = tmp_path / "real.csv", tmp_path / "link.csv"
    target.write_text("old")
    target.chmod(0o600)
    link.symlink_to(target)
    assert report(tree, "--format", "csv", "-o", link).returncode == 0
    assert link.is_symlink()
    assert target.read_text().startswith("account_id,")
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_dash_is_stdout(tree, tmp_path):
    """As everywhere."""
    done = report(tree, "--format", "json", "-o", "-", cwd=tmp_path)
    assert len(json.loads(done.stdout)["keys"]) == 1
    assert not (tmp_path / "-").exists()


def test_a_full_disk_is_a_sentence(tree):
    """No traceback, and no status that means something else."""
    with Path("/dev/full").open("w") as full:
        done = report(tree, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert b"stdout cannot be written: No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_the_status_is_that_of_the_report_in_any_encoding(tree, tmp_path, encoding):
    """A terminal of another encoding shows other characters, not a traceback."""
    listed = accounts_file(tmp_path / "accounts.yml", münchen=A, other=B)
    environ = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = report(tree, "-c", listed, env=environ)
    assert done.returncode == 3, done.stderr
    assert key(1)["AccessKeyId"].encode() in done.stdout
    assert (b"####" in done.stdout) == (encoding != "utf-8")
    machine = report(tree, "-c", listed, "--format", "json", env=environ)
    assert json.loads(machine.stdout.decode())["accounts"][0]["name"] == "münchen"


def test_an_empty_source_is_refused(tree):
    """An unset variable of a script must not mean the current directory."""
    done = report(tree, "-s", "", text=True)
    assert done.returncode == 2
    assert "-s is empty" in done.stderr
