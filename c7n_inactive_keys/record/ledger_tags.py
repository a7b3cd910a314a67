# SPDX-License-Identifier: Apache-2.0
"""One user's ledger tags, brought in line: what is written, removed, and what failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from c7n_inactive_keys.core.evidence import LedgerEntry
from c7n_inactive_keys.core.journal import FAILED
from c7n_inactive_keys.core.ledger import render_value, tag_key
from c7n_inactive_keys.custodian import aws
from c7n_inactive_keys.custodian.c7n_types import Client

TAG_LIMIT = 50  # tags of a user, which IAM does not raise
VALUE_LIMIT = 256  # characters of a tag's value

RECORDED = "recorded"
UNCHANGED = "unchanged"
REMOVED = "removed"


class UserGoneError(Exception):
    """The user was deleted since it was read."""


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
    error: aws.ApiError | None = None


def apply_changes(
    iam: Client, user_name: str, tags: Iterable[Mapping[str, str]], changes: TagChanges
) -> list[TagOutcome]:
    """Remove, then write the tags of a user; a failure is an outcome of its keys.

    A user that was deleted since it was read has no tags, and so no outcomes.
    """
    try:
        removal = _remove(iam, user_name, changes.remove)
        removed = set() if removal else {tag_key(key_id).lower() for key_id in changes.remove}
        present = {tag["Key"].lower() for tag in tags} - removed
        fitting, refused = _fit(user_name, changes.write, present)
        writing = _write(iam, user_name, {key_id: changes.write[key_id] for key_id in fitting})
    except UserGoneError:
        return []
    return [
        *(TagOutcome(key_id, UNCHANGED) for key_id in changes.keep),
        *_outcomes(changes.remove, REMOVED, removal),
        *_outcomes(fitting, RECORDED, writing),
        *(TagOutcome(key_id, FAILED, error) for key_id, error in refused.items()),
    ]


def _fit(
    user_name: str, entries: Mapping[str, LedgerEntry], present: set[str]
) -> tuple[list[str], dict[str, aws.ApiError]]:
    """The keys whose tags IAM can take, those that have one already first, and why not the others.

    IAM writes all tags of a call or none, so one too many would keep the others from being written.
    """
    long = [key_id for key_id in entries if len(render_value(entries[key_id])) > VALUE_LIMIT]
    short = [key_id for key_id in entries if key_id not in long]
    renewed = [key_id for key_id in short if tag_key(key_id).lower() in present]
    new = [key_id for key_id in short if key_id not in renewed]
    room = max(0, TAG_LIMIT - len(present))
    full = f"user {user_name} has all {TAG_LIMIT} tags that IAM allows; remove another one"
    words = f"the tag's value would exceed {VALUE_LIMIT} characters; take out words of your own"
    return renewed + new[:room], {
        **{key_id: aws.ApiError("LimitExceeded", full) for key_id in new[room:]},
        **{key_id: aws.ApiError("ValidationError", words) for key_id in long},
    }


def _remove(iam: Client, user_name: str, key_ids: list[str]) -> aws.ApiError | None:
    if not key_ids:
        return None
    try:
        aws.retry_concurrent(
            iam.untag_user, UserName=user_name, TagKeys=[tag_key(key_id) for key_id in key_ids]
        )
    except aws.API_ERRORS as error:
        return _described(error)
    return None


def _write(iam: Client, user_name: str, entries: Mapping[str, LedgerEntry]) -> aws.ApiError | None:
    if not entries:
        return None
    tags = [
        {"Key": tag_key(key_id), "Value": render_value(entry)} for key_id, entry in entries.items()
    ]
    try:
        aws.retry_concurrent(iam.tag_user, UserName=user_name, Tags=tags)
    except aws.API_ERRORS as error:
        return _described(error)
    return None


def _described(error: Exception) -> aws.ApiError:
    if aws.is_gone(error):
        raise UserGoneError from error
    return aws.describe_error(error)


def _outcomes(key_ids: list[str], outcome: str, error: aws.ApiError | None) -> list[TagOutcome]:
    return [TagOutcome(key_id, FAILED if error else outcome, error) for key_id in key_ids]
