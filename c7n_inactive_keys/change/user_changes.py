# SPDX-License-Identifier: Apache-2.0
"""One user's keys, deleted one by one: read again, write down, delete, find out what happened."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from c7n.utils import backoff_delays

from c7n_inactive_keys.change.key_selection import select
from c7n_inactive_keys.change.pace import Pace
from c7n_inactive_keys.core.errors import InactiveKeysError
from c7n_inactive_keys.core.found_key import FoundKey, found_keys
from c7n_inactive_keys.core.hindrance import Reading, Rules, hindrance
from c7n_inactive_keys.core.journal import (
    ALREADY_GONE,
    DELETED,
    DELETING,
    EXEMPT,
    FAILED,
    LEDGER_TAG,
    SKIPPED,
    UNCLEAR,
    UNREADABLE,
    USER_GONE,
)
from c7n_inactive_keys.core.keys import AccessKey
from c7n_inactive_keys.core.ledger import read_tags, tag_key
from c7n_inactive_keys.custodian import aws
from c7n_inactive_keys.custodian.clock import clock
from c7n_inactive_keys.custodian.run_record import PolicyJournal, PolicyRun

TRIES = 6
READ_FAILURES = (*aws.API_ERRORS, InactiveKeysError)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a key: deleted, skipped with a reason, or failed with an error."""

    outcome: str
    reason: str | None = None
    error: aws.ApiError | None = None


@dataclass
class UserDeletion:
    """Deletes the matched keys of one user. Not shared between workers."""

    reader: Any
    writer: Any
    rules: Rules
    filters: tuple[Any, ...]  # the policy's filter tree, for the built-in key filters in it
    run: PolicyRun
    journal: PolicyJournal
    pace: Pace
    user: Mapping[str, Any]

    def __post_init__(self) -> None:
        self.user_name: str = self.user["UserName"]
        # Such a user's keys were not counted for max-keys, so none may go even if the tag did.
        self.exempted = self.rules.exempts(self.user.get("Tags") or ())
        self.reading: Reading | Outcome = Outcome(SKIPPED, EXEMPT)

    def delete(self) -> list[dict[str, Any]]:
        """The record of each key, and one of the user if its ledger tags could not be removed."""
        records = []
        gone = []
        for found in found_keys(self.user):
            self._read_again()
            outcome = self._delete_key(found)
            records.append(self._write(found, outcome))
            if outcome.outcome == DELETED or outcome.reason == ALREADY_GONE:
                gone.append(found.key.access_key_id)
        failure = self._remove_ledger_tags(gone)
        return [*records, failure] if failure else records

    # -- reading again --------------------------------------------------------------------------

    def _read_again(self) -> None:
        """Read the user's tags and keys as they are now, or find why none of them may go."""
        self.pace.wait()
        if not self.exempted:
            self.reading = self._read()

    def _read(self) -> Reading | Outcome:
        try:
            tags = tuple(aws.get_user(self.reader, self.user_name).get("Tags") or ())
            listed = aws.list_access_keys(self.reader, self.user_name)
        except READ_FAILURES as error:
            return _unreadable(error)
        return Reading(
            now=clock.now(),
            tags=tags,
            keys=tuple(AccessKey.from_metadata(item, self.user_name) for item in listed),
            selection=select(self.filters, self.user, listed),
        )

    # -- deleting -------------------------------------------------------------------------------

    def _delete_key(self, found: FoundKey) -> Outcome:
        """Delete a key unless something stands against it; each further try reads again."""
        unclear: aws.ApiError | None = None  # a call that failed although it may have deleted
        error = None
        for delay in backoff_delays(0.5, 0.5 * 2 ** (TRIES - 1), jitter=True):
            if isinstance(self.reading, Outcome):
                return self._find_out(found, unclear, self.reading) if unclear else self.reading
            reason = hindrance(found, self.reading, self.rules)
            if reason:
                done = unclear and not self.reading.lists(found.key.access_key_id)
                return Outcome(DELETED) if done else Outcome(SKIPPED, reason)
            self._write(found, Outcome(DELETING))
            error = self._call(found.key.access_key_id)
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
        return self._find_out(found, unclear, failure) if unclear else failure

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

    def _find_out(self, found: FoundKey, unclear: aws.ApiError, otherwise: Outcome) -> Outcome:
        """Whether an unclear call deleted a key that must not be tried again."""
        try:
            listed = aws.list_access_keys(self.reader, self.user_name)
        except READ_FAILURES as error:
            return otherwise if aws.is_gone(error) else Outcome(FAILED, UNCLEAR, unclear)
        there = any(key["AccessKeyId"] == found.key.access_key_id for key in listed)
        return otherwise if there else Outcome(DELETED)

    # -- afterwards -----------------------------------------------------------------------------

    def _remove_ledger_tags(self, gone: list[str]) -> dict[str, Any] | None:
        """Take away the ledger's tags of keys that are no more; the record of a failure, if any."""
        ours = read_tags(self.reading.tags) if isinstance(self.reading, Reading) else {}
        names = [tag_key(key_id) for key_id in gone if key_id in ours]
        if not names:
            return None
        try:
            aws.retry_concurrent(self.reader.untag_user, UserName=self.user_name, TagKeys=names)
        except READ_FAILURES as error:
            if aws.is_gone(error):
                return None
            return self._write(None, Outcome(FAILED, LEDGER_TAG, aws.describe_error(error)))
        return None

    def _write(self, found: FoundKey | None, outcome: Outcome) -> dict[str, Any]:
        line = self.run.record(
            user_name=self.user_name,
            found=found,
            outcome=outcome.outcome,
            reason=outcome.reason,
            error=outcome.error,
        )
        self.journal.write(line)
        return line.to_fields()


def _unreadable(error: Exception) -> Outcome:
    """What cannot be read is not deleted; a user that is gone has no keys any more."""
    if aws.is_gone(error):
        return Outcome(SKIPPED, USER_GONE)
    return Outcome(FAILED, UNREADABLE, aws.describe_error(error))
