# SPDX-License-Identifier: Apache-2.0
"""The report as one html file: no network, light and dark, 200,000 keys sorted and filtered."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from jinja2 import Environment

from c7n_inactive_keys import __version__
from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.report.evidence_words import sentences
from c7n_inactive_keys.report.formats import charts
from c7n_inactive_keys.report.model import FAILED, MISSING, READ, KeyRow, Report
from c7n_inactive_keys.report.summary import top_accounts, uncovered

COLUMNS = (
    "account",
    "user_name",
    "path",
    "access_key_id",
    "created",
    "last_used",
    "used_where",
    "not_before",
    "not_after",
    "at_least_days",
    "at_most_days",
    "outcome",
    "reason",
    "slot_blocked",
    "evidence",
)
# No text of a report can hold this: the template escapes the angle brackets of all of it.
MARKER = "<!-- data -->"
# In a script element only these end it or start something else; JSON allows to escape them.
ESCAPES = str.maketrans(
    {
        "<": "\\u003c",
        ">": "\\u003e",
        "&": "\\u0026",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
    }
)


def render(report: Report) -> Iterator[str]:
    """The page in pieces; the keys travel as JSON in it, a key a line."""
    before, _, after = _page(report).partition(MARKER)
    yield before
    yield from _data(report)
    yield after


def _page(report: Report) -> str:
    """All but the keys."""
    template = _environment().from_string(_asset("report.html.j2"))
    style, script = _asset("report.css"), _asset("report.js")
    top = [(account.name, number, "account") for account, number in top_accounts(report, 10)]
    outcomes = [
        (f"{outcome}: {reason}" if reason else outcome, number, outcome)
        for outcome, reason, number in report.reasons[:10]
    ]
    return template.render(
        report=report,
        cards=_cards(report),
        read=report.covered(READ),
        failed=report.covered(FAILED),
        missing=report.covered(MISSING),
        uncovered=uncovered(report),
        ages=charts.age_histogram(report.ages),
        top=charts.horizontal_bars("Accounts with the most keys", top) if top else "",
        outcomes=charts.horizontal_bars("Outcomes", outcomes) if outcomes else "",
        trend=charts.trend_bars(report.trend) if len(report.trend) > 1 else "",
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        marker=MARKER,
        version=__version__,
    )


def _cards(report: Report) -> list[tuple[int, str, str]]:
    """Number, what it counts, and how it should look: what was found, then what is left."""
    totals = report.totals
    proven = sum(age.proven for age in report.ages if age.from_days >= 90)
    return [
        (totals.keys, "inactive keys found", ""),
        (totals.deleted, "deleted", "good" if totals.deleted else ""),
        (totals.skipped, "skipped", "warn" if totals.skipped else ""),
        (totals.failed, "failed", "bad" if totals.failed else ""),
        (totals.remaining, "still inactive", ""),
        (totals.remaining_users, "users with such keys", ""),
        (totals.remaining_accounts, "accounts with such keys", ""),
        (proven, "of them proven for 90 days", ""),
        (totals.unproven, "of them nothing proven", "warn" if totals.unproven else ""),
        (totals.remaining_never_used, "of them without a recorded use", ""),
        (totals.slot_blocked, "users with a blocked slot", "warn" if totals.slot_blocked else ""),
    ]


def _data(report: Report) -> Iterator[str]:
    numbers: dict[str, int] = {}
    names: list[tuple[str, str]] = []
    for row in report.keys:
        if row.user.account_id not in numbers:
            numbers[row.user.account_id] = len(names)
            names.append((row.user.account_id, row.account_name))
    yield f'{{"columns":{_json(COLUMNS)},"accounts":{_json(names)},"keys":['
    for number, row in enumerate(report.keys):
        yield f"{',' if number else ''}\n{_json(_cells(row, numbers[row.user.account_id]))}"
    yield "]}"


def _cells(row: KeyRow, account: int) -> list[Any]:
    found, use = row.found, row.found.last_use
    where = " ".join(filter(None, (use.service, use.region)))
    return [
        account,
        row.user.name,
        row.user.path,
        row.key.id,
        format_time(found.key.created),
        use.time and format_time(use.time),
        where,
        format_time(found.not_before),
        format_time(found.not_after),
        found.at_least_days,
        found.at_most_days,
        row.outcome,
        row.reason,
        row.slot_blocked,
        sentences(found),
    ]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(ESCAPES)


def _asset(name: str) -> str:
    asset = files("c7n_inactive_keys.report.formats").joinpath("assets").joinpath(name)
    return asset.read_text(encoding="utf-8")


def _hash(content: str) -> str:
    """The content's source expression for a Content-Security-Policy."""
    digest = hashlib.sha256(content.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _environment() -> Environment:
    return Environment(autoescape=True, trim_blocks=False, keep_trailing_newline=True)
