# SPDX-License-Identifier: Apache-2.0
"""The report as JSON, format_version 1: fields may be added, none of them goes away.

What another report needs that reads this one stands behind the keys, and in `basis` of each key.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.report.formats.json_lines import comma_lines
from c7n_inactive_keys.report.formats.key_fields import active_records, records
from c7n_inactive_keys.report.model import (
    FAILED,
    MISSING,
    READ,
    AccountCoverage,
    PastRun,
    Report,
)
from c7n_inactive_keys.report.read.report_file import (
    FORMAT_VERSION,
    active_basis,
    input_fields,
    key_basis,
)


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
        "expired": [asdict(key) for key in report.expired],
        "trend": [asdict(point) for point in report.trend],
        "problems": report.problems,
    }
    yield _dump(head)[:-1]
    yield from _list("accounts", map(account_fields, report.accounts))
    tags = sorted({*_tags(report.basis.runs)})
    keys = zip(records(report), report.keys, strict=True)
    yield from _list("keys", ({**record, "basis": key_basis(row, tags)} for record, row in keys))
    others = zip(active_records(report), report.active_keys, strict=True)
    yield from _list(
        "active_keys", ({**record, "basis": active_basis(row, tags)} for record, row in others)
    )
    for name, items in input_fields(report.basis).items():
        yield from _list(name, items)
    yield "}\n"


def account_fields(account: AccountCoverage) -> JsonObject:
    """One element of `accounts`."""
    return {
        "account_id": account.account_id,
        "name": account.name,
        "status": account.status,
        "reason": account.reason,
        "keys": account.keys,
        "last_read": account.last_read,
    }


def _tags(runs: Iterable[PastRun]) -> Iterator[str]:
    """The tags that policies go by; what else stands in users' tags concerns nobody here."""
    for run in runs:
        for rules in (run.deletion, run.deactivation):
            yield from rules.exempt_tags if rules else ()
        if run.owner_tag:
            yield run.owner_tag


def _list(name: str, items: Iterable[object]) -> Iterator[str]:
    yield f',\n"{name}": ['
    yield from comma_lines(map(_dump, items))
    yield "]"


def _dump(item: object) -> str:
    return json.dumps(item, ensure_ascii=False)
