# SPDX-License-Identifier: Apache-2.0
"""What the plugin costs at the start of an interpreter and of custodian, with and without it."""

from __future__ import annotations

import os
import shutil
import sysconfig
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

from benchmarks.commands import ROOT, CommandFailedError, run, write_policies
from benchmarks.ratios import Comparison, Sample

STARTUP = ROOT / "startup"
CUSTODIAN = "from c7n.cli import main; main()"
# A policy that both sides understand.
POLICY = {
    "name": "built-in",
    "resource": "aws.iam-user",
    "filters": [{"type": "access-key", "key": "Status", "value": "Inactive"}],
}


def environment(directory: Path, hook: bool) -> Path:
    """A virtual environment that sees this one's packages, with or without our hook; its python.

    A directory named in a .pth is only added to the path: the .pth files in it are not executed.
    """
    venv.create(directory, with_pip=False, symlinks=True)
    python = directory / "bin" / "python"
    site = next(directory.glob("lib/python*/site-packages"))
    (site / "packages.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT}\n")
    if hook:
        shutil.copytree(STARTUP, site, dirs_exist_ok=True)
    return python


def compare(rounds: int) -> list[Comparison]:
    """Interpreter, `custodian version` and `custodian validate`, with and without in turn.

    Comparison.ours is with the plugin, other without it.
    """
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        pythons = [environment(directory / str(hook), hook) for hook in (True, False)]
        policies = str(write_policies(directory, POLICY))
        return [
            _compare("start of Python", pythons, ["-c", "pass"], rounds * 6, directory),
            _compare("custodian version", pythons, ["-c", CUSTODIAN, "version"], rounds, directory),
            _compare(
                "custodian validate",
                pythons,
                ["-c", CUSTODIAN, "validate", policies],
                rounds,
                directory,
            ),
        ]


def _compare(
    name: str, pythons: Sequence[Path], arguments: list[str], rounds: int, directory: Path
) -> Comparison:
    comparison = Comparison(name)
    environ = {
        **os.environ,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
    }
    ways = list(zip(pythons, (comparison.ours, comparison.other), strict=True))
    for number in range(-1, rounds):  # the first one only fills the bytecode and disk caches
        for python, samples in ways if number % 2 == 0 else reversed(ways):
            usage = run([python, *arguments], environ, directory)
            if usage.status:
                raise CommandFailedError(f"{name} ended with {usage.status}: {usage.log}")
            if number >= 0:
                samples.append(Sample(usage.wall, usage.cpu, usage.memory))
    return comparison
