# SPDX-License-Identifier: Apache-2.0
"""What the embedded AWS holds: accounts, users, keys, and the passing of time."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from c7n_inactive_keys.core.times import as_utc, format_time, parse_time, whole_second
from c7n_inactive_keys_sandbox.events import change_denied, status_changed
from c7n_inactive_keys_sandbox.principals import Principal, administrator

if TYPE_CHECKING:
    from c7n_inactive_keys_sandbox.credential_report import ReportState
    from c7n_inactive_keys_sandbox.events import Event

ACTIVE = "Active"
INACTIVE = "Inactive"


def now() -> datetime:
    """The moment, in whole seconds: IAM and CloudTrail know nothing finer."""
    return whole_second(datetime.now(timezone.utc))


def identifier(prefix: str, length: int, *parts: object) -> str:
    """A realistic unique id ([A-Z2-7]) that is the same in every run."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return prefix + base64.b32encode(digest).decode()[:length]


@dataclass(frozen=True)
class LastUsed:
    """The last recorded use of a key; S3 and other services without a region say N/A."""

    time: datetime
    service: str = "s3"
    region: str = "us-east-1"


@dataclass(frozen=True)
class View:
    """What IAM's readers see of a user: the present, or with a lag the past."""

    name: str
    path: str
    id: str
    arn: str
    created: datetime
    tags: Mapping[str, str]
    keys: Sequence[Mapping[str, object]]
    change: int = 0  # the number of the change that this is the state before
    password_last_used: datetime | None = None


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


@dataclass(eq=False)
class Key:
    """An access key and the whole truth about it; `changes` of its status are oldest first."""

    user: User = field(repr=False)
    id: str
    created: datetime
    secret: str = field(repr=False)
    status: str = ACTIVE
    changes: list[tuple[datetime, str]] = field(default_factory=list)
    last_used: LastUsed | None = None

    @property
    def deactivated(self) -> datetime | None:
        """The moment at which the key was last switched off; None while it is not Inactive."""
        if self.status != INACTIVE:
            return None
        # Setting Inactive what is Inactive switches nothing off: such calls do not reach `changes`.
        return self.changes[-1][0] if self.changes else self.created

    def set_status(self, status: str, at: datetime | None = None) -> None:
        """Change the status without a trace in the event history (the API adds its own)."""
        self.user.remember()
        if status != self.status:
            self.changes.append((whole_second(as_utc(at)) if at else now(), status))
            self.status = status

    def deactivate(
        self,
        at: datetime | None = None,
        trace: bool = True,
        by_user: bool = False,
    ) -> None:
        """Switch the key off, now or at a past moment after its last change.

        `trace` False leaves no event; `by_user`: the user's own call, which does not name it.
        """
        self._change(INACTIVE, at, trace, by_user)

    def activate(
        self,
        at: datetime | None = None,
        trace: bool = True,
        by_user: bool = False,
    ) -> None:
        """Switch the key on; as for `deactivate`."""
        self._change(ACTIVE, at, trace, by_user)

    def deny_change(self, at: datetime | None = None) -> None:
        """Somebody tries to change the status and is denied; that leaves an event too."""
        at = whole_second(as_utc(at)) if at else now()
        self.user.account.events.append(change_denied(self, at))

    def _change(self, status: str, at: datetime | None, trace: bool, by_user: bool) -> None:
        at = whole_second(as_utc(at)) if at else now()
        self.set_status(status, at)
        if trace:
            self.user.account.events.append(status_changed(self, status, at, by_user))

    def use(
        self,
        at: datetime | None = None,
        service: str = "s3",
        region: str = "us-east-1",
    ) -> None:
        """A successful signed request with the key."""
        self.last_used = LastUsed(whole_second(as_utc(at)) if at else now(), service, region)

    def delete(self) -> None:
        """The key goes, as by DeleteAccessKey of somebody else."""
        self.user.remember()
        if self in self.user.keys:
            self.user.keys.remove(self)
            self.user.account.state.keys.pop(self.id, None)

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


LEDGER_PREFIX = "c7n-inactive-key:"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|\+00:00)")


@dataclass(eq=False)
class State:
    """All accounts, with indexes by access key id."""

    partition: str = "aws"
    accounts: dict[str, Account] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    sessions: dict[str, Principal] = field(default_factory=dict)
    before: dict[tuple[str, str], View] = field(default_factory=dict)
    changes: int = 0
    counters: dict[tuple[object, ...], int] = field(default_factory=dict)

    def account(self, account_id: str, name: str | None = None) -> Account:
        """The account of that id (12 digits); made if there is none."""
        if account_id not in self.accounts:
            if not re.fullmatch(r"\d{12}", account_id):
                raise ValueError(f"{account_id!r} is no account id: twelve digits")
            account = Account(self, account_id, name or f"account-{account_id}")
            self.accounts[account_id] = account
            self.sessions[account.administrator.access_key_id] = account.administrator
        account = self.accounts[account_id]
        account.name = name or account.name
        return account

    def new_id(self, prefix: str, length: int, *parts: object) -> str:
        """An id not given before: the nth for the same parts is the same in every run."""
        place = (prefix, *parts)
        self.counters[place] = self.counters.get(place, 0) + 1
        return identifier(prefix, length, *place, self.counters[place])

    def age(self, by: timedelta) -> None:
        """Move everything that is stored into the past, as if the clock had advanced."""
        for account in self.accounts.values():
            account.created -= by
            if account.report:
                account.report.age(by)
            account.events[:] = [event.aged(by) for event in account.events]
            for user in (account.root, *account.users.values()):
                _age_user(user, by)
        self.before.clear()


def _age_user(user: User, by: timedelta) -> None:
    user.created -= by
    if user.password_last_used:
        user.password_last_used -= by
    for key in user.keys:
        key.created -= by
        key.changes = [(at - by, status) for at, status in key.changes]
        if key.last_used:
            used = key.last_used
            key.last_used = LastUsed(used.time - by, used.service, used.region)
    for name, value in user.tags.items():
        if name.lower().startswith(LEDGER_PREFIX):
            user.tags[name] = _TIME.sub(lambda match: format_time(parse_time(match[0]) - by), value)
