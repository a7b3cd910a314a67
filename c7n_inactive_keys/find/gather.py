# SPDX-License-Identifier: Apache-2.0
"""From users to assessed keys: reads the keys live, gathers evidence, asks the timeline."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from c7n_inactive_keys.core.credential_report import ReportedUser
from c7n_inactive_keys.core.errors import ForeignAccountError, InactiveKeysError
from c7n_inactive_keys.core.event_export import ExportedEvents
from c7n_inactive_keys.core.evidence import (
    Assessment,
    CompleteRecord,
    Facts,
    LedgerEntry,
    StatusChange,
)
from c7n_inactive_keys.core.found_key import FoundKey
from c7n_inactive_keys.core.journal import UNREAD_HISTORY, UNREAD_LAST_USE
from c7n_inactive_keys.core.keys import (
    AccessKey,
    LastUse,
    Unavailable,
    account_of,
    inactive_keys,
)
from c7n_inactive_keys.core.ledger import MalformedTag, read_tags
from c7n_inactive_keys.core.ledger_upkeep import valid_notice
from c7n_inactive_keys.core.timeline import assess
from c7n_inactive_keys.custodian import aws
from c7n_inactive_keys.custodian.account import account_id
from c7n_inactive_keys.custodian.memory import REPORT_ANNOTATION, execution_memory, once_per_run
from c7n_inactive_keys.custodian.unread_users import report_unread_evidence
from c7n_inactive_keys.find.event_history import (
    EventHistory,
    partition_of_users,
    read_event_history,
)
from c7n_inactive_keys.find.events_from import Export

log = logging.getLogger("custodian.inactive-keys")


@dataclass(frozen=True)
class UserKeys:
    """A user of the policy and its access keys as they were just listed."""

    user: dict[str, Any]
    keys: tuple[AccessKey, ...]

    @property
    def user_name(self) -> str:
        """The name of the user."""
        name: str = self.user["UserName"]
        return name

    @property
    def inactive(self) -> list[AccessKey]:
        """The keys that are inactive."""
        return inactive_keys(self.keys)


@dataclass
class Listing:
    """The outcome of listing many users: what was read, and what could not be."""

    users: list[UserKeys] = field(default_factory=list)
    unread: dict[str, aws.ApiError] = field(default_factory=dict)


@dataclass
class Sources:
    """Which evidence to gather besides creation and last use."""

    ledger: bool = True
    cloudtrail: bool = True
    exports: tuple[Export, ...] = ()


class Investigation:
    """Assesses the inactive keys of users, with as few calls as the answer allows."""

    def __init__(
        self, manager: Any, sources: Sources, executor_factory: Callable[..., Any]
    ) -> None:
        self.manager = manager
        self.sources = sources
        self.executor_factory = executor_factory
        self.iam = aws.client(manager, "iam")
        self._last_use: dict[str, LastUse | Unavailable] = execution_memory(manager).setdefault(
            "last-used", {}
        )

    # -- keys -----------------------------------------------------------------------------------

    def list_keys(self, users: Iterable[dict[str, Any]], again: bool = False) -> Listing:
        """The users' keys; users that are gone are left out.

        Each user is listed once in an execution of the policy, or `again` for an action.
        """
        self._check_account(users := list(users))
        memory = {} if again else execution_memory(self.manager).setdefault("listed", {})
        missing = [user for user in users if user["UserName"] not in memory]
        with self.executor_factory(max_workers=aws.WORKERS) as workers:
            memory.update(workers.map(self._list_user, missing))
        listing = Listing()
        for user in users:
            found = memory[user["UserName"]]
            if isinstance(found, aws.ApiError):
                listing.unread[user["UserName"]] = found
            elif found is not None:
                listing.users.append(
                    UserKeys(
                        user,
                        tuple(AccessKey.from_metadata(item, user["UserName"]) for item in found),
                    )
                )
        return listing

    def _check_account(self, users: list[dict[str, Any]]) -> None:
        """Make sure that no cache and no accounts file has mixed up accounts.

        Raises:
            ForeignAccountError: a user is of another account than the policy runs for.
        """
        expected = account_id(self.manager)
        owners = {account_of(user["Arn"]) for user in users if user.get("Arn")}
        foreign = sorted(str(owner) for owner in owners if owner != expected)
        if foreign:
            raise ForeignAccountError(
                f"policy:{self.manager.ctx.policy.name} runs for account {expected}, but its "
                f"users are of account {', '.join(foreign)}; check account_id and role in the "
                "accounts file, or run with --cache-period 0"
            )

    def _list_user(self, user: dict[str, Any]) -> tuple[str, Any]:
        name = user["UserName"]
        try:
            metadata = aws.list_access_keys(self.iam, name)
        except (*aws.API_ERRORS, InactiveKeysError) as error:
            if aws.is_gone(error):
                log.info("user %s was deleted while the policy ran", name)
                return name, None
            return name, aws.describe_error(error)
        return name, metadata

    # -- evidence -------------------------------------------------------------------------------

    def assess(
        self,
        users: Iterable[UserKeys],
        now: datetime,
        matters: Callable[[AccessKey, LastUse | Unavailable], bool] | None = None,
    ) -> dict[str, Assessment]:
        """The interval of each inactive key, by access key id; `now` is not before the listing.

        `matters` tells whether more evidence could change what is made of a key; if it can for
        none, event history is not asked.
        """
        users = [user for user in users if user.inactive]
        self._read_last_uses(users)
        for _, key in all_inactive(users):
            self._report_unread_use(key)
        pending = matters is None or any(
            matters(key, self.last_use(key)) for _, key in all_inactive(users)
        )
        history = self._event_history(users) if users and pending else None
        exports = [export.read() for export in self.sources.exports] if users else []
        return {
            key.access_key_id: assess(self._facts(user, key, history, exports), now)
            for user, key in all_inactive(users)
        }

    def _facts(
        self,
        user: UserKeys,
        key: AccessKey,
        history: EventHistory | Unavailable | None,
        exports: Iterable[ExportedEvents],
    ) -> Facts:
        changes: list[StatusChange] = []
        records: list[CompleteRecord] = []
        if isinstance(history, EventHistory):
            changes.extend(history.events.of(key.access_key_id))
            records.append(history.record)
        for export in exports:
            changes.extend(export.events.of(key.access_key_id))
            records.extend(export.records)
        ledger = self.ledger_entry(user, key) if self.sources.ledger else None
        reported = _reported(user.user)
        unavailable = (history,) if isinstance(history, Unavailable) else ()
        return Facts(
            key=key,
            last_use=self.last_use(key),
            changes=tuple(changes),
            records=tuple(records),
            ledger=ledger,
            seen_active=reported.seen_active(key) if reported else None,
            seen_inactive=reported.seen_inactive(key, user.keys) if reported else None,
            unavailable=unavailable,
        )

    def found(self, user: UserKeys, key: AccessKey, assessment: Assessment) -> FoundKey:
        """An assessed key, with when its owner was told."""
        entry = self.ledger_entry(user, key)
        notice = valid_notice(entry, assessment) if entry else None
        return FoundKey.of(key, self.last_use(key), assessment, notice)

    def ledger_entry(self, user: UserKeys, key: AccessKey) -> LedgerEntry | None:
        """The ledger's word on a key; a malformed one is not evidence and worth a warning."""
        entry = read_tags(user.user.get("Tags") or ()).get(key.access_key_id)
        if isinstance(entry, MalformedTag):
            warned = execution_memory(self.manager).setdefault("malformed", set())
            if key.access_key_id not in warned:
                warned.add(key.access_key_id)
                log.warning(
                    'user %s: the ledger tag of access key %s is not evidence: %s in "%s"',
                    user.user_name,
                    key.access_key_id,
                    entry.problem,
                    entry.value,
                )
            return None
        return entry

    def last_use(self, key: AccessKey) -> LastUse | Unavailable:
        """The last use of a key that `assess` has dealt with."""
        return self._last_use[key.access_key_id]

    def _read_last_uses(self, users: list[UserKeys]) -> None:
        """Last uses of the inactive keys: from the credential report, or else from IAM."""
        asked: list[AccessKey] = []
        for user in users:
            reported = _reported(user.user)
            for key in user.inactive:
                if key.access_key_id in self._last_use:
                    continue
                use = reported.last_use_of(key, user.keys) if reported else None
                if use is None:
                    asked.append(key)
                else:
                    self._last_use[key.access_key_id] = use
        with self.executor_factory(max_workers=aws.WORKERS) as workers:
            self._last_use.update(workers.map(self._ask_last_use, asked))

    def _ask_last_use(self, key: AccessKey) -> tuple[str, LastUse | Unavailable]:
        try:
            return key.access_key_id, aws.get_last_use(self.iam, key.access_key_id)
        except aws.API_ERRORS as error:
            code, message = aws.describe_error(error)
            log.warning(
                "user %s: the last use of access key %s is unknown, so nothing is proven of it: "
                "%s %s",
                key.user_name,
                key.access_key_id,
                code,
                message,
            )
            return key.access_key_id, Unavailable("last-used", message, code)

    def _report_unread_use(self, key: AccessKey) -> None:
        use = self.last_use(key)
        if isinstance(use, Unavailable):
            report_unread_evidence(
                self.manager,
                UNREAD_LAST_USE,
                aws.ApiError(use.code, use.message),
                key.user_name,
                key.access_key_id,
            )

    def _event_history(self, users: list[UserKeys]) -> EventHistory | Unavailable | None:
        if not self.sources.cloudtrail:
            return None
        partition = partition_of_users(self.manager, (user.user for user in users))
        history = once_per_run(
            self.manager, "event-history", lambda: read_event_history(self.manager, partition)
        )
        if isinstance(history, Unavailable):
            log.warning(
                "policy:%s account:%s event history could not be read (cloudtrail:LookupEvents), "
                "so its silence proves nothing: %s",
                self.manager.ctx.policy.name,
                account_id(self.manager),
                history.reason,
            )
            report_unread_evidence(
                self.manager, UNREAD_HISTORY, aws.ApiError(history.code, history.message)
            )
        return history


def _reported(user: Mapping[str, Any]) -> ReportedUser | None:
    annotation = user.get(REPORT_ANNOTATION)
    return ReportedUser.from_annotation(user, annotation) if annotation else None


def all_inactive(users: Iterable[UserKeys]) -> Iterator[tuple[UserKeys, AccessKey]]:
    """Each inactive key with its user."""
    for user in users:
        for key in user.inactive:
            yield user, key
