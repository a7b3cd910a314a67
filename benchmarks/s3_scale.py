# SPDX-License-Identifier: Apache-2.0
"""The report over an organisation's output in S3: time, memory and requests.

    python -m benchmarks.s3_scale [--accounts 10000] [--keys-each 5] [--days 365]

The bucket holds the runs of one policy in each account, three objects each, on so many days; each
request to it takes 20 ms. Prints what the real command takes for the latest runs, in a bucket of
one day and in the whole one, and for all runs `--since` a week ago. Exit status 1: one of them took
more than 1 GiB.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.report_scale import START, iso, write_accounts
from benchmarks.s3_server import FILES, Bucket, bucket

MEBIBYTES = 1024
WEEK = ("--since", iso(6.5))


@dataclass(frozen=True)
class Measured:
    """What one report took."""

    seconds: float
    cpu: float
    mebibytes: float
    requests: int
    keys: int
    read: int


def measure(source: Bucket, home: Path, *arguments: str) -> Measured:
    """Run the real command in a process of its own."""
    output, before = home / "report.json", source.requests()
    words = ("-s", source.source, "-c", home / "accounts.yml", "-o", output, *arguments)
    command = [sys.executable, "-c", START, "report", *map(str, words)]
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **source.environ}, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"the report ended with status {os.waitstatus_to_exitcode(status)}")
    document = json.loads(output.read_bytes())
    return Measured(
        seconds,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
        source.requests() - before - 1,
        document["totals"]["keys"],
        document["coverage"]["read"],
    )


@click.command()
@click.option("--accounts", type=click.IntRange(1), default=10_000)
@click.option("--keys-each", type=click.IntRange(1), default=5)
@click.option("--days", type=click.IntRange(8), default=365)
def main(accounts: int, keys_each: int, days: int) -> None:
    """Measure and print."""
    worst = 0.0
    click.echo("read       objects        s   CPU s    MiB  requests    keys  accounts read")
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        write_accounts(home / "accounts.yml", accounts)
        for what, held, arguments in (
            ("latest", 1, ()),
            ("latest", days, ()),
            ("a week", days, WEEK),
        ):
            with bucket(accounts, held, keys_each) as source:
                taken = measure(source, home, *arguments)
            worst = max(worst, taken.mebibytes)
            objects = accounts * held * len(FILES)
            click.echo(
                f"{what:7} {objects:10,} {taken.seconds:8.1f} {taken.cpu:7.1f} "
                f"{taken.mebibytes:6.0f} {taken.requests:9,} {taken.keys:7,} {taken.read:14,}"
            )
    if worst > MEBIBYTES:
        raise SystemExit(f"over the limit of {MEBIBYTES} MiB")


if __name__ == "__main__":
    main()
