# SPDX-License-Identifier: Apache-2.0
"""What the tasks of deploy/organisation.yml take: visits by batch size, and the report at the end.

    python -m benchmarks.organisation_scale [--accounts 10000] [--keys-each 5]

Visits run against the embedded AWS, whose calls take 20 ms; the report is made of the batches'
reports, as files. Exit status 1: the report took more than 120 s or 1 GiB.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import click

from benchmarks.aws import LATENCY, MANAGEMENT, AwsProcess
from benchmarks.report_scale import FORMATS, START, write_tree

BUCKET = "inactive-keys-output"
POLICIES = Path("policies/inactive-keys.yml")
USERS, EVERY = 20, 5  # users an account; one of so many accounts has an inactive key
SIZES = {1: 5, 10: 2, 50: 1}  # accounts a batch: batches
BATCH = 10
SECONDS, MEBIBYTES = 120, 1024
HANDLERS = "import c7n_inactive_keys.organisation.handlers"


def visits(aws: Any) -> Iterator[str]:
    """A line for each size of batches."""
    from c7n_inactive_keys.organisation.batches import LOOK, in_batches
    from c7n_inactive_keys.organisation.bucket import Bucket
    from c7n_inactive_keys.organisation.visiting import Visit

    yield f"calls take {1000 * LATENCY:.0f} ms, {USERS} users an account"
    yield "accounts a batch  s an account  CPU s an account  calls an account  MiB"
    for size, number in SIZES.items():
        ids = aws.fill_organisation(size * number, USERS, EVERY)
        accounts = [
            {"account_id": account, "name": f"a-{account}", "regions": ["us-east-1"],
             "role": f"arn:aws:iam::{account}:role/CustodianInactiveKeysAudit"}
            for account in ids
        ]  # fmt: skip
        os.environ.update(aws.environ(MANAGEMENT))
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        aws.start_count()
        began, before = time.perf_counter(), processor_time()
        for item in in_batches(f"runs/2026-11-20/of-{size}", LOOK, accounts, size):
            with tempfile.TemporaryDirectory() as home:
                Visit(item, Bucket(BUCKET), POLICIES, Path(home)).make(3600, "1")
        seconds, cpu = time.perf_counter() - began, processor_time() - before
        calls = sum(aws.calls().values())
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        yield (
            f"{size:16} {seconds / len(ids):13.2f} {cpu / len(ids):17.2f} "
            f"{calls / len(ids):17.1f} {peak:4.0f}"
        )


def processor_time() -> float:
    """Of this process and those that it waited for, in seconds."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def cold_start() -> str:
    """How long a new process takes to import the handlers."""
    began, before = time.perf_counter(), processor_time()
    subprocess.run([sys.executable, "-c", HANDLERS], check=True)
    seconds, cpu = time.perf_counter() - began, processor_time() - before
    return f"cold start without the image's download: {seconds:.2f} s, CPU {cpu:.2f} s"


def write_shards(root: Path, accounts: int, keys_each: int) -> list[Path]:
    """Reports of batches: the real one of the first, and the others like it."""
    tree, first = root / "tree", root / "first.json"
    tree.mkdir()
    write_tree(tree, BATCH, keys_each)
    run_report("-s", tree, "-c", tree / "accounts.yml", "--format", "json", "-o", first)
    text = first.read_text()
    shards = []
    for start in range(0, accounts, BATCH):
        shards.append(root / f"{start:05d}.json")
        shards[-1].write_text(shifted(text, start))
    listed = [
        {"account_id": f"1000000{number:05d}", "name": f"account-{number:05d}"}
        for number in range(accounts)
    ]
    (root / "accounts.yml").write_text(json.dumps({"accounts": listed}))
    return shards


def shifted(text: str, start: int) -> str:
    """The report with other accounts and keys."""
    for number in range(BATCH) if start else ():
        for pattern in ("1000000{:05d}", "account-{:05d}", "AKIA000{:05d}"):
            text = text.replace(pattern.format(number), pattern.format(start + number))
    return text


def run_report(*arguments: object) -> tuple[float, float]:
    """Seconds and MiB of a report, in a process of its own."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", START, "report", *map(str, arguments)])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the report ended with status {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


@click.command()
@click.option("--accounts", type=click.IntRange(BATCH), default=10_000)
@click.option("--keys-each", type=click.IntRange(1), default=5)
def main(accounts: int, keys_each: int) -> None:
    """Measure and print."""
    click.echo(cold_start())
    with AwsProcess.started() as process:
        aws = process.EmbeddedAws()
        aws.behave()
        for line in visits(aws):
            click.echo(line)
    worst = (0.0, 0.0)
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        shards = write_shards(root, accounts, keys_each)
        size = sum(shard.stat().st_size for shard in shards) / 1e6
        click.echo(
            f"report of {accounts:,} accounts with {accounts * keys_each:,} keys, from "
            f"{len(shards):,} reports of batches, {size:.0f} MB"
        )
        sources = [word for shard in shards for word in ("-s", shard)]
        for format_ in FORMATS:
            target = ("--format", format_, "-o", root / f"report.{format_}")
            seconds, memory = run_report(*sources, "-c", root / "accounts.yml", *target)
            worst = max(worst[0], seconds), max(worst[1], memory)
            click.echo(f"{format_}: {seconds:.1f} s, {memory:.0f} MiB")
        document = json.loads((root / "report.json").read_bytes())
        totals, coverage = document["totals"], document["coverage"]
        click.echo(f"it has {totals['keys']:,} keys, and {coverage['read']:,} accounts were read")
    if worst[0] > SECONDS or worst[1] > MEBIBYTES:
        raise SystemExit(f"over the limit of {SECONDS} s and {MEBIBYTES} MiB")


if __name__ == "__main__":
    main()
