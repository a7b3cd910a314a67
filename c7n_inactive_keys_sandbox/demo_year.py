# SPDX-License-Identifier: Apache-2.0
"""The end of the demo: a year of one key under policies/key-lifecycle.yml, in six lines.

Stock `custodian` runs the whole file on six days of the year; each line is what that run wrote.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from c7n_inactive_keys_sandbox.server import Sandbox

LIFECYCLE, NOTIFY = "key-lifecycle.yml", "key-lifecycle-notify"
COMMAND = ("custodian", "run", "-r", "us-east-1", "--cache-period", "0")
ACCOUNT = "200000000001"
LAST_USED, REACTIVATED = 120, 230  # days of the key's life
RUNS = (211, 212, 300, 321, 322, 352)
WORDS = {
    "deactivated": "deactivated: nobody has used it for {unused_days} days",
    "told": "its owner is told when it will be deleted",
    "skipped": "left alone, though unused for {unused_days} days: {reason} on day {woken}",
    "deleted": "deleted: inactive for {at_least_days} days, its owner told {told} days ago",
}


def year_of_a_key(sandbox: Sandbox, out: Path) -> Iterator[str]:
    """The command, and a line for each run of it, as soon as that is over."""
    yield f"$ {' '.join(COMMAND)} -s year/day-N {LIFECYCLE}"
    sandbox.client("sqs", ACCOUNT).create_queue(QueueName="c7n-mailer")
    key = sandbox.account(ACCOUNT, name="a-year").user("ci").key()
    today = told = 0
    for day in sorted({LAST_USED, REACTIVATED, *RUNS}):
        sandbox.age(timedelta(days=day - today))
        today = day
        if day == LAST_USED:
            key.use(sandbox.now())
        elif day == REACTIVATED:
            key.activate()
        else:
            line = _run(sandbox, out, f"year/day-{day}")
            told = day if line["outcome"] == "told" else told
            words = WORDS[line["outcome"]].format_map(
                {**line, "told": day - told, "woken": REACTIVATED}
            )
            yield f"  day {day}  {words}"


def _run(sandbox: Sandbox, out: Path, name: str) -> dict[str, Any]:
    """Run all policies of the file; what the journals say of the key then, or that it was told."""
    here = out / name
    here.mkdir(parents=True)
    with (here / "custodian.log").open("wb") as log:
        done = subprocess.run(
            [str(Path(sys.executable).parent / COMMAND[0]), *COMMAND[1:], "-s", name, LIFECYCLE],
            env=sandbox.environ(ACCOUNT), cwd=out, stderr=log, check=False,
        )  # fmt: skip
    if done.returncode:
        raise click.ClickException(f"custodian failed; its log is {here / 'custodian.log'}")
    journals = sorted(here.glob("*/inactive-keys.jsonl"))
    lines = [json.loads(line) for path in journals for line in path.read_text().splitlines()]
    told = json.loads((here / NOTIFY / "resources.json").read_text())
    lines += [{"outcome": "told" if told else "nothing"}]
    return next(line for line in lines if line["outcome"] in WORDS)
