# SPDX-License-Identifier: Apache-2.0
"""The two commands that the tasks are made of: stock c7n-org, and our report."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from c7n_inactive_keys.core.errors import InactiveKeysError
from c7n_inactive_keys.report.command import report as report_command
from c7n_inactive_keys.report.read.org_log import ORG_END

STDERR = 2


class DiedError(InactiveKeysError):
    """c7n-org did not come to its end."""


def c7n_org(runs: Sequence[Sequence[str]], home: Path, log: Path, seconds: float) -> None:
    """Run stock c7n-org; what it says goes to this process's log as it comes, and to a file.

    `runs` are the arguments of each run, one after the other.

    A function that is killed leaves no file, so the journal's lines have to be in the log before
    the key is gone.

    Raises:
        DiedError: it was killed, or had not ended after so many seconds.
    """
    words = [json.dumps(arguments) for arguments in runs]
    process = subprocess.Popen(
        [sys.executable, "-m", "c7n_inactive_keys.organisation.single_process", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "HOME": str(home), "TMPDIR": str(home)},
    )
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    ended = 0
    with log.open("ab") as file:
        for line in process.stderr or ():
            os.write(STDERR, line)
            file.write(line)
            ended += bool(ORG_END.search(line.decode(errors="replace")))
    status = process.wait()
    late = not timer.is_alive()
    timer.cancel()
    if ended < len(runs):
        raise DiedError(_how(status, f"it had {seconds:.0f} s" if late else ""))


def _how(status: int, late: str) -> str:
    how = f"signal {-status}" if status < 0 else f"exit status {status}"
    return f"c7n-org did not come to its end ({', '.join(filter(None, (how, late)))})"


@dataclass(frozen=True, slots=True)
class Reported:
    """How the report command ended: its exit status, and what it said beside the report."""

    status: int
    said: str


def report(*arguments: object) -> Reported:
    """Run `c7n-inactive-keys report` in this process.

    Raises:
        click.UsageError: it cannot be made.
    """
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        status = report_command.main([str(word) for word in arguments], standalone_mode=False)
    os.write(STDERR, said.getvalue().encode())
    return Reported(int(status or 0), said.getvalue().strip())
