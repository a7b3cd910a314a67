# SPDX-License-Identifier: Apache-2.0
"""One user's ledger tags, brought in line: what is written, removed, and what failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from c7n_inactive_keys.custodian import iam as api
from c7n_inactive_keys.evidence.ledger import LedgerEntry, render_value, tag_key

TAG_LIMIT = 50  # tags of a user, which IAM does not raise

RECORDED = "recorded"
UNCHANGED = "unchanged"
REMOVED = "removed"


@dataclass
class TagChanges:
    """What is to be done to the tags of a user, by access key id."""

    write: dict[str, LedgerEntry] = field(default_factory=dict)
    remove: list[str] = field(default_factory=list)
    keep: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TagOutcome:
    """What came of the tag of one access key."""

    access_key_id: str
    outcome: str
    error: api.ApiError | None = None


def apply_changes(
    iam: Any, user_name: str, tags: list[Mapping[str, str]], changes: TagChanges
) -> list[TagOutcome]:
    """Remove, then write the tags of a user; a failure is an outcome of its keys."""
    outcomes = [TagOutcome(key_id, UNCHANGED) for key_id in changes.keep]
    error = _remove(iam, user_name, changes.remove)
    outcomes.extend(_outcomes(changes.remove, REMOVED, error))
    removed = set() if error else {tag_key(key_id).lower() for key_id in changes.remove}
    present = {tag["Key"].lower() for tag in tags} - removed
    fitting, surplus = _fit(changes.write, present)
    error = _write(iam, user_name, {key_id: changes.write[key_id] for key_id in fitting})
    outcomes.extend(_outcomes(fitting, RECORDED, error))
    outcomes.extend(
        _outcomes(
            surplus,
            RECORDED,
            api.ApiError(
                "LimitExceeded",
                f"user {user_name} has all {TAG_LIMIT} tags that IAM allows; remove another one",
            ),
        )
    )
    return outcomes


def _fit(entries: Mapping[str, LedgerEntry], present: set[str]) -> tuple[list[str], list[str]]:
    """The keys whose tags find room, those that have one already first, and the others.

    IAM writes all tags of a call or none, so one too many would keep the others from being written.
    """
    renewed = [key_id for key_id in entries if tag_key(key_id).lower() in present]
    new = [key_id for key_id in entries if key_id not in renewed]
    room = max(0, TAG_LIMIT - len(present))
    return renewed + new[:room], new[room:]


def _remove(iam: Any, user_name: str, key_ids: list[str]) -> api.ApiError | None:
    if not key_ids:
        return None
    try:
        api.retry_concurrent(
            iam.untag_user, UserName=user_name, TagKeys=[tag_key(key_id) for key_id in key_ids]
        )
    except api.API_ERRORS as error:
        return api.describe_error(error)
    return None


def _write(iam: Any, user_name: str, entries: Mapping[str, LedgerEntry]) -> api.ApiError | None:
    if not entries:
        return None
    tags = [
        {"Key": tag_key(key_id), "Value": render_value(entry)} for key_id, entry in entries.items()
    ]
    try:
        api.retry_concurrent(iam.tag_user, UserName=user_name, Tags=tags)
    except api.API_ERRORS as error:
        return api.describe_error(error)
    return None


def _outcomes(key_ids: list[str], outcome: str, error: api.ApiError | None) -> list[TagOutcome]:
    return [TagOutcome(key_id, "failed" if error else outcome, error) for key_id in key_ids]
