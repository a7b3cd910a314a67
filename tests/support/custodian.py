# SPDX-License-Identifier: Apache-2.0
"""Runs of stock Custodian in accounts of the sandbox."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from c7n_inactive_keys_sandbox import Sandbox
from tests.support.accounts import administrator, report_of_today
from tests.support.commands import Running, start
from tests.support.outcome import Outcome
from tests.support.policies import POLICIES, write_policies


def custodian(
    sandbox: Sandbox,
    home: Path,
    *options: object,
    policies: Path | list[Path] | list[Any] = POLICIES,
    environ: Mapping[str, str] | None = None,
) -> Outcome:
    """`custodian run` of files of policies or of policies as data, with output in home/out.

    As the administrator of the test's account, unless the environment says otherwise.
    """
    who = administrator(sandbox) if environ is None else environ
    return start_custodian(who, home, home / "out", *options, policies=policies).outcome()


@dataclass(frozen=True)
class Run:
    """A run that was started."""

    running: Running
    home: Path
    out: Path

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.running.pid

    def outcome(self) -> Outcome:
        """Wait for its end."""
        done = self.running.end()
        return Outcome(done.returncode, done.stderr + done.stdout, self.out, self.home)


def start_custodian(
    environ: Mapping[str, str],
    home: Path,
    out: Path | str,
    *arguments: object,
    policies: Path | list[Path] | list[Any],
    **options: Any,
) -> Run:
    """Start `custodian run` in a home of its own, where its temporary files are as well."""
    home.mkdir(parents=True, exist_ok=True)
    files = policies if isinstance(policies, list) else [policies]
    if not all(isinstance(item, Path) for item in files):
        files = [write_policies(home / "policies.yml", *files)]
    region = () if "-r" in arguments else ("-r", "us-east-1")
    cache = () if "--cache" in arguments else ("--cache-period", "0")
    command = ("custodian", "run", *cache, *region, "-s", out, *arguments, *files)
    places = {"HOME": str(home), "TMPDIR": str(home)}
    return Run(start(*command, cwd=home, **{**environ, **places}, **options), home, Path(out))


class Custodian:
    """Starts runs, each in a directory of its own; several may go on at once."""

    def __init__(self, sandbox: Sandbox, directory: Path) -> None:
        self.sandbox = sandbox
        self.directory = directory
        self._numbers = itertools.count(1)

    def start(
        self,
        account_id: str,
        *policies: Mapping[str, Any],
        arguments: tuple[str, ...] = (),
        out: str | None = None,
        environ: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Run:
        """Start `custodian run` as the account's administrator.

        `out` is the output directory or url, by default a new directory; the other options are
        those of commands.start.
        """
        home = self.directory / f"{account_id}-{next(self._numbers)}"
        who = administrator(self.sandbox, account_id, **(environ or {}))
        place = home / "out" if out is None else out
        return start_custodian(who, home, place, *arguments, policies=[*policies], **options)

    def run(
        self,
        account_id: str,
        *policies: Mapping[str, Any],
        report_made: bool = True,
        **options: Any,
    ) -> Outcome:
        """Run to the end; with a credential report of some hours ago, so that silence counts."""
        if report_made:
            report_of_today(self.sandbox, account_id)
        return self.start(account_id, *policies, **options).outcome()
