# SPDX-License-Identifier: Apache-2.0
"""Filter `reactivated-access-key`: users with a key that was inactive for long and is active."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from c7n_inactive_keys.core.annotations import REACTIVATED_KEYS
from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.core.times import days_between
from c7n_inactive_keys.custodian.clock import clock
from c7n_inactive_keys.custodian.filter_tree import REACTIVATED_FILTER
from c7n_inactive_keys.custodian.options import NUMBER, Option, describe
from c7n_inactive_keys.find.key_filter import KeyFilter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from c7n_inactive_keys.core.cloudtrail import KeyEvents
    from c7n_inactive_keys.core.credential_report import ReportedUser
    from c7n_inactive_keys.core.evidence import StatusChange
    from c7n_inactive_keys.find.listing import Listing, UserKeys


class ReactivatedAccessKey(KeyFilter):
    """Users with a key that was inactive for at least `after-days`, by proof, and is Active again.

    Somebody woke a dead key. In event mode, on UpdateAccessKey, it is known within minutes, with
    the ledger as memory; otherwise from CloudTrail's event history (90 days) and the ledger. Put
    it before `record-inactive-keys`, which takes away the ledger's entry of an active key.

    :example:

    .. code-block:: yaml

        policies:
          - name: watch-reactivations
            resource: aws.iam-user
            mode:
              type: cloudtrail
              role: arn:aws:iam::123456789012:role/CustodianWatch
              packages: [c7n_inactive_keys]
              handler: c7n_inactive_keys.lambda_handler.run
              events:
                - source: iam.amazonaws.com
                  event: UpdateAccessKey
                  ids: "requestParameters.userName || userIdentity.userName"
            filters:
              - type: reactivated-access-key
                after-days: 30

    The matched keys go to `c7n:ReactivatedAccessKeys` on the user, with `InactiveDays`,
    `ReactivatedAt` and `Actor` (null until event history holds the event), and to
    `c7n:matched-keys`.
    """

    options: ClassVar[dict[str, Option]] = {
        "after-days": Option("a number, 0 or more", NUMBER, 30),
    }
    schema = describe(REACTIVATED_FILTER, options)
    annotation = REACTIVATED_KEYS
    permissions = ("iam:ListAccessKeys", "iam:GetAccessKeyLastUsed", "cloudtrail:LookupEvents")

    @property
    def after_days(self) -> float:
        """The least number of days for which a key was inactive."""
        return float(self._option("after-days"))

    def may_match(self, reported: ReportedUser, now: datetime) -> bool:
        """Whether a key is old enough; one that was inactive then may be active by now."""
        return reported.more_keys or any(
            days_between(slot.created, now) >= self.after_days for slot in reported.keys
        )

    def list_keys(self, users: list[JsonObject], told: KeyEvents) -> Listing:
        """The keys of users that an event or the ledger names; of all users if that is not enough.

        Whoever was renamed since, or changed its own key, is not named by the event.
        """
        from c7n_inactive_keys.core.ledger import read_tags

        if told.by_key:
            return super().list_keys(users, told)
        awake = self._awake(users)
        named = {change.user_name for change in awake.values()}
        known = [
            user for user in users if user["UserName"] in named or read_tags(user.get("Tags") or ())
        ]
        listing = super().list_keys(known, told)
        found = {key.access_key_id for user in listing.users for key in user.keys}
        there = {user.user_name: user.created for user in listing.users}
        if all(
            # The key of a user who was there then is gone; of a later one with that name it is not.
            key_id in found or there.get(str(change.user_name), change.time) < change.time
            for key_id, change in awake.items()
        ):
            return listing
        return super().list_keys(users, told)

    def match(self, users: list[UserKeys], told: KeyEvents) -> dict[str, JsonObject]:
        """The entry of each active key that was inactive for long enough before."""
        from c7n_inactive_keys.core.reactivated_key import reactivation
        from c7n_inactive_keys.find.gather import Investigation, Sources

        now = clock.now()
        old_enough = [
            (user, key)
            for user in users
            for key in user.active
            if days_between(key.created, now) >= self.after_days
        ]
        investigation = Investigation(self.manager, Sources(told=told), self.executor_factory)
        if told.by_key:
            keys = [pair for pair in old_enough if pair[1].access_key_id in told.by_key]
        else:
            awake = self._awake([user.user for user, _ in old_enough])
            keys = [
                (user, key)
                for user, key in old_enough
                if key.access_key_id in awake or investigation.ledger_entry(user, key)
            ]
        investigation.read(keys)
        found = [reactivation(investigation.facts(user, key), now) for user, key in keys]
        return {
            item.key.access_key_id: item.to_annotation()
            for item in found
            if item and item.at_least_days >= self.after_days
        }

    def _awake(self, users: list[JsonObject]) -> Mapping[str, StatusChange]:
        """The keys that event history has as reactivated, each with the event."""
        from c7n_inactive_keys.find.event_history import EventHistory, account_history

        history = account_history(self.manager, users) if users else None
        return history.events.reactivated if isinstance(history, EventHistory) else {}
