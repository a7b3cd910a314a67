# SPDX-License-Identifier: Apache-2.0
"""What c7n-org printed of accounts and policies that failed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from c7n_inactive_keys.report.model import FailureKey, OrgFailure
from c7n_inactive_keys.report.read.run_log import reason_words

ORG_STAMP = re.compile(r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d+: c7n_org:")
ORG_RAN = re.compile(r"Ran account:.* time:(?P<seconds>\d+(?:\.\d+)?)$")
ORG_END = re.compile(r"Policy resource counts ")
ORG_FAILURES = (
    re.compile(
        r"Error running policy in (?P<account>.+?) @ (?P<region>\S+) exception: (?P<text>.+)"
    ),
    re.compile(
        r"Exception running policy:(?P<policy>\S+) account:(?P<account>.+?) "
        r"region:(?P<region>\S+) error:(?P<text>.+)"
    ),
    re.compile(
        r"(?P<text>(?P<left>Access denied) api:\S+) policy:(?P<policy>\S+) "
        r"account:(?P<account>.+?) region:(?P<region>\S+)"
    ),
)
# What Custodian says of a policy with our filter, action or source when it does not know them.
NOT_LOADED = re.compile(
    r"Invalid (?:filter|action) type .*(?:inactive-access-key|(?:delete|record)-inactive-keys)"
    r"|credential-report.* is not one of"
)


class _OrgRun:
    """The lines of one run of c7n-org, as they come."""

    def __init__(self) -> None:
        self.began: datetime | None = None
        self.failures: dict[FailureKey, tuple[str, bool, datetime | None]] = {}

    def add(self, line: str) -> None:
        stamp = ORG_STAMP.search(line)
        time = _local_time(stamp["time"]) if stamp else None
        if time:
            ran = ORG_RAN.search(line)
            began = time - timedelta(seconds=float(ran["seconds"]) if ran else 0)
            self.began = min(self.began or began, began)
        for pattern in ORG_FAILURES:
            if found := pattern.search(line):
                groups = found.groupdict()
                text = reason_words(groups["text"])
                if NOT_LOADED.search(text):
                    text = f"plugin not loaded: {text}"
                policy = groups.get("policy")
                leaves = policy is None or bool(groups.get("left"))
                key = groups["account"], policy, groups["region"]
                self.failures[key] = text, leaves, time
                break


def org_failures(lines: Iterable[str]) -> dict[FailureKey, OrgFailure]:
    """What c7n-org printed of failures, the last of each kind; one log may hold several runs."""
    runs = [_OrgRun()]
    for line in lines:
        runs[-1].add(line)
        if ORG_END.search(line):
            runs.append(_OrgRun())
    return {
        key: OrgFailure(text, leaves, time, run.began)
        for run in runs
        for key, (text, leaves, time) in run.failures.items()
    }


def _local_time(text: str) -> datetime | None:
    """The logging module writes local time; a report is taken to be made where c7n-org ran."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
