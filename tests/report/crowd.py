# SPDX-License-Identifier: Apache-2.0
"""As many keys as one likes, in accounts of an organisation, of every kind that there is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from c7n_inactive_keys.report.model import ListedAccount, Report
from c7n_inactive_keys.report.read.collect import collect
from c7n_inactive_keys.report.summary import summarise

from .conftest import GENERATED
from .output_tree import (
    DEACTIVATE,
    DELETE,
    DENIED,
    NOW,
    POLICIES,
    REPORT,
    WATCH,
    OutputTree,
    active_entry,
    days_ago,
    entry,
    iso,
    key,
    unused,
    user,
    woken,
)

NAMES = (
    *("management", "payments", "web-shop", "data-platform", "ml-training", "identity"),
    *("logging", "development", "staging", "legacy", "sandbox-team-7", "archive", "security"),
)
USERS = ("ci", "deploy", "backup", "terraform", "report-export", "anna.keller@example.com", "db")
ACTORS = ("admin", "anna.keller", "automation-role/i-0a1b2c3d4e5f")
POLICY = {**POLICIES[REPORT], "metadata": {"owner-tag": "owner"}}


def crowd_report(root: Path, number: int) -> Report:
    """The report over a real run: so many inactive keys, a tenth as many unused ones, one woken."""
    tree = OutputTree(root / "out")
    accounts = [ListedAccount(f"{n:012d}", name) for n, name in enumerate(NAMES, 100000000001)]
    for place, account in enumerate(accounts[:-1]):
        _fill(tree, account, range(place, number, len(accounts) - 1))
    collection = collect([str(tree.root)])
    return summarise(collection, GENERATED, listed=accounts)


def _fill(tree: OutputTree, account: ListedAccount, numbers: range) -> None:
    found = {number: _key(number) for number in numbers}
    users = [_user(account, number, item) for number, item in found.items()]
    matched = [number for number, item in found.items() if item["InactiveDays"]["AtLeast"] >= 90]
    lines = [_line(account, number, found[number]) for number in matched]
    tree.run(account.account_id, users, name=account.name, data=POLICY)
    tree.run(
        account.account_id,
        [users[list(found).index(number)] for number in matched],
        name=account.name,
        policy=DELETE,
        journal=lines,
        failed=any(line["outcome"] == "failed" for line in lines),
    )
    _other_stages(tree, account, [number for number in numbers if number % 10 == 3])


def _other_stages(tree: OutputTree, account: ListedAccount, numbers: list[int]) -> None:
    idle = {number: unused(10**6 + number, 91 + number % 700, number % 3 > 0) for number in numbers}
    tree.run(
        account.account_id,
        [user(account.account_id, f"idle-{n}", unused=(item,)) for n, item in idle.items()],
        name=account.name,
        policy=DEACTIVATE,
        journal=[
            active_entry(
                account.account_id,
                f"idle-{n}",
                item,
                "skipped" if n % 20 == 3 else "deactivated",
                reason="used" if n % 20 == 3 else None,
                time=NOW + timedelta(seconds=5),
            )
            for n, item in idle.items()
        ],
    )
    awake = [user(account.account_id, "sleeper", woken=(woken(2 * 10**6, 407.5),))]
    found = awake if account.name == "identity" else []
    tree.run(account.account_id, found, name=account.name, policy=WATCH)


def _name(number: int) -> str:
    return f"{USERS[number % len(USERS)]}-{number}" if number >= len(USERS) else USERS[number]


def _key(number: int) -> dict[str, Any]:
    """Its proof is an event, silence, the ledger, silence that waits, or nothing."""
    days = 4 + number * 37 % 900
    age = days + 60 + number * 53 % 1200
    used = None if number % 4 == 0 else days + 3 + number % 50
    kind = number % 8
    if kind < 2:
        actor = f"arn:aws:iam::111111111111:user/{ACTORS[number % len(ACTORS)]}"
        return key(number, created=age, off=(days, days), used=used, actor=actor)
    if kind == 5:
        return key(number, created=age, off=(90, age), used=used, waits=timedelta(hours=2))
    if kind == 6:
        found = key(number, created=age, off=(0, age), used=used)
        found["Evidence"][-1] = {
            "Source": "cloudtrail",
            "Kind": "unavailable",
            "Reason": "Denied: x",
        }
        return found
    found = key(number, created=age, off=(min(days, 90.0), age), used=used)
    if kind == 7:
        ledger = {"Source": "ledger", "Kind": "inactive-throughout", "To": iso(days_ago(90))}
        found["Evidence"].append(ledger | {"From": iso(days_ago(90 + days))})
        found["InactiveDays"]["AtLeast"] = 90.0 + days
        found["InactiveSince"]["NotAfter"] = iso(days_ago(90 + days))
        found["InactiveSince"]["NotBefore"] = iso(days_ago(90 + days + 30))
        found["InactiveDays"]["AtMost"] = 120.0 + days
        found["CreateDate"] = iso(days_ago(age + 200))
    return found


def _user(account: ListedAccount, number: int, found: dict[str, Any]) -> dict[str, Any]:
    tags = {"owner": f"team-{number % 6}"} if number % 3 else {}
    if number % 5 == 0:
        tags[found["AccessKeyId"]] = "key of the old build server"
    if number % 17 == 0:
        tags["keep-keys"] = "until the audit"
    active = (f"AKIA{'B' * 8}{number:08d}",) if number % 3 == 0 else ()
    path = "/ci/" if number % 9 == 0 else "/"
    return user(account.account_id, _name(number), found, active=active, path=path, tags=tags)


def _line(account: ListedAccount, number: int, found: dict[str, Any]) -> dict[str, Any]:
    time = NOW + timedelta(seconds=20)
    outcome, reason, error = "deleted", None, None
    if number % 17 == 0:
        outcome, reason = "skipped", "exempt"
    elif number % 19 == 2:
        outcome, error = "failed", DENIED
    return entry(
        account.account_id, _name(number), found, outcome, time=time, reason=reason, error=error
    )
