# SPDX-License-Identifier: Apache-2.0
"""The ledger: what earlier runs observed of a key, kept in a tag of its user.

    c7n-inactive-key:AKIA... = after=2026-01-03T09:59:59Z since=2026-01-03T10:00:00Z
                               verified=2026-11-20T04:00:00Z notified=2026-11-01T08:00:00Z

The key was deactivated between `after` and `since`; at `verified` it was last seen inactive,
throughout since then. `notified` is when its owner was first told. `by=c7n`: the action
`deactivate-unused-keys` deactivated it. `reactivated` ends the entry: the key is active; the tag
stays for a while, as the memory of `reactivated-access-key` and `deactivate-unused-keys`.

Pure: tags in, values out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from c7n_inactive_keys.core.evidence import LedgerEntry
from c7n_inactive_keys.core.times import format_time, parse_time

TAG_PREFIX = "c7n-inactive-key:"
BY_US = "c7n"  # the action deactivate-unused-keys
_TIMES = ("after", "since", "verified", "notified", "reactivated")
_BY = "by"


@dataclass(frozen=True, slots=True)
class MalformedTag:
    """A ledger tag whose value cannot be read: no evidence, and worth a warning."""

    value: str
    problem: str


def tag_key(access_key_id: str) -> str:
    """The key of the user tag that holds the ledger's entry for an access key."""
    return TAG_PREFIX + access_key_id


def parse_value(value: str) -> LedgerEntry | MalformedTag:
    """Read a tag's value; what has not the form of the ledger comes back as MalformedTag."""
    times: dict[str, datetime] = {}
    others: list[str] = []
    by = None
    for word in value.split():
        name, _, text = word.partition("=")
        if name == _BY:
            by = text
            continue
        if name not in _TIMES:
            others.append(word)
            continue
        if name in times:
            return MalformedTag(value, f"{name} stands there twice")
        try:
            times[name] = parse_time(text)
        except ValueError:
            return MalformedTag(value, f"{name} is not an ISO 8601 time")
    missing = [name for name in _TIMES[:3] if name not in times]
    if missing:
        return MalformedTag(value, f"{' and '.join(missing)} missing")
    return LedgerEntry(
        after=times["after"],
        since=times["since"],
        verified=times["verified"],
        notified=times.get("notified"),
        words=tuple(others),
        by=by,
        reactivated=times.get("reactivated"),
    )


def render_value(entry: LedgerEntry) -> str:
    """The tag's value for an entry; `parse_value` reads it back."""
    words = [
        f"after={format_time(entry.after)}",
        f"since={format_time(entry.since)}",
        f"verified={format_time(entry.verified)}",
    ]
    if entry.notified:
        words.append(f"notified={format_time(entry.notified)}")
    if entry.by:
        words.append(f"{_BY}={entry.by}")
    if entry.reactivated:
        words.append(f"reactivated={format_time(entry.reactivated)}")
    return " ".join([*words, *entry.words])


def read_tags(tags: Iterable[Mapping[str, str]]) -> dict[str, LedgerEntry | MalformedTag]:
    """The ledger in a user's `Tags`, by access key id. Tags of other kinds are passed over.

    IAM's tag keys are case-insensitive but keep their case, so the prefix is compared without it.
    """
    ledger: dict[str, LedgerEntry | MalformedTag] = {}
    for tag in tags:
        if tag["Key"].lower().startswith(TAG_PREFIX):
            ledger[tag["Key"][len(TAG_PREFIX) :].upper()] = parse_value(tag["Value"])
    return ledger
