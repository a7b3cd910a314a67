# SPDX-License-Identifier: Apache-2.0
"""What the actions on keys have in common: options, their validation, what they read at first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from c7n.actions import BaseAction

from c7n_inactive_keys.core.errors import EvidenceError, PlanError
from c7n_inactive_keys.custodian.account import account_id
from c7n_inactive_keys.custodian.c7n_types import Element
from c7n_inactive_keys.custodian.failures import said
from c7n_inactive_keys.custodian.filter_tree import each_key_fits, no_keys_selected
from c7n_inactive_keys.custodian.options import (
    COUNT,
    FLAG,
    TEXT,
    Option,
    invalid,
    mapping,
    problem,
)
from c7n_inactive_keys.custodian.policy_check import policy_problem, warn_of_mistakes
from c7n_inactive_keys.custodian.value_file import OPTIONS as FILE_OPTIONS
from c7n_inactive_keys.custodian.value_file import READ_ERRORS, Rows, format_problem

if TYPE_CHECKING:
    from c7n_inactive_keys.core.hindrance import Rules
    from c7n_inactive_keys.core.plan import Plan

FILE = "a mapping with the url of a file"
MANAGED: dict[str, Option] = {
    "managed-keys": mapping(FILE, FILE_OPTIONS),
    "managed": Option("true or false", FLAG, False),
}
LIMITS: dict[str, Option] = {
    "max-keys": Option("a whole number, 1 or more", COUNT),
    "exempt-tag": Option("the key of a tag", TEXT),
    "plan": mapping(FILE, FILE_OPTIONS),
}


class KeyAction(BaseAction):  # type: ignore[misc]  # c7n has no type hints
    """An action that changes the keys which a filter of ours matched, or a file names."""

    options: ClassVar[dict[str, Option]] = {}
    filter_type: ClassVar[str] = ""  # the filter that selects its keys
    done: ClassVar[str] = ""  # what happens to them, for error messages
    schema_alias = False

    # -- validation -----------------------------------------------------------------------------

    def validate(self) -> KeyAction:
        """Check that the policy says which keys, and the options' values."""
        wrong = (
            policy_problem(self.manager)
            or problem(self.data, self.options)
            or self._selection_problem()
            or self._exempt_tag_problem()
            or self._file_problem()
        )
        if wrong:
            raise invalid(self, wrong)
        warn_of_mistakes(self.manager)
        return self

    def _selection_problem(self) -> str | None:
        """What is wrong if it is not said which keys are meant, and since when."""
        wrong = no_keys_selected(self.manager, self.filter_type, f"{self.done}s")
        if wrong or each_key_fits(self.manager.filters, self.filter_type, _states_days):
            return wrong
        return (
            f"it {self.done}s only what {self.filter_type} with days matched; state days there "
            "(0 asks for no minimum)"
        )

    def _exempt_tag_problem(self) -> str | None:
        from c7n_inactive_keys.core.tag_keys import tag_key_problem

        tag = self.data.get("exempt-tag")
        wrong = tag_key_problem(tag) if tag else None
        return wrong and f"exempt-tag {tag!r} {wrong}"

    def _file_problem(self) -> str | None:
        for option in ("plan", "managed-keys"):
            wrong = format_problem(option, self.data[option]) if option in self.data else None
            if wrong:
                return wrong
        return None

    # -- what is read before anything is changed ------------------------------------------------

    def rules(self, notice: bool = False) -> Rules:
        """What the options demand of each key.

        Raises:
            PlanError, EvidenceError: a file cannot be read, so nothing may be changed.
        """
        from c7n_inactive_keys.core.hindrance import Rules

        return Rules(
            account_id=account_id(self.manager),
            exempt_tag=self.data.get("exempt-tag"),
            plan=self._plan(),
            managed=self._managed(),
            notice=notice,
        )

    def _plan(self) -> Plan | None:
        from c7n_inactive_keys.core.plan import PlanFile, read_plan

        if "plan" not in self.data:
            return None
        rows = Rows(self.data["plan"], self.manager)
        try:
            plan = read_plan(rows.read())
            return replace(plan, file=PlanFile(self.data["plan"]["url"], rows.sha256))
        except READ_ERRORS as error:
            wrong = f"the plan {self.data['plan']['url']} cannot be read: {error}"
        except PlanError as error:
            wrong = str(error)
        raise said(PlanError(f"{self._nothing_done()}: {wrong}"))

    def _managed(self) -> dict[str, str]:
        from c7n_inactive_keys.change.managers import listed_keys

        if "managed-keys" not in self.data or self.data.get("managed"):
            return {}
        rows = Rows(self.data["managed-keys"], self.manager)
        try:
            keys = listed_keys(rows.parsed())
        except (*READ_ERRORS, AttributeError, TypeError) as error:
            wrong = f"managed-keys {self.data['managed-keys']['url']} cannot be read: {error}"
        except EvidenceError as error:
            wrong = str(error)
        else:
            if keys or rows.may_be_empty:
                return keys
            wrong = "managed-keys names no key; if none is managed, leave it out"
        raise said(EvidenceError(f"{self._nothing_done()}: {wrong}"))

    def _nothing_done(self) -> str:
        return f"policy:{self.manager.ctx.policy.name} nothing was {self.done}d"


def _states_days(item: Element) -> bool:
    return "days" in item.data
