# SPDX-License-Identifier: Apache-2.0
"""A filter on keys at work: which users are read, and how its matches are written on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from c7n_inactive_keys.core.cloudtrail import KeyEvents
from c7n_inactive_keys.core.journal import EXPIRED_KEY
from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.core.keys import EXPIRED
from c7n_inactive_keys.custodian.c7n_types import KeyFilterElement
from c7n_inactive_keys.custodian.filter_tree import built_in_before
from c7n_inactive_keys.custodian.key_event import told_by
from c7n_inactive_keys.custodian.memory import execution_token
from c7n_inactive_keys.custodian.noted_keys import note_keys
from c7n_inactive_keys.custodian.unread_users import read_error, report_unread
from c7n_inactive_keys.find.listing import Listing, UserKeys
from c7n_inactive_keys.find.matched_keys import (
    ALL_KEYS,
    MATCHED_KEYS,
    annotate,
    forget_other_runs,
)
from c7n_inactive_keys.find.resource_cache import detach_from_cache


class KeyMatcher(KeyFilterElement, Protocol):
    """What a filter on keys decides by itself."""

    def list_keys(self, users: list[JsonObject], told: KeyEvents) -> Listing:
        """The keys of the users that matter."""

    def match(self, users: list[UserKeys], told: KeyEvents) -> Mapping[str, JsonObject]:
        """The entry of each key that matches, by access key id."""


def matching_users(
    filter_: KeyMatcher, resources: list[JsonObject], event: JsonObject | None
) -> list[JsonObject]:
    """The users with at least one key that the filter matches."""
    manager = filter_.manager
    token = execution_token(manager)
    detach_from_cache(manager, resources)
    keep_matched = built_in_before(manager.filters, filter_)
    unread = {}
    readable = []
    for user in resources:
        forget_other_runs(user, token, keep_matched)
        error = read_error(user)
        if error:
            unread[user["UserName"]] = error
        else:
            readable.append(user)
        # The user may match by another filter of an `or` block, and the built-in remove-keys
        # fails on one of whom nothing is said.
        user.setdefault(MATCHED_KEYS, [])
    told = told_by(event)
    listing = filter_.list_keys(readable, told)
    report_unread(manager, {**unread, **listing.unread})
    expired = (key for user in listing.users for key in user.keys if key.status == EXPIRED)
    note_keys(manager, EXPIRED_KEY, expired)
    matches = filter_.match(listing.users, told)
    return [user.user for user in listing.users if _annotate(filter_, user, matches, token)]


def _annotate(
    filter_: KeyMatcher, user: UserKeys, matches: Mapping[str, JsonObject], token: str
) -> bool:
    user.user[ALL_KEYS] = [key.metadata for key in user.keys]
    ids = [key.access_key_id for key in user.keys]
    matched = {key_id: matches[key_id] for key_id in ids if key_id in matches}
    return bool(matched) and annotate(user.user, filter_.manager, token, filter_, matched)
