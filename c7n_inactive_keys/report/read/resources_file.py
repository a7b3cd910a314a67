# SPDX-License-Identifier: Apache-2.0
"""From the users in a resources.json to the inactive keys that the filter found on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from sys import intern
from typing import Any

from c7n_inactive_keys.core.annotations import REACTIVATED_KEYS
from c7n_inactive_keys.core.errors import InactiveKeysError
from c7n_inactive_keys.core.evidence import EVENT_HISTORY
from c7n_inactive_keys.core.found_key import FoundKey, found_keys
from c7n_inactive_keys.core.journal import UNREAD_HISTORY, UNREAD_LAST_USE
from c7n_inactive_keys.core.json_types import JsonMapping
from c7n_inactive_keys.core.keys import ACTIVE
from c7n_inactive_keys.core.reactivated_key import ReactivatedKey
from c7n_inactive_keys.core.times import parse_time
from c7n_inactive_keys.core.unused_key import unused_keys
from c7n_inactive_keys.core.written import text
from c7n_inactive_keys.report.model import AWS, ActiveKey, SeenKey, SeenUser, Unread

ALL_KEYS = "c7n:AccessKeys"
MATCHED_KEYS = "c7n:matched-keys"
REPORT_ROW = "c7n:CredentialReport"
OTHER_CREDENTIALS = "OtherCredentials"
# What an item of evidence that is `unavailable` calls its source, and what the journal calls it.
JOURNAL_WORDS = {EVENT_HISTORY: UNREAD_HISTORY, "last-used": UNREAD_LAST_USE}


class DamagedResourcesError(InactiveKeysError):
    """A resources.json does not hold what Custodian writes."""


def seen_keys(users: Any, began: str | None, access_key_filters: bool = False) -> Iterator[SeenKey]:
    """The annotated keys of all users.

    `began` is when the run that found them did, if that is known. With `access_key_filters`
    Custodian's own annotation tells which of them those matched, too.

    Raises:
        DamagedResourcesError: the content is not a list of IAM users with our annotation.
    """
    if not isinstance(users, list):
        raise DamagedResourcesError("it holds no list of users")
    start = parse_time(began) if began else None
    with _in_custodians_form():
        for user in users:
            if not (keys := found_keys(user)):
                continue
            ids = _selected(user, access_key_filters)
            seen = _seen_user(user)
            for found in keys:
                yield SeenKey(
                    found=found,
                    user=seen,
                    # Of a key of which nothing is, the run itself is the first to know that it was
                    # inactive.
                    proven=found.at_least_days > 0
                    or (start is not None and found.not_after < start),
                    selected=ids is None or found.key.access_key_id in ids,
                )


def _selected(user: JsonMapping, access_key_filters: bool) -> set[str] | None:
    """The keys that Custodian's own filters matched; None: there are none of these."""
    matched = user.get(MATCHED_KEYS) if access_key_filters else None
    return None if matched is None else {key.get("AccessKeyId") for key in matched}


def active_keys(users: Any, access_key_filters: bool = False) -> Iterator[ActiveKey]:
    """The keys of all users that our other filters found: unused, or reactivated after long.

    Raises:
        DamagedResourcesError: an annotation has not the form that they write.
    """
    with _in_custodians_form():
        for user in users:
            ids = _selected(user, access_key_filters)
            for found in _other_keys(user):
                yield replace(found, selected=ids is None or found.id in ids)


def _other_keys(user: JsonMapping) -> Iterator[ActiveKey]:
    for unused in unused_keys(user):
        yield ActiveKey(unused.key, unused.last_use, _seen_user(user), unused.unused_days)
    for woken in map(ReactivatedKey.from_annotation, user.get(REACTIVATED_KEYS) or ()):
        yield ActiveKey(woken.key, woken.last_use, _seen_user(user), woken=woken)


def active_key_ids(users: Any) -> Iterator[str]:
    """Ids of the Active keys that the same users hold.

    Raises:
        DamagedResourcesError: a key has none, or there is no list of keys.
    """
    with _in_custodians_form():
        for user in users:
            for key in user.get(ALL_KEYS) or ():
                if key.get("Status") == ACTIVE:
                    yield key["AccessKeyId"]


def unread_evidence(keys: Sequence[SeenKey]) -> Iterator[Unread]:
    """What the evidence of the keys says that it could not be had, once each."""
    yield from {
        _unread(key.found, item.source, item.reason): None
        for key in keys
        for item in key.found.evidence
        if item.kind == "unavailable"
    }


def _unread(found: FoundKey, source: str, cause: str | None) -> Unread:
    reason = JOURNAL_WORDS.get(source, source)
    subject = found.key.access_key_id if reason == UNREAD_LAST_USE else ""
    return Unread(reason, subject, cause or "")


@contextmanager
def _in_custodians_form() -> Iterator[None]:
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DamagedResourcesError(
            f"a user in it does not have the form that Custodian writes "
            f"({type(error).__name__}: {error})"
        ) from error


def _seen_user(user: JsonMapping) -> SeenUser:
    arn = str(user.get("Arn") or "").split(":")
    all_keys = user.get(ALL_KEYS)
    return SeenUser(
        account_id=intern(arn[4]) if len(arn) > 4 else "",
        name=text(user["UserName"]),
        path=intern(user.get("Path") or "/"),
        partition=intern(arn[1]) if len(arn) > 4 else AWS,
        keys=len(all_keys) if isinstance(all_keys, list) else None,
        tags={
            intern(text(tag["Key"])): intern(text(tag["Value"])) for tag in user.get("Tags") or ()
        },
        other_credentials=(user.get(REPORT_ROW) or {}).get(OTHER_CREDENTIALS),
    )
