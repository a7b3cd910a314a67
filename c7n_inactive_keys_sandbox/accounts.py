# SPDX-License-Identifier: Apache-2.0
"""Accounts, users and keys, with the whole truth about them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from c7n_inactive_keys_sandbox.events import Event, usual_fields
from c7n_inactive_keys_sandbox.principals import Principal, administrator, secret_of
from c7n_inactive_keys_sandbox.realm import Realm
from c7n_inactive_keys_sandbox.times import whole

ACTIVE = "Active"
INACTIVE = "Inactive"


@dataclass(frozen=True)
class LastUsed:
    """The last recorded use of a key; S3 and other services without a region say N/A."""

    time: datetime
    service: str = "s3"
    region: str = "us-east-1"


@dataclass(eq=False)
class Key:
    """An access key; `changes` of its status are oldest first."""

    user: User = field(repr=False)
    id: str
    created: datetime
    status: str = ACTIVE
    changes: list[tuple[datetime, str]] = field(default_factory=list)
    last_used: LastUsed | None = None

    @property
    def secret(self) -> str:
        """What the key's owner signs with."""
        return secret_of(self.id)

    @property
    def deactivated(self) -> datetime | None:
        """The moment at which the key was last deactivated; None while it is not Inactive."""
        if self.status != INACTIVE:
            return None
        # Deactivating an inactive key changes nothing: such calls do not reach `changes`.
        return self.changes[-1][0] if self.changes else self.created

    def set_status(self, status: str, at: datetime | None = None) -> None:
        """Change the status without a trace in the event history (the API adds its own)."""
        self.user.remember()
        if status != self.status:
            self.changes.append((self.user.account.realm.moment(at), status))
            self.status = status

    def deactivate(
        self, at: datetime | None = None, trace: bool = True, by_user: bool = False
    ) -> None:
        """Deactivate the key, now or at a past moment after its last change.

        `trace` False leaves no event; `by_user`: the user's own call, which does not name it.
        """
        self._change(INACTIVE, at, trace, by_user)

    def activate(
        self, at: datetime | None = None, trace: bool = True, by_user: bool = False
    ) -> None:
        """Activate the key; as for `deactivate`."""
        self._change(ACTIVE, at, trace, by_user)

    def _change(self, status: str, at: datetime | None, trace: bool, by_user: bool) -> None:
        self.set_status(status, at)
        asked = {"accessKeyId": self.id, "status": status}
        if not by_user:
            asked = {"userName": self.user.name} | asked
        actor = self.user.principal(self.id) if by_user else None
        if trace:
            self.user.account.add_event("UpdateAccessKey", at, actor, requestParameters=asked)

    def deny_change(self, at: datetime | None = None) -> None:
        """Somebody tries to change the status and is denied; of that event no target is known."""
        account, what = self.user.account, f"iam:UpdateAccessKey on resource: user {self.user.name}"
        who = f"User: {account.administrator.arn} is not authorized to perform: {what}"
        message = f"{who} with an explicit deny in a service control policy"
        account.add_event("UpdateAccessKey", at, errorCode="AccessDenied", errorMessage=message)

    def use(
        self, at: datetime | None = None, service: str = "s3", region: str = "us-east-1"
    ) -> None:
        """A successful signed request with the key."""
        self.last_used = LastUsed(self.user.account.realm.moment(at), service, region)

    def delete(self) -> None:
        """The key goes, as by DeleteAccessKey of somebody else."""
        self.user.remember()
        if self in self.user.keys:
            self.user.keys.remove(self)
            self.user.account.keys_by_id.pop(self.id, None)

    def truth(self) -> dict[str, object]:
        """What is really so, as a row."""
        return {
            "account_id": self.user.account.id,
            "user_name": self.user.name,
            "access_key_id": self.id,
            "status": self.status,
            "created": self.created,
            "deactivated": self.deactivated,
            "last_used": self.last_used.time if self.last_used else None,
        }


@dataclass(eq=False)
class User:
    """An IAM user or the root user. `tags` is live: what is put there is what GetUser shows."""

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
    def is_root(self) -> bool:
        """Whether it is the account's root user."""
        return self.id == self.account.id

    @property
    def arn(self) -> str:
        """The user's ARN, with its path."""
        name = "root" if self.is_root else f"user{self.path}{self.name}"
        return f"arn:{self.account.realm.partition}:iam::{self.account.id}:{name}"

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
            toggles: moments of change, oldest first: deactivated, activated, deactivated ...
            last_used: time, service and region of the last use.
            key_id: default a realistic one that is the same in every run.
            trace: whether the changes are in the event history.
            status: a status beside the changes, such as Expired.
        """
        key_id = key_id or self.account.realm.new_id("AKIA", 16, self.account.id, self.name)
        key = Key(self, key_id, whole(created) if created else self.created)
        self.keys.append(key)
        self.account.keys_by_id[key.id] = key
        for at in toggles:
            change = key.activate if key.status == INACTIVE else key.deactivate
            change(at, trace)
        if last_used:
            key.use(*last_used)
        key.status = status or key.status
        return key

    def principal(self, access_key_id: str) -> Principal:
        """The user as a caller, by one of its keys."""
        kind, name = ("Root", "root") if self.is_root else ("IAMUser", self.name)
        return Principal(self.account.id, kind, name, access_key_id, self.id, self.arn)

    def rename(self, name: str) -> None:
        """The user gets another name, as by UpdateUser; its id, keys and tags stay."""
        self._leave()
        self.name = name
        self.account.users[name] = self

    def delete(self) -> None:
        """The user goes, keys and all."""
        self._leave()
        for key in self.keys:
            self.account.keys_by_id.pop(key.id, None)
        self.keys.clear()

    def _leave(self) -> None:
        self.remember()
        self.account.users.pop(self.name, None)
        self.account.names = None

    def remember(self) -> None:
        """Keep the state before a change, for readers that lag behind."""
        keys = [replace(key) for key in self.keys]
        self.account.before[self.name] = replace(self, tags=dict(self.tags), keys=keys)


@dataclass
class Report:
    """A credential report; `waiting` calls still find it in progress."""

    content: str
    generated: datetime
    waiting: int = 0


@dataclass(eq=False)
class Account:
    """An AWS account. Its `root` user, and that user's keys, are in no listing of users.

    `stacks` are CloudFormation's, by region and name: what each manages, by its logical id.
    """

    realm: Realm = field(repr=False)
    id: str
    name: str
    users: dict[str, User] = field(default_factory=dict)
    root: User = field(init=False, repr=False)
    keys_by_id: dict[str, Key] = field(default_factory=dict, repr=False)
    before: dict[str, User] = field(default_factory=dict, repr=False)  # as of the last change
    events: list[Event] = field(default_factory=list, repr=False)
    report: Report | None = field(default=None, repr=False)
    stacks: dict[tuple[str, str], Mapping[str, User | Key]] = field(
        default_factory=dict, repr=False
    )
    names: list[str] | None = field(default=None, repr=False)  # sorted, rebuilt when None

    def __post_init__(self) -> None:
        """The root user comes with the account."""
        created = self.realm.now() - timedelta(days=3650)
        self.root = User(self, "<root_account>", "/", self.id, created)
        self.root.password_enabled = self.root.mfa_active = True

    @property
    def administrator(self) -> Principal:
        """Who `Sandbox.environ` and `Sandbox.session` act as."""
        return administrator(self.realm.partition, self.id)

    @property
    def keys(self) -> list[Key]:
        """All keys of IAM users."""
        return [key for user in self.users.values() for key in user.keys]

    @property
    def inactive_keys(self) -> list[Key]:
        """The keys of IAM users that are inactive."""
        return [key for key in self.keys if key.status == INACTIVE]

    def user(
        self,
        name: str,
        path: str = "/",
        tags: Mapping[str, str] | None = None,
        created: datetime | None = None,
    ) -> User:
        """The user of that name; made if there is none (default: five years ago)."""
        if name not in self.users:
            user_id = self.realm.new_id("AIDA", 17, self.id, name)
            apart = timedelta(days=1825, seconds=len(self.users))  # no two in the same second
            born = whole(created) if created else whole(self.realm.now()) - apart
            self.users[name] = User(self, name, path, user_id, born, dict(tags or {}))
            self.names = None
        return self.users[name]

    def sorted_names(self) -> list[str]:
        """User names in the order in which IAM lists them: by letter, not by case."""
        if self.names is None:
            self.names = sorted(self.users, key=lambda name: (name.lower(), name))
        return self.names

    def add_event(
        self,
        name: str,
        at: datetime | None = None,
        actor: Principal | None = None,
        without: Iterable[str] = (),
        **fields: Any,
    ) -> Event:
        """Put an event into the account's history, and change nothing else.

        Args:
            name: the call, such as UpdateAccessKey.
            at: when, default now.
            actor: who called, default the administrator.
            without: fields that the record is to lack.
            fields: more fields of the record, or other values than the usual ones, by
                CloudTrail's names: `requestParameters={...}, errorCode="ServiceFailure"`.
        """
        number = str(uuid.uuid5(uuid.NAMESPACE_OID, self.realm.new_id("", 32, self.id, "event")))
        actor = actor or self.administrator
        record = usual_fields(number, name, actor, self.realm.home_region) | fields
        kept = {key: value for key, value in record.items() if key not in without}
        self.events.append(Event(number, self.realm.moment(at), kept))
        return self.events[-1]
