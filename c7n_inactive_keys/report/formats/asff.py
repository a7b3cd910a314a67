# SPDX-License-Identifier: Apache-2.0
"""The report as findings of Security Hub (ASFF), as BatchImportFindings takes them.

A JSON array with one finding a key. Security Hub imports 100 in a call and takes an account's
findings from that account (or its administrator), so import them account by account.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from c7n_inactive_keys.core.journal import REACTIVATED
from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.report.formats import findings
from c7n_inactive_keys.report.formats.findings import REMEDIATION, TOOL, Finding, known_days
from c7n_inactive_keys.report.formats.json_lines import array
from c7n_inactive_keys.report.glance import access_key, evidence, last_use
from c7n_inactive_keys.report.model import KeyRow, Report

TITLE_LENGTH = 256
DESCRIPTION_LENGTH = 1024
FIELD_LENGTH = 2048
RULE = "Software and Configuration Checks/AWS Security Best Practices"


def render(report: Report) -> Iterator[str]:
    """A JSON array, a finding a line."""
    return array(
        json.dumps(asff_finding(item), ensure_ascii=False) for item in findings.findings(report)
    )


def asff_finding(item: Finding) -> JsonObject:
    """One finding; the key is its resource, and its Id and GeneratorId never change."""
    row, user = item.row, item.row.user
    return {
        "SchemaVersion": "2018-10-08",
        "Id": item.uid,
        "ProductArn": (
            f"arn:{user.partition}:securityhub:{item.region}:{user.account_id}"
            f":product/{user.account_id}/default"
        ),
        "GeneratorId": f"{TOOL}/{item.kind}",
        "AwsAccountId": user.account_id,
        "Types": [RULE],
        "FirstObservedAt": item.first_seen,
        "LastObservedAt": max(item.first_seen, row.last_seen or ""),
        "CreatedAt": item.first_seen,
        "UpdatedAt": item.updated,
        "Severity": {"Label": item.severity},
        "Title": cut(item.title, TITLE_LENGTH),
        "Description": cut(item.description, DESCRIPTION_LENGTH),
        "Remediation": {"Recommendation": {"Text": REMEDIATION[item.kind]}},
        "ProductFields": _product_fields(item),
        "Resources": [_resource(item)],
        "Compliance": {"Status": "PASSED" if item.resolved else "FAILED"},
        "RecordState": "ARCHIVED" if item.resolved else "ACTIVE",
    }


def _resource(item: Finding) -> JsonObject:
    row, user = item.row, item.row.user
    return {
        "Type": "AwsIamAccessKey",
        "Id": f"AWS::IAM::AccessKey:{row.key.id}",
        "Partition": user.partition,
        "Region": item.region,
        "Details": {
            "AwsIamAccessKey": {
                "AccessKeyId": row.key.id,
                "AccountId": user.account_id,
                "CreatedAt": format_time(access_key(row).created),
                "PrincipalName": user.name,
                "PrincipalType": "IAMUser",
                "Status": "Active" if _is_active(item) else "Inactive",
            }
        },
    }


def _is_active(item: Finding) -> bool:
    return item.kind == findings.REACTIVATED or item.row.reason == REACTIVATED


def _product_fields(item: Finding) -> dict[str, str]:
    """What ASFF has no attribute for; Security Hub takes no empty values."""
    row, used = item.row, last_use(item.row).time
    days = {name.title().replace("_", ""): value for name, value in known_days(row).items()}
    fields = {
        "AccountName": row.account_name,
        "UserArn": row.user.arn,
        **{name: "" if value is None else str(value) for name, value in days.items()},
        "LastUsed": format_time(used) if used else "none recorded",
        "Evidence": "; ".join(evidence(row)),
        "Outcome": row.outcome or "",
        "Reason": row.reason or "",
        "SecondKeySlotBlocked": str(isinstance(row, KeyRow) and row.slot_blocked).lower(),
    }
    return {
        f"c7n-inactive-keys/{name}": cut(value, FIELD_LENGTH)
        for name, value in fields.items()
        if value.strip()
    }


def cut(text: str, length: int) -> str:
    """The text, or as much of it as fits."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
