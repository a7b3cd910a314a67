# SPDX-License-Identifier: Apache-2.0
"""One user's keys, deleted one by one: read again, write down, delete, find out what happened."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from c7n.utils import backoff_delays

from c7n_inactive_keys.core.errors import InactiveKeysError
from c7n_inactive_keys.core.journal import (
    ALREADY_GONE,
    AMBIGUOUS,
    CHANGED,
    DELETED,
    DELETING,
    EXEMPT,
    FAILED,
    LEDGER_TAG,
    NOT_IN_PLAN,
    NOT_MATCHED,
    REACTIVATED,
    SKIPPED,
    UNCLEAR,
    UNREADABLE,
    USER_GONE,
)
from c7n_inactive_keys.core.keys import ACTIVE, AccessKey
from c7n_inactive_keys.core.ledger import LedgerEntry, MalformedTag, read_tags, tag_key
from c7n_inactive_keys.core.plan import Plan
from c7n_inactive_keys.core.times import parse_time
from c7n_inactive_keys.custodian import aws
from c7n_inactive_keys.custodian.run_record import PolicyJournal, PolicyRun
from c7n_inactive_keys.delete.key_selection import Selection, select
from c7n_inactive_keys.delete.pace import Pace
from c7n_inactive_keys.find.matched_keys import INACTIVE_KEYS

log = logging.getLogger("custodian.inactive-keys")

TRIES = 6
READ_FAILURES = (*aws.API_ERRORS, InactiveKeysError)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a key: deleted, skipped with a reason, or failed with an error."""

    outcome: str
    reason: str | None = None
    error: aws.ApiError | None = None


@dataclass(frozen=True)
class Rules:
    """What the policy demands of a key besides being inactive."""

    account_id: str
    filters: tuple[Any, ...] = ()  # the policy's filter tree, for the built-in key filters in it
    exempt_tag: str | None = None
    plan: Plan | None = None
    notice: bool = False  # a filter waits for the owner to have been told
    tags_may_be_old: bool = False  # those that Custodian's resources have

    def exempts(self, tags: Iterable[Mapping[str, str]]) -> bool:
        """Whether tags of a user exempt it; IAM's tag keys are case-insensitive."""
        tag = (self.exempt_tag or "").lower()
        return bool(tag) and any(item["Key"].lower() == tag for item in tags)


@dataclass
class UserDeletion:
    """Deletes the matched keys of one user. Not shared between workers."""

    reader: Any
    writer: Any
    rules: Rules
    run: PolicyRun
    journal: PolicyJournal
    pace: Pace
    user: Mapping[str, Any]

    def __post_init__(self) -> None:
        self.user_name: str = self.user["UserName"]
        self.entries: list[Mapping[str, Any]] = list(self.user[INACTIVE_KEYS])
        self.tags: list[Mapping[str, str]] = self.user.get("Tags") or []
        self.found_ledger = read_tags(self.tags)  # as it was when the keys were found
        # Users come from Custodian's cache, so tags that a deletion rests on are read again.
        self.tags_matter = (
            bool(self.rules.exempt_tag)
            or self.rules.notice
            or any(_ledger_since(entry) for entry in self.entries)
        )
        # Such a user's keys were not counted for max-keys, so none may go even if the tag did.
        self.exempted = self.rules.exempts(self.tags)
        self.listed: list[dict[str, Any]] | Outcome = []

    def delete(self) -> list[dict[str, Any]]:
        """The record of each key, and one of the user if its ledger tags could not be removed."""
        records = []
        gone = []
        for entry in self.entries:
            self._read_again()
            outcome = self._delete_key(entry)
            records.append(self._write(entry, outcome))
            if outcome.outcome == DELETED or outcome.reason == ALREADY_GONE:
                gone.append(entry["AccessKeyId"])
        failure = self._remove_ledger_tags(gone)
        return [*records, failure] if failure else records

    # -- reading again --------------------------------------------------------------------------

    def _read_again(self) -> None:
        """Read the user's keys as they are now, or find why none of them may be deleted."""
        self.pace.wait()
        self.listed = self._read()

    def _read(self) -> list[dict[str, Any]] | Outcome:
        if self.exempted:
            return Outcome(SKIPPED, EXEMPT)
        try:
            if self.tags_matter:
                self.tags = aws.get_user(self.reader, self.user_name).get("Tags") or []
                if self.rules.exempts(self.tags):
                    return Outcome(SKIPPED, EXEMPT)
            return aws.list_access_keys(self.reader, self.user_name)
        except READ_FAILURES as error:
            return _unreadable(error)

    def _hindrance(self, entry: Mapping[str, Any], listed: list[dict[str, Any]]) -> Outcome | None:
        """Why the key must not be deleted, from the user's keys as they are now."""
        key = next(
            (key for key in self._keys(listed) if key.access_key_id == entry["AccessKeyId"]), None
        )
        if key is None:
            return Outcome(SKIPPED, ALREADY_GONE)
        if key.created != parse_time(entry["CreateDate"]):
            return Outcome(SKIPPED, CHANGED)
        if not key.inactive:
            return Outcome(SKIPPED, REACTIVATED if key.status == ACTIVE else CHANGED)
        if self._ledger_changed(entry):
            return Outcome(SKIPPED, CHANGED)
        selection = select(self.rules.filters, self.user, listed)
        if selection and key.access_key_id not in selection.certain:
            return Outcome(SKIPPED, _not_selected(key, selection))
        if self.rules.plan and not self.rules.plan.approves(key, self.rules.account_id):
            return Outcome(SKIPPED, NOT_IN_PLAN)
        return None

    def _ledger_changed(self, entry: Mapping[str, Any]) -> bool:
        """Whether the ledger takes back what the key was found by, or has it as active later."""
        before = self.found_ledger.get(entry["AccessKeyId"])
        now = read_tags(self.tags).get(entry["AccessKeyId"])
        if now == before:
            return False
        since, told = _ledger_since(entry), _notice(before)
        if not isinstance(now, LedgerEntry):
            return bool(since or (self.rules.notice and told))
        told_now = _notice(now)
        withdrawn = told and not (told_now and told_now <= told)
        return (
            bool(since and now.since > since)
            or bool(self.rules.notice and withdrawn)
            or now.after > parse_time(entry["InactiveSince"]["NotAfter"])
        )

    def _keys(self, listed: list[dict[str, Any]]) -> list[AccessKey]:
        return [AccessKey.from_metadata(item, self.user_name) for item in listed]

    # -- deleting -------------------------------------------------------------------------------

    def _delete_key(self, entry: Mapping[str, Any]) -> Outcome:
        """Delete a key unless something stands against it; each further try reads again."""
        unclear: aws.ApiError | None = None  # a call that failed although it may have deleted
        error = None
        for delay in backoff_delays(0.5, 0.5 * 2 ** (TRIES - 1), jitter=True):
            if isinstance(self.listed, Outcome):
                return self._find_out(entry, unclear, self.listed) if unclear else self.listed
            hindrance = self._hindrance(entry, self.listed)
            if hindrance:
                done = unclear and hindrance.reason == ALREADY_GONE
                return Outcome(DELETED) if done else hindrance
            self._write(entry, Outcome(DELETING))
            error = self._call(entry["AccessKeyId"])
            if error is None:
                return Outcome(DELETED)
            if aws.is_gone(error):
                return Outcome(DELETED) if unclear else Outcome(SKIPPED, ALREADY_GONE)
            if not aws.is_worth_retrying(error):
                return Outcome(FAILED, error=aws.describe_error(error))
            if aws.is_unclear(error):
                unclear = aws.describe_error(error)
            time.sleep(delay)
            self._read_again()
        failure = Outcome(FAILED, error=aws.describe_error(error) if error else None)
        return self._find_out(entry, unclear, failure) if unclear else failure

    def _call(self, access_key_id: str) -> Exception | None:
        try:
            # Without UserName, IAM would take the caller's own key.
            self.writer.delete_access_key(UserName=self.user_name, AccessKeyId=access_key_id)
        except aws.API_ERRORS as error:
            if aws.describe_error(error).code in aws.THROTTLING_CODES:
                self.pace.throttled()
            failure: Exception = error
            return failure
        self.pace.granted()
        return None

    def _find_out(
        self, entry: Mapping[str, Any], unclear: aws.ApiError, otherwise: Outcome
    ) -> Outcome:
        """Whether an unclear call deleted a key that must not be tried again."""
        try:
            listed = aws.list_access_keys(self.reader, self.user_name)
        except READ_FAILURES as error:
            return otherwise if aws.is_gone(error) else Outcome(FAILED, UNCLEAR, unclear)
        there = any(key["AccessKeyId"] == entry["AccessKeyId"] for key in listed)
        return otherwise if there else Outcome(DELETED)

    # -- afterwards -----------------------------------------------------------------------------

    def _remove_ledger_tags(self, gone: list[str]) -> dict[str, Any] | None:
        """Take away the ledger's tags of keys that are no more; the record of a failure, if any."""
        try:
            if gone and self.rules.tags_may_be_old and not self.tags_matter:
                self.tags = aws.get_user(self.reader, self.user_name).get("Tags") or []
            ours = read_tags(self.tags)
            names = [tag_key(key_id) for key_id in gone if key_id in ours]
            if names:
                aws.retry_concurrent(self.reader.untag_user, UserName=self.user_name, TagKeys=names)
        except READ_FAILURES as error:
            if aws.is_gone(error):
                return None
            return self._write({}, Outcome(FAILED, LEDGER_TAG, aws.describe_error(error)))
        return None

    def _write(self, entry: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
        record = self.run.record(
            user_name=self.user_name,
            access_key_id=entry.get("AccessKeyId"),
            outcome=outcome.outcome,
            reason=outcome.reason,
            error=outcome.error,
            entry=entry,
        )
        self.journal.write(record)
        return record


def _ledger_since(entry: Mapping[str, Any]) -> datetime | None:
    """The moment since when the ledger showed the key to be inactive, if that was believed."""
    for item in entry.get("Evidence", ()):
        if item["Source"] == "ledger" and "Discarded" not in item:
            return parse_time(item["From"])
    return None


def _notice(entry: LedgerEntry | MalformedTag | None) -> datetime | None:
    """When the key's owner was told, as the ledger has it."""
    return entry.notified if isinstance(entry, LedgerEntry) else None


def _not_selected(key: AccessKey, selection: Selection) -> str:
    return AMBIGUOUS if key.access_key_id in selection.ambiguous else NOT_MATCHED


def _unreadable(error: Exception) -> Outcome:
    """What cannot be read is not deleted; a user that is gone has no keys any more."""
    if aws.is_gone(error):
        return Outcome(SKIPPED, USER_GONE)
    return Outcome(FAILED, UNREADABLE, aws.describe_error(error))
