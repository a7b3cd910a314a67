# SPDX-License-Identifier: Apache-2.0
"""One account: our shipped policies against Custodian's built-in filter and action."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.aws import ACCOUNT
from benchmarks.commands import (
    DELETE,
    FIND,
    CommandFailedError,
    built_in_policy,
    custodian_run,
    shipped_policy,
)
from benchmarks.ratios import Comparison, Sample


@dataclass(frozen=True)
class Scenario:
    """An account, and what is asked for."""

    what: str
    users: int
    percent: int  # of the users have an inactive key
    rounds: int

    @property
    def with_inactive(self) -> int:
        """How many users have an inactive key."""
        return self.users * self.percent // 100

    @property
    def name(self) -> str:
        """In words."""
        return f"{self.what}, {self.users:,} users, {self.percent} % with an inactive key"


QUICK = (Scenario(FIND, 100, 1, 1), Scenario(DELETE, 100, 100, 1))
FULL = (Scenario(FIND, 1000, 1, 3), Scenario(DELETE, 1000, 100, 3))


def compare(aws: Any, scenario: Scenario) -> Comparison:
    """Both ways in turn, each from the same fresh account; who goes first alternates."""
    comparison = Comparison(scenario.name)
    for number in range(scenario.rounds):
        ways = [
            (shipped_policy(scenario.what), comparison.ours),
            (built_in_policy(scenario.what), comparison.other),
        ]
        for policy, samples in ways if number % 2 == 0 else reversed(ways):
            samples.append(_measure(aws, scenario, policy))
    return comparison


def _measure(aws: Any, scenario: Scenario, policy: Mapping[str, Any]) -> Sample:
    aws.fill_account(scenario.users, scenario.with_inactive)
    aws.behave()
    with tempfile.TemporaryDirectory() as directory:
        aws.start_count()
        usage = custodian_run(policy, aws.environ(ACCOUNT), Path(directory))
        calls, left = aws.calls(), aws.inactive_keys()
    expected = 0 if scenario.what == DELETE else scenario.with_inactive
    if usage.status or left != expected:
        raise CommandFailedError(
            f"{scenario.name}: {policy['name']} ended with status {usage.status} and left {left} "
            f"inactive keys instead of {expected}:\n{usage.log[-2000:]}"
        )
    return Sample(usage.wall, usage.cpu, usage.memory, calls)
