# SPDX-License-Identifier: Apache-2.0
"""The embedded AWS without its server: state and settings."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from c7n_inactive_keys_sandbox.books import Account, State, identifier, now
from c7n_inactive_keys_sandbox.calls import Calls, Rates
from c7n_inactive_keys_sandbox.events import HOME_REGIONS
from c7n_inactive_keys_sandbox.faults import Faults
from c7n_inactive_keys_sandbox.moto_services import MotoServices
from c7n_inactive_keys_sandbox.permissions import Permissions
from c7n_inactive_keys_sandbox.principals import TOKEN, secret_of


class World:
    """Everything that the sandbox knows; `Gateway` takes requests to it, `Sandbox` adds the server.

    Settings (attributes, to be set at any time):
        latency: seconds that every call takes longer.
        lookup_rate: LookupEvents per second, account and region; None: no limit (AWS: 2).
        rates: requests per second and account by action, answered by Throttling beyond.
        event_delay: events younger than that are not in the event history yet.
        report_snapshots: whether a credential report is kept for four hours, as in AWS.
        report_quotes: whether the report quotes names that hold a comma (what AWS does with
            them is not known).
        report_polls: how many calls find a new report still in progress.
    """

    def __init__(self, partition: str = "aws") -> None:
        self.partition = partition
        self.address: str | None = None
        self.calls = Calls()
        self.faults = Faults()
        self.permissions = Permissions()
        self.moto = MotoServices(self)
        self.lock = threading.RLock()
        self.buckets = Rates()
        self._defaults()

    def _defaults(self) -> None:
        self.state = State(self.partition)
        self.latency = 0.0
        self.lookup_rate: float | None = None
        self.rates: dict[str, float] = {}
        self.event_delay = timedelta(0)
        self.report_snapshots = True
        self.report_polls = 0
        self.report_quotes = True

    def reset(self) -> None:
        """Back to an empty AWS with default settings."""
        with self.lock:
            self._defaults()
            self.calls.clear()
            self.faults.clear()
            self.permissions.clear()
            self.buckets.clear()
            self.moto.reset()

    def now(self) -> datetime:
        """The sandbox's time, which is the true time."""
        return now()

    @property
    def url(self) -> str:
        """The endpoint, `http://127.0.0.1:PORT`."""
        if self.address is None:
            raise RuntimeError("the sandbox is not running: use it in a with statement")
        return self.address

    def credentials(self, account_id: str) -> dict[str, str]:
        """The variables that make a process the administrator of an account."""
        key_id = self.account(account_id).administrator.access_key_id
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": secret_of(key_id),
            "AWS_SESSION_TOKEN": TOKEN,
            "AWS_DEFAULT_REGION": HOME_REGIONS[self.partition],
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def account(self, account_id: str, name: str | None = None) -> Account:
        """The account of that id; made if there is none."""
        return self.state.account(account_id, name)

    def age(self, by: timedelta) -> None:
        """Let time pass: all that is stored moves that far into the past.

        Users, keys, uses, status changes, events, credential reports, and the times in ledger
        tags (`c7n-inactive-key:...`) of users. What lies outside of the sandbox, such as output
        directories, keeps its times.
        """
        with self.lock:
            self.state.age(timedelta(seconds=round(by.total_seconds())))

    def allow(self, who: str, actions: Iterable[str] | None) -> None:
        """Limit an account (id) or role (name) to these actions; see `Permissions.allow`."""
        self.permissions.allow(who, actions)

    def expire_sessions(self, account_id: str | None = None) -> None:
        """All sessions of assumed roles (in one account) expire now; new ones are good."""
        sessions = self.state.sessions
        for key_id, principal in list(sessions.items()):
            administrator = self.state.accounts[principal.account_id].administrator
            if key_id != administrator.access_key_id and account_id in (None, principal.account_id):
                sessions[key_id] = replace(principal, expired=True)

    def truth(self) -> list[dict[str, object]]:
        """A row for each key of an IAM user, of all accounts, sorted by account, user and key."""
        rows = [key.truth() for account in self.state.accounts.values() for key in account.keys]
        return sorted(
            rows,
            key=lambda row: (
                row["account_id"],
                str(row["user_name"]).lower(),
                row["access_key_id"],
            ),
        )

    def role_id(self, account_id: str, role: str) -> str:
        """A role's unique id."""
        return identifier("AROA", 17, account_id, role)
