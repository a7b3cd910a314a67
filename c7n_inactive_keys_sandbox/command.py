# SPDX-License-Identifier: Apache-2.0
"""`c7n-inactive-keys sandbox`: the embedded AWS as a process."""

from __future__ import annotations

import shlex
import signal
import threading
from pathlib import Path

import click

from c7n_inactive_keys.stdout import printing
from c7n_inactive_keys_sandbox.organisation import MANAGEMENT, seed_organisation
from c7n_inactive_keys_sandbox.server import Sandbox


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Port on 127.0.0.1; 0 takes a free one.",
)
@click.option("--empty", is_flag=True, help="No organisation: an AWS without users and keys.")
@click.option(
    "--accounts",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write an accounts file for c7n-org that lists the organisation's accounts.",
)
def sandbox(port: int, empty: bool, accounts: Path | None) -> None:
    """Run an embedded AWS organisation with inactive keys of every kind, until Ctrl-C."""
    if empty and accounts:
        raise click.UsageError("--accounts lists the organisation, and --empty makes none")
    try:
        running = Sandbox(port).start()
    except OSError as error:
        raise click.UsageError(f"port {port} cannot be used: {error.strerror}") from error
    try:
        if not empty:
            _seed(running, accounts)
        stopped = _stop_signal()
        with printing():
            _greet(running, accounts)
        stopped.wait()
    finally:
        running.stop()


def _seed(running: Sandbox, accounts: Path | None) -> None:
    """Make the organisation and, where asked for, the file that lists its accounts."""
    try:
        if accounts:
            accounts.touch()  # before the seconds that the seeding takes
        organisation = seed_organisation(running, running.now())
        if accounts:
            organisation.accounts_yml(accounts)
    except OSError as error:
        raise click.UsageError(
            f"--accounts: {accounts} cannot be written: {error.strerror}"
        ) from error


def _greet(running: Sandbox, accounts: Path | None) -> None:
    click.echo(f"# The embedded AWS listens on {running.url} until Ctrl-C. In another shell:")
    for name, value in running.credentials(MANAGEMENT).items():
        click.echo(f"export {name}={shlex.quote(value)}")
    click.echo("unset AWS_PROFILE AWS_REGION")
    click.echo("# custodian run -s out --cache-period 0 policies/inactive-keys.yml")
    if accounts:
        click.echo(
            f"# c7n-org run -s out -c {shlex.quote(str(accounts))} "
            "-u policies/inactive-keys.yml --dryrun"
        )
    click.echo(f"# What is really so, calls, faults, time: {running.url}/sandbox")


def _stop_signal() -> threading.Event:
    """What is set by Ctrl-C or SIGTERM; asked for before anybody knows that there is a process."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    return stopped
