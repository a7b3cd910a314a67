# SPDX-License-Identifier: Apache-2.0
"""Filter `unused-access-key`: users with active keys that nobody has used for long."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from c7n_inactive_keys.core.annotations import UNUSED_KEYS
from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.custodian.clock import clock
from c7n_inactive_keys.custodian.filter_tree import UNUSED_FILTER
from c7n_inactive_keys.custodian.options import NUMBER, Option, describe
from c7n_inactive_keys.find.key_filter import KeyFilter

if TYPE_CHECKING:
    from datetime import datetime

    from c7n_inactive_keys.core.cloudtrail import KeyEvents
    from c7n_inactive_keys.core.credential_report import ReportedUser
    from c7n_inactive_keys.core.unused_key import Disuse, UnusedKey
    from c7n_inactive_keys.find.listing import UserKeys


class UnusedAccessKey(KeyFilter):
    """Users with Active access keys whose last use is at least `days` ago.

    IAM is asked for the last use of each key by its id; the credential report only says where to
    look. A key of which no use was ever recorded must have been created at least
    `never-used-days` ago, by default `days`. IAM tells of a use late, so four hours are added to
    both. A key whose last use cannot be read does not match.

    :example:

    .. code-block:: yaml

        policies:
          - name: unused-keys-90-days
            resource: aws.iam-user
            source: credential-report
            filters:
              - type: unused-access-key
                days: 90
                never-used-days: 30

    The matched keys go to `c7n:UnusedAccessKeys` on the user, with their last use, and to
    `c7n:matched-keys`.
    """

    options: ClassVar[dict[str, Option]] = {
        "days": Option("a number, 0 or more", NUMBER, required=True),
        "never-used-days": Option("a number, 0 or more", NUMBER),
    }
    schema = describe(UNUSED_FILTER, options)
    annotation = UNUSED_KEYS
    permissions = ("iam:ListAccessKeys", "iam:GetAccessKeyLastUsed")

    @property
    def disuse(self) -> Disuse:
        """How long a key must have been unused."""
        from c7n_inactive_keys.core.unused_key import Disuse

        days = float(self.data["days"])
        return Disuse(days, float(self.data.get("never-used-days", days)))

    def may_match(self, reported: ReportedUser, now: datetime) -> bool:
        """Whether a key was active and unused; it may have been used since the report."""
        return reported.more_keys or any(
            slot.active and self.disuse.possible(slot.created, slot.last_use.time, now)
            for slot in reported.keys
        )

    def match(self, users: list[UserKeys], told: KeyEvents) -> dict[str, JsonObject]:
        """The entry of each key that is active and has been unused for long enough."""
        # Here, not at the top: every command of Custodian loads this module, few get here.
        from c7n_inactive_keys.core.keys import Unavailable
        from c7n_inactive_keys.find.last_uses import LastUses

        del told
        now, disuse = clock.now(), self.disuse
        old_enough = [
            (user, key)
            for user in users
            for key in user.active
            if disuse.possible(key.created, None, now)
        ]
        last_uses = LastUses(self.manager, self.executor_factory)
        last_uses.read(old_enough)
        matched: list[UnusedKey | None] = []
        for _, key in old_enough:
            last_use = last_uses.of(key)
            if not isinstance(last_use, Unavailable):
                matched.append(disuse.found(key, last_use, now))
        return {item.key.access_key_id: item.to_annotation() for item in matched if item}
