# SPDX-License-Identifier: Apache-2.0
"""`c7n-inactive-keys check`: one line for each thing that a run depends on, and an exit status."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from c7n_inactive_keys.check import archive, loading, permissions
from c7n_inactive_keys.check.result import NOTE, OK, PROBLEM, Result
from c7n_inactive_keys.check.targets import Target, read_targets
from c7n_inactive_keys.core.errors import InactiveKeysError
from c7n_inactive_keys.report.words import clean
from c7n_inactive_keys.stdout import printing

COLOURS = {OK: "green", NOTE: "yellow", PROBLEM: "red"}
FAILED = 1


@click.command()
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    metavar="ACCOUNTS",
    help="c7n-org accounts file: check each of its accounts instead of your own.",
)
@click.option(
    "-u",
    "--use",
    "policies",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="POLICIES",
    help="Policy file whose Lambda archives are built and tried; default: policies/*.yml.",
)
@click.option("--no-aws", is_flag=True, help="Check this machine only, without calling AWS.")
@click.pass_context
def check(
    ctx: click.Context, config: Path | None, policies: tuple[Path, ...], no_aws: bool
) -> None:
    """Check that the plugin is loaded and has the permissions it needs.

    Looks at this machine's custodian, at c7n-org's worker processes, at the Lambda archives of
    your policies, and at the permissions in each account. Changes nothing.

    Exit status: 0 all is well, 1 a run would fail or prove nothing, 2 wrong usage.
    """
    failed = False
    try:
        for result in _results(config, policies, no_aws):
            with printing():
                click.secho(f"{result.state:<8}", fg=COLOURS[result.state], nl=False)
                click.echo(clean(f"{result.subject}: {result.text}"))
            failed = failed or result.state == PROBLEM
    except InactiveKeysError as error:
        raise click.UsageError(clean(str(error))) from error
    if failed:
        ctx.exit(FAILED)


def _results(config: Path | None, policies: tuple[Path, ...], no_aws: bool) -> Iterator[Result]:
    # First of all, since a file that cannot be read ends everything.
    targets = read_targets(config) if config else [Target("AWS account")]
    yield loading.custodian()
    yield loading.workers()
    yield from archive.archives(policies or sorted(Path("policies").glob("*.yml")))
    if not no_aws:
        yield from permissions.accounts(targets)
