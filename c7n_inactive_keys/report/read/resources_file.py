# SPDX-License-Identifier: Apache-2.0
"""From the users in a resources.json to the inactive keys that the filter found on them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from math import isfinite
from sys import intern
from typing import Any

from c7n_inactive_keys.core.errors import InactiveKeysError
from c7n_inactive_keys.core.evidence import EVENT_HISTORY
from c7n_inactive_keys.core.journal import UNREAD_HISTORY, UNREAD_LAST_USE
from c7n_inactive_keys.core.times import format_time, parse_time
from c7n_inactive_keys.report.model import AWS, FoundKey, Unread
from c7n_inactive_keys.report.words import clean, evidence_words

INACTIVE_KEYS = "c7n:InactiveAccessKeys"
ALL_KEYS = "c7n:AccessKeys"
MATCHED_KEYS = "c7n:matched-keys"
# What an item of evidence that is `unavailable` calls its source, and what the journal calls it.
JOURNAL_WORDS = {EVENT_HISTORY: UNREAD_HISTORY, "last-used": UNREAD_LAST_USE}


class DamagedResourcesError(InactiveKeysError):
    """A resources.json does not hold what Custodian writes."""


def found_keys(
    users: Any,
    began: str | None,
    exempt_tags: Collection[str] = (),
    access_key_filters: bool = False,
) -> Iterator[FoundKey]:
    """The annotated keys of all users; `exempt_tags` are in lower case (IAM ignores the case).

    `began` is when the run that found them did, if that is known. With `access_key_filters`
    Custodian's own annotation tells which of them those matched, too.

    Raises:
        DamagedResourcesError: the content is not a list of IAM users with our annotation.
    """
    if not isinstance(users, list):
        raise DamagedResourcesError("it holds no list of users")
    with _in_custodians_form():
        for user in users:
            matched = user.get(MATCHED_KEYS) if access_key_filters else None
            ids = None if matched is None else [key.get("AccessKeyId") for key in matched]
            for entry in user.get(INACTIVE_KEYS) or ():
                found = _found_key(user, entry, began, exempt_tags)
                yield found if ids is None else replace(found, selected=found.access_key_id in ids)


def active_key_ids(users: Any) -> Iterator[str]:
    """Ids of the Active keys that the same users hold.

    Raises:
        DamagedResourcesError: a key has none, or there is no list of keys.
    """
    with _in_custodians_form():
        for user in users:
            for key in user.get(ALL_KEYS) or ():
                if key.get("Status") == "Active":
                    yield clean(key["AccessKeyId"])


def unread_evidence(users: Any) -> Iterator[Unread]:
    """What the evidence of the annotated keys says that it could not be had, once each.

    Raises:
        DamagedResourcesError: as for `found_keys`.
    """
    with _in_custodians_form():
        found = {
            _unread(entry, item): None
            for user in users
            for entry in user.get(INACTIVE_KEYS) or ()
            for item in entry.get("Evidence") or ()
            if item.get("Kind") == "unavailable"
        }
    yield from found


def _unread(entry: Mapping[str, Any], item: Mapping[str, Any]) -> Unread:
    source = str(item.get("Source"))
    reason = JOURNAL_WORDS.get(source, source)
    subject = clean(entry["AccessKeyId"]) if reason == UNREAD_LAST_USE else ""
    return Unread(reason, subject, clean(str(item.get("Reason") or "")))


@contextmanager
def _in_custodians_form() -> Iterator[None]:
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DamagedResourcesError(
            f"a user in it does not have the form that Custodian writes "
            f"({type(error).__name__}: {error})"
        ) from error


def _found_key(
    user: Mapping[str, Any],
    entry: Mapping[str, Any],
    began: str | None,
    exempt_tags: Collection[str],
) -> FoundKey:
    arn = str(user.get("Arn") or "").split(":")
    all_keys = user.get(ALL_KEYS)
    since, days = entry["InactiveSince"], entry["InactiveDays"]
    unsettled = days.get("Unsettled")
    at_least, not_after = number(days["AtLeast"]), moment(since["NotAfter"])
    return FoundKey(
        account_id=intern(arn[4]) if len(arn) > 4 else "",
        user_name=clean(entry.get("UserName") or user["UserName"]),
        path=intern(clean(user.get("Path") or "/")),
        partition=intern(arn[1]) if len(arn) > 4 else AWS,
        access_key_id=intern(clean(entry["AccessKeyId"])),
        created=moment(entry["CreateDate"]),
        last_used=moment(entry["LastUsedDate"]) if entry.get("LastUsedDate") else None,
        last_used_service=_optional(entry.get("LastUsedService")),
        last_used_region=_optional(entry.get("LastUsedRegion")),
        not_before=moment(since["NotBefore"]),
        not_after=not_after,
        at_least_days=at_least,
        at_most_days=number(days["AtMost"]),
        evidence=tuple(evidence_words(item) for item in entry.get("Evidence") or ()),
        # Of a key of which nothing is, the run itself is the first to know that it was inactive.
        proven=at_least > 0 or (began is not None and not_after < began),
        unsettled_at_least_days=number(unsettled["AtLeast"]) if unsettled else None,
        unsettled_until=moment(unsettled["Until"]) if unsettled else None,
        user_keys=len(all_keys) if isinstance(all_keys, list) else None,
        exempt=any(str(tag.get("Key")).lower() in exempt_tags for tag in user.get("Tags") or ()),
    )


def moment(text: str) -> str:
    """Any ISO 8601 text in the one form in which a report writes times.

    Raises:
        ValueError: it is no time.
    """
    time = parse_time(text)
    if time.year < 1000:  # would be written with fewer digits, and not be read again
        raise ValueError(f"{text} is out of range")
    return intern(format_time(time))


def number(value: Any) -> float:
    """A number of days.

    Raises:
        TypeError, ValueError: it is none, or not a finite one.
    """
    if not isfinite(days := float(value)):
        raise ValueError(f"{days} is no number of days")
    return days


def _optional(text: str | None) -> str | None:
    return intern(clean(text)) if text else None
