# SPDX-License-Identifier: Apache-2.0
"""Do this machine's own commands see the plugin: `custodian`, and the workers of `c7n-org`?"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from c7n_inactive_keys import OPT_OUT, __version__
from c7n_inactive_keys.check.result import NOTE, OK, PROBLEM, Result

FILTER = "aws.iam-user.filters.inactive-access-key"
PATIENCE = 120  # seconds; the first start after an installation compiles all of Custodian

# What a worker of c7n-org does before it runs a policy. A script of its own, since spawn and
# forkserver import the main module again.
WORKER = '''
import c7n_org.cli
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

def seen():
    """Whether the plugin is there once the worker has loaded Custodian's resources."""
    from c7n.manager import resources
    from c7n.resources import load_resources
    load_resources(("aws.iam-user",))
    return "inactive-access-key" in resources.get("iam-user").filter_registry

if __name__ == "__main__":
    with ProcessPoolExecutor(1) as pool:
        answer = "seen" if pool.submit(seen).result() else "unseen"
        print(answer, multiprocessing.get_start_method())
'''

# What a command's Python can tell of why the plugin is not there.
ENVIRONMENT = """
import importlib.util, json, os, site, sys

sites = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
package = importlib.util.find_spec("c7n_inactive_keys")
print(json.dumps({
    "package": package and package.origin,
    "no_site": bool(sys.flags.no_site),
    "startup": [
        path
        for path in (os.path.join(place, "zz_c7n_inactive_keys" + end)
                     for place in sites for end in (".pth", ".start"))
        if os.path.exists(path)
    ],
}))
"""


def custodian() -> Result:
    """Ask the `custodian` command for the filter's help."""
    command = find_command("custodian")
    if command is None:
        return Result(PROBLEM, "custodian", "there is no such command on the PATH")
    done = _run([str(command), "schema", FILTER])
    if done.returncode == 0:
        return Result(OK, "custodian", f"{command} knows the plugin (version {__version__})")
    return Result(
        PROBLEM, "custodian", f"{command} does not know the plugin: {_why(command, done.stderr)}"
    )


def workers() -> Result:
    """Start a worker process as c7n-org does, with c7n-org's own Python, and ask it."""
    subject = "c7n-org workers"
    command = find_command("c7n-org")
    if command is None:
        return Result(NOTE, subject, "c7n-org is not installed (extra `org`)")
    done = _run_script(command, WORKER)
    said, _, method = done.stdout.strip().partition(" ") if done.returncode == 0 else ("", "", "")
    if said == "seen":
        return Result(OK, subject, f"the workers of {command} know the plugin")
    return Result(
        PROBLEM,
        subject,
        f"the workers of {command} do not know the plugin: {_why(command, done.stderr)}. c7n-org "
        f"would skip the policies with a warning and still end with status 0{_in_programs(method)}",
    )


def _in_programs(method: str) -> str:
    """What a program has to know that loads the plugin itself and has c7n-org start workers."""
    if method in ("", "fork"):
        return ""
    return (
        f". Its workers are started by {method}: a program that calls entry.initialize() must do "
        'so at the top level of its main script, not under `if __name__ == "__main__"`'
    )


# -- the commands ----------------------------------------------------------------------------------


def find_command(name: str) -> Path | None:
    """The command that a shell would run, else the one beside this Python."""
    found = shutil.which(name)
    if found:
        return Path(found)
    beside = Path(sys.executable).parent / name
    return beside if beside.exists() else None


def interpreter_of(script: Path) -> list[str]:
    """The Python that a console script runs with and its options, from the script's first lines.

    An installer writes `#!/path/python`, or, for a path with spaces or too long a one, a line for
    /bin/sh that ends in `exec` of the Python.
    """
    first, second, *_ = [*script.read_text(encoding="utf-8", errors="replace").split("\n", 2), ""]
    handed_on = re.match(r"'''exec' (.*?)(?: \"\$0\" \"\$@\")?$", second)
    words = shlex.split(handed_on.group(1)) if handed_on else first.removeprefix("#!").split()
    if not words:
        return [sys.executable]
    if Path(words[0]).name == "env" and len(words) > 1:
        name, *options = words[2:] if words[1] == "-S" else words[1:]
        return [shutil.which(name) or sys.executable, *options]
    return words


def _run_script(command: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script with the Python of a command, as that command would be run."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "script.py"
        path.write_text(script, encoding="utf-8")
        return _run([*interpreter_of(command), str(path)])


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, "", f"{command[0]}: {error.strerror}")
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"no answer in {PATIENCE} seconds")


# -- the reason ------------------------------------------------------------------------------------

_NOT_INSTALLED = "the plugin is not installed in the environment of that command"


def _why(command: Path, stderr: str) -> str:
    """The reason, as far as it can be told from here, and the way out."""
    otherwise = f"`c7n-inactive-keys {command.name} ...` runs it with the plugin"
    if os.environ.get(OPT_OUT, "").strip() == "0":
        return f"{OPT_OUT}=0 turns it off; {otherwise}"
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    for line in lines:
        if line.startswith("c7n-inactive-keys:"):
            return line
    if lines and "is not in the filters list" not in lines[-1]:
        return lines[-1]
    reason = _why_not_started(command)
    return f"{reason}; {otherwise}" if reason else _NOT_INSTALLED


def _why_not_started(command: Path) -> str | None:
    """Why the start-up files were not run; None if the package itself is not there."""
    done = _run_script(command, ENVIRONMENT)
    found = json.loads(done.stdout) if done.returncode == 0 else {}
    if not found.get("package"):
        return None
    package = Path(found["package"]).parent
    if found["no_site"]:
        return f"the package is there ({package}), but its Python runs with -S: no start-up files"
    if not found["startup"]:
        return (
            f"the package is there ({package}), but Python reads no start-up file of it: none of "
            "its site directories holds zz_c7n_inactive_keys.pth or .start, as after `pip install "
            "--target`, with PYTHONPATH, or from a wheel that was built without them"
        )
    return f"the package is there ({package}), but Python did not run {found['startup'][0]}"
