# SPDX-License-Identifier: Apache-2.0
"""`record-inactive-keys` at work: what is read, written and said."""

from __future__ import annotations

import logging
from dataclasses import replace

from c7n_inactive_keys.core.errors import RecordingError
from c7n_inactive_keys.core.journal import FAILED
from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.custodian import aws
from c7n_inactive_keys.custodian.c7n_types import Client, Element
from c7n_inactive_keys.custodian.failures import said
from c7n_inactive_keys.custodian.run_record import PolicyRun
from c7n_inactive_keys.find.listing import UserKeys
from c7n_inactive_keys.record.ledger_changes import LedgerChanges
from c7n_inactive_keys.record.ledger_tags import apply_changes

log = logging.getLogger("custodian.inactive-keys")


def record_keys(
    action: Element, users: list[JsonObject], event: JsonObject | None
) -> list[JsonObject]:
    """Bring the ledger in line: the outcome for each key that has or had a tag.

    Raises:
        RecordingError: some tags could not be brought in line, after all users are done.
    """
    run = PolicyRun(action.manager)
    changes = LedgerChanges(
        action.manager, action.executor_factory, event, bool(action.data.get("notified"))
    )
    iam = aws.client(action.manager, "iam")
    listing = changes.read(users)
    with action.executor_factory(max_workers=aws.WORKERS) as workers:
        outcomes = workers.map(lambda user: _apply(iam, changes, user), listing.users)
        records = [record for found in outcomes for record in found]
    unread = listing.unread.items()
    records += [_record(name, None, FAILED, error) for name, error in unread]
    _finish(action, run, records)
    return records


def _finish(action: Element, run: PolicyRun, records: list[JsonObject]) -> None:
    """Say what was done, and fail if something was not."""
    failures = [record for record in records if record["outcome"] == FAILED]
    log.info("policy:%s ledger: %d keys, %d failed", run.policy_name, len(records), len(failures))
    if failures:
        run.write_action_file(action, records)
        raise said(RecordingError(run.name_failures(failures)))


def _apply(iam: Client, changes: LedgerChanges, user: UserKeys) -> list[JsonObject]:
    """Bring the tags of a user in line, as they are now: others write tags as well."""
    name = user.user_name
    try:
        described = aws.get_user(iam, name)
    except aws.API_ERRORS as error:
        if aws.is_gone(error):
            return []
        return [_record(name, None, FAILED, aws.describe_error(error))]
    if not aws.is_same_user(described, user.user):
        return []
    tags = described.get("Tags") or []
    current = replace(user, user={**user.user, "Tags": tags})
    return [
        _record(name, outcome.access_key_id, outcome.outcome, outcome.error)
        for outcome in apply_changes(iam, name, tags, changes.of(current))
    ]


def _record(
    user_name: str, access_key_id: str | None, outcome: str, error: aws.ApiError | None
) -> JsonObject:
    return {
        "user_name": user_name,
        "access_key_id": access_key_id,
        "outcome": outcome,
        "error": error and error._asdict(),
    }
