# SPDX-License-Identifier: Apache-2.0
"""This plugin beside its peers on one account of 200 users; `python -m benchmarks.peers` runs it.

Each peer is installed from PyPI into an environment of its own below the directory for temporary
files (some 3 GB in all, which stay for the next time), and runs in an account of its own of the
embedded AWS, all filled alike. What was deleted is told by that AWS, not by the peer. A peer that
cannot be run is named with the reason.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.commands import (
    BIN,
    DELETE,
    FIND,
    CommandFailedError,
    Usage,
    custodian_run,
    run,
    shipped_policy,
)
from c7n_inactive_keys_sandbox import Sandbox

USERS, WITH_INACTIVE, OFF_LATELY, YOUNG = 200, 135, 75, 5
DAYS = 90
LATENCY = 0.02  # seconds of each call
HOME = Path(tempfile.gettempdir()) / "c7n-inactive-keys-peers"


class NotRunError(Exception):
    """A peer cannot be run here, and why."""


@dataclass(frozen=True)
class Truth:
    """An inactive key, as the embedded AWS knows it."""

    user: str
    age: float  # days since creation
    inactive: float  # days since its deactivation


@dataclass(frozen=True)
class Row:
    """What a tool found, and what it did."""

    tool: str
    found: set[str] = field(default_factory=set)
    errors: Sequence[float] = ()  # days between what it says and the truth
    says: str = "nothing"
    deleted: set[str] | None = None  # None: it does not delete
    calls: int = 0
    seconds: float = 0.0
    reference: float = 1.0  # seconds that ours took just before


class Account:
    """An account of the embedded AWS for one tool."""

    def __init__(self, sandbox: Sandbox, account_id: str, home: Path) -> None:
        self.sandbox = sandbox
        self.id = account_id
        self.home = home
        self.truth = fill(sandbox, account_id)

    def environ(self, **more: str) -> dict[str, str]:
        """The environment of a command that acts as its administrator."""
        return {**self.sandbox.environ(self.id), "HOME": str(self.home), **more}

    def calls(self) -> int:
        """How many calls were made since the last time."""
        count = sum(self.sandbox.calls.by_action().values())
        self.sandbox.calls.clear()
        return count

    def inactive(self) -> set[tuple[str, str]]:
        """Users and the places of their inactive keys in the credential report."""
        content = self.sandbox.client("iam", self.id).get_credential_report()["Content"]
        return {
            (row["user"], place)
            for row in csv.DictReader(content.decode().splitlines())
            for place in "12"
            if row[f"access_key_{place}_active"] == "false"
            and row[f"access_key_{place}_last_rotated"] != "N/A"
        }

    def gone(self) -> set[str]:
        """The inactive keys that have been deleted."""
        left = {key.id for key in self.sandbox.account(self.id).keys}
        return set(self.truth) - left

    def of_users(self, names: set[str]) -> set[str]:
        """The inactive keys of these users."""
        return {key_id for key_id, truth in self.truth.items() if truth.user in names}

    def ages(self, key_ids: set[str]) -> list[float]:
        """How far the age since creation is from the time of inactivity."""
        return [self.truth[key].age - self.truth[key].inactive for key in key_ids]


def fill(sandbox: Sandbox, account_id: str) -> dict[str, Truth]:
    """Users with an active key each, most of them with an inactive one besides."""
    now = datetime.now(timezone.utc).replace(microsecond=0)
    account = sandbox.account(account_id, name="peers")
    truth = {}
    for number in range(USERS):
        user = account.user(f"user-{number:03}", created=now - timedelta(days=2000))
        user.key(now - timedelta(days=800), last_used=(now, "s3", "us-east-1"))
        if number >= WITH_INACTIVE:
            continue
        inactive = 1 + number if number < OFF_LATELY else 95 + 7 * (number - OFF_LATELY)
        age = 60 if number < YOUNG else inactive + 100 + number * 37 % 900
        off = now - timedelta(days=inactive)
        used = (off - timedelta(days=2), "s3", "us-east-1")
        key = user.key(now - timedelta(days=age), [off], last_used=used)
        truth[key.id] = Truth(user.name, age, inactive)
    return truth


# -- Custodian ------------------------------------------------------------------------------------


def ours(account: Account) -> Row:
    """Our shipped policies, which find and record, and delete what they find again a day later."""
    usage, users = custodian(account, shipped_policy(FIND))
    calls = account.calls()
    keys = {key["AccessKeyId"]: key for user in users for key in user["c7n:InactiveAccessKeys"]}
    errors = [outside(key["InactiveDays"], account.truth[key_id]) for key_id, key in keys.items()]
    widths = [
        days["AtMost"] - days["AtLeast"] for days in (k["InactiveDays"] for k in keys.values())
    ]
    says = f"an interval, in the median of {median(widths):.0f} days"
    custodian(account, {**shipped_policy(FIND), "actions": ["record-inactive-keys"]})
    account.sandbox.age(timedelta(days=1))
    custodian(account, shipped_policy(DELETE))
    return Row("this plugin", set(keys), errors, says, account.gone(), calls, usage.wall)


def outside(days: Mapping[str, float], truth: Truth) -> float:
    """How far the truth lies outside of an interval that is told to a tenth of a day."""
    return max(0.0, days["AtLeast"] - truth.inactive - 0.1, truth.inactive - days["AtMost"] - 0.1)


def built_in(account: Account) -> Row:
    """What is commonly written with Custodian's own elements."""
    policy: dict[str, Any] = {
        "name": "built-in",
        "resource": "aws.iam-user",
        "filters": [
            {"type": "access-key", "key": "Status", "value": "Inactive"},
            {
                "type": "access-key", "match-operator": "and", "key": "CreateDate",
                "value_type": "age", "op": "greater-than", "value": DAYS,
            },
        ],
    }  # fmt: skip
    usage, users = custodian(account, policy)
    calls = account.calls()
    found = {key["AccessKeyId"] for user in users for key in user["c7n:matched-keys"]}
    custodian(account, {**policy, "actions": [{"type": "remove-keys", "matched": True}]})
    says = "age since creation"
    return Row(
        "Custodian, built in", found, account.ages(found), says, account.gone(), calls, usage.wall
    )


def custodian(account: Account, policy: Mapping[str, Any]) -> tuple[Usage, list[dict[str, Any]]]:
    """A run of stock Custodian, and the users that matched."""
    with tempfile.TemporaryDirectory(dir=account.home) as directory:
        usage = custodian_run(policy, account.environ(), Path(directory))
        path = Path(directory, "out", policy["name"], "resources.json")
        if usage.status:
            raise CommandFailedError(usage.log[-2000:])
        users: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
        return usage, users


# -- others ---------------------------------------------------------------------------------------


def prowler(account: Account) -> Row:
    """Its two checks of access keys; they look at active ones."""
    python = installed("prowler==5.46.0")
    checks = ["iam_user_accesskey_unused", "iam_rotate_access_key_90_days"]
    usage = peer_run(
        account, python.with_name("prowler"), "aws", "--checks", *checks,
        "-M", "json-ocsf", "-o", account.home / "out", "-f", "us-east-1", "--no-banner",
    )  # fmt: skip
    (path,) = (account.home / "out").glob("*.ocsf.json")
    named = set()
    for finding in json.loads(path.read_text("utf-8")):
        key = re.search(r"access key (\d)", finding["status_detail"])
        if finding["status_code"] == "FAIL" and key:
            named |= {(resource["name"], key[1]) for resource in finding["resources"]}
    found = account.of_users({user for user, key in named if (user, key) in account.inactive()})
    return Row("Prowler 5.46.0", found, calls=account.calls(), seconds=usage.wall)


def scoutsuite(account: Account) -> Row:
    """Its rule of inactive keys that were not rotated for 90 days."""
    python = installed("ScoutSuite==5.14.0")
    usage = peer_run(
        account, python.with_name("scout"), "aws", "--services", "iam", "--no-browser", "--force",
        "--report-dir", account.home / "out",
    )  # fmt: skip
    (path,) = (account.home / "out" / "scoutsuite-results").glob("scoutsuite_results_*.js")
    iam = json.loads(path.read_text("utf-8").split("\n", 1)[1])["services"]["iam"]
    found = set()
    for item in iam["findings"]["iam-user-no-Inactive-key-rotation"]["items"]:
        _, _, user, _, place = item.split(".")
        found.add(iam["users"][user]["AccessKeys"][int(place)]["AccessKeyId"])
    says = "age since creation"
    return Row(
        "ScoutSuite 5.14.0", found, account.ages(found), says, None, account.calls(), usage.wall
    )


# It builds python-ldap from source, which needs C headers that PyPI does not have. Its policies on
# keys ask no directory, so an empty module takes the place.
LDAP = "SCOPE_SUBTREE = 2\n\n\ndef initialize(url):\n    return None\n"
POLICY = """\
import json, sys
from cloud_governance.policy.aws.delete_access_key import DeleteAccessKey
json.dump(DeleteAccessKey().run_policy_operations(), open(sys.argv[1], "w"), default=str)
"""


def cloud_governance(account: Account) -> Row:
    """Its policy `delete_access_key`, for keys that it did not deactivate itself as well."""
    python = installed("cloud-governance==1.1.485", without="python-ldap")
    next(python.parent.parent.glob("lib/*/site-packages")).joinpath("ldap.py").write_text(LDAP)
    out = account.home / "found.json"
    settings = {
        "policy": "delete_access_key",
        "account": "peers",
        "DELETE_INACTIVE_KEYS_WITHOUT_TAG": "True",
    }
    usage = peer_run(account, python, "-c", POLICY, out, **settings, dry_run="yes")
    calls = account.calls()
    found = account.of_users({item["ResourceId"] for item in json.loads(out.read_text("utf-8"))})
    peer_run(account, python, "-c", POLICY, out, **settings, dry_run="no")
    return Row(
        "cloud-governance 1.1.485", found, account.ages(found), "age since creation",
        account.gone(), calls, usage.wall,
    )  # fmt: skip


def peer_run(account: Account, /, *command: str | Path, **settings: str) -> Usage:
    """Run a peer.

    Raises:
        NotRunError: it did not leave what it should.
    """
    account.calls()
    usage = run(command, account.environ(**settings), account.home)
    # Prowler has 3 for findings, ScoutSuite 200.
    if usage.status not in (0, 3, 200):
        raise NotRunError(f"it ended with status {usage.status}: {last_line(usage.log)}")
    return usage


def installed(requirement: str, without: str | None = None) -> Path:
    """The interpreter of an environment that has this.

    Raises:
        NotRunError: it cannot be installed.
    """
    home = HOME / requirement
    python = home / "bin" / "python"
    ready = home / "ready"
    if ready.exists():
        return python
    HOME.mkdir(parents=True, exist_ok=True)
    uv = BIN / "uv"
    commands: list[list[str | Path]] = [
        [uv, "venv", "--clear", "--python", sys.executable, home],
        [uv, "pip", "install", "--python", python, requirement],
    ]
    if without:
        overrides = HOME / f"{requirement}.txt"
        overrides.write_text(f"{without} ; sys_platform == 'never'\n")
        commands[1] += ["--override", overrides]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotRunError(f"it cannot be installed: {last_line(done.stderr)}")
    ready.touch()
    return python


def last_line(text: str) -> str:
    """Where tools say what is wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


# -- the table ------------------------------------------------------------------------------------

TOOLS: tuple[Callable[[Account], Row], ...] = (
    ours,
    built_in,
    prowler,
    scoutsuite,
    cloud_governance,
)


def main() -> None:
    """Run all of them, one after the other, and print the table."""
    rows: list[Row] = []
    missing: list[str] = []
    truths: dict[str, Mapping[str, Truth]] = {}
    with tempfile.TemporaryDirectory() as directory, Sandbox() as sandbox:
        sandbox.latency = LATENCY
        sandbox.lookup_rate = 2
        for number, tool in enumerate(TOOLS, 1):
            home = Path(directory, str(number))
            home.mkdir()
            account = Account(sandbox, f"{number}" * 12, home)
            began = time.perf_counter()
            before, _ = custodian(account, shipped_policy(FIND))
            sandbox.calls.clear()
            try:
                row = tool(account)
            except NotRunError as error:
                missing.append(f"{tool.__name__}: not run: {error}")
                continue
            rows.append(replace(row, reference=row.seconds if tool is ours else before.wall))
            truths[row.tool] = account.truth
            print(f"{row.tool}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    print("\n".join([*table(rows, truths), *missing]))


def table(rows: Sequence[Row], truths: Mapping[str, Mapping[str, Truth]]) -> list[str]:
    """The rows in Markdown; seconds are ratios to ours, run just before."""
    columns = (
        "Tool",
        "Inactive keys found",
        "It says for how long",
        "Wrong by days: median, most",
        "Deleted",
        f"of these inactive for less than {DAYS} days",
        "Calls",
        "Time",
    )
    lines = [f"| {' | '.join(columns)} |", "|---|--:|---|--:|--:|--:|--:|--:|"]
    for row in rows:
        truth = truths[row.tool]
        wrong = f"{median(row.errors):.0f}, {max(row.errors):.0f}" if row.errors else ""
        deleted = "" if row.deleted is None else str(len(row.deleted))
        wrongly = sum(truth[key].inactive < DAYS for key in row.deleted or ())
        lines.append(
            f"| {row.tool} | {len(row.found)} of {len(truth)} | {row.says} | {wrong} | {deleted} "
            f"| {'' if row.deleted is None else wrongly} | {row.calls} "
            f"| {row.seconds / row.reference:.1f} |"
        )
    return lines


if __name__ == "__main__":
    main()
