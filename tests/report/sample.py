# SPDX-License-Identifier: Apache-2.0
"""An organisation with something of everything, hostile names included, over two weeks."""

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

A, B, C, D = "111111111111", "222222222222", "333333333333", "444444444444"
LISTED = (
    ListedAccount(A, "payments"),
    ListedAccount(B, '"><script>alert(1)</script>'),
    ListedAccount(C, "denied"),
    ListedAccount(D, "missing"),
)
LOGGED = "2026-11-20 04:00:09,001 - custodian.inactive-keys"
POLICY = {**POLICIES[REPORT], "metadata": {"owner-tag": "Owner"}}
# None of these could be an IAM user; a report must bear whatever stands in a file.
HOSTILE = ('<script>alert("x")</script>', "=cmd()|' /C calc'!A0", "'; --", "\x1b[31mred\u202e")


def write_sample(root: Path) -> tuple[OutputTree, OutputTree]:
    """The trees of two weekly runs."""
    last_week, this_week = OutputTree(root / "week-46"), OutputTree(root / "week-47")
    _write_last_week(last_week)
    _write_payments(this_week)
    _write_hostile(this_week)
    _write_stages(this_week)
    this_week.run(
        C, None, name="denied", log=f"{LOGGED} - ERROR - AccessDenied: iam:ListAccessKeys\n"
    )
    return last_week, this_week


def _write_last_week(tree: OutputTree) -> None:
    before = NOW - timedelta(days=7)
    payments = [
        user(A, "ci", key(1, off=(93, 93), used=140), key(2, off=(82.9, 400)), path="/ci/"),
        user(A, "old", key(3, created=2500, off=(1900, 2100))),
        user(A, "back", key(4, off=(20, 20))),
    ]
    tree.run(A, payments, name="payments", started=before)
    tree.run(B, [user(B, HOSTILE[0], key(10, off=(1, 1)))], name=LISTED[1].name, started=before)


def _write_payments(tree: OutputTree) -> None:
    """Found in two regions; one key deleted, one of an exempt user kept, one reactivated.

    Of one, silence still waits for an observation; one is root's, one Expired.
    """
    deleted, kept = key(1, off=(100, 100), used=147), key(3, created=2507, off=(1907, 2107))
    exempt = user(A, "old", kept, tags={"keep-keys": "yes"})
    waiting = key(6, off=(90, 300), used=301, waits=timedelta(hours=2), told=20)
    described = {"owner": "team-ci", key(2)["AccessKeyId"]: "the old build server"}
    found = [
        user(A, "ci", deleted, key(2, off=(89.9, 407)), path="/ci/", tags=described),
        exempt,
        user(A, "back", key(5, off=(3, 3), used=4), active=(key(4)["AccessKeyId"],)),
        user(A, "silent", waiting),
    ]
    noted = [_root_key(), _expired(key(7))]
    for region in ("us-east-1", "eu-west-1"):
        tree.run(A, found, name="payments", region=region, data=POLICY, journal=noted)
    tree.run(
        A,
        [user(A, "ci", deleted, path="/ci/"), exempt],
        name="payments",
        policy=DELETE,
        journal=[
            entry(A, "ci", deleted, "deleting"),
            entry(A, "ci", deleted, "deleted"),
            entry(A, "old", kept, "skipped", reason="exempt"),
        ],
    )


def _write_stages(tree: OutputTree) -> None:
    """Unused keys: one deactivated, one used meanwhile, one exempt; and one that woke."""
    idle, busy, kept = unused(21, 120), unused(22, 95.5), unused(23, 800, used=False)
    tree.run(
        A,
        [
            user(A, "idle", unused=(idle,)),
            user(A, "busy", unused=(busy,)),
            user(A, "kept", unused=(kept,), tags={"keep-keys": "yes"}),
        ],
        name="payments",
        policy=DEACTIVATE,
        journal=[
            active_entry(A, "idle", idle, "deactivated", time=NOW + timedelta(seconds=3)),
            active_entry(
                A, "busy", busy, "skipped", time=NOW + timedelta(seconds=3), reason="used"
            ),
            active_entry(
                A, "kept", kept, "skipped", time=NOW + timedelta(seconds=3), reason="exempt"
            ),
        ],
    )
    awake = user(A, "sleeper", woken=(woken(24, 310.4),))
    tree.run(A, [awake], name="payments", policy=WATCH)
    # A dry run in the other account.
    tree.run(
        B,
        [user(B, "lazy", unused=(unused(25, 99),))],
        name=LISTED[1].name,
        policy=DEACTIVATE,
        dryrun=True,
    )


def _root_key() -> dict[str, Any]:
    """What a run notes of root's inactive key, of which only the credential report tells."""
    found = key(0, created=3000, off=(0, 2500), used=2500)
    found["AccessKeyId"] = f"root-key-{days_ago(3000):%Y%m%dT%H%M%SZ}"
    found["Evidence"][-1] = {"Source": "credential-report", "Kind": "inactive", "Time": iso(NOW)}
    return entry(A, "<root_account>", found, "noted", reason="root-key")


def _expired(found: dict[str, Any]) -> dict[str, Any]:
    line = entry(A, "temporary", found, "noted", reason="expired")
    return line | {name: None for name in line if name.startswith(("not_", "at_"))}


def _write_hostile(tree: OutputTree) -> None:
    """Hostile names of account and users, hostile evidence, log and error."""
    hostile = [
        user(B, name, key(10 + number, off=(8 + number, 800 + number), used=900))
        for number, name in enumerate(HOSTILE)
    ]
    hostile[0]["c7n:InactiveAccessKeys"][0]["Evidence"].append(
        {"Source": "cloudtrail", "Kind": "unavailable", "Reason": "</script><b>&amp; =1+1"}
    )
    tree.run(B, hostile, name=LISTED[1].name)
    error = {"code": "AccessDenied", "message": "<svg onload=boom()>"}
    tree.run(
        B,
        [user(B, HOSTILE[1], key(11, off=(190, 801), used=900))],
        name=LISTED[1].name,
        policy=DELETE,
        failed=True,
        log=f"{LOGGED} - ERROR - <img src=x onerror=boom()>\n",
        journal=[entry(B, HOSTILE[1], key(11), "failed", time=days_ago(0), error=error)],
    )


def sample_report(root: Path) -> Report:
    """The report over the sample."""
    # The place of a tree stands in its problems, and golden files must not know where they ran.
    trees = write_sample(root)
    collection = collect([str(tree.root) for tree in trees])
    problems = tuple(text.replace(f"{root}/", "") for text in collection.problems)
    return summarise(type(collection)(collection.runs, problems), GENERATED, listed=LISTED)
