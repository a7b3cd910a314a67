# SPDX-License-Identifier: Apache-2.0
"""One user's keys, changed one by one: read again, write down, change, find out what happened."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from c7n.utils import backoff_delays

from c7n_inactive_keys.change.key_selection import select, selected_at_first
from c7n_inactive_keys.change.managers import Managers
from c7n_inactive_keys.change.pace import Pace
from c7n_inactive_keys.change.verb import Change, Verb
from c7n_inactive_keys.core.errors import InactiveKeysError
from c7n_inactive_keys.core.hindrance import Reading, Rules, Selection, Tags
from c7n_inactive_keys.core.journal import (
    ALREADY_GONE,
    EXEMPT,
    FAILED,
    LEDGER_TAG,
    MANAGED,
    SKIPPED,
    UNCLEAR,
    UNREADABLE,
    USER_GONE,
    Found,
    JournalLine,
)
from c7n_inactive_keys.core.json_types import JsonMapping, JsonObject
from c7n_inactive_keys.core.keys import AccessKey
from c7n_inactive_keys.core.ledger import read_tags
from c7n_inactive_keys.custodian import aws
from c7n_inactive_keys.custodian.c7n_types import Client, Element
from c7n_inactive_keys.custodian.clock import clock
from c7n_inactive_keys.custodian.run_record import PolicyJournal, PolicyRun
from c7n_inactive_keys.record.ledger_tags import TagChanges, apply_changes

TRIES = 6
READ_FAILURES = (*aws.API_ERRORS, InactiveKeysError)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a key: changed, skipped with a reason, or failed with an error."""

    outcome: str
    reason: str | None = None
    error: aws.ApiError | None = None
    managed_by: str | None = None
    found_out: bool = False  # by reading, since the call had no clear answer


@dataclass(frozen=True)
class Tools:
    """What all workers of an action share."""

    verb: Verb[Any]
    reader: Client
    writer: Client
    rules: Rules
    managers: Managers
    filters: tuple[Element, ...]  # the policy's filter tree, for the built-in key filters in it
    run: PolicyRun
    journal: PolicyJournal
    pace: Pace


class UserChanges:
    """Changes the keys of one user. Not shared between workers."""

    def __init__(self, tools: Tools, user: JsonMapping) -> None:
        self.tools = tools
        self.verb = tools.verb
        self.user = user
        self.user_name: str = user["UserName"]
        # Such a user's keys were not counted for max-keys, so none may go even if the tag did.
        self.exempted = tools.rules.exempts(user.get("Tags") or ())
        self.selected = selected_at_first(tools.filters, user)
        self.reading: Reading | Outcome = Outcome(SKIPPED, EXEMPT)
        self.tags: Tags = ()  # as they were read last
        self.managed: Outcome | None = None
        self.changed: list[Change[Any]] = []
        self.began = clock.now()  # when the first call that may have worked was made

    def make(self) -> list[JournalLine]:
        """The line of each key, and one of the user if its ledger tags could not be written."""
        lines = []
        gone = []
        for found in self.verb.found(self.user):
            self.managed = self._ask_managers(found)
            self._read_again(found)
            outcome = self._change(found)
            lines.append(self._write(found, outcome))
            if outcome.outcome == self.verb.done:
                self.changed.append(Change(found, self.began, clock.now(), not outcome.found_out))
            elif outcome.reason == ALREADY_GONE:
                gone.append(found.key.access_key_id)
        failure = self._keep_ledger(gone)
        return [*lines, failure] if failure else lines

    # -- reading again --------------------------------------------------------------------------

    def _ask_managers(self, found: Found) -> Outcome | None:
        """What it means that a stack manages the key; asked first, since the answer may be slow."""
        if self.exempted:
            return None
        try:
            by = self.tools.managers.of(found.key.access_key_id)
        except READ_FAILURES as error:
            return Outcome(FAILED, UNREADABLE, aws.describe_error(error))
        return Outcome(SKIPPED, MANAGED, managed_by=by) if by else None

    def _read_again(self, found: Found, tried: bool = False) -> None:
        """Read user and key as they are now, or find why the key must not be changed."""
        self.tools.pace.wait()
        if not self.exempted:
            self.reading = self._read(found, tried)

    def _read(self, found: Found, tried: bool) -> Reading | Outcome:
        iam = self.tools.reader
        try:
            user = aws.get_user(iam, self.user_name)
            if not aws.is_same_user(user, self.user):
                return Outcome(SKIPPED, USER_GONE)
            self.tags = tuple(user.get("Tags") or ())
            reading = self._list()
            try:
                return self.verb.read(iam, found, reading, tried)
            except READ_FAILURES:
                # IAM denies to tell of a key that is gone, as it may be since it was listed.
                now = self._list()
                if now.key(found.key.access_key_id):
                    raise
                return now
        except READ_FAILURES as error:
            return _unreadable(error)

    def _list(self) -> Reading:
        listed = aws.list_access_keys(self.tools.reader, self.user_name)
        return Reading(
            now=clock.now(),
            tags=self.tags,
            keys=tuple(AccessKey.from_metadata(item, self.user_name) for item in listed),
            selection=self._select(listed),
        )

    def _select(self, listed: list[JsonObject]) -> Selection | None:
        """The keys that the filters select now and did when those for max-keys were counted."""
        selection = select(self.tools.filters, self.user, listed)
        return selection.and_also(self.selected) if selection and self.selected else selection

    def _hindrance(self, found: Found, reading: Reading) -> Outcome | None:
        """What keeps a key from being changed."""
        reason = self.verb.hindrance(found, reading, self.tools.rules)
        if reason != MANAGED:
            return Outcome(SKIPPED, reason) if reason else self.managed
        return Outcome(
            SKIPPED, MANAGED, managed_by=self.tools.rules.managed[found.key.access_key_id]
        )

    # -- changing -------------------------------------------------------------------------------

    def _change(self, found: Found) -> Outcome:
        """Change a key unless something stands against it; each further try reads again."""
        unclear: aws.ApiError | None = None  # a call that failed although it may have worked
        error = None
        key_id = found.key.access_key_id
        for delay in backoff_delays(0.5, 0.5 * 2 ** (TRIES - 1), jitter=True):
            if isinstance(self.reading, Outcome):
                return self._find_out(found, unclear, self.reading) if unclear else self.reading
            if unclear and self.verb.is_done(key_id, self.reading):
                return Outcome(self.verb.done, found_out=True)
            hindrance = self._hindrance(found, self.reading)
            if hindrance:
                return hindrance
            self._write(found, Outcome(self.verb.doing))
            self.began = self.began if unclear else clock.now() - timedelta(seconds=1)
            error = self._call(key_id)
            if error is None:
                return Outcome(self.verb.done)
            if aws.is_gone(error):
                done = unclear and self.verb.is_done(key_id, Reading(clock.now(), (), ()))
                if done:
                    return Outcome(self.verb.done, found_out=True)
                return Outcome(SKIPPED, ALREADY_GONE)
            if not aws.is_worth_retrying(error):
                return Outcome(FAILED, error=aws.describe_error(error))
            if aws.is_unclear(error):
                unclear = aws.describe_error(error)
            time.sleep(delay)
            self._read_again(found, tried=unclear is not None)
        failure = Outcome(FAILED, error=aws.describe_error(error) if error else None)
        return self._find_out(found, unclear, failure) if unclear else failure

    def _call(self, access_key_id: str) -> Exception | None:
        try:
            self.verb.call(self.tools.writer, self.user_name, access_key_id)
        except aws.API_ERRORS as error:
            if aws.describe_error(error).code in aws.THROTTLING_CODES:
                self.tools.pace.throttled()
            failure: Exception = error
            return failure
        self.tools.pace.granted()
        return None

    def _find_out(self, found: Found, unclear: aws.ApiError, otherwise: Outcome) -> Outcome:
        """Whether an unclear call changed a key that must not be tried again."""
        try:
            listed = aws.list_access_keys(self.tools.reader, self.user_name)
        except READ_FAILURES as error:
            return otherwise if aws.is_gone(error) else Outcome(FAILED, UNCLEAR, unclear)
        keys = tuple(AccessKey.from_metadata(item, self.user_name) for item in listed)
        done = self.verb.is_done(found.key.access_key_id, Reading(clock.now(), (), keys))
        return Outcome(self.verb.done, found_out=True) if done else otherwise

    # -- afterwards -----------------------------------------------------------------------------

    def _keep_ledger(self, gone: list[str]) -> JournalLine | None:
        """Bring the ledger's tags in line with what was done; the line of a failure, if any."""
        if not (self.changed or gone):
            return None
        work = self.verb.ledger_work(self.changed, gone)
        known = read_tags(self.tags)
        changes = TagChanges(
            write=dict(work.write), remove=[key_id for key_id in work.remove if key_id in known]
        )
        outcomes = apply_changes(self.tools.reader, self.user_name, self.tags, changes)
        failed = [outcome for outcome in outcomes if outcome.error]
        if not failed:
            return None
        return self._write(None, Outcome(FAILED, LEDGER_TAG, failed[0].error))

    def _write(self, found: Found | None, outcome: Outcome) -> JournalLine:
        line = self.tools.run.line(
            user_name=self.user_name,
            found=found,
            outcome=outcome.outcome,
            reason=outcome.reason,
            error=outcome.error,
            managed_by=outcome.managed_by,
        )
        self.tools.journal.write(line)
        return line


def _unreadable(error: Exception) -> Outcome:
    """What cannot be read is not changed; a user that is gone has no keys any more."""
    if aws.is_gone(error):
        return Outcome(SKIPPED, USER_GONE)
    return Outcome(FAILED, UNREADABLE, aws.describe_error(error))
