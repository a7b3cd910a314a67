# SPDX-License-Identifier: Apache-2.0
"""What an action does to all matched keys: within its limits, by workers, with an outcome each."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

from c7n_inactive_keys.change.key_selection import selected_at_first
from c7n_inactive_keys.change.managers import Managers
from c7n_inactive_keys.change.pace import Pace
from c7n_inactive_keys.change.user_changes import Tools, UserChanges
from c7n_inactive_keys.change.verb import Verb
from c7n_inactive_keys.core.errors import JournalError, KeyChangeError, KeyLimitError
from c7n_inactive_keys.core.hindrance import Rules
from c7n_inactive_keys.core.journal import FAILED, MAX_KEYS, SKIPPED, Found, JournalLine
from c7n_inactive_keys.core.json_types import JsonMapping, JsonObject
from c7n_inactive_keys.custodian import aws
from c7n_inactive_keys.custodian.c7n_types import Element
from c7n_inactive_keys.custodian.failures import said
from c7n_inactive_keys.custodian.metrics import count_keys
from c7n_inactive_keys.custodian.run_record import PolicyJournal, PolicyRun

log = logging.getLogger("custodian.inactive-keys")


def change_keys(
    action: Element, verb: Verb[Any], rules: Rules, users: list[JsonObject]
) -> list[JsonObject]:
    """Change the keys that the verb finds on the users; the outcome of each.

    Raises:
        KeyLimitError: nothing was changed.
        JournalError: the journal could not be written; nothing was changed without a line.
        KeyChangeError: some keys were not changed, after all users are done.
    """
    run = PolicyRun(action.manager)
    run.plan = rules.plan.file if rules.plan else None
    users = [user for user in users if verb.found(user)]
    with run.open_journal() as journal:
        _check_limit(action, verb, rules, run, journal, users)
        lines, torn = _change_all(action, verb, rules, run, journal, users)
    outcomes = [line.to_fields() for line in lines]
    _log_summary(run, verb, lines)
    counts = Counter(line.outcome for line in lines)
    count_keys(action.manager, verb.done, counts[verb.done])
    count_keys(action.manager, FAILED, counts[FAILED])
    failures = [line for line in lines if line.outcome == FAILED]
    if torn or failures:
        run.write_action_file(action, outcomes)
        raise said(torn or KeyChangeError(run.name_failures([f.to_fields() for f in failures])))
    return outcomes


def _change_all(
    action: Element,
    verb: Verb[Any],
    rules: Rules,
    run: PolicyRun,
    journal: PolicyJournal,
    users: list[JsonObject],
) -> tuple[list[JournalLine], JournalError | None]:
    def change(user: JsonObject) -> list[JournalLine] | JournalError:
        try:
            return UserChanges(tools, user).make()
        except JournalError as error:
            return error

    tools = Tools(
        verb=verb,
        reader=aws.client(action.manager, "iam"),
        writer=aws.client(action.manager, "iam", config=aws.ONCE),
        rules=rules,
        managers=Managers(action.manager, asked=bool(users) and not action.data.get("managed")),
        filters=tuple(action.manager.filters),
        run=run,
        journal=journal,
        pace=Pace(),
    )
    lines: list[JournalLine] = []
    torn: JournalError | None = None
    with action.executor_factory(max_workers=aws.WORKERS) as workers:
        for result in workers.map(change, users):
            if isinstance(result, JournalError):
                torn = torn or result
            else:
                lines.extend(result)
    return lines, torn


def _check_limit(
    action: Element,
    verb: Verb[Any],
    rules: Rules,
    run: PolicyRun,
    journal: PolicyJournal,
    users: list[JsonObject],
) -> None:
    limit = action.data.get("max-keys")
    if limit is None:
        return
    qualified = [key for user in users for key in _qualifying(action, verb, rules, user)]
    if len(qualified) <= limit:
        return
    failure = KeyLimitError(
        f"policy:{run.policy_name} nothing was {verb.done}: {len(qualified)} access keys qualify, "
        f"more than max-keys: {limit}; look at them in a dry run, then raise max-keys"
    )
    lines = [
        run.line(
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
    run.write_action_file(action, [line.to_fields() for line in lines])
    raise said(failure)


def _qualifying(action: Element, verb: Verb[Any], rules: Rules, user: JsonMapping) -> list[Found]:
    """The keys that would be changed if they and their user are still what they were."""
    if rules.exempts(user.get("Tags") or ()):
        return []
    selection = selected_at_first(action.manager.filters, user)
    return [
        found
        for found in verb.found(user)
        if (selection is None or found.key.access_key_id in selection.certain)
        and rules.spares(found.key) is None
    ]


def _log_summary(run: PolicyRun, verb: Verb[Any], lines: list[JournalLine]) -> None:
    counts = Counter(line.outcome for line in lines)
    reasons = Counter(line.reason for line in lines if line.outcome == SKIPPED)
    why = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items(), key=str))
    log.info(
        "policy:%s access keys: %d %s, %d skipped%s, %d failed",
        run.policy_name,
        counts[verb.done],
        verb.done,
        counts[SKIPPED],
        f" ({why})" if why else "",
        counts[FAILED],
    )
