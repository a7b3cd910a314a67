# SPDX-License-Identifier: Apache-2.0
"""Runs of stock Custodian in accounts of the sandbox, and what they leave behind."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import yaml

from c7n_inactive_keys.core.journal import DELETING, FILE_NAME, JournalLine, read_lines
from c7n_inactive_keys_sandbox import Account, Key
from tests.support.observed import report_of_today

HERE = Path(__file__).parent
DELETE = "inactive-keys-delete"
TAG = "keep-keys"
INACTIVE_90 = {"type": "inactive-access-key", "days": 90}


def delete_policy(*, filters: list[Any] | None = None, **options: Any) -> dict[str, Any]:
    """The shipped deletion policy, or one with other filters or options of the action.

    An option None is left out.
    """
    options = {"exempt-tag": TAG, **options}
    return {
        "name": DELETE,
        "resource": "aws.iam-user",
        "source": "credential-report",
        "filters": filters or [INACTIVE_90],
        "actions": [
            {
                "type": "delete-inactive-keys",
                **{name: value for name, value in options.items() if value is not None},
            }
        ],
    }


def record_policy() -> dict[str, Any]:
    """A policy that keeps the ledger."""
    return {
        "name": "record",
        "resource": "aws.iam-user",
        "source": "credential-report",
        "actions": ["record-inactive-keys"],
    }


def days_ago(days: float) -> datetime:
    """A moment in the past, in whole seconds."""
    return datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=days)


def inactive_key(
    account: Account, name: str = "bob", *, off: float = 200, created: float = 500, **options: Any
) -> Key:
    """A key that was switched off so many days ago, which event history then proves for 90."""
    return account.user(name).key(created=days_ago(created), toggles=[days_ago(off)], **options)


def key_ids(account: Account) -> set[str]:
    """The ids of all keys of an account, as they are now."""
    return {key.id for key in account.keys}


@dataclass(frozen=True)
class Outcome:
    """What a run left behind: exit status, standard error and output directory."""

    status: int
    log: str
    out: Path
    home: Path  # its working and temporary directory

    def journal(self, policy: str = DELETE) -> list[JournalLine]:
        """The lines of the journal; a torn one may only be the last."""
        path = self.out / policy / FILE_NAME
        text = path.read_text() if path.exists() else ""
        entries, problems = read_lines(text)
        assert not problems or [item.line_number for item in problems] == [len(text.split("\n"))]
        return entries

    def by_key(self, policy: str = DELETE) -> dict[str | None, str]:
        """The last word of the journal on each key: `outcome` or `outcome reason`."""
        return {
            entry.access_key_id: " ".join(filter(None, (entry.outcome, entry.reason)))
            for entry in self.journal(policy)
        }

    def by_user(self, policy: str = DELETE) -> dict[str, str]:
        """The last word of the journal on each user."""
        return {
            entry.user_name: " ".join(filter(None, (entry.outcome, entry.reason)))
            for entry in self.journal(policy)
        }

    def unfinished(self, policy: str = DELETE) -> set[str]:
        """Keys whose `deleting` has no outcome behind it."""
        last = {entry.access_key_id: entry.outcome for entry in self.journal(policy)}
        return {str(key_id) for key_id, outcome in last.items() if outcome == DELETING}

    def resources(self, policy: str = DELETE) -> list[dict[str, Any]]:
        """The users that matched; empty if the run did not get so far."""
        path = self.out / policy / "resources.json"
        return json.loads(path.read_text()) if path.exists() else []

    def matched(self, policy: str = DELETE) -> set[str]:
        """Ids of the keys that matched."""
        return {
            key["AccessKeyId"]
            for user in self.resources(policy)
            for key in user.get("c7n:InactiveAccessKeys", ())
        }

    def action_file(self, policy: str = DELETE) -> list[dict[str, Any]] | None:
        """The outcomes as Custodian writes them for the policy's only action."""
        paths = list((self.out / policy).glob("action-*"))
        return json.loads(paths[0].read_text()) if paths else None

    def failures(self, policy: str = DELETE) -> list[dict[str, Any]]:
        """The failed outcomes in the action's file."""
        return [item for item in self.action_file(policy) or () if item["outcome"] == "failed"]


class Custodian:
    """Starts runs; several may go on at once. To be closed."""

    def __init__(self, sandbox: Any, directory: Path) -> None:
        self.sandbox = sandbox
        self.directory = directory
        self._forker = subprocess.Popen(
            [sys.executable, HERE / "forker.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**sandbox_free_environ()},
        )
        self._numbers = 0
        self._lock = threading.Lock()
        self._told: dict[tuple[int, str], int] = {}
        self._news = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """Let the runs end, and then the process that starts them."""
        assert self._forker.stdin is not None
        self._forker.stdin.close()
        self._forker.wait(60)

    def _listen(self) -> None:
        assert self._forker.stdout is not None
        for line in self._forker.stdout:
            fields = json.loads(line)
            number = fields.pop("number")
            with self._news:
                self._told.update({(number, name): value for name, value in fields.items()})
                self._news.notify_all()
        with self._news:
            self._told = defaultdict(lambda: -999, self._told)
            self._news.notify_all()

    def _await(self, number: int, name: str) -> int:
        with self._news:
            found = self._news.wait_for(
                lambda: (number, name) in self._told or isinstance(self._told, defaultdict), 300
            )
            assert found, "the run did not end in 300 seconds"
            return self._told[number, name]

    def start(
        self,
        account_id: str,
        *policies: Mapping[str, Any],
        arguments: tuple[str, ...] = (),
        out: str | None = None,
        settings: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
        file_size: int = 0,
    ) -> Run:
        """Start `custodian run` as the account's administrator.

        `settings` are constants of modules that this run has otherwise, to shorten waits; `out` is
        the output directory or url, by default a new directory; no file may grow beyond
        `file_size`, in bytes, as if the disk were full.
        """
        with self._lock:
            self._numbers += 1
            number = self._numbers
        home = self.directory / f"{account_id}-{number}"
        home.mkdir(parents=True)
        (home / "policies.json").write_text(json.dumps({"policies": list(policies)}))
        place = out or str(home / "out")
        order = {
            "number": number,
            "output": str(home / "log"),
            "directory": str(home),
            "environ": self.sandbox.environ(account_id)
            | {"HOME": str(home), "TMPDIR": str(home)}
            | dict(environ or {}),
            "settings": dict(settings or {}),
            "file_size": file_size,
            "arguments": [
                "run", "--cache-period", "0", "-r", "us-east-1", "-s", place, *arguments,
                str(home / "policies.json"),
            ],
        }  # fmt: skip
        assert self._forker.stdin is not None
        with self._lock:
            self._forker.stdin.write(json.dumps(order) + "\n")
            self._forker.stdin.flush()
        return Run(self, number, home, Path(place))

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


@dataclass(frozen=True)
class Run:
    """A run that was started."""

    custodian: Custodian
    number: int
    home: Path
    out: Path

    def pid(self) -> int:
        """Its process id."""
        return self.custodian._await(self.number, "pid")

    def outcome(self) -> Outcome:
        """Wait for its end."""
        status = self.custodian._await(self.number, "status")
        return Outcome(status, (self.home / "log").read_text(), self.out, self.home)


def sandbox_free_environ() -> dict[str, str]:
    """This process's environment without AWS's variables."""
    import os

    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def write_policies(path: Path, *policies: Mapping[str, Any]) -> Path:
    """A policy file for the stock commands."""
    path.write_text(yaml.safe_dump({"policies": list(policies)}))
    return path
