# SPDX-License-Identifier: Apache-2.0
"""The stock commands of the environment that runs the tests, and what their runs leave behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import yaml

POLICIES = Path(__file__).parents[2] / "policies" / "inactive-keys.yml"
BIN = Path(sys.executable).parent
ACCOUNT = "123456789012"
COVERAGE = "COVERAGE_PROCESS_CONFIG"


def days_ago(days: float) -> datetime:
    """A moment in the past, in whole seconds."""
    return datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=days)


@dataclass(frozen=True)
class Run:
    """A finished command: exit status, what it printed, and its output directory."""

    status: int
    log: str
    out: Path

    def resources(self, policy: str) -> list[dict[str, Any]]:
        """The users that a policy of `custodian run` matched."""
        return json.loads((self.out / policy / "resources.json").read_text())

    def keys(self, policy: str) -> dict[str, dict[str, Any]]:
        """The matched keys by access key id."""
        return {
            key["AccessKeyId"]: key
            for user in self.resources(policy)
            for key in user["c7n:InactiveAccessKeys"]
        }

    def journal(self, policy: str) -> list[dict[str, Any]]:
        """The lines of the journal."""
        path = self.out / policy / "inactive-keys.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]


def run(command: list[Any], home: Path, sandbox: Any = None, **environ: str) -> Run:
    """Run an installed command in an empty home, as administrator of the test's account."""
    home.mkdir(parents=True, exist_ok=True)
    # Nothing of this process's environment, but what `make coverage` has put there.
    kept = {name: os.environ[name] for name in ("PATH", COVERAGE) if name in os.environ}
    base = {**kept, "HOME": str(home), **environ}
    env = {**base, **(sandbox.environ(ACCOUNT) if sandbox else {}), **environ}
    name, *arguments = map(str, command)
    done = subprocess.run(
        [BIN / name, *arguments], env=env, cwd=home, text=True, capture_output=True, check=False
    )
    return Run(done.returncode, done.stderr + done.stdout, home / "out")


def custodian(
    sandbox: Any, home: Path, *options: Any, policies: Path | list[dict[str, Any]] = POLICIES
) -> Run:
    """`custodian run` of policies, given as a file or as data, with output in home/out."""
    if not isinstance(policies, Path):
        home.mkdir(parents=True, exist_ok=True)
        path = home / "policies.yml"
        path.write_text(yaml.safe_dump({"policies": policies}))
        policies = path
    region = () if "-r" in options else ("-r", "us-east-1")
    cache = () if "--cache" in options else ("--cache-period", "0")
    command = ["custodian", "run", "-s", home / "out", *cache, *region, *options, policies]
    return run(command, home, sandbox)
