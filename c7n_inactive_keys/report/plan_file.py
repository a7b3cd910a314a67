# SPDX-License-Identifier: Apache-2.0
"""The plan: the keys that a real run would delete, to be approved and given to the action."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from c7n_inactive_keys.core.errors import InactiveKeysError
from c7n_inactive_keys.core.journal import DELETED
from c7n_inactive_keys.core.plan import COLUMNS
from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.report.formats.csv_format import csv_lines, harmless
from c7n_inactive_keys.report.model import (
    READ,
    Collection,
    ListedAccount,
    Report,
    SeenKey,
)
from c7n_inactive_keys.report.rounds import relevant_runs, rounds
from c7n_inactive_keys.report.sightings import current_runs

# The pattern and length of userNameType in IAM's service model.
IAM_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)


class NoDeletePolicyError(InactiveKeysError):
    """No policy in the output would delete anything."""


def planned_keys(
    collection: Collection,
    report: Report,
    listed: Sequence[ListedAccount] | None,
    policies: Sequence[str],
) -> list[SeenKey]:
    """Keys that the last read of a policy with delete-inactive-keys matched, exempt users' not.

    Nor those that the policy's access-key filters do not stand for.

    Accounts that were not read this time have no keys in it, nor has what a journal calls deleted.

    Raises:
        NoDeletePolicyError: no policy (of those selected) has the action.
    """
    runs = relevant_runs(collection, listed, policies)
    if not any(run.deletes for run in runs):
        raise NoDeletePolicyError(
            "no policy in the output has the action delete-inactive-keys: there is nothing to plan"
        )
    done = {row.key.identity for row in report.keys if row.outcome == DELETED}
    covered = {account.account_id for account in report.accounts if account.status == READ}
    keys = {
        key.identity: key
        for run in current_runs(rounds(runs))
        if run.deletes and run.state == READ
        for key in run.keys
        if key.user.account_id in covered and key.selected and not key.user.exempt
    }
    return [keys[identity] for identity in sorted(keys) if identity not in done]


def render(keys: Sequence[SeenKey]) -> Iterator[str]:
    """The plan as CSV, in the columns that the action's `plan` reads."""
    return csv_lines(
        COLUMNS,
        (
            (
                key.user.account_id,
                key.user.name,
                key.id,
                format_time(key.found.key.created),
                key.found.at_least_days,
            )
            for key in keys
        ),
        guard=_guard,
    )


def _guard(cell: object) -> object:
    """Text as it is if IAM allows it in names, since the action compares it with the user's name.

    Such names may begin with `=`, but have no brackets, quotes or bars to do harm with.
    """
    if isinstance(cell, str) and IAM_NAME.fullmatch(cell):
        return cell
    return harmless(cell)
