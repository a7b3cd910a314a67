# SPDX-License-Identifier: Apache-2.0
"""How long the report takes, and how much memory, for three sizes of an organisation.

    python benchmarks/report_scale.py [--accounts 10000] [--keys-each 20] [--directory DIR]

Writes output trees as c7n-org does (one report policy in each account), runs the real command in
a process of its own for each format, and prints seconds and peak memory. Exit status 1: the
largest size took more than 60 s or 1 GiB.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

FIRST = 100000000000  # the id of the first account
NOW = datetime(2026, 11, 20, 4, 0, tzinfo=timezone.utc)
POLICY: dict[str, Any] = {
    "name": "inactive-keys-report",
    "resource": "aws.iam-user",
    "source": "credential-report",
    "filters": [{"type": "inactive-access-key"}],
}
SECONDS, MEBIBYTES = 60, 1024
FORMATS = ("json", "html")
START = "from c7n_inactive_keys.cli import main; main()"
FRACTIONS = (0.1, 0.3, 1.0)


def iso(days_ago: float) -> str:
    """A time so many days before NOW."""
    return (NOW - timedelta(days=days_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def user(account_id: str, number: int) -> dict[str, Any]:
    """A user with one inactive key, as the filter annotates it."""
    name, key_id = f"service-{number:04d}", f"AKIA{account_id[-8:]}{number:08d}"
    created = 400 + (number * 37 + int(account_id)) % 2000
    key = {
        "UserName": name,
        "AccessKeyId": key_id,
        "Status": "Inactive",
        "CreateDate": iso(created),
    }
    found = {
        **key,
        "LastUsedDate": iso(200.5) if number % 3 else None,
        "LastUsedService": "s3" if number % 3 else None,
        "LastUsedRegion": "us-east-1" if number % 3 else None,
        "InactiveSince": {"NotBefore": iso(200.5), "NotAfter": iso(90)},
        "InactiveDays": {"AtLeast": 90.0, "AtMost": 200.5},
        "Evidence": [
            {"Source": "key", "Kind": "created", "Time": iso(created)},
            {"Source": "last-used", "Kind": "used", "Time": iso(200.5)},
            {"Source": "cloudtrail", "Kind": "inactive-throughout", "From": iso(90), "To": iso(0)},
        ],
    }
    return {
        "Path": "/service/",
        "UserName": name,
        "UserId": f"AIDA{number:017d}",
        "Arn": f"arn:aws:iam::{account_id}:user/service/{name}",
        "CreateDate": iso(created),
        "Tags": [{"Key": "Owner", "Value": "somebody@example.org"}],
        "c7n:AccessKeys": [key],
        "c7n:matched-keys": [key],
        "c7n:InactiveAccessKeys": [found],
    }


def run_files(account_id: str, keys_each: int, started: datetime = NOW) -> dict[str, str]:
    """What Custodian leaves of one run in one account."""
    metadata = {
        "policy": POLICY,
        "version": "0.9.53",
        "execution": {"id": "x", "start": started.timestamp(), "duration": 1.0},
        "config": {"region": "us-east-1", "account_id": account_id, "dryrun": True},
        "metrics": [{"MetricName": "ResourceCount", "Value": keys_each}],
    }
    users = [user(account_id, key) for key in range(keys_each)]
    return {
        "custodian-run.log": "",
        "metadata.json": json.dumps(metadata),
        "resources.json": json.dumps(users, indent=2),
    }


def write_accounts(path: Path, accounts: int) -> None:
    """The accounts file of c7n-org."""
    listed = [
        f'- {{name: account-{number:05d}, account_id: "{FIRST + number}"}}\n'
        for number in range(accounts)
    ]
    path.write_text("accounts:\n" + "".join(listed))


def write_tree(root: Path, accounts: int, keys_each: int) -> None:
    """Output of c7n-org over so many accounts."""
    for number in range(accounts):
        place = root / f"account-{number:05d}" / "us-east-1" / POLICY["name"]
        place.mkdir(parents=True)
        for name, text in run_files(str(FIRST + number), keys_each).items():
            (place / name).write_text(text)
    write_accounts(root / "accounts.yml", accounts)


def measure(root: Path, format_: str) -> tuple[float, float, int]:
    """Seconds, peak MiB and bytes written of one report."""
    output = root / f"report.{format_}"
    command = [
        sys.executable,
        "-c",
        START,
        "report",
        "-s",
        str(root),
        "-c",
        str(root / "accounts.yml"),
        "--format",
        format_,
        "-o",
        str(output),
    ]
    began = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"the report ended with status {os.waitstatus_to_exitcode(status)}")
    return seconds, usage.ru_maxrss / 1024, output.stat().st_size


def main() -> None:
    """Measure all sizes and judge the largest."""
    parser = argparse.ArgumentParser(description="Measure the report on a large organisation.")
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--keys-each", type=int, default=20)
    parser.add_argument("--directory", help="where to write the trees (default: a temporary one)")
    options = parser.parse_args()
    worst_seconds = worst_memory = 0.0
    print("accounts     keys  format  seconds  us/key    MiB  output MB")
    for fraction in FRACTIONS:
        accounts = round(options.accounts * fraction)
        keys = accounts * options.keys_each
        with tempfile.TemporaryDirectory(dir=options.directory) as directory:
            root = Path(directory)
            write_tree(root, accounts, options.keys_each)
            for format_ in FORMATS:
                seconds, memory, size = measure(root, format_)
                worst_seconds = max(worst_seconds, seconds)
                worst_memory = max(worst_memory, memory)
                print(
                    f"{accounts:8,} {keys:8,}  {format_:6}  {seconds:7.1f} "
                    f"{seconds / keys * 1e6:7.0f} {memory:6.0f} {size / 1e6:10.1f}",
                    flush=True,
                )
    if worst_seconds > SECONDS or worst_memory > MEBIBYTES:
        raise SystemExit(f"over the limit of {SECONDS} s and {MEBIBYTES} MiB")


if __name__ == "__main__":
    main()
