# SPDX-License-Identifier: Apache-2.0
"""Somebody who runs the installed commands over an organisation of the sandbox."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta

from tests.support.accounts import administrator
from tests.support.commands import start
from tests.support.policies import POLICIES

ROOT = "<root_account>"
STAMP = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.MULTILINE)


def an_hour_earlier(stamp):
    """A time as logging writes it, an hour earlier."""
    return str(datetime.fromisoformat(stamp[0]) - timedelta(hours=1))


class Office:
    """Somebody with a shell in the management account."""

    def __init__(self, sandbox, organisation, directory):
        self.sandbox = sandbox
        self.organisation = organisation
        self.directory = directory
        self.accounts = organisation.accounts_yml(directory / "accounts.yml")
        self.policies = directory / "policies.yml"
        self.policies.write_text(POLICIES.read_text())
        self.environ = administrator(sandbox, organisation.management.id, HOME=str(directory))

    def command(self, name, *arguments):
        """A command of the installation, run to its end; `process` is it while it runs."""
        self.process = start(name, *arguments, cwd=self.directory, **self.environ)
        return self.process.end()

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

    def an_hour_passes(self, out):
        """What was written so far was written an hour earlier: c7n-org's log knows no fractions."""
        for path in (self.directory / out).rglob("metadata.json"):
            content = json.loads(path.read_text())
            for name in ("start", "end_time"):
                content["execution"][name] -= 3600
            path.write_text(json.dumps(content))
        log = self.directory / f"{out}.log"
        log.write_text(STAMP.sub(an_hour_earlier, log.read_text()))

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
        """The truth: ids of the inactive keys by account; root's are named as the report does."""
        roots = [key.truth() for item in self.organisation.accounts for key in item.root.keys]
        return {
            (item["account_id"], _name(item)): item
            for item in (*self.sandbox.truth(), *roots)
            if item["status"] == "Inactive"
        }


def _name(item):
    if item["user_name"] != ROOT:
        return item["access_key_id"]
    return f"root-key-{datetime.fromisoformat(str(item['created'])):%Y%m%dT%H%M%SZ}"
