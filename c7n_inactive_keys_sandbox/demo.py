# SPDX-License-Identifier: Apache-2.0
"""`make demo`: stock c7n-org on the embedded organisation, on day one and a day later; then a year.

Day one finds and records; day two deletes what somebody has now seen inactive on two days. The year
is that of one key, under `policies/key-lifecycle.yml`.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Column, Table

from c7n_inactive_keys import shipped
from c7n_inactive_keys.core.times import days_between
from c7n_inactive_keys_sandbox.demo_year import LIFECYCLE, year_of_a_key
from c7n_inactive_keys_sandbox.faults import Fault
from c7n_inactive_keys_sandbox.organisation import MANAGEMENT, Organisation, seed_organisation
from c7n_inactive_keys_sandbox.server import Sandbox

POLICIES = "inactive-keys.yml"
NOT_COVERED = 3  # the exit status of `report` when it did not see every account
DAY = timedelta(days=1)
DAY_ONE, DAY_TWO = "day-one", "day-two"
# The key that somebody reactivates while the run of day two is under way.
CHANGED_ACCOUNT, CHANGED_USER = "security", "scanner"
# As the shipped policies have it.
DELETING, DAYS = "inactive-keys-delete", 90
# Why a key stays that no policy acted on, where that is not for want of proof.
STAYS = {"exempt": "tagged keep-keys", "root": "only root can delete it"}
NUMBERS = range(1, 5)  # the columns of numbers in the table of accounts
WIDTH = 100


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

    def reactivate_meanwhile(self, output: str) -> None:
        """Have a key reactivated between the moment it is found and the moment it is deleted.

        Custodian writes what it has found before it acts: once that file is there, the next
        reading of the user's keys is the one that precedes the deletion.
        """
        account = self.organisation.account(CHANGED_ACCOUNT)
        (key,) = (key for key in account.inactive_keys if key.user.name == CHANGED_USER)
        found = self.out / output / account.name / "us-east-1" / DELETING / "resources.json"

        def reactivate() -> None:
            if found.exists() and key.status == "Inactive":
                key.activate()

        self.sandbox.faults.add(
            Fault("ListAccessKeys", account.id, CHANGED_USER, times=None, call=reactivate)
        )


@click.command()
@click.option(
    "-o", "--out", default="demo-out", show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write; what an earlier demo left there is replaced.",
)  # fmt: skip
def demo(out: Path) -> None:
    """Find, prove and delete inactive keys in an embedded AWS organisation."""
    if out.exists() and any(out.iterdir()) and not (out / "accounts.yml").exists():
        raise click.UsageError(f"{out} is not empty and was not made by the demo")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for name in (POLICIES, LIFECYCLE):
        shutil.copy(shipped.root() / shipped.POLICIES / name, out)
    with Sandbox() as sandbox:
        organisation = seed_organisation(sandbox, sandbox.now())
        organisation.accounts_yml(out / "accounts.yml")
        show(Demo(sandbox, organisation, out))


def show(demo: Demo) -> None:
    """Both days, the report, and what the organisation looks like afterwards."""
    before = demo.sandbox.truth()
    users = sum(len(account.users) for account in demo.organisation.accounts)
    inactive = [key for key in before if key["status"] == "Inactive"]
    _title(
        f"An AWS organisation on {demo.sandbox.url}: {len(demo.organisation.accounts)} accounts, "
        f"{users} users, {len(before)} access keys, {len(inactive)} of them inactive"
    )
    _title("Dry run: what is inactive, for how long, and how do we know?")
    demo.c7n_org("dry-run", "--dryrun")
    demo.report("-s", "dry-run")
    _title("Day one: record what is inactive, delete what is already proven inactive for 90 days")
    demo.c7n_org(DAY_ONE)
    demo.report("-s", DAY_ONE, "--format", "json", "-o", f"{DAY_ONE}.json")
    _say_what_waits(json.loads((demo.out / f"{DAY_ONE}.json").read_text(encoding="utf-8")))
    demo.sandbox.age(DAY)
    _title(
        "Day two: the same again (meanwhile somebody reactivates the key of "
        f"{CHANGED_USER!r} in account {CHANGED_ACCOUNT!r})"
    )
    demo.reactivate_meanwhile(DAY_TWO)
    demo.c7n_org(DAY_TWO)
    demo.report("-s", DAY_TWO, "--format", "json", "-o", "report.json")
    demo.report("-s", DAY_TWO, "--format", "html", "-o", "report.html")
    _title("Account by account")
    report = json.loads((demo.out / "report.json").read_text(encoding="utf-8"))
    Console(width=WIDTH, highlight=False).print(by_account(report))
    _compare(demo, before)
    _title(f"A year of one key under {LIFECYCLE}: made on day 0, used until day 120")
    for line in year_of_a_key(demo.sandbox, demo.out):
        click.echo(line)
    click.echo(f"\nThe report: {(demo.out / 'report.html').resolve()}")
    click.echo(f"Everything Custodian wrote: {demo.out.resolve()}")


def by_account(report: dict[str, Any]) -> Table:
    """What was found, proven, deleted and skipped in each account, and why the rest stays."""
    rows = [_row(report, account) for account in report["accounts"]]
    found, proven, deleted, skipped = (sum(row[at] for row in rows) for at in NUMBERS)
    table = Table(
        Column("account", f"{len(rows)} accounts"),
        Column("found", str(found), justify="right"),
        Column("proven", str(proven), justify="right"),
        Column("deleted", str(deleted), justify="right"),
        Column("skipped", str(skipped), justify="right"),
        Column("what stays, and why"),
        box=box.SIMPLE_HEAD,
        show_footer=True,
    )
    for row in rows:
        table.add_row(row[0], *(str(row[at] or "") for at in NUMBERS), row[5])
    return table


def _row(report: dict[str, Any], account: dict[str, Any]) -> tuple[Any, ...]:
    keys = [key for key in report["keys"] if key["account_id"] == account["account_id"]]
    stay = [key for key in keys if key["outcome"] != "deleted"]
    return (
        account["name"],
        len(keys),
        sum(key["at_least_days"] >= DAYS for key in keys),
        sum(key["outcome"] == "deleted" for key in keys),
        sum(key["outcome"] == "skipped" for key in keys),
        ", ".join(f"{key['user_name']} ({_why(key)})" for key in stay),
    )


def _why(key: dict[str, Any]) -> str:
    """Why a key stays."""
    if key["outcome"] is not None:
        return str(key["reason"])
    return STAYS.get(key["next_run"], f"{key['at_least_days']:.1f} days proven")


def _say_what_waits(report: dict[str, Any]) -> None:
    """What day one made of the keys."""
    deleted = sum(key["outcome"] == "deleted" for key in report["keys"])
    waiting = sum(key["unsettled_at_least_days"] is not None for key in report["keys"])
    click.echo(
        f"Deleted: {deleted}. Recorded, not yet proven: {waiting}. Their event history is silent, "
        "which proves nothing\nuntil somebody has seen the key inactive. Now somebody has."
    )


def _compare(demo: Demo, before: list[dict[str, Any]]) -> None:
    """Say what really happened, from the sandbox's own books rather than from our report."""
    left = {key["access_key_id"] for key in demo.sandbox.truth()}
    gone = [key for key in before if key["access_key_id"] not in left]
    if not gone:
        raise click.ClickException("no key was deleted, though some are proven inactive")
    active = [key for key in gone if key["status"] != "Inactive"]
    click.echo(f"The organisation's own books: {len(gone)} keys are gone.")
    if active:
        raise click.ClickException(f"{len(active)} of them were not inactive")
    shortest = min(days_between(key["deactivated"] - DAY, demo.sandbox.now()) for key in gone)
    click.echo(f"All of them were inactive, and had been for at least {shortest} days.")


def _title(text: str) -> None:
    click.secho(f"\n{text}\n", fg="cyan", bold=True)


if __name__ == "__main__":
    demo()
