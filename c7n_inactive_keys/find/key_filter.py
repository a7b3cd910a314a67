# SPDX-License-Identifier: Apache-2.0
"""What the filters on keys have in common: which users are read, and how matches are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from c7n.filters import Filter

from c7n_inactive_keys.core.journal import EXPIRED_KEY
from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.core.keys import EXPIRED
from c7n_inactive_keys.custodian.filter_tree import built_in_before
from c7n_inactive_keys.custodian.key_event import told_by
from c7n_inactive_keys.custodian.memory import execution_token
from c7n_inactive_keys.custodian.noted_keys import note_keys
from c7n_inactive_keys.custodian.options import Option, invalid, problem
from c7n_inactive_keys.custodian.policy_check import policy_problem, warn_of_mistakes
from c7n_inactive_keys.custodian.unread_users import read_error, report_unread
from c7n_inactive_keys.find.matched_keys import (
    ALL_KEYS,
    MATCHED_KEYS,
    annotate,
    forget_other_runs,
)
from c7n_inactive_keys.find.resource_cache import detach_from_cache

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from c7n_inactive_keys.core.cloudtrail import KeyEvents
    from c7n_inactive_keys.core.credential_report import ReportedUser
    from c7n_inactive_keys.find.listing import Listing, UserKeys


class KeyFilter(Filter):  # type: ignore[misc]  # c7n has no type hints
    """A filter that matches single keys, and annotates their users with them."""

    options: ClassVar[dict[str, Option]] = {}
    annotation: ClassVar[str] = ""  # where the entries of matched keys go
    schema_alias = False

    def validate(self) -> KeyFilter:
        """Check the policy and the options."""
        wrong = policy_problem(self.manager) or problem(self.data, self.options)
        if wrong:
            raise invalid(self, wrong)
        warn_of_mistakes(self.manager)
        return self

    def process(
        self, resources: list[JsonObject], event: JsonObject | None = None
    ) -> list[JsonObject]:
        """The users with at least one matching key."""
        token = execution_token(self.manager)
        detach_from_cache(self.manager, resources)
        keep_matched = built_in_before(self.manager.filters, self)
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
        listing = self.list_keys(readable, told)
        report_unread(self.manager, {**unread, **listing.unread})
        expired = (key for user in listing.users for key in user.keys if key.status == EXPIRED)
        note_keys(self.manager, EXPIRED_KEY, expired)
        matches = self.match(listing.users, told)
        return [user.user for user in listing.users if self._annotate(user, matches, token)]

    def may_match(self, reported: ReportedUser, now: datetime) -> bool:
        """Whether a user may match of whom the credential report says this."""
        raise NotImplementedError

    def list_keys(self, users: list[JsonObject], told: KeyEvents) -> Listing:
        """The keys of all users of the policy."""
        # Here, not at the top: every command of Custodian loads this module, few get here.
        from c7n_inactive_keys.find.listing import list_keys

        del told
        return list_keys(self.manager, self.executor_factory, users)

    def match(self, users: list[UserKeys], told: KeyEvents) -> Mapping[str, JsonObject]:
        """The entry of each key that matches, by access key id.

        `told` is what the event says that an event mode was called with.
        """
        raise NotImplementedError

    def _annotate(self, user: UserKeys, matches: Mapping[str, JsonObject], token: str) -> bool:
        user.user[ALL_KEYS] = [key.metadata for key in user.keys]
        ids = [key.access_key_id for key in user.keys]
        matched = {key_id: matches[key_id] for key_id in ids if key_id in matches}
        return bool(matched) and annotate(user.user, self.manager, token, self, matched)

    def _option(self, name: str) -> Any:
        return self.data.get(name, self.options[name].default)
