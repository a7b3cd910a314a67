# SPDX-License-Identifier: Apache-2.0
"""The report as one html file: no network, light and dark, 200,000 keys sorted and filtered."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape

from c7n_inactive_keys import __version__
from c7n_inactive_keys.core.found_key import LEDGER
from c7n_inactive_keys.core.journal import FAILED as KEY_FAILED
from c7n_inactive_keys.core.times import parse_time
from c7n_inactive_keys.report.evidence_words import SILENT, brief, sentences
from c7n_inactive_keys.report.formats import charts
from c7n_inactive_keys.report.formats.findings import SEVERITY_RULE
from c7n_inactive_keys.report.model import (
    FAILED,
    FOUND,
    GOES,
    GONE,
    GROUPS,
    KEPT,
    MISSING,
    READ,
    SOMEBODY,
    WAITS,
    AccountCoverage,
    KeyRow,
    Report,
    SeenUser,
)
from c7n_inactive_keys.report.sentences import headline, next_steps, nothing_found, why
from c7n_inactive_keys.report.summary import in_order, uncovered

COLUMNS = (
    *("account", "user", "path", "id", "created", "last_used", "where", "not_before", "not_after"),
    *("least", "most", "group", "why", "from", "brief", "evidence", "bands", "flags", "owner"),
    *("description", "notified", "policies", "order"),
)
TONES = {
    SOMEBODY: "somebody",
    GOES: "goes",
    WAITS: "waits",
    KEPT: "kept",
    FOUND: "found",
    GONE: "gone",
}
# Bits of `flags`.
BLOCKED, PROVEN, WAITING, LAST = 1, 2, 4, 8
LISTED = 1000  # rows of a table that stands in the page whole
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
    yield from _Data(report).pieces()
    yield after


# -- the page ----------------------------------------------------------------------------------


def _page(report: Report) -> str:
    """All but the keys."""
    template = _environment().from_string(_asset("report.html.j2"))
    style, script = _asset("report.css"), _asset("report.js")
    numbers = Counter(row.group for row in report.keys)
    groups = [(numbers[name], name, TONES[name]) for name in GROUPS]
    left = any(age.proven or age.possible for age in report.ages)
    return template.render(
        report=report,
        headline=" ".join(headline(report)),
        steps=next_steps(report),
        groups=groups,
        bar=charts.stacked_bar("What there is to do", groups),
        read=report.covered(READ),
        failed=report.covered(FAILED),
        missing=report.covered(MISSING),
        uncovered=uncovered(report),
        accounts=_accounts(report),
        bare=_bare_users(report),
        ages=charts.age_histogram(report.ages) if left else "",
        trend=charts.trend_bars(report.trend) if len(report.trend) > 1 else "",
        nothing=nothing_found(report),
        severity=SEVERITY_RULE,
        most=LISTED,
        more=_more,
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        marker=MARKER,
        version=__version__,
    )


def _accounts(report: Report) -> list[tuple[AccountCoverage, Mapping[str, int]]]:
    """The accounts with keys, and how many of each group; those with most to do first."""
    counts: dict[str, Counter[str]] = {}
    for row in report.keys:
        counts.setdefault(row.user.account_id, Counter()).update((row.group, ""))
    found = [
        (account, counts[account.account_id])
        for account in report.accounts
        if account.account_id in counts
    ]
    return sorted(found, key=lambda item: ([-item[1][group] for group in GROUPS], item[0].name))


def _bare_users(report: Report) -> list[tuple[SeenUser, bool]]:
    """Users of whom no credential is left, or would be; whether that is so already."""
    users: dict[tuple[str, str], tuple[SeenUser, bool]] = {}
    for row in report.keys:
        if row.last_credential:
            before = users.get(row.user.identity, (row.user, True))
            users[row.user.identity] = row.user, before[1] and row.settled
    return list(users.values())


def _more(items: Sequence[object]) -> Markup:
    """A sentence on how many are left out, if any are."""
    number = len(items) - LISTED
    return escape(f"{number:,} more; the json format lists all.") if number > 0 else Markup()


# -- the keys ----------------------------------------------------------------------------------


class _Data:
    """The keys as the page's script reads them: texts once each, times as seconds."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.now = parse_time(report.generated)
        self.accounts: dict[str, int] = {}
        self.names: list[tuple[str, str, str]] = []
        self.texts: dict[str, int] = {}

    def pieces(self) -> Iterator[str]:
        """The document; what the rows refer to comes behind them."""
        rows = in_order(self.report.keys)
        yield f'{{"columns":{_json(COLUMNS)},"keys":['
        for number, row in enumerate(rows):
            yield f"{',' if number else ''}\n{_json(self._cells(row, number))}"
        head = {
            "accounts": self.names,
            "texts": list(self.texts),
            "groups": GROUPS,
            "tones": [TONES[group] for group in GROUPS],
            "policies": self.report.policies,
            "now": int(self.now.timestamp()),
            "days": next(
                (run.deletion.days for run in self.report.basis.runs if run.deletion), None
            ),
        }
        yield f"],{_json(head)[1:]}"

    def _cells(self, row: KeyRow, number: int) -> list[Any]:
        found, use, user = row.found, row.found.last_use, row.user
        told = row.outlook.deletable_from if row.outlook else None
        return [
            self._account(row),
            user.name,
            user.path,
            row.key.id,
            int(found.key.created.timestamp()),
            int(use.time.timestamp()) if use.time else None,
            self._text(" ".join(filter(None, (use.service, use.region)))),
            int(found.not_before.timestamp()),
            int(found.not_after.timestamp()),
            found.at_least_days,
            found.at_most_days,
            GROUPS.index(row.group),
            self._text(_reason(row)),
            int(parse_time(told).timestamp()) if told else None,
            self._text(brief(found, self.now)),
            [self._text(sentence) for sentence in sentences(found)],
            list(_bands(row)),
            _flags(row),
            self._text(row.owner),
            self._text(row.description),
            int(found.notified.timestamp()) if found.notified else None,
            [self._text(policy) for policy in row.policies],
            number,
        ]

    def _account(self, row: KeyRow) -> int:
        account_id = row.user.account_id
        if account_id not in self.accounts:
            self.accounts[account_id] = len(self.names)
            self.names.append((account_id, row.account_name, row.user.partition))
        return self.accounts[account_id]

    def _text(self, text: str | None) -> int | None:
        return self.texts.setdefault(text, len(self.texts)) if text else None


def _reason(row: KeyRow) -> str:
    """What has become of it, or what holds it."""
    if row.group == GONE:
        return f"{row.reason or row.outcome} {(row.outcome_time or '')[:10]}"
    if row.group == SOMEBODY:
        return row.reason if row.reason and row.outcome == KEY_FAILED else why(row)
    return why(row) if row.group == WAITS else ""


def _bands(row: KeyRow) -> Iterator[tuple[int, int, int]]:
    """Stretches that a record or the ledger covers: whether it is the ledger, from, to."""
    for item in row.found.evidence:
        if item.kind == SILENT and not item.discarded and item.time and item.until:
            ends = int(item.time.timestamp()), int(item.until.timestamp())
            yield (int(item.source == LEDGER), *ends)


def _flags(row: KeyRow) -> int:
    return (
        BLOCKED * row.slot_blocked
        + PROVEN * row.key.proven
        + WAITING * any(item.waiting for item in row.found.evidence)
        + LAST * row.last_credential
    )


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
