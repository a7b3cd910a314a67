# SPDX-License-Identifier: Apache-2.0
"""Measure, and put the figures into docs/performance.md."""

from __future__ import annotations

import time
from collections.abc import Iterator

import click

from benchmarks import accounts, organisations, starting
from benchmarks.aws import AwsProcess
from benchmarks.page import render, write
from benchmarks.ratios import Comparison


@click.command()
@click.option("--quick", is_flag=True, help="A small sample, printed only; half a minute.")
def main(quick: bool) -> None:
    """Measure against Custodian's built-in filter and action; takes ten minutes."""
    measured = []
    began = time.perf_counter()
    for comparison in _measure(quick):
        measured.append(comparison)
        click.echo(f"{time.perf_counter() - began:4.0f} s: {comparison.name}", err=True)
    table = render(measured)
    click.echo(table)
    if not quick:
        write(table)


def _measure(quick: bool) -> Iterator[Comparison]:
    with AwsProcess.started() as process:
        aws = process.EmbeddedAws()
        for module in (accounts, organisations):
            for case in module.QUICK if quick else module.FULL:
                yield module.compare(aws, case)
    yield from starting.compare(rounds=3 if quick else 10)


if __name__ == "__main__":
    main()
