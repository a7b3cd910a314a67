# SPDX-License-Identifier: Apache-2.0
"""What the filters on keys have in common: which users are read, and how matches are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from c7n.filters import Filter

from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.custodian.options import Option, invalid, problem
from c7n_inactive_keys.custodian.policy_check import policy_problem, warn_of_mistakes

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
        # Here, not at the top: every command of Custodian loads this module, few get here.
        from c7n_inactive_keys.find.matching import matching_users

        return matching_users(self, resources, event)

    def may_match(self, reported: ReportedUser, now: datetime) -> bool:
        """Whether a user may match of whom the credential report says this."""
        raise NotImplementedError

    def list_keys(self, users: list[JsonObject], told: KeyEvents) -> Listing:
        """The keys of all users of the policy."""
        from c7n_inactive_keys.find.listing import list_keys

        del told
        return list_keys(self.manager, self.executor_factory, users)

    def match(self, users: list[UserKeys], told: KeyEvents) -> Mapping[str, JsonObject]:
        """The entry of each key that matches, by access key id.

        `told` is what the event says that an event mode was called with.
        """
        raise NotImplementedError

    def _option(self, name: str) -> Any:
        return self.data.get(name, self.options[name].default)
