# SPDX-License-Identifier: Apache-2.0
"""Accounts and their users."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from c7n_inactive_keys.core.times import as_utc, whole_second
from c7n_inactive_keys_sandbox.keys import Key
from c7n_inactive_keys_sandbox.principals import Principal, administrator
from c7n_inactive_keys_sandbox.values import INACTIVE, View, now

if TYPE_CHECKING:
    from c7n_inactive_keys_sandbox.credential_report import ReportState
    from c7n_inactive_keys_sandbox.events import Event
    from c7n_inactive_keys_sandbox.state import State


@dataclass(eq=False)
class User:
    """An IAM user. `tags` is live: what is put there is what GetUser shows."""

    account: Account = field(repr=False)
    name: str
    path: str
    id: str
    created: datetime
    tags: dict[str, str] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)
    password_enabled: bool = False
    password_last_used: datetime | None = None
    mfa_active: bool = False

    @property
    def arn(self) -> str:
        """The user's ARN, with its path."""
        account = self.account
        return f"arn:{account.state.partition}:iam::{account.id}:user{self.path}{self.name}"

    def key(
        self,
        created: datetime | None = None,
        toggles: Iterable[datetime] = (),
        last_used: tuple[datetime, str, str] | None = None,
        key_id: str | None = None,
        trace: bool = True,
        status: str | None = None,
    ) -> Key:
        """Give the user a key.

        Args:
            created: when, default the user's creation.
            toggles: moments of change, oldest first: off, on, off, ...
            last_used: time, service and region of the last use.
            key_id: default a realistic one that is the same in every run.
            trace: whether the changes are in the event history.
            status: a status beside the changes, such as Expired.
        """
        state = self.account.state
        key_id = key_id or state.new_id("AKIA", 16, self.account.id, self.name)
        key = Key(
            self,
            key_id,
            whole_second(as_utc(created)) if created else self.created,
            secret=hashlib.sha256(key_id.encode()).hexdigest()[:40],
        )
        self.keys.append(key)
        state.keys[key.id] = key
        for at in toggles:
            change = key.activate if key.status == INACTIVE else key.deactivate
            change(at, trace)
        if last_used:
            key.use(*last_used)
        if status:
            key.status = status
        return key

    def principal(self, access_key_id: str) -> Principal:
        """The user as a caller, by one of its keys."""
        account = self.account
        kind, name = ("Root", "root") if self is account.root else ("IAMUser", self.name)
        return Principal(
            account.id, kind, name, access_key_id, self.id, account.state.partition, path=self.path
        )

    def delete(self) -> None:
        """The user goes, keys and all."""
        self.remember()
        for key in list(self.keys):
            key.delete()
        self.account.users.pop(self.name, None)
        self.account.names = None

    def view(self, change: int = 0) -> View:
        """What a reader sees at this moment."""
        return View(
            self.name,
            self.path,
            self.id,
            self.arn,
            self.created,
            dict(self.tags),
            [
                {
                    "UserName": self.name,
                    "AccessKeyId": key.id,
                    "Status": key.status,
                    "CreateDate": key.created,
                }
                for key in self.keys
            ],
            change,
            self.password_last_used,
        )

    def remember(self) -> None:
        """Keep the state before a change, for readers that lag behind."""
        state = self.account.state
        state.changes += 1
        state.before[self.account.id, self.name] = self.view(state.changes)


@dataclass(eq=False)
class Account:
    """An AWS account. `root_keys` belong to the root user and are in no listing of users."""

    state: State = field(repr=False)
    id: str
    name: str
    users: dict[str, User] = field(default_factory=dict)
    root: User = field(init=False, repr=False)
    events: list[Event] = field(default_factory=list, repr=False)
    report: ReportState | None = field(default=None, repr=False)
    names: list[str] | None = field(default=None, repr=False)  # sorted, rebuilt when None
    created: datetime = field(default_factory=lambda: now() - timedelta(days=3650))

    def __post_init__(self) -> None:
        """The root user comes with the account."""
        self.root = User(
            self,
            "<root_account>",
            "/",
            self.id,
            self.created,
            password_enabled=True,
            mfa_active=True,
        )

    @property
    def administrator(self) -> Principal:
        """Who `Sandbox.environ` and `Sandbox.session` act as."""
        return administrator(self.id, self.state.partition)

    @property
    def root_keys(self) -> list[Key]:
        """The keys of the root user; add one by `account.root.key(...)`."""
        return self.root.keys

    @property
    def keys(self) -> list[Key]:
        """All keys of IAM users."""
        return [key for user in self.users.values() for key in user.keys]

    @property
    def inactive_keys(self) -> list[Key]:
        """The keys of IAM users that are switched off."""
        return [key for key in self.keys if key.status == INACTIVE]

    @property
    def credential_report_age(self) -> timedelta | None:
        """How old the present report is; None without one. Can be set."""
        return now() - self.report.generated if self.report else None

    @credential_report_age.setter
    def credential_report_age(self, age: timedelta) -> None:
        if self.report is None:
            raise ValueError("the account has no credential report yet")
        self.report.generated = now() - age

    def user(
        self,
        name: str,
        path: str = "/",
        tags: Mapping[str, str] | None = None,
        created: datetime | None = None,
    ) -> User:
        """The user of that name; made if there is none (default: five years ago)."""
        if name not in self.users:
            born = whole_second(as_utc(created)) if created else now() - timedelta(days=1825)
            self.users[name] = User(
                self,
                name,
                path,
                self.state.new_id("AIDA", 17, self.id, name),
                born,
                dict(tags or {}),
            )
            self.names = None
        return self.users[name]

    def sorted_names(self) -> list[str]:
        """User names in the order in which IAM lists them: by letter, not by case."""
        if self.names is None:
            self.names = sorted(self.users, key=lambda name: (name.lower(), name))
        return self.names
