# SPDX-License-Identifier: Apache-2.0
"""Action `delete-inactive-keys`: delete the matched keys that are still the same inactive keys."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from c7n.actions import BaseAction

from c7n_inactive_keys.core.errors import DeletionError, JournalError, KeyLimitError, PlanError
from c7n_inactive_keys.core.found_key import INACTIVE_KEYS
from c7n_inactive_keys.core.journal import DELETED, FAILED, MAX_KEYS, SKIPPED
from c7n_inactive_keys.custodian import aws
from c7n_inactive_keys.custodian.account import account_id
from c7n_inactive_keys.custodian.filter_tree import (
    FILTER_TYPE,
    each_key_fits,
    no_keys_selected,
    of_type,
)
from c7n_inactive_keys.custodian.options import (
    COUNT,
    TEXT,
    Option,
    describe,
    invalid,
    mapping,
    problem,
)
from c7n_inactive_keys.custodian.policy_check import policy_problem
from c7n_inactive_keys.custodian.run_record import PolicyJournal, PolicyRun, said
from c7n_inactive_keys.custodian.value_file import OPTIONS as PLAN_OPTIONS
from c7n_inactive_keys.custodian.value_file import READ_ERRORS, Rows, format_problem
from c7n_inactive_keys.find.matched_keys import ALL_KEYS

if TYPE_CHECKING:
    from c7n_inactive_keys.core.found_key import FoundKey
    from c7n_inactive_keys.core.hindrance import Rules
    from c7n_inactive_keys.core.plan import Plan

log = logging.getLogger("custodian.inactive-keys")


class DeleteInactiveKeys(BaseAction):  # type: ignore[misc]  # c7n has no type hints
    """Delete the access keys that `inactive-access-key` matched.

    Deleting is final, so just before it the user's keys are listed again: a key is deleted only if
    it has the same id and creation date and is still Inactive. If the policy also has `access-key`
    or `credential` filters, only keys that those matched too are deleted.

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
    --plan` writes it.

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

    options: ClassVar[dict[str, Option]] = {
        "max-keys": Option("a whole number, 1 or more", COUNT),
        "exempt-tag": Option("the key of a tag", TEXT),
        "plan": mapping("a mapping with the url of a file", PLAN_OPTIONS),
    }
    schema = describe("delete-inactive-keys", options)
    schema_alias = False
    permissions = ("iam:GetUser", "iam:ListAccessKeys", "iam:DeleteAccessKey", "iam:UntagUser")

    @property
    def exempt_tag(self) -> str | None:
        """The key of the tag that exempts a user."""
        tag: str | None = self.data.get("exempt-tag")
        return tag

    # -- validation -----------------------------------------------------------------------------

    def validate(self) -> DeleteInactiveKeys:
        """Check that the policy says which keys, and the options' values."""
        wrong = (
            policy_problem(self.manager)
            or no_keys_selected(self.manager, "deletes")
            or problem(self.data, self.options)
            or self._exempt_tag_problem()
            or self._certainty_problem()
        )
        if not wrong and "plan" in self.data:
            wrong = format_problem("plan", self.data["plan"])
        if wrong:
            raise invalid(self, wrong)
        return self

    def _exempt_tag_problem(self) -> str | None:
        from c7n_inactive_keys.core.tag_keys import tag_key_problem

        wrong = tag_key_problem(self.exempt_tag) if self.exempt_tag else None
        return wrong and f"exempt-tag {self.exempt_tag!r} {wrong}"

    def _certainty_problem(self) -> str | None:
        """What is wrong if keys could be deleted that were not asked to be proven inactive."""
        filters = self.manager.filters
        if not each_key_fits(filters, lambda item: "days" in item.data):
            return (
                f"it deletes only what an {FILTER_TYPE} filter with days matched; state days there "
                "(0 asks for no minimum)"
            )
        if "plan" not in self.data and not each_key_fits(
            filters, lambda item: "days" in item.data and not item.possible
        ):
            return (
                f"the {FILTER_TYPE} filter has certainty: possible, so it may match keys that were "
                "deactivated a minute ago; add a plan of approved keys, or leave certainty out"
            )
        return None

    # -- deleting -------------------------------------------------------------------------------

    def process(self, resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The outcome of each matched key.

        Raises:
            PlanError, KeyLimitError: nothing was deleted.
            JournalError: the journal could not be written; nothing was deleted without a record.
            DeletionError: some keys were not deleted, after all users are done.
        """
        # Here, not at the top: every command of Custodian loads this module, few get here.
        from c7n_inactive_keys.core.hindrance import Rules

        self.validate()  # whoever embeds Custodian may not have called it
        run = PolicyRun(self.manager)
        plan = self._read_plan()
        rules = Rules(
            account_id=account_id(self.manager),
            exempt_tag=self.exempt_tag,
            plan=plan,
            notice=any(
                "notified-days" in item.data for item, _ in of_type(self.manager, FILTER_TYPE)
            ),
        )
        users = [user for user in resources if user.get(INACTIVE_KEYS)]
        with run.open_journal() as journal:
            self._check_limit(run, journal, rules, users)
            records, torn = self._delete_all(run, journal, rules, users)
        self._log_summary(records)
        failures = [record for record in records if record["outcome"] == FAILED]
        if torn or failures:
            run.write_action_file(self, records)
            raise said(torn or DeletionError(run.name_failures(failures)))
        return records

    def _delete_all(
        self, run: PolicyRun, journal: PolicyJournal, rules: Rules, users: list[dict[str, Any]]
    ) -> tuple[list[dict[str, Any]], JournalError | None]:
        from c7n_inactive_keys.change.pace import Pace
        from c7n_inactive_keys.change.user_changes import UserDeletion

        def delete(user: dict[str, Any]) -> list[dict[str, Any]] | JournalError:
            try:
                return UserDeletion(
                    reader, writer, rules, filters, run, journal, pace, user
                ).delete()
            except JournalError as error:
                return error

        reader = aws.client(self.manager, "iam")
        writer = aws.client(self.manager, "iam", config=aws.ONCE)
        pace = Pace()
        filters = tuple(self.manager.filters)
        records: list[dict[str, Any]] = []
        torn: JournalError | None = None
        with self.executor_factory(max_workers=aws.WORKERS) as workers:
            for result in workers.map(delete, users):
                if isinstance(result, JournalError):
                    torn = torn or result
                else:
                    records.extend(result)
        return records, torn

    def _read_plan(self) -> Plan | None:
        if "plan" not in self.data:
            return None
        from c7n_inactive_keys.core.plan import read_plan

        policy = self.manager.ctx.policy.name
        try:
            return read_plan(Rows(self.data["plan"], self.manager).read())
        except READ_ERRORS as error:
            problem = f"the plan {self.data['plan']['url']} cannot be read: {error}"
        except PlanError as error:
            problem = str(error)
        raise said(PlanError(f"policy:{policy} nothing was deleted: {problem}"))

    def _check_limit(
        self,
        run: PolicyRun,
        journal: PolicyJournal,
        rules: Rules,
        users: list[dict[str, Any]],
    ) -> None:
        limit = self.data.get("max-keys")
        if limit is None:
            return
        qualified = [found for user in users for found in self._qualifying(rules, user)]
        if len(qualified) <= limit:
            return
        failure = KeyLimitError(
            f"policy:{run.policy_name} nothing was deleted: {len(qualified)} access keys qualify, "
            f"more than max-keys: {limit}; look at them in a dry run, then raise max-keys"
        )
        lines = [
            run.record(
                user_name=found.key.user_name,
                found=found,
                outcome=FAILED,
                reason=MAX_KEYS,
                error=aws.ApiError("MaxKeysExceeded", str(failure)),
            )
            for found in qualified
        ]
        for line in lines:
            journal.write(line)
        run.write_action_file(self, [line.to_fields() for line in lines])
        raise said(failure)

    def _qualifying(self, rules: Rules, user: Mapping[str, Any]) -> list[FoundKey]:
        """The keys that would be deleted if they and their user are still what they were."""
        from c7n_inactive_keys.change.key_selection import select
        from c7n_inactive_keys.core.found_key import found_keys

        if rules.exempts(user.get("Tags") or ()):
            return []
        selection = select(self.manager.filters, user, user[ALL_KEYS])
        return [
            found
            for found in found_keys(user)
            if (selection is None or found.key.access_key_id in selection.certain)
            and rules.approves(found.key)
        ]

    def _log_summary(self, records: list[dict[str, Any]]) -> None:
        counts = Counter(record["outcome"] for record in records)
        reasons = Counter(record["reason"] for record in records if record["outcome"] == SKIPPED)
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        log.info(
            "policy:%s access keys: %d deleted, %d skipped%s, %d failed",
            self.manager.ctx.policy.name,
            counts[DELETED],
            counts[SKIPPED],
            f" ({why})" if why else "",
            counts[FAILED],
        )
