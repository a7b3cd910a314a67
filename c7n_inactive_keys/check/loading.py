# SPDX-License-Identifier: Apache-2.0
"""Do this machine's own commands see the plugin: `custodian`, and the workers of `c7n-org`?"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from c7n_inactive_keys import __version__
from c7n_inactive_keys.autoload import OPT_OUT
from c7n_inactive_keys.check.result import NOTE, OK, PROBLEM, Result

FILTER = "aws.iam-user.filters.inactive-access-key"
PATIENCE = 120  # seconds; the first start after an installation compiles all of Custodian

# What a worker of c7n-org does before it runs a policy. A script of its own, since spawn and
# forkserver import the main module again.
WORKER = '''
import c7n_org.cli
from concurrent.futures import ProcessPoolExecutor

def seen():
    """Whether the plugin is there once the worker has loaded Custodian's resources."""
    from c7n.manager import resources
    from c7n.resources import load_resources
    load_resources(("aws.iam-user",))
    return "inactive-access-key" in resources.get("iam-user").filter_registry

if __name__ == "__main__":
    with ProcessPoolExecutor(1) as pool:
        print("seen" if pool.submit(seen).result() else "not seen")
'''


def custodian() -> Result:
    """Ask the `custodian` command for the filter's help."""
    command = find_command("custodian")
    if command is None:
        return Result(PROBLEM, "custodian", "there is no such command on the PATH")
    done = _run([str(command), "schema", FILTER])
    if done.returncode == 0:
        return Result(OK, "custodian", f"{command} knows the plugin (version {__version__})")
    return Result(PROBLEM, "custodian", f"{command} does not know the plugin: {_why(done.stderr)}")


def workers() -> Result:
    """Start a worker process as c7n-org does, with c7n-org's own Python, and ask it."""
    subject = "c7n-org workers"
    command = find_command("c7n-org")
    if command is None:
        return Result(NOTE, subject, "c7n-org is not installed (extra `org`)")
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / "worker.py"
        script.write_text(WORKER, encoding="utf-8")
        done = _run([str(interpreter_of(command)), str(script)])
    if done.returncode == 0 and done.stdout.strip() == "seen":
        return Result(OK, subject, f"the workers of {command} know the plugin")
    return Result(
        PROBLEM,
        subject,
        f"the workers of {command} do not know the plugin: {_why(done.stderr)}. c7n-org would "
        "skip the policies with a warning and still end with status 0",
    )


def find_command(name: str) -> Path | None:
    """The command that a shell would run, else the one beside this Python."""
    found = shutil.which(name)
    if found:
        return Path(found)
    beside = Path(sys.executable).parent / name
    return beside if beside.exists() else None


def interpreter_of(script: Path) -> Path:
    """The Python that a console script runs with, from its first lines.

    An installer writes `#!/path/python`, or, for a path with spaces or too long a one, a line for
    /bin/sh that ends in `exec` of the Python.
    """
    first, second, *_ = [*script.read_text(encoding="utf-8", errors="replace").split("\n", 2), ""]
    handed_on = re.match(r"'''exec' (.*)$", second)
    words = shlex.split(handed_on.group(1)) if handed_on else first.removeprefix("#!").split()
    if not words:
        return Path(sys.executable)
    if Path(words[0]).name == "env" and len(words) > 1:
        return Path(shutil.which(words[1]) or sys.executable)
    return Path(words[0])


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, "", f"{command[0]}: {error.strerror}")
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"no answer in {PATIENCE} seconds")


def _why(stderr: str) -> str:
    """The reason, as far as it can be told from here."""
    if os.environ.get(OPT_OUT, "").strip() == "0":
        return f"{OPT_OUT}=0 turns it off"
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    for line in lines:
        if line.startswith("c7n-inactive-keys:"):
            return line
    if lines and "is not in the filters list" not in lines[-1]:
        return lines[-1]
    return "the plugin is not installed in the environment of that command"
