# SPDX-License-Identifier: Apache-2.0
"""Deletions whose run ended before the answer: what later readings say became of the key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from c7n_inactive_keys.core.journal import REACTIVATED, SKIPPED
from c7n_inactive_keys.report.model import READ, KeyId, Outcome, PolicyRun
from c7n_inactive_keys.report.read.journal_file import INTERRUPTED

NOT_LISTED = f"{INTERRUPTED}: the policy's next run no longer found it"


def followed_up(
    outcomes: Mapping[KeyId, Outcome], runs: Iterable[PolicyRun]
) -> dict[KeyId, Outcome]:
    """The interrupted ones of the outcomes, as the runs behind them tell what became of the key.

    A key that the same policy does not find any more, when it has read the whole account again, is
    most likely gone. It may as well be exempt by now, or Active, so it does not count as deleted.
    """
    read = [run for run in runs if run.state == READ]
    return {
        identity: _follow_up(identity, outcome, read)
        for identity, outcome in outcomes.items()
        if outcome.reason == INTERRUPTED
    }


def _follow_up(identity: KeyId, outcome: Outcome, read: Iterable[PolicyRun]) -> Outcome:
    account_id, key_id = identity
    later = [run for run in read if run.account_id == account_id and run.started >= outcome.time]
    if any(key.access_key_id == key_id for run in later for key in run.keys):
        return outcome
    if any(key_id in run.active_key_ids for run in later):
        return replace(outcome, outcome=SKIPPED, reason=REACTIVATED)
    if any(run.policy == outcome.policy for run in later):
        return replace(outcome, reason=NOT_LISTED)
    return outcome
