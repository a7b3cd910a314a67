# SPDX-License-Identifier: Apache-2.0
"""The report as JSON, format_version 1: fields may be added, none of them goes away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from c7n_inactive_keys.report.formats.json_lines import comma_lines
from c7n_inactive_keys.report.formats.key_fields import KEY_FIELDS
from c7n_inactive_keys.report.model import (
    FAILED,
    MISSING,
    READ,
    AccountCoverage,
    KeyRow,
    Report,
)

FORMAT_VERSION = 1


def render(report: Report) -> Iterator[str]:
    """The document in pieces, one line a key, so that a large one is never held as one text."""
    head = {
        "format_version": FORMAT_VERSION,
        "generated": report.generated,
        "totals": asdict(report.totals),
        "coverage": {status: report.covered(status) for status in (READ, FAILED, MISSING)},
        "policies": report.policies,
        "ages": [asdict(item) for item in report.ages],
        "outcomes": [
            {"outcome": outcome, "reason": reason or None, "keys": number}
            for outcome, reason, number in report.reasons
        ],
        "failures": [asdict(failure) for failure in report.failures],
        "trend": [asdict(point) for point in report.trend],
        "problems": report.problems,
    }
    yield _dump(head)[:-1]
    yield ',\n"accounts": ['
    yield from comma_lines(_dump(account_fields(account)) for account in report.accounts)
    yield '],\n"keys": ['
    yield from comma_lines(_dump(key_fields(row)) for row in report.keys)
    yield "]}\n"


def account_fields(account: AccountCoverage) -> dict[str, Any]:
    """One element of `accounts`."""
    return {
        "account_id": account.account_id,
        "name": account.name,
        "status": account.status,
        "reason": account.reason,
        "keys": account.keys,
        "last_read": account.last_read,
    }


def key_fields(row: KeyRow) -> dict[str, Any]:
    """One element of `keys`."""
    return {name: field(row) for name, field in KEY_FIELDS.items()}


def _dump(item: Any) -> str:
    return json.dumps(item, ensure_ascii=False)
