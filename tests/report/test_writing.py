# SPDX-License-Identifier: Apache-2.0
"""Where the report may go, and what it leaves alone there."""

from __future__ import annotations

import json
import os
import pty
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from .output_tree import DELETE, OutputTree, accounts_file, key, user

pytestmark = pytest.mark.e2e  # an interpreter for each

A, B = "111111111111", "222222222222"
HALF = "half-\N{REPLACEMENT CHARACTER}".encode()
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
    assert "'-s' / '--output-dir': it is empty; is a variable unset?" in done.stderr


@pytest.mark.parametrize("option", ["-o", "--plan"])
def test_an_empty_name_of_a_file_is_refused(tree, tmp_path, option):
    """It is no name of the current directory either, and nothing is left there."""
    before = sorted(tmp_path.iterdir())
    done = report(tree, option, "", text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert "it is empty; is a variable unset?" in done.stderr
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "place"),
    [(["--plan", "-"], "stdout"), (["--plan", "a.csv", "-o", "a.csv"], "a.csv")],
)
def test_report_and_plan_do_not_overwrite_each_other(tree, tmp_path, arguments, place):
    """Whichever came first would be lost."""
    done = report(tree, *arguments, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert f"the report and the plan cannot both go to {place}" in done.stderr


def test_the_plan_may_be_printed_if_the_report_goes_elsewhere(tree, tmp_path):
    """A pipeline that approves keys reads it from there."""
    tree.run(A, [user(A, "ci", key(1))], name="münchen", policy=DELETE)
    done = report(tree, "--plan", "-", "-o", tmp_path / "report.txt", text=True)
    assert done.stdout.startswith("AccountId,UserName,")
    assert key(1)["AccessKeyId"] in done.stdout


def test_a_link_that_leads_nowhere_makes_what_it_links_to(tree, tmp_path):
    """As every program that opens it would."""
    link = tmp_path / "link.csv"
    link.symlink_to("new.csv")
    assert report(tree, "--format", "csv", "-o", link).returncode == 0
    assert link.is_symlink()
    assert (tmp_path / "new.csv").read_text().startswith("account_id,")


def test_a_link_to_itself_is_a_sentence(tree, tmp_path):
    link = tmp_path / "link.csv"
    link.symlink_to("link.csv")
    done = report(tree, "-o", link, text=True)
    assert done.returncode == 2
    assert "link.csv cannot be written: Too many levels of symbolic links" in done.stderr


@pytest.mark.parametrize("limit", [0, 4096])
def test_a_report_that_does_not_fit_leaves_the_old_file(tree, tmp_path, limit):
    """The system refuses to let the file grow, at the first byte or in the middle."""
    tree.run(A, [user(A, f"user-{n}", key(n)) for n in range(100)], name="münchen")
    output = tmp_path / "report.csv"
    output.write_text("old")
    done = report(
        tree,
        *("--format", "csv", "-o", output),
        text=True,
        # The limit is for this file alone: nothing else is to be written.
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "COVERAGE_PROCESS_START": ""},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 2
    assert "report.csv cannot be written: File too large" in done.stderr
    assert output.read_text() == "old"
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize("format_", ["text", "csv", "json", "html"])
def test_a_reader_that_has_gone_changes_nothing(tree, tmp_path, format_):
    """As `head` has when it has seen enough: no traceback, and the status of the report."""
    listed = accounts_file(tmp_path / "accounts.yml", münchen=A, other=B)
    reading, writing = os.pipe()
    os.close(reading)
    done = report(
        tree, "-c", listed, "--format", format_,
        capture_output=False, stdout=writing, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.close(writing)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_of_another_encoding_has_its_colours(tree, encoding):
    """What it cannot show is drawn with other characters."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "110", "PYTHONIOENCODING": encoding}
    with subprocess.Popen(
        [COMMAND, "report", "-s", tree.root], stdout=theirs, stderr=theirs, env=environ
    ) as process:
        os.close(theirs)
        shown = everything(ours)
    assert process.returncode == 0, shown
    assert b"\x1b[1m" in shown
    assert (b"####" in shown) == (encoding != "utf-8")
    assert ("m\\xfcnchen" if encoding == "ascii" else "münchen").encode(encoding) in shown


def everything(descriptor: int) -> bytes:
    """What a terminal is shown until nobody writes there any more."""
    shown = b""
    try:
        while part := os.read(descriptor, 65536):
            shown += part
    except OSError:  # Linux says so when the other end is closed
        pass
    os.close(descriptor)
    return shown


@pytest.mark.parametrize("format_", ["text", "json", "html"])
def test_half_a_character_is_replaced_wherever_the_report_goes(tree, tmp_path, format_):
    """YAML and JSON can hold half a character, which no file of text can."""
    listed = tmp_path / "accounts.yml"
    listed.write_text(f'accounts: [{{account_id: "{B}", name: "half-\\ud800"}}]')
    arguments = ("-c", listed, "--format", format_)
    output = tmp_path / "report"
    assert report(tree, *arguments, "-o", output).returncode == 3
    assert HALF in output.read_bytes()
    done = report(tree, *arguments)
    assert done.returncode == 3
    assert HALF in done.stdout


def test_a_directory_whose_name_is_no_text_takes_the_report(tree, tmp_path):
    """Old file systems have names in other encodings than UTF-8."""
    directory = os.fsencode(tmp_path) + b"/caf\xe9"
    Path(os.fsdecode(directory)).mkdir()
    done = report(tree, "--format", "csv", "-o", directory + b"/report.csv")
    assert (done.returncode, done.stderr) == (0, b"")
    done = report(tree, "-o", directory + b"/no/report.csv")
    assert done.returncode == 2
    assert b"cannot be written: No such file or directory" in done.stderr
    assert b"Traceback" not in done.stderr
