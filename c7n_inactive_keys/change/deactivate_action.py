# SPDX-License-Identifier: Apache-2.0
"""Action `deactivate-unused-keys`: deactivate the matched keys that are still unused."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from c7n_inactive_keys.change.key_action import LIMITS, MANAGED, KeyAction
from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.custodian.filter_tree import UNUSED_FILTER, of_type
from c7n_inactive_keys.custodian.options import Option, describe

FOREVER = 36500  # days
MODES = ("pull", "periodic", "schedule")  # in event modes a change is not in event history yet


class DeactivateUnusedKeys(KeyAction):
    """Deactivate the access keys that `unused-access-key` matched.

    Just before each key is deactivated, it and its last use are read again: it must be the same
    Active key, and must not have been used since. A key that somebody has reactivated is left alone
    for as many days as the filter asks for, as far as event history and ledger tell. The ledger
    gets the exact moment and `by=c7n`, which `reactivate-keys` looks for.

    :example:

    .. code-block:: yaml

        policies:
          - name: unused-keys-deactivate
            resource: aws.iam-user
            source: credential-report
            filters:
              - type: unused-access-key
                days: 90
            actions:
              - type: deactivate-unused-keys
                max-keys: 50
                exempt-tag: keep-keys

    `max-keys`, `exempt-tag`, `plan`, outcomes and journal are those of `delete-inactive-keys`. So
    are `managed-keys` and `managed`: a key that belongs to a CloudFormation stack, or that a list
    names, is skipped, since whatever manages it would bring it back.

    :example:

    .. code-block:: yaml

        policies:
          - name: unused-keys-deactivate-but-terraforms
            resource: aws.iam-user
            source: credential-report
            filters:
              - type: unused-access-key
                days: 90
                never-used-days: 30
            actions:
              - type: deactivate-unused-keys
                managed-keys:
                  url: file://terraform.json
    """

    options: ClassVar[dict[str, Option]] = {**LIMITS, **MANAGED}
    schema = describe("deactivate-unused-keys", options)
    filter_type = UNUSED_FILTER
    done = "deactivate"
    permissions = (
        "iam:GetUser",
        "iam:ListAccessKeys",
        "iam:GetAccessKeyLastUsed",
        "iam:UpdateAccessKey",
        "iam:TagUser",
        "cloudtrail:LookupEvents",
        "cloudformation:DescribeStackResources",
    )

    def _selection_problem(self) -> str | None:
        mode = self.manager.ctx.policy.data.get("mode", {}).get("type", "pull")
        if mode not in MODES:
            return (
                f"it looks at all keys, so it needs {' or '.join(MODES)} as the policy's mode, "
                f"not {mode}"
            )
        return super()._selection_problem()

    def process(self, resources: list[JsonObject]) -> list[JsonObject]:
        """The outcome of each matched key.

        Raises:
            PlanError, EvidenceError, KeyLimitError: nothing was deactivated.
            JournalError: the journal could not be written; nothing was done without a line.
            KeyChangeError: some keys were not deactivated, after all users are done.
        """
        # Here, not at the top: every command of Custodian loads this module, few get here.
        from c7n_inactive_keys.change.deactivation import Deactivation
        from c7n_inactive_keys.change.engine import change_keys
        from c7n_inactive_keys.core.cloudtrail import KeyEvents
        from c7n_inactive_keys.core.unused_key import unused_keys
        from c7n_inactive_keys.find.event_history import EventHistory, account_history

        self.validate()  # whoever embeds Custodian may not have called it
        users = [user for user in resources if unused_keys(user)]
        history = account_history(self.manager, users) if users else None
        events = history.events if isinstance(history, EventHistory) else KeyEvents()
        return change_keys(self, Deactivation(events, self._rest()), self.rules(), users)

    def _rest(self) -> timedelta:
        """For how long a reactivated key is left alone: as long as any filter waits for a use."""
        filters = of_type(self.manager, UNUSED_FILTER)
        days = [
            day for item, _ in filters for day in (item.disuse.days, item.disuse.never_used_days)
        ]
        return timedelta(days=min(max(days), FOREVER))
