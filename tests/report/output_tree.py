# SPDX-License-Identifier: Apache-2.0
"""Writes output trees in the form in which Custodian and c7n-org write them."""

from __future__ import annotations

import gzip
import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=timezone.utc)
DENIED = {"code": "AccessDenied", "message": "not authorized"}
REPORT = "inactive-keys-report"
DELETE = "inactive-keys-delete"
DEACTIVATE, WATCH, UNDO = "keys-deactivate", "keys-reactivated", "undo-deactivation"
POLICIES: dict[str, dict[str, Any]] = {
    REPORT: {
        "name": REPORT,
        "resource": "aws.iam-user",
        "source": "credential-report",
        "filters": [{"type": "inactive-access-key"}],
    },
    DEACTIVATE: {
        "name": DEACTIVATE,
        "resource": "aws.iam-user",
        "filters": [{"type": "unused-access-key", "days": 90}],
        "actions": [
            {"type": "deactivate-unused-keys", "max-keys": 5, "exempt-tag": "keep-keys"},
        ],
    },
    WATCH: {
        "name": WATCH,
        "resource": "aws.iam-user",
        "filters": [{"type": "reactivated-access-key", "after-days": 30}],
    },
    UNDO: {
        "name": UNDO,
        "resource": "aws.iam-user",
        "actions": [{"type": "reactivate-keys", "journal": {"url": "file://journal.jsonl"}}],
    },
    DELETE: {
        "name": DELETE,
        "resource": "aws.iam-user",
        "source": "credential-report",
        "filters": [
            {"not": [{"type": "value", "key": "tag:keep-keys", "value": "present"}]},
            {"type": "inactive-access-key", "days": 90},
        ],
        "actions": [
            {"type": "delete-inactive-keys", "max-keys": 50, "exempt-tag": "keep-keys"},
        ],
    },
}


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def days_ago(days: float, now: datetime = NOW) -> datetime:
    return now - timedelta(days=days)


def key(
    number: int,
    *,
    created: float = 1000,
    off: tuple[float, float] = (100, 400),
    used: float | None = None,
    now: datetime = NOW,
    actor: str | None = None,
    waits: timedelta | None = None,
    told: float | None = None,
) -> dict[str, Any]:
    """An entry of c7n:InactiveAccessKeys; `off` holds AtLeast and AtMost, in days.

    With `waits`, nothing is proven before so long from now; `told` is when its owner was.
    """
    at_least, at_most = off
    evidence = [{"Source": "key", "Kind": "created", "Time": iso(days_ago(created, now))}]
    if used is not None:
        evidence.append({"Source": "last-used", "Kind": "used", "Time": iso(days_ago(used, now))})
    if at_least == at_most:
        evidence.append(
            {
                "Source": "cloudtrail",
                "Kind": "deactivated",
                "Time": iso(days_ago(at_least, now)),
                "EventId": f"event-{number}",
                "Actor": actor or "arn:aws:iam::111111111111:user/admin",
            }
        )
    else:
        evidence.append(
            {
                "Source": "cloudtrail",
                "Kind": "inactive-throughout",
                "From": iso(days_ago(at_least, now)),
                "To": iso(now),
            }
        )
    days: dict[str, Any] = {"AtLeast": at_least, "AtMost": at_most}
    if waits:
        evidence[-1]["Waiting"] = "to be seen inactive again"
        days = {"AtLeast": 0.0, "AtMost": at_most}
        days["Unsettled"] = {"AtLeast": at_least, "Until": iso(now + waits)}
    return {
        "AccessKeyId": f"AKIA{number:016d}",
        "Status": "Inactive",
        "CreateDate": iso(days_ago(created, now)),
        "LastUsedDate": None if used is None else iso(days_ago(used, now)),
        "LastUsedService": None if used is None else "s3",
        "LastUsedRegion": None if used is None else "us-east-1",
        "InactiveSince": {
            "NotBefore": iso(days_ago(at_most, now)),
            "NotAfter": iso(now if waits else days_ago(at_least, now)),
        },
        "InactiveDays": days,
        "NotifiedDate": None if told is None else iso(days_ago(told, now)),
        "Evidence": evidence,
    }


def unused(number: int, days: float, used: bool = True, created: float = 1000) -> dict[str, Any]:
    """An entry of c7n:UnusedAccessKeys."""
    return {
        "AccessKeyId": f"AKIA{number:016d}",
        "Status": "Active",
        "CreateDate": iso(days_ago(created if used else days)),
        "LastUsedDate": iso(days_ago(days)) if used else None,
        "LastUsedService": "s3" if used else None,
        "LastUsedRegion": "us-east-1" if used else None,
        "UnusedDays": days,
    }


def woken(number: int, days: float, ago: float | None = 2) -> dict[str, Any]:
    """An entry of c7n:ReactivatedAccessKeys; `ago` None: event history does not hold the moment."""
    actor = None if ago is None else "arn:aws:iam::111111111111:user/mallory"
    return {
        "AccessKeyId": f"AKIA{number:016d}",
        "Status": "Active",
        "CreateDate": iso(days_ago(1000)),
        "LastUsedDate": None,
        "LastUsedService": None,
        "LastUsedRegion": None,
        "InactiveDays": {"AtLeast": days, "AtMost": days + 10},
        "ReactivatedAt": None if ago is None else iso(days_ago(ago)),
        "Actor": actor,
        "Evidence": [{"Source": "key", "Kind": "created", "Time": iso(days_ago(1000))}],
    }


def user(
    account_id: str,
    name: str,
    *keys: dict[str, Any],
    active: tuple[str, ...] = (),
    unused: tuple[dict[str, Any], ...] = (),
    woken: tuple[dict[str, Any], ...] = (),
    path: str = "/",
    tags: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A resource of iam-user with inactive keys, and the ids of active keys beside them."""
    listed = [
        {
            "UserName": name,
            "AccessKeyId": item["AccessKeyId"],
            "Status": "Inactive",
            "CreateDate": item["CreateDate"],
        }
        for item in keys
    ]
    active = (*active, *(item["AccessKeyId"] for item in (*unused, *woken)))
    listed += [
        {
            "UserName": name,
            "AccessKeyId": key_id,
            "Status": "Active",
            "CreateDate": "2026-01-01T00:00:00Z",
        }
        for key_id in active
    ]
    others = {"c7n:UnusedAccessKeys": unused, "c7n:ReactivatedAccessKeys": woken}
    return {
        "Path": path,
        "UserName": name,
        "UserId": f"AIDA{name.upper()}",
        "Arn": f"arn:aws:iam::{account_id}:user{path}{name}",
        "CreateDate": "2020-01-01T00:00:00Z",
        "Tags": [{"Key": k, "Value": v} for k, v in (tags or {}).items()],
        "c7n:AccessKeys": listed,
        "c7n:matched-keys": listed[: len(keys)],
        "c7n:InactiveAccessKeys": [{**item, "UserName": name} for item in keys],
        **{
            annotation: [{**item, "UserName": name} for item in items]
            for annotation, items in others.items()
            if items
        },
    }


def entry(
    account_id: str,
    user_name: str,
    found: dict[str, Any],
    outcome: str,
    *,
    time: datetime = NOW,
    run_id: str = "run-1",
    reason: str | None = None,
    error: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A line of a journal."""
    return {
        "format_version": 1,
        "time": iso(time),
        "run_id": run_id,
        "run_time": iso(time),
        "policy": DELETE,
        "account_id": account_id,
        "region": "us-east-1",
        "user_name": user_name,
        "access_key_id": found["AccessKeyId"],
        "created": found["CreateDate"],
        "outcome": outcome,
        "reason": reason,
        "error": error,
        "not_before": found["InactiveSince"]["NotBefore"],
        "not_after": found["InactiveSince"]["NotAfter"],
        "at_least_days": found["InactiveDays"]["AtLeast"],
        "at_most_days": found["InactiveDays"]["AtMost"],
        "evidence": found["Evidence"],
    }


def active_entry(
    account_id: str,
    user_name: str,
    found: dict[str, Any],
    outcome: str,
    *,
    policy: str = DEACTIVATE,
    days: float | None = 100.0,
    **options: Any,
) -> dict[str, Any]:
    """A line on a key that was to be deactivated; with `days` None, on one to be reactivated."""
    key_id, created = found["AccessKeyId"], found["CreateDate"]
    line = entry(account_id, user_name, key(0), outcome, **options)
    line |= {"access_key_id": key_id, "created": created, "policy": policy, "evidence": []}
    line |= {name: None for name in line if name.startswith(("not_", "at_"))}
    used = {"last_used": found.get("LastUsedDate"), "unused_days": days}
    return line if days is None else line | used


def unread(
    account_id: str,
    reason: str,
    user_name: str | None = None,
    found: dict[str, Any] | None = None,
    *,
    time: datetime = NOW,
    error: dict[str, str] | None = DENIED,
) -> dict[str, Any]:
    """A journal's line on something that was needed and could not be read."""
    line = entry(account_id, user_name or "", found or key(0), "unread", time=time, reason=reason)
    line["user_name"] = user_name
    line["access_key_id"] = found and found["AccessKeyId"]
    return {**line, "created": None, "error": error}


class OutputTree:
    """A directory that fills as if commands had been run with `-s` on it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(
        self,
        account_id: str,
        users: list[dict[str, Any]] | None = None,
        *,
        name: str | None = None,
        region: str = "us-east-1",
        policy: str = REPORT,
        started: datetime = NOW,
        dryrun: bool = False,
        journal: list[dict[str, Any]] | None = None,
        failed: bool = False,
        log: str = "",
        stamp: str = "",
        gz: bool = False,
        data: dict[str, Any] | None = None,
        metadata: bool = True,
    ) -> Path:
        """One policy's output; with a `name` as c7n-org lays it out, else as custodian does.

        `users` None: the run ended before it wrote resources.json.
        """
        place = self.root / (f"{name}/{region}/{policy}" if name else policy)
        place = place / stamp if stamp else place
        place.mkdir(parents=True, exist_ok=True)
        names = ["ResourceCount", "ResourceTime"] if users is not None else []
        names += ["PolicyException"] if failed or users is None else []
        files: dict[str, str] = {"custodian-run.log": log}
        if metadata:
            files["metadata.json"] = json.dumps(
                {
                    "policy": data or POLICIES.get(policy, {"name": policy}),
                    "version": "0.9.53",
                    "execution": {"id": "x", "start": started.timestamp(), "duration": 1.0},
                    "config": {"region": region, "account_id": account_id, "dryrun": dryrun},
                    "metrics": [{"MetricName": metric, "Value": 1} for metric in names],
                }
            )
        if users is not None:
            files["resources.json"] = json.dumps(users, indent=2)
        if journal is not None:
            files["inactive-keys.jsonl"] = "".join(json.dumps(line) + "\n" for line in journal)
        for file_name, text in files.items():
            if gz:
                (place / f"{file_name}.gz").write_bytes(gzip.compress(text.encode()))
            else:
                (place / file_name).write_text(text)
        return place


def too_deep(path: Path) -> None:
    """A directory that nobody can read: what is in it has a longer path than any may have."""
    path.mkdir(parents=True)
    before = os.open(".", os.O_RDONLY)
    os.chdir(path)
    for _ in range(os.pathconf("/", "PC_PATH_MAX") // 200 + 1):
        os.mkdir("d" * 200)  # noqa: PTH102 - a Path would be the whole, too long path
        os.chdir("d" * 200)
    os.fchdir(before)
    os.close(before)


def accounts_file(path: Path, **accounts: str) -> Path:
    """A c7n-org accounts file of name=account_id."""
    path.write_text(
        "accounts:\n"
        + "".join(
            f'- {{name: {name}, account_id: "{account_id}", regions: [us-east-1]}}\n'
            for name, account_id in accounts.items()
        )
    )
    return path
