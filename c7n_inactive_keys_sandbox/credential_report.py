# SPDX-License-Identifier: Apache-2.0
"""The credential report: made on demand, kept for four hours, in AWS's columns and words."""

from __future__ import annotations

import base64
import csv
import io
from datetime import timedelta
from typing import Any

from c7n_inactive_keys_sandbox.accounts import ACTIVE, Account, Key, Report, User
from c7n_inactive_keys_sandbox.protocol import ApiError, Request
from c7n_inactive_keys_sandbox.times import iso
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


def generate(world: World, request: Request) -> dict[str, Any]:
    """GenerateCredentialReport: STARTED, INPROGRESS, COMPLETE."""
    account = world.account_of(request)
    report = account.report
    if report and report.waiting:
        report.waiting -= 1
        return {"State": "INPROGRESS"}
    if report and (not world.report_snapshots or world.now() - report.generated < KEPT):
        return {"State": "COMPLETE"}
    account.report = _new(world, account)
    account.report.waiting = world.report_polls
    return {
        "State": "STARTED",
        "Description": "No report exists. Starting a new report generation task",
    }


def get(world: World, request: Request) -> dict[str, Any]:
    """GetCredentialReport: the report as it was when it was made."""
    account = world.account_of(request)
    if account.report is None:
        raise ApiError("ReportNotPresent")
    if account.report.waiting:
        account.report.waiting -= 1
        raise ApiError("ReportInProgress")
    if not world.report_snapshots:
        account.report = _new(world, account)
    if world.now() - account.report.generated >= KEPT:
        raise ApiError("ReportExpired")
    return {
        "Content": base64.b64encode(account.report.content.encode()).decode(),
        "ReportFormat": "text/csv",
        "GeneratedTime": account.report.generated,
    }


def _new(world: World, account: Account) -> Report:
    return Report(world.report_edit(render(account, world.report_root)), world.now())


def render(account: Account, root: bool = True) -> str:
    """The report of this moment: LF line ends, none at the end; root first."""
    users = [account.root] if root else []
    users += [account.users[name] for name in account.sorted_names()]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *map(_row, users)])
    return text.getvalue()[:-1]


def _row(user: User) -> list[str]:
    password = ["false", "N/A", "N/A", "N/A"]
    if user.password_enabled:
        used = iso(user.password_last_used) if user.password_last_used else "no_information"
        rotation = "not_supported" if user.is_root else "N/A"
        password = ["true", used, iso(user.created), rotation]
    # Slots go by AccessKeyId, not by age.
    keys: list[Key | None] = [*sorted(user.keys, key=lambda key: key.id), None, None]
    slots = [column for key in keys[:2] for column in _key_columns(key)]
    mfa = "true" if user.mfa_active else "false"
    certificates = ["false", "N/A"] * 2
    return [user.name, user.arn, iso(user.created), *password, mfa, *slots, *certificates]


def _key_columns(key: Key | None) -> list[str]:
    if key is None:
        return ["false", "N/A", "N/A", "N/A", "N/A"]
    columns = ["true" if key.status == ACTIVE else "false", iso(key.created)]
    if key.last_used is None:
        return [*columns, "N/A", "N/A", "N/A"]
    # The report knows last use by the minute only.
    used = key.last_used.time.replace(second=0)
    return [*columns, iso(used), key.last_used.region, key.last_used.service]
