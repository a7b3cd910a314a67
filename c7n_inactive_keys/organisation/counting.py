# SPDX-License-Identifier: Apache-2.0
"""The task between the visits: what would be deleted in all accounts, and whether it may be.

The second visit deletes only what this task has counted: the keys of its plan.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from c7n_inactive_keys.core.errors import PlanError
from c7n_inactive_keys.core.json_types import JsonMapping, JsonObject
from c7n_inactive_keys.core.keys import INACTIVE, AccessKey
from c7n_inactive_keys.core.plan import COLUMNS, READER_COLUMNS, Plan, read_plan
from c7n_inactive_keys.core.times import parse_time
from c7n_inactive_keys.organisation.batches import DELETE, in_batches, to_delete_in
from c7n_inactive_keys.organisation.bucket import Bucket
from c7n_inactive_keys.organisation.commands import report
from c7n_inactive_keys.organisation.gathering import gathered
from c7n_inactive_keys.organisation.listing import items_key
from c7n_inactive_keys.organisation.settings import Settings
from c7n_inactive_keys.report.plan_file import NoDeletePolicyError
from c7n_inactive_keys.report.words import counted

Row = Mapping[str, str]


def count(settings: Settings, event: JsonMapping, home: Path) -> JsonObject:
    """Write the plan and the items of the second visit; the state machine's state after it."""
    bucket, prefix = Bucket(settings.bucket), event["prefix"]
    rows = _would_be_deleted(bucket, prefix, home)
    stopped = ""
    try:
        rows = _approved(bucket, settings.plan_key, rows)
    except PlanError as error:
        rows, stopped = [], f"nothing was deleted: {error}"
    bucket.put(f"{prefix}/plan.csv", _written(rows).encode())
    stopped = (stopped or hindrance(rows, settings.max_keys)) if settings.delete else ""
    state = {**event, "planned": len(rows), "stopped": stopped}
    if stopped or not (rows and settings.delete):
        return state
    items = _items(bucket, settings, prefix, rows)
    bucket.put(items_key(prefix, DELETE), json.dumps(items).encode())
    return {**state, "phase": DELETE, "items": items_key(prefix, DELETE)}


def _would_be_deleted(bucket: Bucket, prefix: str, home: Path) -> list[Row]:
    plan = home / "plan.csv"
    target = ("--format", "json", "-o", home / "look.json", "--plan", plan)
    try:
        report(*gathered(bucket, prefix, home), *target)
    except click.UsageError as error:
        if isinstance(error.__cause__, NoDeletePolicyError):
            return []
        raise
    return _rows(plan.read_text(encoding="utf-8"))


def _approved(bucket: Bucket, key: str, rows: list[Row]) -> list[Row]:
    if not key:
        return rows
    content = bucket.get_if_there(key)
    if content is None:
        raise PlanError(f"there is no approved plan {key}")
    return approved(rows, read_plan(_rows(content.decode("utf-8-sig"))))


def approved(rows: Sequence[Row], plan: Plan) -> list[Row]:
    """Those of the keys that an approved plan lists as they are now."""
    return [row for row in rows if plan.approves(_key(row), row["AccountId"])]


def hindrance(rows: Sequence[Row], max_keys: int) -> str:
    """Why nothing is deleted; empty: nothing speaks against it."""
    if not max_keys or len(rows) <= max_keys:
        return ""
    accounts = len({row["AccountId"] for row in rows})
    return (
        f"{counted(len(rows), 'key')} in {counted(accounts, 'account')} would be deleted, more "
        f"than MaxKeys ({max_keys:,}): nothing was deleted"
    )


def _items(
    bucket: Bucket, settings: Settings, prefix: str, rows: Sequence[Row]
) -> list[JsonObject]:
    accounts = json.loads(bucket.get(f"{prefix}/accounts.json"))["accounts"]
    ids = {row["AccountId"] for row in rows}
    entered = to_delete_in(accounts, ids, settings.look_role, settings.delete_role)
    return in_batches(prefix, DELETE, entered, settings.batch_size)


def _key(row: Row) -> AccessKey:
    return AccessKey(row["AccessKeyId"], row["UserName"], INACTIVE, parse_time(row["CreateDate"]))


def _rows(text: str) -> list[Row]:
    return list(csv.DictReader(io.StringIO(text)))


def _written(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, (*COLUMNS, *READER_COLUMNS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
