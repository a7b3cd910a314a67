# SPDX-License-Identifier: Apache-2.0
"""Commands, run and measured; and the two policies that are compared."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
FIND, DELETE = "find", "find and delete"


class CommandFailedError(Exception):
    """A measured command did not do its work, so its figures mean nothing."""


@dataclass(frozen=True)
class Usage:
    """What a command took: seconds, CPU seconds with its children's, MiB of its largest process."""

    wall: float
    cpu: float
    memory: float
    status: int
    log: str


def run(command: Sequence[str | Path], environ: Mapping[str, str], directory: Path) -> Usage:
    """Run a command and measure it; its output goes to the usage's log."""
    log = directory / "log"
    # Without bytecode every start would compile what an installed package has compiled.
    environ = {name: value for name, value in environ.items() if name != NO_BYTECODE}
    with log.open("wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            env=environ,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1024 if sys.platform != "darwin" else 1024 * 1024
    return Usage(
        wall,
        used.ru_utime + used.ru_stime,
        used.ru_maxrss / unit,
        process.returncode,
        log.read_text("utf-8", "replace"),
    )


def shipped_policy(what: str) -> dict[str, Any]:
    """Our policy as it is shipped, but with room for as many keys as the benchmark holds."""
    policies = yaml.safe_load((ROOT / "policies" / "inactive-keys.yml").read_text("utf-8"))
    name = "inactive-keys-report" if what == FIND else "inactive-keys-delete"
    policy: dict[str, Any] = next(p for p in policies["policies"] if p["name"] == name)
    policy = copy.deepcopy(policy)
    for action in policy.get("actions", ()):
        action["max-keys"] = 1_000_000
    return policy


def built_in_policy(what: str) -> dict[str, Any]:
    """What Custodian offers: users with a key whose Status is Inactive, those keys removed."""
    policy: dict[str, Any] = {
        "name": "built-in",
        "resource": "aws.iam-user",
        "filters": [{"type": "access-key", "key": "Status", "value": "Inactive"}],
    }
    if what == DELETE:
        policy["actions"] = [{"type": "remove-keys", "matched": True}]
    return policy


def write_policies(directory: Path, *policies: Mapping[str, Any]) -> Path:
    """A policy file."""
    path = directory / "policies.yml"
    path.write_text(yaml.safe_dump({"policies": [dict(policy) for policy in policies]}), "utf-8")
    return path


def custodian_run(policy: Mapping[str, Any], environ: Mapping[str, str], directory: Path) -> Usage:
    """Run one policy with stock custodian, from an empty cache; no output is left behind."""
    command: list[str | Path] = [
        BIN / "custodian",
        "run",
        "--cache-period",
        "0",
        "-s",
        directory / "out",
        write_policies(directory, policy),
    ]
    return run(command, environ, directory)
