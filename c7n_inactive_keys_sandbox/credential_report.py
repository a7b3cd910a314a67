# SPDX-License-Identifier: Apache-2.0
"""The credential report: made on demand, kept for four hours, in AWS's columns and words."""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys_sandbox.books import ACTIVE, Account, Key, User, now
from c7n_inactive_keys_sandbox.protocol import ApiError, Request

if TYPE_CHECKING:
    from c7n_inactive_keys_sandbox.world import World

KEPT = timedelta(hours=4)
_KEY_COLUMNS = ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")
COLUMNS = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    *(f"access_key_{slot}_{column}" for slot in (1, 2) for column in _KEY_COLUMNS),
    "cert_1_active",
    "cert_1_last_rotated",
    "cert_2_active",
    "cert_2_last_rotated",
)


@dataclass
class ReportState:
    """An account's report; `waiting` calls still find it in progress."""

    content: str
    generated: datetime
    waiting: int = 0

    def age(self, by: timedelta) -> None:
        """Let time pass."""
        self.generated -= by


def generate(world: World, request: Request) -> dict[str, Any]:
    """GenerateCredentialReport: STARTED, INPROGRESS, COMPLETE."""
    account = _account(world, request)
    report = account.report
    if report and report.waiting:
        report.waiting -= 1
        return {"State": "INPROGRESS"}
    if report and (not world.report_snapshots or now() - report.generated < KEPT):
        return {"State": "COMPLETE"}
    content = render(account, world.report_quotes)
    account.report = ReportState(content, now(), world.report_polls)
    return {
        "State": "STARTED",
        "Description": "No report exists. Starting a new report generation task",
    }


def get(world: World, request: Request) -> dict[str, Any]:
    """GetCredentialReport: the report as it was when it was made."""
    account = _account(world, request)
    report = account.report
    if report is None:
        raise ApiError("ReportNotPresent")
    if report.waiting:
        report.waiting -= 1
        raise ApiError("ReportInProgress")
    if not world.report_snapshots:
        report.content, report.generated = render(account, world.report_quotes), now()
    if now() - report.generated >= KEPT:
        raise ApiError("ReportExpired")
    return {
        "Content": base64.b64encode(report.content.encode()).decode(),
        "ReportFormat": "text/csv",
        "GeneratedTime": report.generated,
    }


def render(account: Account, quotes: bool = True) -> str:
    """The report of this moment: LF line ends, none at the end; root first.

    Without `quotes` a comma in a user's name is not told from one between columns.
    """
    rows = [list(COLUMNS), _row(account.root)]
    rows += [_row(account.users[name]) for name in account.sorted_names()]
    if not quotes:
        return "\n".join(",".join(row) for row in rows)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()[:-1]


def _row(user: User) -> list[str]:
    root = user is user.account.root
    arn = f"arn:{user.account.state.partition}:iam::{user.account.id}:root" if root else user.arn
    if user.password_enabled:
        used = _time(user.password_last_used, "no_information")
        password = ["true", used, format_time(user.created), "not_supported" if root else "N/A"]
    else:
        password = ["false", "N/A", "N/A", "N/A"]
    # Slots go by AccessKeyId, not by age.
    keys: list[Key | None] = [*sorted(user.keys, key=lambda key: key.id), None, None]
    slots = [column for key in keys[:2] for column in _key_columns(key)]
    mfa = "true" if user.mfa_active else "false"
    return [
        user.name,
        arn,
        format_time(user.created),
        *password,
        mfa,
        *slots,
        "false",
        "N/A",
        "false",
        "N/A",
    ]


def _key_columns(key: Key | None) -> list[str]:
    if key is None:
        return ["false", "N/A", "N/A", "N/A", "N/A"]
    columns = ["true" if key.status == ACTIVE else "false", format_time(key.created)]
    if key.last_used is None:
        return [*columns, "N/A", "N/A", "N/A"]
    # The report knows last use by the minute only.
    used = key.last_used.time.replace(second=0)
    return [*columns, format_time(used), key.last_used.region, key.last_used.service]


def _time(moment: datetime | None, otherwise: str) -> str:
    return format_time(moment) if moment else otherwise


def _account(world: World, request: Request) -> Account:
    assert request.principal is not None
    return world.state.account(request.principal.account_id)
