# SPDX-License-Identifier: Apache-2.0
"""How large the Lambda archives of the shipped policies are, and how long a cold start takes.

    python -m benchmarks.lambda_archive [--starts 5]

Builds each archive by Custodian's own code, unpacks it, and starts a fresh interpreter that sees
only the archive and boto3, against the embedded AWS. Prints a table: size packed and unpacked,
the plugin's share of it, and medians of the seconds for the import of the handler, the first event
and a second one. Exit status 1: an archive is larger than 1.5 MB.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from c7n_inactive_keys.check.archive import PACKAGE, build, make_runtime
from c7n_inactive_keys.yaml_lists import read_list
from c7n_inactive_keys_sandbox import Sandbox

ROOT = Path(__file__).parents[1]
LAMBDA = ROOT / "tests" / "serverless" / "lambda_runtime.py"
ACCOUNT = "123456789012"
LARGEST = 1_500_000
SCHEDULED_EVENT = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}


@dataclass(frozen=True)
class Measurement:
    """Of one policy; sizes in bytes, times in seconds."""

    name: str
    packed: int
    unpacked: int
    plugin: int
    start: float
    first: float
    second: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=5, help="cold starts a policy")
    starts = parser.parse_args().starts
    measured = []
    print(f"{'policy':28} {'packed':>9} {'unpacked':>10} {'plugin':>8}"
          f" {'import':>7} {'first':>7} {'second':>7}")  # fmt: skip
    with Sandbox() as sandbox, tempfile.TemporaryDirectory() as directory:
        for policy, event in events(sandbox):
            found = measure(sandbox, Path(directory), policy, event, starts)
            measured.append(found)
            print(f"{found.name:28} {found.packed:9,} {found.unpacked:10,} {found.plugin:8,}"
                  f" {found.start:6.2f}s {found.first:6.2f}s {found.second:6.2f}s")  # fmt: skip
    if max(found.packed for found in measured) > LARGEST:
        sys.exit(f"an archive is larger than {LARGEST:,} bytes")


def events(sandbox: Sandbox) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The shipped Lambda policies, each with an event of its kind."""
    now = datetime.now(timezone.utc)
    user = sandbox.account(ACCOUNT).user("ci")
    user.key(created=now - timedelta(days=400)).deactivate(now - timedelta(minutes=10))
    switched_off = sandbox.account(ACCOUNT).events[-1].envelope()
    for path in sorted((ROOT / "policies").glob("*.yml")):
        for policy in read_list(path, "policies"):
            mode = policy.get("mode")
            if mode:
                mode.pop("execution-options", None)  # the upload is S3's time, not ours
                yield policy, switched_off if mode["type"] == "cloudtrail" else SCHEDULED_EVENT


def measure(
    sandbox: Sandbox, directory: Path, policy: dict[str, Any], event: dict[str, Any], starts: int
) -> Measurement:
    """Build the archive, and start it so many times."""
    content = build(policy)
    archive = zipfile.ZipFile(io.BytesIO(content))
    task, runtime = directory / policy["name"], directory / "runtime"
    if not runtime.exists():
        make_runtime(runtime)
    archive.extractall(task)
    answers = []
    for _ in range(starts):
        for cache in task.rglob("__pycache__"):  # Lambda starts without byte code
            shutil.rmtree(cache)
        answers.append(start(sandbox, task, runtime, policy, event))
    return Measurement(
        policy["name"], len(content),
        sum(item.file_size for item in archive.infolist()),
        sum(item.compress_size for item in archive.infolist()
            if item.filename.startswith(f"{PACKAGE}/")),
        statistics.median(answer[0]["cold_start"] for answer in answers),
        statistics.median(answer[1]["seconds"] for answer in answers),
        statistics.median(answer[2]["seconds"] for answer in answers),
    )  # fmt: skip


def start(
    sandbox: Sandbox, task: Path, runtime: Path, policy: dict[str, Any], event: dict[str, Any]
) -> list[dict[str, Any]]:
    """One cold start with two events; the answers."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", LAMBDA, task, runtime, policy["mode"]["handler"]],
        input=f"{json.dumps(event)}\n" * 2, capture_output=True, text=True, check=True,
        env=sandbox.environ(ACCOUNT, {"PATH": os.environ["PATH"]}) | {
            "AWS_LAMBDA_FUNCTION_NAME": policy["name"], "AWS_REGION": "us-east-1",
        },
    )  # fmt: skip
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if any(answer.get("error") for answer in answers):
        sys.exit(f"{policy['name']} failed: {answers}")
    return answers


if __name__ == "__main__":
    main()
