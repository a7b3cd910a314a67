# SPDX-License-Identifier: Apache-2.0
"""The task of the maps: stock c7n-org over a batch, and a report of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import yaml

from c7n_inactive_keys.core.errors import InactiveKeysError
from c7n_inactive_keys.core.journal import is_journal
from c7n_inactive_keys.core.json_types import JsonMapping
from c7n_inactive_keys.organisation.batches import DELETE, Account
from c7n_inactive_keys.organisation.bucket import Bucket
from c7n_inactive_keys.organisation.commands import DiedError, c7n_org, report
from c7n_inactive_keys.organisation.policies import deletes, with_plan
from c7n_inactive_keys.report.model import READ

# What passes if one comes again later.
PASSING = re.compile(r"throttl|rate exceeded|requestlimit|too ?many ?requests|time[d ]*out", re.I)


class UnfinishedError(InactiveKeysError):
    """Some accounts could not be read for a reason that passes; the next try visits only them."""


class Visit:
    """One try at one batch. Everything it makes is under `home`."""

    def __init__(self, item: JsonMapping, bucket: Bucket, policies: Path, home: Path) -> None:
        self.item = item
        self.bucket = bucket
        self.policies = yaml.safe_load(policies.read_text(encoding="utf-8"))
        self.home = home
        self.out, self.log = home / "out", home / "c7n-org.log"
        self.earlier, self.shard = home / "earlier.json", home / "shard.json"
        self.shard_key = f"{item['prefix']}/{item['phase']}/{item['batch']}.json"

    def make(self, seconds: float, attempt: str) -> None:
        """Visit the accounts that no earlier try is done with, and leave a report of all.

        Raises:
            UnfinishedError: it is worth another try.
            DiedError: c7n-org did not come to its end.
        """
        before = self.bucket.get_if_there(self.shard_key)
        todo = unfinished(self.item["accounts"], before)
        if not todo:
            return
        if before:
            self.earlier.write_bytes(before)
        try:
            self._run(todo, seconds)
        except DiedError:
            # Of accounts that were only half looked at nothing is said. What was deleted is.
            if self.item["phase"] == DELETE:
                self._leave(attempt)
            raise
        self._leave(attempt)
        check_finished(self.shard.read_bytes())

    def _run(self, accounts: Sequence[Account], seconds: float) -> None:
        self.log.touch()
        (self.home / "cache").mkdir()
        written = self._write("accounts.yml", {"accounts": list(accounts)})
        plan = self.home / "plan.csv"
        found = with_plan(self.policies["policies"], plan.as_uri())
        policies = self._write("policies.yml", {**self.policies, "policies": found})
        looking = [policy["name"] for policy in found if not deletes(policy)]
        deleting = [policy["name"] for policy in found if deletes(policy)]
        if self.item["phase"] == DELETE:
            plan.write_bytes(self.bucket.get(f"{self.item['prefix']}/plan.csv"))
            steps = [(deleting, False)]
        else:
            steps = [(looking, False), (deleting, True)]
        common = ["run", "-c", written, "-u", policies, "-s", str(self.out)]
        common += ["--cache-path", str(self.home / "cache"), "--cache-period", "0"]
        runs = [
            [*common, *(word for name in names for word in ("-p", name)), *["--dryrun"] * is_dry]
            for names, is_dry in steps
            if names
        ]
        c7n_org(runs, self.home, self.log, seconds)

    def _write(self, name: str, content: JsonMapping) -> str:
        path = self.home / name
        path.write_text(json.dumps(content), encoding="utf-8")  # which is YAML, too
        return str(path)

    def _leave(self, attempt: str) -> None:
        """The journals and the report of the batch, in the bucket."""
        lines = b"".join(_journal_lines(self.out))
        if lines:
            day, run = self.item["prefix"].split("/")[1:3]
            name = f"{run}-{self.item['phase']}-{self.item['batch']}-{attempt}.jsonl"
            self.bucket.put(f"journals/date={day}/{name}", lines)
        batch = self._write("batch.yml", {"accounts": self.item["accounts"]})
        sources = [place for place in (self.earlier, self.out) if place.exists()]
        report(
            *(word for place in sources or [self.out] for word in ("-s", place)),
            *("-c", batch, "--log", self.log, "--format", "json", "-o", self.shard),
        )
        self.bucket.upload(self.shard_key, self.shard)


def _journal_lines(out: Path) -> Iterator[bytes]:
    for path in sorted(out.rglob("*.jsonl")):
        if is_journal(path.name):
            text = path.read_bytes()
            yield text if text.endswith(b"\n") else text + b"\n"


def unfinished(accounts: Iterable[Account], shard: bytes | None) -> list[Account]:
    """Those of the accounts that an earlier try has not read, or in which something failed."""
    if shard is None:
        return list(accounts)
    document = json.loads(shard)
    failed = {failure["account_id"] for failure in document["failures"]}
    done = {item["account_id"] for item in document["accounts"] if item["status"] == READ} - failed
    return [account for account in accounts if account["account_id"] not in done]


def check_finished(shard: bytes) -> None:
    """Ask for another try where one may help.

    Raises:
        UnfinishedError: an account could not be read for a reason that passes.
    """
    passing = [
        f"{item['name']}: {item['reason']}"
        for item in json.loads(shard)["accounts"]
        if item["status"] != READ and PASSING.search(item["reason"] or "")
    ]
    if passing:
        raise UnfinishedError("; ".join(passing))
