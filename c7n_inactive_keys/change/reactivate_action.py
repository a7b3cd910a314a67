# SPDX-License-Identifier: Apache-2.0
"""Action `reactivate-keys`: take back what `deactivate-unused-keys` did in a run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, ClassVar

from c7n_inactive_keys.change.key_action import MANAGED, KeyAction
from c7n_inactive_keys.core.errors import EvidenceError, JournalError
from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.custodian.failures import said
from c7n_inactive_keys.custodian.filter_tree import ours
from c7n_inactive_keys.custodian.options import TEXT, TEXTS, Option, describe, mapping, one_of
from c7n_inactive_keys.custodian.value_file import READ_ERRORS, read_text

if TYPE_CHECKING:
    from c7n_inactive_keys.core.journal import JournalLine
    from c7n_inactive_keys.find.event_history import EventHistory

log = logging.getLogger("custodian.inactive-keys")

JOURNAL: dict[str, Option] = {
    "url": Option("the url of a file", TEXT, required=True),
    "format": one_of("jsonl", default="jsonl"),
    "headers": Option("a mapping of HTTP headers", TEXTS),
}


class ReactivateKeys(KeyAction):
    """Reactivate access keys that `deactivate-unused-keys` deactivated, as its journal says.

    Only keys that nobody has touched since: the ledger still says `by=c7n`, event history holds no
    change after ours, and the key is the same and Inactive. All others are skipped with a reason.
    Journals of several accounts may be put into one file; each account takes its own lines.

    :example:

    .. code-block:: yaml

        policies:
          - name: undo-deactivation
            resource: aws.iam-user
            actions:
              - type: reactivate-keys
                journal:
                  url: file://out/unused-keys-deactivate/inactive-keys.jsonl
                  format: jsonl
    """

    options: ClassVar[dict[str, Option]] = {
        "journal": mapping("a mapping with the url of a journal", JOURNAL, required=True),
        **MANAGED,
    }
    schema = describe("reactivate-keys", options)
    done = "reactivate"
    permissions = (
        "iam:GetUser",
        "iam:ListAccessKeys",
        "iam:UpdateAccessKey",
        "iam:TagUser",
        "iam:UntagUser",
        "cloudtrail:LookupEvents",
        "cloudformation:DescribeStackResources",
    )

    def _selection_problem(self) -> str | None:
        """The journal says which keys, so no filter has to."""
        return None

    def process(self, resources: list[JsonObject]) -> list[JsonObject]:
        """The outcome of each key of these users that the journal says we deactivated.

        Raises:
            JournalError, EvidenceError: nothing was reactivated; or a line could not be written.
            KeyChangeError: some keys were not reactivated, after all users are done.
        """
        # Here, not at the top: every command of Custodian loads this module, few get here.
        from c7n_inactive_keys.change.engine import change_keys
        from c7n_inactive_keys.change.reactivation import Reactivation, deactivated_keys

        self.validate()  # whoever embeds Custodian may not have called it
        rules = self.rules()
        keys = deactivated_keys(self._journal(), rules.account_id)
        users = [user for user in resources if user["UserName"] in keys]
        if not self.manager.filters:
            # The keys of users who are gone, or renamed, have an outcome too.
            known = {user["UserName"] for user in resources}
            users += [{"UserName": name} for name in keys if name not in known]
        if not users:
            return []
        annotations = [item.annotation for item in ours(self.manager.filters)]
        verb = Reactivation(keys, self._history(users), annotations)
        return change_keys(self, verb, rules, users)

    def _journal(self) -> list[JournalLine]:
        from c7n_inactive_keys.core.journal import read_lines

        url = self.data["journal"]["url"]
        try:
            lines, problems = read_lines(read_text(self.data["journal"], self.manager))
        except READ_ERRORS as error:
            wrong = f"the journal {url} cannot be read: {error}"
            raise said(JournalError(f"{self._nothing_done()}: {wrong}")) from None
        if not lines:
            wrong = f"{url} holds no line of a journal"
            raise said(JournalError(f"{self._nothing_done()}: {wrong}"))
        for problem in problems:
            log.warning("%s line %d is passed over: %s", url, problem.line_number, problem.problem)
        return lines

    def _history(self, users: list[JsonObject]) -> EventHistory:
        from c7n_inactive_keys.core.keys import Unavailable
        from c7n_inactive_keys.find.event_history import account_history

        history = account_history(self.manager, users)
        if isinstance(history, Unavailable):
            raise said(
                EvidenceError(
                    f"{self._nothing_done()}: event history could not be read, and a key that "
                    f"somebody else has changed since must not be reactivated: {history.reason}"
                )
            )
        return history
