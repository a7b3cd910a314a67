# SPDX-License-Identifier: Apache-2.0
"""Parts of the documentation from what the demo said and wrote."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

OMITTED = "..."
# Accounts whose rows the README shows: one of each kind of outcome.
SHOWN = ("security", "web-shop")
REAL_RUN = "day-two"
DELETE = "inactive-keys-delete"
# What of a key is there for a report that has this one as its input.
FOR_REPORTS = "basis"


def demo_parts(said: str, out: Path) -> dict[str, str]:
    """Parts by name, from the demo's output and the directory that it wrote to."""
    return {
        "demo:screen": _fenced("console", _screen(said)),
        "demo:year": _fenced("console", _year(said)),
        "demo:annotation": _fenced("json", _annotation(out)),
        "demo:journal": _names(_deletion(out)),
        "demo:fields": _names(_reported_key(out)),
    }


def _fenced(language: str, lines: Iterable[str]) -> str:
    return "\n".join([f"```{language}", *lines, "```"])


# -- what the README shows ------------------------------------------------------------------------


def _screen(said: str) -> Iterator[str]:
    """The demo's two days, less most of the accounts and where it wrote what."""
    lines = [line.rstrip() for line in said.splitlines()]
    lines = [
        line for line in lines if not re.search(r"--format json|^(The report|Everything)", line)
    ]
    lines = [re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", line) for line in lines]
    dry = _index(lines, "Dry run:")
    real = _index(lines, "Day one:")
    table = _index(lines, "Account by account")
    year = _index(lines, "A year of one key")
    yield "$ make demo"
    yield from _squeezed(lines[:dry])
    yield OMITTED
    yield ""
    yield from _squeezed(_wrapped(lines[real:table]))
    yield ""
    yield from _squeezed(_rows(lines[table:year]))


def _year(said: str) -> Iterator[str]:
    """What becomes of one key in a year."""
    lines = [line.rstrip() for line in said.splitlines()]
    year = _index(lines, "A year of one key")
    yield from _squeezed(lines[year : _index(lines, "The report:")])


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
    """The annotation of a key that nobody saw before, with the silence that waits to be seen."""
    path = out / "dry-run" / "legacy" / "us-east-1" / "inactive-keys-report" / "resources.json"
    users: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    keys = (key for user in users for key in user["c7n:InactiveAccessKeys"])
    waiting = next(key for key in keys if "Unsettled" in key["InactiveDays"])
    silence = [item for item in waiting["Evidence"] if "Waiting" in item]
    yield json.dumps(waiting | {"Evidence": silence}, indent=2)


def _deletion(out: Path) -> Mapping[str, Any]:
    """The journal's line with the outcome of a deletion."""
    path = out / REAL_RUN / "management" / "us-east-1" / DELETE / "inactive-keys.jsonl"
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return next(line for line in lines if line["outcome"] == "deleted")


def _reported_key(out: Path) -> Mapping[str, Any]:
    """The first key of the json report, less what only other reports read."""
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return {name: value for name, value in report["keys"][0].items() if name != FOR_REPORTS}


def _names(fields: Iterable[str]) -> str:
    """The names of fields, in order."""
    return textwrap.fill(", ".join(f"`{name}`" for name in fields) + ".", width=140)
