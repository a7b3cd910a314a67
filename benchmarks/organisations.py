# SPDX-License-Identifier: Apache-2.0
"""An organisation through c7n-org: our report policy against a policy that does nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.aws import MANAGEMENT
from benchmarks.commands import (
    BIN,
    FIND,
    CommandFailedError,
    run,
    shipped_policy,
    write_policies,
)
from benchmarks.ratios import Comparison, Sample

USERS_EACH = 20
# Run on accounts without users it makes one call: the least that a policy on IAM users can do.
EMPTY_POLICY = {"name": "empty", "resource": "aws.iam-user"}


@dataclass(frozen=True)
class Organisation:
    """So many accounts; one in ten has an inactive key, and AWS has to make all reports."""

    accounts: int
    rounds: int

    @property
    def name(self) -> str:
        """In words."""
        return f"report on {self.accounts:,} accounts, against an empty policy"


QUICK = (Organisation(10, 1),)
FULL = (Organisation(100, 3),)


def compare(aws: Any, organisation: Organisation) -> Comparison:
    """Both policies in turn over the same accounts; who goes first alternates."""
    comparison = Comparison(organisation.name)
    for number in range(organisation.rounds):
        ways = [(shipped_policy(FIND), comparison.ours), (EMPTY_POLICY, comparison.other)]
        for policy, samples in ways if number % 2 == 0 else reversed(ways):
            samples.append(_measure(aws, organisation, policy))
    return comparison


def _measure(aws: Any, organisation: Organisation, policy: Mapping[str, Any]) -> Sample:
    users = USERS_EACH if policy is not EMPTY_POLICY else 0
    account_ids = aws.fill_organisation(organisation.accounts, users, every=10)
    aws.behave()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "cache").mkdir()
        command: list[str | Path] = [
            BIN / "c7n-org",
            "run",
            "-c",
            _accounts_file(directory, account_ids),
            "-s",
            directory / "out",
            "-u",
            write_policies(directory, policy),
            "--cache-period",
            "0",
            "--cache-path",
            directory / "cache",
        ]
        aws.start_count()
        usage = run(command, aws.environ(MANAGEMENT), directory)
        calls = aws.calls()
        done = len(list((directory / "out").glob("*/*/*/resources.json")))
    if usage.status or done != organisation.accounts:
        raise CommandFailedError(
            f"{organisation.name}: {policy['name']} ended with status {usage.status} and read "
            f"{done} accounts:\n{usage.log[-2000:]}"
        )
    return Sample(usage.wall, usage.cpu, usage.memory, calls)


def _accounts_file(directory: Path, account_ids: Sequence[str]) -> Path:
    path = directory / "accounts.yml"
    accounts = [
        {
            "account_id": account_id,
            "name": f"account-{account_id}",
            "regions": ["us-east-1"],
            "role": f"arn:aws:iam::{account_id}:role/CustodianInactiveKeys",
        }
        for account_id in account_ids
    ]
    path.write_text(yaml.safe_dump({"accounts": accounts}), "utf-8")
    return path
