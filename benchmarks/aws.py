# SPDX-License-Identifier: Apache-2.0
"""The embedded AWS in a process of its own, so that its work is not counted as the client's."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta, timezone
from multiprocessing import get_context
from multiprocessing.managers import BaseManager
from typing import Any

from c7n_inactive_keys.core.evidence import LedgerEntry
from c7n_inactive_keys.core.ledger import render_value, tag_key
from c7n_inactive_keys_sandbox import Sandbox

LATENCY = 0.02  # seconds of each call
ACCOUNT = "123456789012"
MANAGEMENT = "100000000001"
FIRST_MEMBER = 200000000000


class EmbeddedAws:
    """What the measuring process asks of the sandbox; lives in the sandbox's process."""

    def __init__(self) -> None:
        self._sandbox = Sandbox()
        self._sandbox.start()

    def environ(self, account_id: str) -> dict[str, str]:
        """The environment of a command that acts as the account's administrator."""
        return self._sandbox.environ(account_id)

    def fill_account(self, users: int, with_inactive: int) -> None:
        """An empty AWS but for one account: so many users with an active key each.

        `with_inactive` of them, spread evenly, have a second key, inactive for longer than event
        history reaches back, which a run of yesterday has recorded: silence alone proves nothing.
        """
        self._sandbox.reset()
        self._sandbox.account(ACCOUNT, name="benchmark")
        self._fill(ACCOUNT, users, with_inactive)

    def fill_organisation(self, accounts: int, users: int, every: int) -> list[str]:
        """So many accounts; in one of `every` accounts one user has an inactive key."""
        self._sandbox.reset()
        self._sandbox.account(MANAGEMENT, name="management")
        account_ids = [str(FIRST_MEMBER + number) for number in range(accounts)]
        for number, account_id in enumerate(account_ids):
            self._fill(account_id, users, 1 if users and number % every == 0 else 0)
        return account_ids

    def _fill(self, account_id: str, users: int, with_inactive: int) -> None:
        now = datetime.now(timezone.utc).replace(microsecond=0)
        account = self._sandbox.account(account_id)
        step = users / with_inactive if with_inactive else 0
        chosen = {int(number * step) for number in range(with_inactive)}
        for number in range(users):
            user = account.user(
                f"user-{number:05d}", tags={"Owner": "somebody"}, created=now - timedelta(days=900)
            )
            user.key(now - timedelta(days=800), last_used=(now, "s3", "us-east-1"))
            if number in chosen:
                off = now - timedelta(days=100 + number % 400)
                used = (off - timedelta(days=3), "s3", "us-east-1")
                key = user.key(now - timedelta(days=700), [off], last_used=used)
                yesterday = now - timedelta(days=1)
                entry = LedgerEntry(after=used[0], since=yesterday, verified=yesterday)
                user.tags[tag_key(key.id)] = render_value(entry)

    def behave(self) -> None:
        """Answer as slowly as a network does, and throttle event history as AWS does."""
        self._sandbox.latency = LATENCY
        self._sandbox.rates = {"LookupEvents": 2}

    def start_count(self) -> None:
        """Count calls from now on."""
        self._sandbox.calls.clear()

    def calls(self) -> Counter[str]:
        """Calls by action since the count began."""
        return self._sandbox.calls.by_action()

    def inactive_keys(self) -> int:
        """How many inactive keys there are in all accounts."""
        return sum(len(account.inactive_keys) for account in self._sandbox.accounts.values())


class AwsProcess(BaseManager):
    """`with AwsProcess.started() as process: process.EmbeddedAws()`."""

    @classmethod
    def started(cls) -> AwsProcess:
        """The process, ready."""
        process = cls(ctx=get_context("spawn"))
        process.start()
        return process

    EmbeddedAws: Any


AwsProcess.register("EmbeddedAws", EmbeddedAws)
