# SPDX-License-Identifier: Apache-2.0
"""Filter `inactive-access-key`: users with inactive keys, since when, and how that is known."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from c7n_inactive_keys.core.annotations import INACTIVE_KEYS
from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.core.times import days_between
from c7n_inactive_keys.custodian.clock import clock
from c7n_inactive_keys.custodian.filter_tree import INACTIVE_FILTER
from c7n_inactive_keys.custodian.metrics import count_keys
from c7n_inactive_keys.custodian.options import (
    NUMBER,
    Option,
    describe,
    invalid,
    list_of,
    one_of,
)
from c7n_inactive_keys.find.events_from import OPTION as EVENTS_FROM
from c7n_inactive_keys.find.events_from import Export
from c7n_inactive_keys.find.key_filter import KeyFilter

if TYPE_CHECKING:
    from c7n_inactive_keys.core.cloudtrail import KeyEvents
    from c7n_inactive_keys.core.credential_report import ReportedUser
    from c7n_inactive_keys.core.found_key import FoundKey
    from c7n_inactive_keys.core.keys import AccessKey, LastUse, Unavailable
    from c7n_inactive_keys.find.listing import UserKeys

PROVEN = "proven"
POSSIBLE = "possible"
LEDGER = "ledger"
CLOUDTRAIL = "cloudtrail"


class InactiveAccessKey(KeyFilter):
    """Users with inactive access keys, with since when each is inactive and how that is known.

    AWS has no field "inactive since". For each key whose status is Inactive the filter computes an
    interval that certainly holds the moment of its last deactivation, from the key's creation and
    last use, CloudTrail's event history (90 days), the ledger tags that `record-inactive-keys`
    writes, the credential report, and your own record of events. `certainty: proven` (the default)
    asks for keys that have certainly been inactive for `days`, `possible` for keys that may have
    been. Days are compared as they are shown, to one decimal.

    A silent event history proves nothing until somebody has seen the key inactive at least two
    hours earlier: an earlier run of `record-inactive-keys`, or the credential report.

    :example:

    .. code-block:: yaml

        policies:
          - name: inactive-keys-90-days
            resource: aws.iam-user
            source: credential-report
            filters:
              - type: inactive-access-key
                days: 90
                certainty: proven
                evidence: [ledger, cloudtrail]

    `evidence: []` keeps only creation and last use; on their own they prove nothing.
    `notified-days` asks for keys whose owner was told at least that long ago (see
    `record-inactive-keys`, `notified`). `events-from` adds an export of status changes, with the
    fields AccessKeyId, Time, Status and optionally Actor, or CloudTrail's own records;
    `covers-since` says from when on it is complete, so that its silence counts.

    :example:

    .. code-block:: yaml

        policies:
          - name: inactive-keys-one-year
            resource: aws.iam-user
            filters:
              - type: inactive-access-key
                days: 365
                notified-days: 14
                events-from:
                  url: s3://bucket/access-key-events.csv
                  format: csv2dict
                  covers-since: 2024-01-01

    The matched keys go to `c7n:InactiveAccessKeys` on the user, with their evidence. Several
    filters combine as Custodian combines users: `or` unites the matched keys, `and` intersects
    them, `not` leaves none. The same keys go to `c7n:matched-keys`, so that `remove-keys` with
    `matched: true` acts on exactly them.
    """

    options: ClassVar[dict[str, Option]] = {
        "days": Option("a number, 0 or more", NUMBER, 0),
        "certainty": one_of(PROVEN, POSSIBLE, default=PROVEN),
        "evidence": list_of(LEDGER, CLOUDTRAIL),
        "notified-days": Option("a number, 0 or more", NUMBER),
        "events-from": EVENTS_FROM,
    }
    schema = describe(INACTIVE_FILTER, options)
    annotation = INACTIVE_KEYS
    permissions = ("iam:ListAccessKeys", "iam:GetAccessKeyLastUsed")

    @property
    def days(self) -> float:
        """The least number of days of inactivity."""
        return float(self._option("days"))

    @property
    def evidence(self) -> list[str]:
        """The sources of evidence besides creation and last use."""
        return list(self._option("evidence"))

    @property
    def possible(self) -> bool:
        """Whether keys match that may have been inactive for so long."""
        return bool(self._option("certainty") == POSSIBLE)

    @cached_property
    def export(self) -> Export | None:
        """The user's own record of events."""
        data = self.data.get("events-from")
        return Export(data, self.manager) if data else None

    def get_permissions(self) -> tuple[str, ...]:
        """What the filter calls with the evidence that it is asked to use."""
        if CLOUDTRAIL in self.evidence:
            return (*self.permissions, "cloudtrail:LookupEvents")
        return self.permissions

    # -- validation -----------------------------------------------------------------------------

    def validate(self) -> InactiveAccessKey:
        """Check the policy and the options."""
        super().validate()
        wrong = self.export.problem() if self.export else None
        if wrong:
            raise invalid(self, wrong)
        return self

    # -- matching -------------------------------------------------------------------------------

    def may_match(self, reported: ReportedUser, now: datetime) -> bool:
        """Whether a key was inactive then."""
        del now
        return reported.has_inactive_key

    def match(self, users: list[UserKeys], told: KeyEvents) -> dict[str, JsonObject]:
        """The entry of each inactive key that has been so for long enough."""
        # Here, not at the top: every command of Custodian loads this module, few get here.
        from c7n_inactive_keys.find.gather import Investigation, Sources

        sources = Sources(
            ledger=LEDGER in self.evidence,
            cloudtrail=CLOUDTRAIL in self.evidence,
            exports=(self.export,) if self.export else (),
            told=told,
        )
        investigation = Investigation(self.manager, sources, self.executor_factory)
        now = clock.now()
        keys = [(user, key) for user in users for key in user.inactive]
        investigation.read(keys, matters=lambda key, use: self._can_match(key, use, now))
        found = [investigation.found(user, key) for user, key in keys]
        count_keys(self.manager, "found", len(found))
        count_keys(self.manager, "proven", sum(item.at_least_days > 0 for item in found))
        return {
            item.key.access_key_id: item.to_annotation()
            for item in found
            if self._matches(item, now)
        }

    def _can_match(self, key: AccessKey, last_use: LastUse | Unavailable, now: datetime) -> bool:
        """Whether any evidence could make the key match."""
        from c7n_inactive_keys.core.keys import Unavailable

        if isinstance(last_use, Unavailable):
            return self.days == 0 or self.possible
        return days_between(max(key.created, last_use.time or key.created), now) >= self.days

    def _matches(self, found: FoundKey, now: datetime) -> bool:
        days = found.at_most_days if self.possible else found.at_least_days
        if days < self.days:
            return False
        if "notified-days" not in self.data:
            return True
        notice = found.notified
        return bool(notice and days_between(notice, now) >= float(self.data["notified-days"]))
