# SPDX-License-Identifier: Apache-2.0
"""Commands, run as on a fresh machine; those of the installation borrow their start."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.support.borrowed import BORROWED, PATIENCE, forker
from tests.support.paths import BIN

# Settings that an interpreter reads when it starts, and our start-up files.
AT_START = ("PYTHON", "C7N_INACTIVE_KEYS_")


def clean_environ(**more: str) -> dict[str, str]:
    """An environment as on a fresh machine: no AWS identity, no Python path, no opt-out."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "PYTHON", "C7N_", "VIRTUAL_ENV"))
    }
    return {**kept, "AWS_EC2_METADATA_DISABLED": "true", **more}


@dataclass(frozen=True)
class Running:
    """A command that was started."""

    command: tuple[str, ...]
    pid: int
    wait: Callable[[], int]
    stdout: IO[bytes]
    stderr: IO[bytes]

    def end(self) -> subprocess.CompletedProcess[str]:
        """Wait for its end: exit status, negative for a signal, and what it wrote."""
        status = self.wait()
        return subprocess.CompletedProcess(
            self.command, status, _content(self.stdout), _content(self.stderr)
        )


def start(
    *command: object,
    cwd: Path | None = None,
    text: str = "",
    settings: Mapping[str, Any] | None = None,
    file_size: int = 0,
    **environ: str,
) -> Running:
    """Start a command, in a session of its own.

    The bare name of a command of the installation borrows its start from a process that has
    imported it, unless the environment says something about the start itself. A path to it, or any
    other command, starts a process of its own.

    Args:
        command: the command and its arguments.
        cwd: its working directory.
        text: its standard input.
        settings: constants of modules that it has otherwise, to shorten waits; this and the next
            are possible of a borrowed start only.
        file_size: in bytes; no file may grow beyond it, as if the disk were full.
        environ: what is in its environment beyond what a fresh machine has.
    """
    words = tuple(map(str, command))
    environ = clean_environ(**environ)
    with _file(text) as stdin:
        streams = (stdin, _file(), _file())
        if words[0] in BORROWED and not any(name.startswith(AT_START) for name in environ):
            pid, wait = forker(words[0]).start(
                {
                    "command": words[0],
                    "arguments": words[1:],
                    "directory": str(cwd or Path.cwd()),
                    "environ": environ,
                    "settings": dict(settings or {}),
                    "file_size": file_size,
                },
                [stream.fileno() for stream in streams],
            )
        elif settings or file_size:
            raise ValueError(f"only a borrowed start can have these: {settings}, {file_size}")
        else:
            pid, wait = _start_process(words, cwd, environ, streams)
    return Running(words, pid, wait, *streams[1:])


def run(*command: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """A command's outcome; a failing one is for the test to judge. Options are those of `start`."""
    return start(*command, **options).end()


def must(*command: object, **options: Any) -> str:
    """The output of a command that has to succeed."""
    done = run(*command, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _start_process(
    words: tuple[str, ...],
    cwd: Path | None,
    environ: dict[str, str],
    streams: tuple[IO[bytes], ...],
) -> tuple[int, Callable[[], int]]:
    name = BIN / words[0] if words[0] in BORROWED else words[0]
    stdin, stdout, stderr = streams
    process = subprocess.Popen(
        [name, *words[1:]], cwd=cwd, env=environ, start_new_session=True,
        stdin=stdin, stdout=stdout, stderr=stderr,
    )  # fmt: skip

    def wait() -> int:
        try:
            return process.wait(PATIENCE)
        finally:
            process.kill()  # if it is still there

    return process.pid, wait


def _file(text: str = "") -> IO[bytes]:
    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - the process goes on with it
    file.write(text.encode())
    file.seek(0)
    return file


def _content(file: IO[bytes]) -> str:
    with file:
        file.seek(0)
        return file.read().decode()
