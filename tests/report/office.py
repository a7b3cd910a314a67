# SPDX-License-Identifier: Apache-2.0
"""Somebody who runs the installed commands over an organisation of the sandbox."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

POLICIES = Path(__file__).parents[2] / "policies" / "inactive-keys.yml"


class Office:
    """Somebody with a shell in the management account."""

    def __init__(self, sandbox, organisation, directory):
        self.sandbox = sandbox
        self.organisation = organisation
        self.directory = directory
        self.accounts = organisation.accounts_yml(directory / "accounts.yml")
        self.policies = directory / "policies.yml"
        self.policies.write_text(POLICIES.read_text())
        self.environ = sandbox.environ(organisation.management.id) | {"HOME": str(directory)}

    def command(self, name, *arguments):
        """A command of the installation, run to its end; `process` is it while it runs."""
        command = [Path(sys.executable).with_name(name), *map(str, arguments)]
        self.process = subprocess.Popen(
            command,
            env=self.environ,
            cwd=self.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        said, log = self.process.communicate()
        return subprocess.CompletedProcess(command, self.process.returncode, said, log)

    def org(self, out, *arguments, accounts=None):
        """`c7n-org run` into the directory, whose log is kept beside it."""
        done = self.command(
            "c7n-org",
            "run",
            "-c",
            accounts or self.accounts,
            "-u",
            self.policies,
            "-s",
            out,
            "--cache-period",
            "0",
            *arguments,
        )
        (self.directory / f"{out}.log").write_text(done.stderr)
        return done

    def record(self):
        """Let the ledger be written, and enough time pass for what it saw to be a proof."""
        done = self.org("ledger", "-p", "inactive-keys-record")
        assert done.returncode == 0, done.stderr
        self.sandbox.age(timedelta(hours=3))

    def report(self, out, *arguments):
        """`c7n-inactive-keys report` over the directory."""
        return self.command("c7n-inactive-keys", "report", "-s", out, *arguments)

    def json(self, out, *arguments, status=0):
        """The json report over the directory, of which the exit status is known."""
        done = self.report(out, "-c", self.accounts, "--format", "json", *arguments)
        assert done.returncode == status, done.stderr
        return json.loads(done.stdout)

    def inactive(self):
        """The truth: ids of the inactive keys of users by account."""
        return {
            (item["account_id"], item["access_key_id"]): item
            for item in self.sandbox.truth()
            if item["status"] == "Inactive" and item["user_name"] not in (None, "<root_account>")
        }
