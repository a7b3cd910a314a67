# SPDX-License-Identifier: Apache-2.0
"""Parts of the documentation from what the demo said and wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

OMITTED = "..."
# Accounts whose rows the README shows: one of each kind of outcome.
SHOWN = ("ledger", "legacy", "security", "web-shop")
# The lines of the text report that the README shows, counted from its title.
REPORT_LINES = 4
REAL_RUN = "day-two"
DELETE = "inactive-keys-delete"


def demo_parts(said: str, out: Path) -> dict[str, str]:
    """Parts by name, from the demo's output and the directory that it wrote to."""
    return {
        "demo:screen": _fenced("console", _screen(said)),
        "demo:annotation": _fenced("json", _annotation(out)),
        "demo:journal": _fenced("json", _journal(out)),
        "demo:json": _fenced("json", _json_report(out)),
        "demo:tree": _fenced("text", _tree(out)),
    }


def _fenced(language: str, lines: Iterable[str]) -> str:
    return "\n".join([f"```{language}", *lines, "```"])


# -- what the README shows ------------------------------------------------------------------------


def _screen(said: str) -> Iterator[str]:
    """The demo's output, less most of the report and of the accounts."""
    lines = [line.rstrip() for line in said.splitlines()]
    lines = [re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", line) for line in lines]
    real = _index(lines, "Day one:")
    table = _index(lines, "Account by account")
    dry = lines[:real]
    report = _index(dry, "Inactive access keys,")
    yield "$ make demo"
    yield from _squeezed(dry[: report + REPORT_LINES])
    yield OMITTED
    yield ""
    yield from _squeezed(_wrapped(lines[real:table]))
    yield ""
    yield from _squeezed(_rows(lines[table:]))


def _index(lines: list[str], beginning: str) -> int:
    return next(at for at, line in enumerate(lines) if line.startswith(beginning))


def _wrapped(lines: Iterable[str]) -> Iterator[str]:
    """Long sentences of the demo broken at a parenthesis."""
    for line in lines:
        head, bracket, tail = line.partition(" (")
        if len(line) > 110 and bracket:
            yield head
            yield f"({tail}"
        else:
            yield line


def _squeezed(lines: Iterable[str]) -> Iterator[str]:
    """No two empty lines in a row, none at the ends."""
    text = "\n".join(lines).strip("\n")
    yield from re.sub(r"\n{3,}", "\n\n", text).split("\n")


def _rows(lines: list[str]) -> Iterator[str]:
    """The table of accounts with a few of its rows, and all that follows it."""
    shown = True
    omitted = False
    end = next(at for at, line in enumerate(lines) if re.match(r"\s+\d+ accounts", line))
    for at, line in enumerate(lines):
        name = re.match(r"  ([a-z][\w-]*)", line)
        if at < end and name and name[1] != "account":
            shown = name[1] in SHOWN
            if not shown and not omitted:
                yield f"  {OMITTED}"
            omitted = not shown
        elif at >= end:
            shown = True
        if shown:
            yield line


# -- files ----------------------------------------------------------------------------------------


def _annotation(out: Path) -> Iterator[str]:
    """The annotation of one key whose proof is older than event history."""
    found = _resources(out, "dry-run", "ledger", "inactive-keys-report")
    user = next(user for user in found if user["UserName"] == "proven-for-a-year")
    (entry,) = user["c7n:InactiveAccessKeys"]
    yield json.dumps(entry, indent=2)


def _resources(out: Path, run: str, account: str, policy: str) -> list[dict[str, Any]]:
    path = out / run / account / "us-east-1" / policy / "resources.json"
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _journal(out: Path) -> Iterator[str]:
    """The two lines of a deletion, with the fields one below the other."""
    path = out / REAL_RUN / "management" / "us-east-1" / DELETE / "inactive-keys.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()[:2]
    for line in lines:
        yield json.dumps(json.loads(line), indent=2)


def _json_report(out: Path) -> Iterator[str]:
    """The json report with one account and one key of each list."""
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    for name, items in report.items():
        if isinstance(items, list):
            report[name] = items[:1]
    yield json.dumps(report, indent=2, ensure_ascii=False)


def _tree(out: Path) -> Iterator[str]:
    """Everything that the real run wrote for one account."""
    root = out / REAL_RUN / "security"
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(out))
