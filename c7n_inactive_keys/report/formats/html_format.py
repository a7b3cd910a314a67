# SPDX-License-Identifier: Apache-2.0
"""The report as one html file: no network, light and dark, 200,000 keys sorted and filtered."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from importlib.resources import files

from jinja2 import Environment
from markupsafe import Markup, escape

from c7n_inactive_keys import __version__
from c7n_inactive_keys.core.evidence import Evidence
from c7n_inactive_keys.core.found_key import LEDGER
from c7n_inactive_keys.core.journal import FAILED as KEY_FAILED
from c7n_inactive_keys.core.times import DAY, parse_time
from c7n_inactive_keys.report.evidence_words import SILENT, brief
from c7n_inactive_keys.report.formats import charts
from c7n_inactive_keys.report.formats.findings import SEVERITY_RULE
from c7n_inactive_keys.report.glance import access_key, evidence, known, last_use, why
from c7n_inactive_keys.report.model import (
    BACK,
    FAILED,
    FOUND,
    GOES,
    GONE,
    GROUPS,
    IN_USE,
    KEPT,
    MISSING,
    PASSES,
    READ,
    SOMEBODY,
    TAKEN,
    WAITS,
    AccountCoverage,
    ActiveRow,
    KeyRow,
    Report,
    Row,
    SeenUser,
)
from c7n_inactive_keys.report.sentences import headline, next_steps, nothing_found
from c7n_inactive_keys.report.summary import in_order, uncovered

COLUMNS = (
    *("account", "user", "path", "id", "created", "last_used", "where", "not_before", "not_after"),
    *("until", "least", "most", "idle", "group", "why", "from", "brief", "evidence", "bands"),
    *("flags", "owner", "description", "notified", "policies", "order"),
)
TONES = {
    SOMEBODY: "somebody",
    GOES: "goes",
    PASSES: "passes",
    WAITS: "waits",
    KEPT: "kept",
    FOUND: "found",
    TAKEN: "taken",
    BACK: "taken",
    IN_USE: "found",
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
    numbers = Counter(row.group for row in report.rows)
    groups = [(numbers[name], name, TONES[name]) for name in GROUPS]
    left = any(age.proven or age.possible for age in report.ages)
    return template.render(
        report=report,
        total=len(report.rows),
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
    for row in report.rows:
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
        rows = in_order(self.report.rows)
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

    def _cells(self, row: Row, number: int) -> list[object]:
        use, user = last_use(row), row.user
        told = row.outlook.deletable_from if row.outlook else None
        notified = row.found.notified if isinstance(row, KeyRow) else None
        short = brief(row.found, self.now) if isinstance(row, KeyRow) else known(row, self.now)
        return [
            self._account(row),
            user.name,
            user.path,
            row.key.id,
            int(access_key(row).created.timestamp()),
            _seconds(use.time),
            self._text(" ".join(filter(None, (use.service, use.region)))),
            *_inactivity(row, self.now),
            GROUPS.index(row.group),
            self._text(_reason(row)),
            int(parse_time(told).timestamp()) if told else None,
            self._text(short),
            [self._text(sentence) for sentence in evidence(row)],
            list(_bands(row)),
            _flags(row),
            self._text(row.owner),
            self._text(row.description),
            _seconds(notified),
            [self._text(policy) for policy in row.policies],
            number,
        ]

    def _account(self, row: Row) -> int:
        account_id = row.user.account_id
        if account_id not in self.accounts:
            self.accounts[account_id] = len(self.names)
            self.names.append((account_id, row.account_name, row.user.partition))
        return self.accounts[account_id]

    def _text(self, text: str | None) -> int | None:
        return self.texts.setdefault(text, len(self.texts)) if text else None


def _seconds(time: datetime | None) -> int | None:
    return int(time.timestamp()) if time else None


def _inactivity(row: Row, now: datetime) -> tuple[float | None, ...]:
    """Within which times it began and until when it lasted; for how many days; days without use."""
    if isinstance(row, KeyRow):
        found = row.found
        ends = int(found.not_before.timestamp()), int(found.not_after.timestamp())
        return (*ends, None, found.at_least_days, found.at_most_days, None)
    if row.key.woken is None:
        return (None, None, None, None, None, row.key.unused_days)
    days = row.key.woken.at_least_days, row.key.woken.at_most_days
    end = row.key.woken.reactivated or (parse_time(row.last_seen) if row.last_seen else now)
    began = [int((end - length * DAY).timestamp()) for length in reversed(days)]
    return (*began, int(end.timestamp()), *days, row.key.unused_days)


def _reason(row: Row) -> str:
    """What has become of it, or what holds it."""
    if isinstance(row, ActiveRow) and row.key.woken and row.outcome != KEY_FAILED:
        return "dormant, active again"
    if row.group in (GONE, TAKEN, BACK, IN_USE) and row.outcome:
        return f"{row.reason or row.outcome} {(row.outcome_time or '')[:10]}"
    if row.group == SOMEBODY:
        return row.reason if row.reason and row.outcome == KEY_FAILED else why(row)
    return why(row) if row.group == WAITS else ""


def _bands(row: Row) -> Iterator[tuple[int, int, int]]:
    """Stretches that a record or the ledger covers: whether it is the ledger, from, to."""
    for item in _items(row):
        if item.kind == SILENT and not item.discarded and item.time and item.until:
            ends = int(item.time.timestamp()), int(item.until.timestamp())
            yield (int(item.source == LEDGER), *ends)


def _items(row: Row) -> tuple[Evidence, ...]:
    if isinstance(row, KeyRow):
        return row.found.evidence
    return row.key.woken.evidence if row.key.woken else ()


def _flags(row: Row) -> int:
    if isinstance(row, ActiveRow):
        return PROVEN * bool(row.key.woken)
    return (
        BLOCKED * row.slot_blocked
        + PROVEN * row.key.proven
        + WAITING * any(item.waiting for item in row.found.evidence)
        + LAST * row.last_credential
    )


def _json(value: object) -> str:
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
