# SPDX-License-Identifier: Apache-2.0
"""The embedded AWS without its server: what it holds, and how it behaves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from c7n_inactive_keys_sandbox import moto_services
from c7n_inactive_keys_sandbox.accounts import Account
from c7n_inactive_keys_sandbox.books import Books
from c7n_inactive_keys_sandbox.calls import Calls, Rates
from c7n_inactive_keys_sandbox.events import Event
from c7n_inactive_keys_sandbox.faults import Faults
from c7n_inactive_keys_sandbox.permissions import Permissions
from c7n_inactive_keys_sandbox.principals import TOKEN, secret_of
from c7n_inactive_keys_sandbox.protocol import Request


class World(Books):
    """Everything that the sandbox knows; `Gateway` takes requests to it, `Sandbox` adds the server.

    Settings (attributes, to be set at any time):
        latency: seconds that every call takes longer.
        rates: requests per second and account by action, answered by Throttling beyond
            (AWS: 2 for LookupEvents).
        clock_offset: how far this AWS's clock is ahead of the machine's.
        event_delay: how long after its time an event shows in the event history; for all
            events, or a function of the event, such as `RandomDelays`.
        report_snapshots: whether a credential report is kept for four hours, as in AWS.
        report_polls: how many calls find a new report still in progress.
        report_root: whether a report has a row for the root user, as in AWS.
        report_edit: a function that falsifies each new report: from its text another.
    """

    def __init__(self, partition: str = "aws") -> None:
        self.address: str | None = None
        self.lock = threading.RLock()
        self._begin(partition)

    def _begin(self, partition: str) -> None:
        super().__init__(partition)
        self.calls = Calls()
        self.faults = Faults()
        self.permissions = Permissions()
        self.buckets = Rates()
        self.latency = 0.0
        self.rates: dict[str, float] = {}
        self.event_delay: timedelta | Callable[[Event], timedelta] = timedelta(0)
        self.report_snapshots = True
        self.report_polls = 0
        self.report_root = True
        self.report_edit: Callable[[str], str] = str

    def reset(self) -> None:
        """Back to an empty AWS with default settings."""
        with self.lock:
            self._begin(self.realm.partition)
            moto_services.reset()

    @property
    def clock_offset(self) -> timedelta:
        """How far this AWS's clock is ahead of the machine's."""
        return self.realm.clock_offset

    @clock_offset.setter
    def clock_offset(self, offset: timedelta) -> None:
        self.realm.clock_offset = offset

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
            "AWS_DEFAULT_REGION": self.realm.home_region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def account_of(self, request: Request) -> Account:
        """The account of the caller."""
        return self.account(request.caller.account_id)

    def allow(self, who: str, actions: Iterable[str] | None) -> None:
        """Limit an account (id) or role (name) to these actions; see `Permissions.allow`."""
        self.permissions.allow(who, actions)

    def visible_from(self, event: Event) -> datetime:
        """When an event is in the event history."""
        delay = self.event_delay
        return event.time + (delay if isinstance(delay, timedelta) else delay(event))
