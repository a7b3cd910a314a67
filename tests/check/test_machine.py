# SPDX-License-Identifier: Apache-2.0
"""What `c7n-inactive-keys check` says of unusual machines."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from c7n_inactive_keys.check import loading
from c7n_inactive_keys.check.result import NOTE, PROBLEM

pytestmark = pytest.mark.e2e

# -- this machine ----------------------------------------------------------------------------------


@pytest.fixture(name="machine")
def _machine(tmp_path, monkeypatch):
    """A directory that is the whole PATH, on a machine without any other Custodian."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    return tmp_path


def command(machine: Path, name: str, script: str) -> None:
    """Put a command on the PATH."""
    path = machine / name
    path.write_text(script, encoding="utf-8")
    path.chmod(0o755)


def test_a_machine_without_custodian(machine):
    """No custodian is a problem; no c7n-org is not, since a single account does without."""
    assert loading.custodian().state == PROBLEM
    assert "there is no such command on the PATH" in loading.custodian().text
    assert loading.workers().state == NOTE
    assert "c7n-org is not installed" in loading.workers().text


def test_a_command_beside_the_python_is_found_without_a_path(machine):
    """As in an environment that nobody has activated."""
    command(machine, "beside", "#!/bin/sh\n")
    (machine / "elsewhere").mkdir()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PATH", str(machine / "elsewhere"))
        assert loading.find_command("beside") == machine / "beside"
        assert loading.find_command("nowhere") is None


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        pytest.param(
            "#!/bin/sh\nexit 1\n",
            "the plugin is not installed in the environment of that command",
            id="it says nothing",
        ),
        pytest.param(
            "#!/bin/sh\necho 'inactive-access-key is not in the filters list' >&2\nexit 1\n",
            "the plugin is not installed in the environment of that command",
            id="it does not know the filter",
        ),
        pytest.param(
            "#!/bin/sh\necho first >&2\necho 'no module named c7n' >&2\nexit 1\n",
            "does not know the plugin: no module named c7n",
            id="it does not start",
        ),
        pytest.param(
            "#!/bin/sh\necho 'c7n-inactive-keys: not loaded: why' >&2\necho more >&2\nexit 1\n",
            "does not know the plugin: c7n-inactive-keys: not loaded: why",
            id="our own warning",
        ),
        pytest.param("#!/nowhere/python\n", "No such file or directory", id="its Python is gone"),
    ],
)
def test_the_reason_is_what_the_command_says(machine, script, reason):
    """The sentence that helps, not just a status."""
    command(machine, "custodian", script)
    found = loading.custodian()
    assert found.state == PROBLEM
    assert reason in found.text


def test_a_command_that_hangs_is_given_up(machine, monkeypatch):
    """With the time that it was given."""
    monkeypatch.setattr(loading, "PATIENCE", 0.05)
    command(machine, "custodian", "#!/bin/sh\nread line < fifo\n")
    monkeypatch.chdir(machine)
    os.mkfifo("fifo")
    assert "no answer in 0.05 seconds" in loading.custodian().text


@pytest.mark.parametrize(
    ("script", "python"),
    [
        ("#!/usr/bin/env some-python\n", ["some-python"]),
        ("#!/usr/bin/env -S some-python -I\n", ["some-python", "-I"]),
        ("#!/usr/bin/env no-python\n", ["python"]),
        ("", ["python"]),
    ],
)
def test_the_python_of_a_script_that_does_not_name_a_path(machine, script, python):
    """What env finds on the PATH, else our own."""
    command(machine, "some-python", "#!/bin/sh\n")
    command(machine, "c7n-org", script)
    assert loading.interpreter_of(machine / "c7n-org") == [str(machine / python[0]), *python[1:]]


@pytest.mark.parametrize(
    ("script", "python"),
    [
        pytest.param("#!/venv/bin/python\nimport c7n\n", ["/venv/bin/python"], id="plain"),
        pytest.param("#!/venv/bin/python -sE\n", ["/venv/bin/python", "-sE"], id="options"),
        pytest.param(
            "#!/bin/sh\n'''exec' \"/a path/bin/python\" \"$0\" \"$@\"\n' '''\n",
            ["/a path/bin/python"],
            id="a path with spaces",
        ),
        pytest.param(
            "#!/bin/sh\n'''exec' /long/bin/python3 \"$0\" \"$@\"\n' '''\n",
            ["/long/bin/python3"],
            id="too long for a first line",
        ),
    ],
)
def test_the_python_of_a_console_script_is_read_from_its_first_lines(tmp_path, script, python):
    """The workers are asked with the Python that c7n-org really runs on."""
    path = tmp_path / "c7n-org"
    path.write_text(script, encoding="utf-8")
    assert loading.interpreter_of(path) == python


PYTHON_WITH_FORKSERVER = """#!/bin/sh
exec {python} -c 'import multiprocessing, runpy, sys
multiprocessing.set_start_method("forkserver")
sys.argv[:1] = []
runpy.run_path(sys.argv[0], run_name="__main__")' "$@"
"""


def test_where_workers_are_not_forked_programs_are_told_where_to_register(tmp_path, monkeypatch):
    """As on Python 3.14 and macOS: a worker that does not see the plugin is a problem."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("C7N_INACTIVE_KEYS_AUTOLOAD", "0")
    command(tmp_path, "python", PYTHON_WITH_FORKSERVER.format(python=sys.executable))
    command(tmp_path, "c7n-org", f"#!{tmp_path}/python\n")
    found = loading.workers()
    assert found.state == PROBLEM
    assert "Its workers are started by forkserver" in found.text
    assert "at the top level of its main script" in found.text
