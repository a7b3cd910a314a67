# SPDX-License-Identifier: Apache-2.0
"""The plan: the keys that a real run would change, to be approved and given to the action."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from c7n_inactive_keys.core.errors import InactiveKeysError
from c7n_inactive_keys.core.journal import DEACTIVATED, DELETED, MAX_KEYS, NOT_IN_PLAN
from c7n_inactive_keys.core.plan import COLUMNS, READER_COLUMNS
from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.report.formats.csv_format import csv_lines, harmless
from c7n_inactive_keys.report.glance import access_key, evidence, last_use, unused
from c7n_inactive_keys.report.model import IF_PLANNED, KeyRow, Report, Row
from c7n_inactive_keys.report.words import iso

# The pattern and length of userNameType in IAM's service model.
IAM_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
# What a plan may approve: with too many for max-keys, some of them.
TO_APPROVE = (DELETED, DEACTIVATED, IF_PLANNED, NOT_IN_PLAN, MAX_KEYS)


class NoDeletePolicyError(InactiveKeysError):
    """No policy in the output would delete or deactivate anything."""


def planned_rows(report: Report) -> list[Row]:
    """The keys that a real run would delete, or would if a plan approves them.

    If no policy deletes, those that it would deactivate: a plan is for one of the two, since what
    is approved to be deactivated is not approved to be deleted.

    Raises:
        NoDeletePolicyError: no policy (of those selected) has either action.
    """
    rows: list[Row]
    if any(run.deletion for run in report.basis.runs):
        rows = [*report.keys]
    elif any(run.deactivation for run in report.basis.runs):
        rows = [*report.active_keys]
    else:
        raise NoDeletePolicyError(
            "there is nothing to plan: no policy in the output has the action "
            "delete-inactive-keys or deactivate-unused-keys"
        )
    rows = [row for row in rows if row.outlook and row.outlook.verdict in TO_APPROVE]
    return sorted(rows, key=lambda row: row.key.identity)


def render(rows: Sequence[Row]) -> Iterator[str]:
    """The plan as CSV: what the action's `plan` compares, then what its reader needs."""
    return csv_lines((*COLUMNS, *READER_COLUMNS), map(_cells, rows), guard=_guard)


def _cells(row: Row) -> tuple[object, ...]:
    found = row.found if isinstance(row, KeyRow) else None
    return (
        row.user.account_id,
        row.user.name,
        row.key.id,
        format_time(access_key(row).created),
        found and found.at_least_days,
        row.account_name,
        iso(last_use(row).time),
        found and found.at_most_days,
        "; ".join(evidence(row)) if isinstance(row, KeyRow) else unused(row),
    )


def _guard(cell: object) -> object:
    """Text as it is if IAM allows it in names, since the action compares it with the user's name.

    Such names may begin with `=`, but have no brackets, quotes or bars to do harm with.
    """
    if isinstance(cell, str) and IAM_NAME.fullmatch(cell):
        return cell
    return harmless(cell)
