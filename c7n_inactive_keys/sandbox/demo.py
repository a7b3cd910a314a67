# SPDX-License-Identifier: Apache-2.0
"""`make demo`: stock c7n-org on the embedded organisation, a dry run, a real run and the report."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import click

from c7n_inactive_keys.sandbox.faults import Fault
from c7n_inactive_keys.sandbox.organisation import MANAGEMENT, Organisation, seed_organisation
from c7n_inactive_keys.sandbox.server import Sandbox

CHECKOUT = Path(__file__).resolve().parents[2]
POLICIES = CHECKOUT / "policies" / "inactive-keys.yml"
NOT_COVERED = 3  # the exit status of `report` when it did not see every account
# The key that somebody switches on again while the real run is under way.
CHANGED_ACCOUNT, CHANGED_USER = "security", "scanner"


@dataclass(frozen=True)
class Demo:
    """The running sandbox, its organisation, and where the demo writes (`out`)."""

    sandbox: Sandbox
    organisation: Organisation
    out: Path

    def run(self, command: str, *arguments: str, log: Path | None = None) -> int:
        """Show a command, run it as the management account, and give back its exit status.

        With `log`, what it says on stderr goes to that file.
        """
        click.secho(f"$ {shlex.join([command, *arguments])}", bold=True)
        environ = self.sandbox.environ(MANAGEMENT) | {"PYTHONUNBUFFERED": "1"}
        beside_python = Path(sys.executable).parent / command
        with log.open("wb") if log else nullcontext() as stderr:
            done = subprocess.run(
                [str(beside_python), *arguments],
                env=environ, cwd=self.out, stderr=stderr, check=False,
            )  # fmt: skip
        return done.returncode

    def c7n_org(self, output: str, *more: str) -> None:
        """One run of the shipped policies over all accounts; ends the demo when it fails."""
        log = self.out / f"{output}.log"
        status = self.run(
            "c7n-org", "run", "-c", "accounts.yml", "-u", "inactive-keys.yml", "-s", output,
            "--cache-period", "0", *more, log=log,
        )  # fmt: skip
        if status != 0:
            click.echo(log.read_text(encoding="utf-8", errors="replace"), err=True)
            raise click.ClickException(f"c7n-org ended with status {status}; its log is above")

    def report(self, *arguments: str) -> None:
        """Run `c7n-inactive-keys report`; ends the demo when it fails."""
        status = self.run("c7n-inactive-keys", "report", "-c", "accounts.yml", *arguments)
        if status not in (0, NOT_COVERED):
            raise click.ClickException(f"the report ended with status {status}")

    def switch_on_meanwhile(self) -> None:
        """Have a key switched on just before the real run reads it again to delete it.

        The dry run has shown how often it is read up to there.
        """
        account = self.organisation.account(CHANGED_ACCOUNT)
        (key,) = (key for key in account.inactive_keys if key.user.name == CHANGED_USER)
        reads = [
            call
            for call in self.sandbox.calls.select("ListAccessKeys", account.id)
            if call.user == CHANGED_USER
        ]
        self.sandbox.faults.add(
            Fault("ListAccessKeys", account.id, CHANGED_USER, nth=len(reads) + 1, call=key.activate)
        )


@click.command()
@click.option(
    "-o", "--out", default="demo-out", show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write; what an earlier demo left there is replaced.",
)  # fmt: skip
def demo(out: Path) -> None:
    """Find, prove and delete inactive keys in an embedded AWS organisation."""
    if not POLICIES.is_file():
        raise click.UsageError(f"the demo runs from a checkout of the sources: no {POLICIES}")
    if out.exists() and any(out.iterdir()) and not (out / "accounts.yml").exists():
        raise click.UsageError(f"{out} is not empty and was not made by the demo")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    shutil.copy(POLICIES, out)
    with Sandbox() as sandbox:
        organisation = seed_organisation(sandbox, sandbox.now())
        organisation.accounts_yml(out / "accounts.yml")
        show(Demo(sandbox, organisation, out))


def show(demo: Demo) -> None:
    """The dry run, the real run, the report, and what the organisation looks like afterwards."""
    before = demo.sandbox.truth()
    users = sum(len(account.users) for account in demo.organisation.accounts)
    inactive = [key for key in before if key["status"] == "Inactive"]
    _title(
        f"An AWS organisation on {demo.sandbox.url}: {len(demo.organisation.accounts)} accounts, "
        f"{users} users, {len(before)} access keys, {len(inactive)} of them inactive"
    )
    _title("Dry run: what is inactive, for how long, and how do we know?")
    demo.sandbox.calls.clear()
    demo.c7n_org("dry-run", "--dryrun")
    demo.report("-s", "dry-run")
    _title(
        "Real run: delete what is proven inactive for 90 days (meanwhile somebody switches the "
        f"key of {CHANGED_USER!r} in account {CHANGED_ACCOUNT!r} on again)"
    )
    demo.switch_on_meanwhile()
    demo.c7n_org("real-run")
    demo.report("-s", "real-run")
    _title("The same as a page to look at")
    demo.report("-s", "real-run", "--format", "html", "-o", "report.html")
    _compare(demo, before)
    click.echo(f"The report: {(demo.out / 'report.html').resolve()}")
    click.echo(f"Everything Custodian wrote: {demo.out.resolve()}")


def _compare(demo: Demo, before: list[dict[str, object]]) -> None:
    """Say what really happened, from the sandbox's own books rather than from our report."""
    left = {key["access_key_id"] for key in demo.sandbox.truth()}
    gone = [key for key in before if key["access_key_id"] not in left]
    active = [key for key in gone if key["status"] != "Inactive"]
    click.echo(
        f"\nThe organisation's own books: {len(gone)} keys are gone, {len(active)} of which were "
        "not inactive."
    )
    if active:
        raise click.ClickException("a key was deleted that was not inactive")


def _title(text: str) -> None:
    click.secho(f"\n{text}\n", fg="cyan", bold=True)


if __name__ == "__main__":
    demo()
