# SPDX-License-Identifier: Apache-2.0
"""Runs of the commands that borrow their start from a process that has imported them: forker.py."""

from __future__ import annotations

import atexit
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.paths import BIN, ROOT

# The commands of the installation that can be run so.
BORROWED = ("custodian", "c7n-org", "c7n-inactive-keys", "c7n-mailer")
PATIENCE = 300
SHIM = Path(__file__).with_name("shim.py")


_STARTING = threading.Lock()
_forbidden = threading.Event()


def forbid() -> None:
    """Let no test of this process start a command."""
    _forbidden.set()


class Forker:
    """The process that forks for a command."""

    def __init__(self, command: str, directory: Path) -> None:
        self.address = str(directory / command)
        environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "C7N_"))
        }
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.address)
            listener.listen(64)
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.forker", command, str(listener.fileno())],
                stdin=subprocess.PIPE, pass_fds=[listener.fileno()], env=environ, cwd=ROOT,
            )  # fmt: skip

    def close(self) -> None:
        """Let the runs end, and then the process that starts them."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)

    def start(
        self, order: Mapping[str, Any], streams: Sequence[int]
    ) -> tuple[int, Callable[[], int]]:
        """Start a run: its process id, and what waits for its exit status."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        connection.connect(self.address)
        line = json.dumps(order).encode() + b"\n"
        sent = socket.send_fds(connection, [line], streams)
        connection.sendall(line[sent:])
        answers = connection.makefile()
        pid = int(answers.readline())

        def wait() -> int:
            with connection, answers:
                try:
                    return int(answers.readline())
                except TimeoutError:
                    os.kill(pid, signal.SIGKILL)
                    raise

        return pid, wait


def forker(command: str) -> Forker:
    """The one forker of this process for a command, which all tests of a worker share."""
    if _forbidden.is_set():
        raise RuntimeError(f"a test that starts {command} needs the mark e2e")
    with _STARTING:
        return _forker(command)


@cache
def _forker(command: str) -> Forker:
    made = Forker(command, _directory())
    atexit.register(made.close)
    return made


@cache
def shims() -> Path:
    """A directory with the commands, for where a shell or a subprocess starts them by name."""
    directory = _directory() / "bin"
    directory.mkdir()
    for name in BORROWED:
        words = (sys.executable, "-I", "-S", SHIM, forker(name).address, BIN / name)
        (directory / name).write_text(f'#!/bin/sh\nexec {shlex.join(map(str, words))} "$@"\n')
        (directory / name).chmod(0o755)
    return directory


@cache
def _directory() -> Path:
    made = tempfile.TemporaryDirectory(prefix="forkers-")
    atexit.register(made.cleanup)
    return Path(made.name)
