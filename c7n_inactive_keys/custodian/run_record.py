# SPDX-License-Identifier: Apache-2.0
"""What is written down of an execution of a policy: journal lines, outcomes, the action's file."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

from c7n.output import BlobOutput, blob_outputs
from c7n.utils import dumps

from c7n_inactive_keys.core.journal import ApiError, Found, Journal, JournalLine
from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.core.plan import PlanFile
from c7n_inactive_keys.custodian.account import account_id
from c7n_inactive_keys.custodian.c7n_types import Element, Manager
from c7n_inactive_keys.custodian.memory import Shared

log = logging.getLogger("custodian.inactive-keys.journal")
# On its standard error c7n-org shows only the warnings of loggers named custodian.
lines = logging.getLogger("c7n-inactive-keys.journal")

NAMED = 10  # failures that a policy's final error names


_OWN_ID = Shared(lambda: str(uuid.uuid4()))
_STARTED = Shared(lambda: datetime.now(timezone.utc))


class PolicyRun:
    """One execution of a policy, as it names itself in what it writes down."""

    def __init__(self, manager: Manager) -> None:
        self.manager = manager
        self.policy_name: str = manager.ctx.policy.name
        self.run_id: str = manager.ctx.execution_id or _OWN_ID.of(manager)
        self.plan: PlanFile | None = None  # that has to approve what is done
        self.run_time = _STARTED.of(manager)

    @cached_property
    def account_id(self) -> str:
        """The account that the policy runs in."""
        return account_id(self.manager)

    @cached_property
    def output(self) -> Any:
        """Where the policy's files go: also for a program that calls an action by itself.

        Such a program has not entered the policy's context, which makes Custodian's output.
        """
        context = self.manager.ctx
        return context.output or blob_outputs.select(context.options.output_dir, context)

    def line(
        self,
        *,
        user_name: str | None,
        found: Found | None = None,
        access_key_id: str | None = None,
        outcome: str,
        reason: str | None = None,
        error: ApiError | None = None,
        managed_by: str | None = None,
    ) -> JournalLine:
        """A journal line about a key, a user or the account, as of now."""
        return JournalLine(
            outcome=outcome,
            time=datetime.now(timezone.utc),
            run_id=self.run_id,
            account_id=self.account_id,
            user_name=user_name,
            access_key_id=found.key.access_key_id if found else access_key_id,
            run_time=self.run_time,
            policy=self.policy_name,
            region=self.manager.config.region,
            found=found,
            reason=reason,
            error=error,
            managed_by=managed_by,
            plan=self.plan,
        )

    @contextmanager
    def open_journal(self) -> Iterator[PolicyJournal]:
        """The journal in the policy's output directory, for as long as the block lasts."""
        uploaded = isinstance(self.output, BlobOutput)
        # Until the policy ends it is in a temporary folder, which a container takes with it.
        logged = uploaded or "AWS_LAMBDA_FUNCTION_NAME" in os.environ
        journal = PolicyJournal(Path(self.output.root_dir), logged)
        # That folder stays when the upload fails.
        (lines if logged else log).info("policy:%s journal: %s", self.policy_name, journal.path)
        try:
            yield journal
        finally:
            journal.close()
            if uploaded:
                # Custodian names what it uploads by the hour: the next run would replace it.
                self._keep_apart(journal)

    def _keep_apart(self, journal: PolicyJournal) -> None:
        try:
            journal.keep_apart(self.run_id)
        except OSError as error:
            log.warning(
                "policy:%s the journal %s could not be copied: another run within the hour "
                "replaces it: %s",
                self.policy_name,
                journal.path,
                error,
            )

    def name_failures(self, failures: list[JsonObject]) -> str:
        """One sentence that names what failed, for the error that ends the policy."""
        named = "; ".join(
            f"{record['user_name']} {record['access_key_id'] or record.get('reason') or 'user'} "
            f"{record['error']['code']}: {record['error']['message']}"
            for record in failures[:NAMED]
        )
        more = f"; and {len(failures) - NAMED} more" if len(failures) > NAMED else ""
        return f"policy:{self.policy_name} {len(failures)} failure(s): {named}{more}"

    def write_action_file(self, action: Element, outcomes: list[JsonObject]) -> None:
        """What Custodian writes when an action returns, but not when it raises."""
        self.output.write_file(f"action-{action.name}", dumps(outcomes))


class PolicyJournal(Journal):
    """A journal whose lines also go to the log where the file may not outlive a kill."""

    def __init__(self, directory: Path, logged: bool) -> None:
        super().__init__(directory)
        self.logged = logged
        if logged and not lines.hasHandlers():
            # Nobody has set up logging, as in c7n-org's workers unless they are forked.
            lines.addHandler(logging.StreamHandler())
            lines.setLevel(logging.INFO)

    def write(self, line: JournalLine) -> None:
        """Append one line, as Journal.write does."""
        super().write(line)
        if self.logged:
            lines.info("%s", line.render().strip())
