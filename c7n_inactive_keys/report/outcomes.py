# SPDX-License-Identifier: Apache-2.0
"""What became of each key by the journals, and whether later readings leave that standing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from c7n_inactive_keys.core.journal import DELETED, REACTIVATED, SKIPPED
from c7n_inactive_keys.report.model import READ, KeyId, KeyOutcome, PastRun, settles
from c7n_inactive_keys.report.read.journal_file import INTERRUPTED

NOT_LISTED = f"{INTERRUPTED}: the policy's next run no longer found it"

Turns = Mapping[tuple[str, str], str]  # when each policy last read each account


def last_outcomes(runs: Sequence[PastRun]) -> tuple[dict[KeyId, KeyOutcome], set[KeyId]]:
    """The last outcome of each key, and the keys whose deletion was cut off.

    A deletion is final, whatever another region's run says.
    """
    last: dict[KeyId, KeyOutcome] = {}
    for outcome in (outcome for run in runs for outcome in run.outcomes):
        known = last.get(outcome.key.identity)
        if known is None or _order(outcome) > _order(known):
            last[outcome.key.identity] = outcome
    read = [run for run in runs if run.state == READ]
    cut_off = {identity for identity, outcome in last.items() if outcome.reason == INTERRUPTED}
    last.update((identity, _follow_up(last[identity], read)) for identity in cut_off)
    return last, cut_off


def _order(outcome: KeyOutcome) -> tuple[bool, str]:
    return outcome.outcome == DELETED, outcome.time


def _follow_up(outcome: KeyOutcome, read: Iterable[PastRun]) -> KeyOutcome:
    """What later readings say became of a key whose deletion was cut off.

    A key that the same policy does not find any more, when it has read the whole account again, is
    most likely gone. It may as well be exempt by now, or Active, so it does not count as deleted.
    """
    account_id, key_id = outcome.key.identity
    later = [run for run in read if run.account_id == account_id and run.started >= outcome.time]
    if any(key.id == key_id for run in later for key in run.keys):
        return outcome
    if any(key_id in run.active_key_ids for run in later):
        return replace(outcome, outcome=SKIPPED, reason=REACTIVATED)
    if any(run.policy == outcome.policy for run in later):
        return replace(outcome, reason=NOT_LISTED)
    return outcome


def reactivations(runs: Iterable[PastRun]) -> dict[KeyId, str]:
    """When a deletion last found a key active."""
    found: dict[KeyId, str] = {}
    for outcome in (outcome for run in runs for outcome in run.outcomes):
        if outcome.reason == REACTIVATED:
            identity = outcome.key.identity
            found[identity] = max(found.get(identity, ""), outcome.time)
    return found


def turns(runs: Iterable[PastRun]) -> Turns:
    """When each policy last found out which keys there are in each account."""
    last: dict[tuple[str, str], str] = {}
    for run in runs:
        if run.fresh:
            place = run.account_id, run.policy
            last[place] = max(last.get(place, ""), run.started)
    return last


def stands(outcome: KeyOutcome, last_seen: str | None, last_turns: Turns) -> bool:
    """Whether an outcome still says something of a key that was found, last at `last_seen`.

    That it is no longer inactive is past if it was found inactive after that, or nobody knows
    when; only a deletion cannot be taken back by what may be older. All else is past when the
    policy has had its turn again.
    """
    if settles(outcome):
        return outcome.outcome == DELETED if last_seen is None else last_seen <= outcome.time
    return last_turns.get((outcome.key.user.account_id, outcome.policy), "") <= outcome.time
