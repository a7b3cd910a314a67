# SPDX-License-Identifier: Apache-2.0
"""Action `delete-inactive-keys`: delete the matched keys that are still the same inactive keys."""

from __future__ import annotations

from typing import ClassVar

from c7n_inactive_keys.change.key_action import LIMITS, MANAGED, KeyAction
from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.custodian.c7n_types import Element
from c7n_inactive_keys.custodian.filter_tree import INACTIVE_FILTER, each_key_fits, of_type
from c7n_inactive_keys.custodian.options import Option, describe


class DeleteInactiveKeys(KeyAction):
    """Delete the access keys that `inactive-access-key` matched.

    Deleting is final, so the user's tags and keys are read again just before it: a key is deleted
    only if it has the same id and creation date and is still Inactive, and if nothing in the ledger
    speaks against it. If the policy also has `access-key` or `credential` filters, only keys that
    those matched too are deleted. The filter must state `days`; 0 asks for no minimum.

    :example:

    .. code-block:: yaml

        policies:
          - name: inactive-keys-delete
            resource: aws.iam-user
            source: credential-report
            filters:
              - type: inactive-access-key
                days: 90
            actions:
              - type: delete-inactive-keys
                max-keys: 50
                exempt-tag: keep-keys

    `max-keys`: if more keys than this qualify in one run of the policy, none is deleted and the
    policy fails. `exempt-tag`: users who carry this tag at the moment of deletion are left alone.
    `plan`: delete only keys that an approved plan lists, a csv as `c7n-inactive-keys report
    --plan` writes it. With `certainty: possible` a plan is required.

    :example:

    .. code-block:: yaml

        policies:
          - name: inactive-keys-delete-approved
            resource: aws.iam-user
            source: credential-report
            filters:
              - type: inactive-access-key
                days: 90
            actions:
              - type: delete-inactive-keys
                plan:
                  url: file://plan.csv
                  format: csv2dict

    Every key gets an outcome, in `inactive-keys.jsonl` in the policy's output directory and in the
    action's file: deleted, skipped with a reason, or failed. One user's failure does not stop the
    others; if anything failed, the policy fails when all users are done.
    """

    options: ClassVar[dict[str, Option]] = {**LIMITS, **MANAGED}
    schema = describe("delete-inactive-keys", options)
    filter_type = INACTIVE_FILTER
    done = "delete"
    permissions = (
        "iam:GetUser",
        "iam:ListAccessKeys",
        "iam:GetAccessKeyLastUsed",
        "iam:DeleteAccessKey",
        "iam:UntagUser",
        "cloudformation:DescribeStackResources",
    )

    def _selection_problem(self) -> str | None:
        wrong = super()._selection_problem()
        if wrong or "plan" in self.data:
            return wrong
        if each_key_fits(self.manager.filters, self.filter_type, _is_proven):
            return None
        return (
            f"the {self.filter_type} filter has certainty: possible, so it may match keys that "
            "were deactivated a minute ago; add a plan of approved keys, or leave certainty out"
        )

    def process(self, resources: list[JsonObject]) -> list[JsonObject]:
        """The outcome of each matched key.

        Raises:
            PlanError, EvidenceError, KeyLimitError: nothing was deleted.
            JournalError: the journal could not be written; nothing was deleted without a line.
            KeyChangeError: some keys were not deleted, after all users are done.
        """
        # Here, not at the top: every command of Custodian loads this module, few get here.
        from c7n_inactive_keys.change.deletion import Deletion
        from c7n_inactive_keys.change.engine import change_keys

        self.validate()  # whoever embeds Custodian may not have called it
        filters = of_type(self.manager, self.filter_type)
        notice = any("notified-days" in item.data for item, _ in filters)
        return change_keys(self, Deletion(), self.rules(notice), resources)


def _is_proven(item: Element) -> bool:
    return "days" in item.data and item.data.get("certainty") != "possible"
