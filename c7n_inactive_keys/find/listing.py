# SPDX-License-Identifier: Apache-2.0
"""The access keys of the policy's users, as ListAccessKeys has them now."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from c7n.utils import parse_date

from c7n_inactive_keys.core.errors import ForeignAccountError, InactiveKeysError
from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.core.keys import AccessKey, account_of, inactive_keys
from c7n_inactive_keys.core.times import as_utc
from c7n_inactive_keys.custodian import aws
from c7n_inactive_keys.custodian.account import account_id
from c7n_inactive_keys.custodian.c7n_types import Client, ExecutorFactory, Manager
from c7n_inactive_keys.custodian.clock import clock
from c7n_inactive_keys.custodian.memory import Shared

log = logging.getLogger("custodian.inactive-keys")


@dataclass(frozen=True)
class UserKeys:
    """A user of the policy and its access keys, as they were listed; `read` is when."""

    user: JsonObject
    keys: tuple[AccessKey, ...]
    read: datetime

    @property
    def user_name(self) -> str:
        """The name of the user."""
        name: str = self.user["UserName"]
        return name

    @property
    def created(self) -> datetime:
        """When the user was created."""
        return as_utc(parse_date(self.user["CreateDate"]))

    @property
    def inactive(self) -> list[AccessKey]:
        """The keys that are inactive."""
        return inactive_keys(self.keys)

    @property
    def active(self) -> list[AccessKey]:
        """The keys that can be used."""
        return [key for key in self.keys if key.active]


@dataclass
class Listing:
    """The outcome of listing many users: what was read, and what could not be."""

    users: list[UserKeys] = field(default_factory=list)
    unread: dict[str, aws.ApiError] = field(default_factory=dict)


class _Listed(NamedTuple):
    metadata: list[JsonObject]
    read: datetime


_LISTED: Shared[dict[str, _Listed | aws.ApiError | None]] = Shared(dict)


def list_keys(
    manager: Manager,
    executor_factory: ExecutorFactory,
    users: Iterable[JsonObject],
    again: bool = False,
) -> Listing:
    """The users' keys; users that are gone are left out.

    Each user is listed once in an execution of the policy, or `again` for an action.

    Raises:
        ForeignAccountError: a user is of another account than the policy runs for.
    """
    _check_account(manager, users := list(users))
    iam = aws.client(manager, "iam")
    memory = {} if again else _LISTED.of(manager)
    missing = [user["UserName"] for user in users if user["UserName"] not in memory]
    with executor_factory(max_workers=aws.WORKERS) as workers:
        memory.update(
            zip(missing, workers.map(lambda name: _list(iam, name), missing), strict=True)
        )
    listing = Listing()
    for user in users:
        name = user["UserName"]
        found = memory[name]
        if isinstance(found, aws.ApiError):
            listing.unread[name] = found
        elif found is not None:
            keys = tuple(AccessKey.from_metadata(item, name) for item in found.metadata)
            listing.users.append(UserKeys(user, keys, found.read))
    return listing


def _check_account(manager: Manager, users: list[JsonObject]) -> None:
    """Make sure that no cache and no accounts file has mixed up accounts."""
    expected = account_id(manager)
    owners = {account_of(user["Arn"]) for user in users if user.get("Arn")}
    foreign = sorted(str(owner) for owner in owners if owner != expected)
    if foreign:
        raise ForeignAccountError(
            f"policy:{manager.ctx.policy.name} runs for account {expected}, but its users are of "
            f"account {', '.join(foreign)}; check account_id and role in the accounts file, or "
            "run with --cache-period 0"
        )


def _list(iam: Client, name: str) -> _Listed | aws.ApiError | None:
    try:
        return _Listed(aws.list_access_keys(iam, name), clock.now())
    except (*aws.API_ERRORS, InactiveKeysError) as error:
        if aws.is_gone(error):
            log.info("user %s was deleted while the policy ran", name)
            return None
        return aws.describe_error(error)
