# SPDX-License-Identifier: Apache-2.0
"""Action `record-inactive-keys`: keep the ledger, which remembers more than 90 days."""

from __future__ import annotations

from typing import ClassVar

from c7n.actions import EventAction

from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.custodian.filter_tree import INACTIVE_FILTER, no_keys_selected
from c7n_inactive_keys.custodian.options import FLAG, Option, describe, invalid, problem
from c7n_inactive_keys.custodian.policy_check import policy_problem, warn_of_mistakes

NOTIFY = "notify"  # Custodian's action


class RecordInactiveKeys(EventAction):  # type: ignore[misc]  # c7n has no type hints
    """Keep the ledger of inactive access keys in tags of their users.

    A tag `c7n-inactive-key:<AccessKeyId>` for each inactive key says between which moments it was
    deactivated, and when it was last seen inactive. That turns the silence of event history into a
    proof from the next day on, and carries it beyond CloudTrail's 90 days, for years if the action
    runs regularly: daily is best, and a gap of 90 days starts the entry anew. Tags of keys that
    became active or vanished are removed; no other tag is touched.

    :example:

    .. code-block:: yaml

        policies:
          - name: inactive-keys-record
            resource: aws.iam-user
            source: credential-report
            actions:
              - record-inactive-keys

    After `notify`, `notified: true` adds the time of the first notice to the tags of the keys that
    `inactive-access-key` matched; the filter's `notified-days` counts from there. The notice goes
    with the tag when the key becomes active.

    :example:

    .. code-block:: yaml

        policies:
          - name: inactive-keys-notify
            resource: aws.iam-user
            source: credential-report
            filters:
              - type: inactive-access-key
                days: 60
            actions:
              - type: notify
                to: ["resource-owner"]
                transport:
                  type: sqs
                  queue: https://sqs.us-east-1.amazonaws.com/123456789012/mailer
              - type: record-inactive-keys
                notified: true

    In event mode, on UpdateAccessKey, the time of the event is the exact moment.

    :example:

    .. code-block:: yaml

        policies:
          - name: record-deactivations
            resource: aws.iam-user
            mode:
              type: cloudtrail
              role: arn:aws:iam::123456789012:role/CustodianRecord
              packages: [c7n_inactive_keys]
              handler: c7n_inactive_keys.lambda_handler.run
              events:
                - source: iam.amazonaws.com
                  event: UpdateAccessKey
                  ids: "requestParameters.userName || userIdentity.userName"
            actions:
              - record-inactive-keys
    """

    options: ClassVar[dict[str, Option]] = {"notified": Option("true or false", FLAG, False)}
    schema = describe("record-inactive-keys", options)
    schema_alias = False
    permissions = (
        "iam:GetUser",
        "iam:ListAccessKeys",
        "iam:GetAccessKeyLastUsed",
        "cloudtrail:LookupEvents",
        "iam:TagUser",
        "iam:UntagUser",
    )

    def validate(self) -> RecordInactiveKeys:
        """Check the options, and that a notice has keys that it can be about."""
        wrong = policy_problem(self.manager) or problem(self.data, self.options)
        if not wrong and self.data.get("notified"):
            wrong = (
                no_keys_selected(self.manager, INACTIVE_FILTER, "notified: true is about")
                or self._order_problem()
            )
        if wrong:
            raise invalid(self, wrong)
        warn_of_mistakes(self.manager)
        return self

    def _order_problem(self) -> str | None:
        """What is wrong if keys count as told before anybody is told of them."""
        kinds = [item.type for item in self.manager.actions]
        place = next(n for n, item in enumerate(self.manager.actions) if item is self)
        if NOTIFY in kinds[place:] and NOTIFY not in kinds[:place]:
            return (
                "notified: true stands before notify, so a key counts as told even if the message "
                "cannot be sent; put it behind"
            )
        return None

    def process(
        self, resources: list[JsonObject], event: JsonObject | None = None
    ) -> list[JsonObject]:
        """The outcome for each key that has or had a ledger tag: recorded, unchanged or removed.

        Raises:
            RecordingError: some tags could not be brought in line, after all users are done.
        """
        # Here, not at the top: every command of Custodian loads this module, few get here.
        from c7n_inactive_keys.record.recording import record_keys

        return record_keys(self, resources, event)
