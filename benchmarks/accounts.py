# SPDX-License-Identifier: Apache-2.0
"""One account: our shipped policies against Custodian's built-in filter and action."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
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

# IAM's own limits are unpublished; these throttle any client that asks as fast as it can.
AWS_LIKE_RATES = {
    "GetUser": 15.0,
    "ListAccessKeys": 15.0,
    "DeleteAccessKey": 5.0,
    "ListUsers": 5.0,
    "GetAccessKeyLastUsed": 15.0,
    "GetAccountAuthorizationDetails": 5.0,
}


@dataclass(frozen=True)
class Scenario:
    """An account, how AWS behaves, and what is asked for."""

    what: str
    users: int
    percent: int  # of the users have an inactive key
    latency: int  # milliseconds of each call
    rounds: int
    rates: Mapping[str, float] = field(default_factory=dict)

    @property
    def with_inactive(self) -> int:
        """How many users have an inactive key."""
        return self.users * self.percent // 100

    @property
    def name(self) -> str:
        """In words."""
        throttled = ", throttled" if self.rates else ""
        return f"{self.what}, {self.users:,} users, {self.percent} %, {self.latency} ms{throttled}"


QUICK = (
    Scenario(FIND, 100, 1, 0, 3),
    Scenario(FIND, 100, 1, 20, 1),
    Scenario(DELETE, 100, 100, 20, 1),
)
FULL = (
    Scenario(DELETE, 5000, 1, 20, 1),
    Scenario(FIND, 1000, 100, 20, 1),
    Scenario(DELETE, 1000, 100, 20, 1),
    Scenario(FIND, 1000, 1, 20, 1),
    Scenario(FIND, 100, 100, 20, 1, AWS_LIKE_RATES),
    Scenario(FIND, 300, 100, 20, 1, AWS_LIKE_RATES),
    Scenario(DELETE, 100, 100, 20, 1, AWS_LIKE_RATES),
    Scenario(FIND, 100, 1, 0, 3),
    Scenario(FIND, 5000, 1, 0, 1),
    Scenario(FIND, 100, 0, 20, 3),
    Scenario(FIND, 100, 1, 20, 3),
    Scenario(FIND, 100, 10, 20, 3),
    Scenario(FIND, 100, 100, 20, 3),
    Scenario(FIND, 100, 1, 100, 1),
    Scenario(DELETE, 100, 100, 100, 1),
    Scenario(FIND, 1000, 1, 0, 2),
    Scenario(DELETE, 100, 10, 20, 2),
    Scenario(FIND, 100, 100, 0, 3),
    Scenario(FIND, 1000, 100, 0, 1),
    Scenario(DELETE, 1000, 100, 0, 1),
    Scenario(FIND, 5000, 100, 0, 1),
)


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
    aws.behave(scenario.latency / 1000, scenario.rates)
    with tempfile.TemporaryDirectory() as directory:
        aws.start_count()
        usage = custodian_run(policy, aws.environ(ACCOUNT), Path(directory))
        calls, throttled, left = aws.calls(), aws.throttled(), aws.inactive_keys()
    expected = 0 if scenario.what == DELETE else scenario.with_inactive
    if not scenario.rates and (usage.status or left != expected):
        raise CommandFailedError(
            f"{scenario.name}: {policy['name']} ended with status {usage.status} and left {left} "
            f"inactive keys instead of {expected}:\n{usage.log[-2000:]}"
        )
    return Sample(usage.wall, usage.cpu, usage.memory, calls, throttled, usage.status, left)
