# SPDX-License-Identifier: Apache-2.0
"""Measure everything and write docs/performance.md, its chart and its figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from benchmarks import accounts, organisations, starting
from benchmarks.aws import AwsProcess
from benchmarks.chart import draw
from benchmarks.commands import ROOT
from benchmarks.page import render
from benchmarks.ratios import Comparison
from benchmarks.results import load, load_machine, save, this_machine

DOCS = ROOT / "docs"
REMARKS = Path(__file__).with_name("remarks.md")
SECTIONS = ("starting", "accounts", "organisations")


@click.command()
@click.option("--quick", is_flag=True, help="A small sample, printed only; half a minute.")
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(SECTIONS),
    help="Measure only this; the other figures of docs/performance.md stay.",
)
@click.option("--again", is_flag=True, help="Measure nothing; write the page from its figures.")
def main(quick: bool, only: tuple[str, ...], again: bool) -> None:
    """Measure against Custodian's built-in filter and action; all of it takes a quarter of an hour.

    Writes docs/performance.md, docs/performance.svg and docs/performance.json.
    """
    figures = DOCS / "performance.json"
    results = {} if quick else load(figures)
    for section in () if again else only or SECTIONS:
        results[section] = []
        for comparison in _measure(section, quick):
            results[section].append(comparison)
            if not quick:  # at once, so that an interrupted run leaves what it has measured
                save(figures, results)
    page = render(
        results,
        "" if quick else REMARKS.read_text("utf-8"),
        this_machine() if quick else load_machine(figures),
    )
    if quick:
        click.echo(page)
        return
    (DOCS / "performance.md").write_text(page, "utf-8")
    if results.get("accounts"):
        (DOCS / "performance.svg").write_text(draw(results["accounts"]), "utf-8")
    click.echo("docs/performance.md is written")


def _measure(section: str, quick: bool) -> Iterator[Comparison]:
    if section == "starting":
        yield from starting.compare(rounds=3 if quick else 10)
        return
    module = accounts if section == "accounts" else organisations
    with AwsProcess.started() as process:
        aws = process.EmbeddedAws()
        for case in module.QUICK if quick else module.FULL:
            yield _timed(module.compare, aws, case)


def _timed(compare: Callable[[Any, Any], Comparison], aws: Any, case: Any) -> Comparison:
    began = time.perf_counter()
    found = compare(aws, case)
    click.echo(
        f"{found.name}: {found.ratio('wall'):.2f} times faster, "
        f"{time.perf_counter() - began:.0f} s",
        err=True,
    )
    return found


if __name__ == "__main__":
    main()
