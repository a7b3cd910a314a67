# SPDX-License-Identifier: Apache-2.0
"""One row for each key that is, or was until now, active: unused, woken, or reactivated by us."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from c7n_inactive_keys.core.journal import DEACTIVATED, REACTIVATED
from c7n_inactive_keys.report.model import (
    ActiveKey,
    ActiveOutcome,
    ActiveRow,
    KeyId,
    KeyRow,
    PastRun,
    SeenUser,
)
from c7n_inactive_keys.report.outcomes import Turns, turns


@dataclass(slots=True)
class _Sighting:
    """A key as current runs found it, while what they found is put together."""

    key: ActiveKey
    last_seen: str
    policies: set[str] = field(default_factory=set)


def active_rows(
    runs: Sequence[PastRun],
    current: Sequence[PastRun],
    inactive: Iterable[KeyRow],
    names: Mapping[str, str],
) -> tuple[ActiveRow, ...]:
    """The rows, sorted by account and key, as far as nothing later is known of the keys."""
    seen = _sightings(current)
    outcomes = _standing(runs)
    users = _users(runs)
    first = _first_seen(runs)
    later = {row.key.identity: row for row in inactive}
    rows = []
    keys = {identity: item.key for identity, item in outcomes.items()}
    keys |= {identity: item.key for identity, item in seen.items()}
    for identity, key in keys.items():
        key = key if identity in seen else replace(key, user=users.get(key.user.identity, key.user))
        row = _row(key, seen.get(identity), outcomes.get(identity))
        if not _is_past(row, later.get(identity)):
            name = names.get(row.user.account_id, row.user.account_id)
            rows.append(replace(row, account_name=name, first_seen=first.get(identity)))
    return tuple(sorted(rows, key=lambda row: (row.account_name, *row.user.identity, row.key.id)))


def _sightings(current: Iterable[PastRun]) -> dict[KeyId, _Sighting]:
    """What was found last of each key: that nobody uses it, and that it was inactive for long."""
    found: dict[KeyId, _Sighting] = {}
    for run in sorted((run for run in current if run.fresh), key=lambda run: run.started):
        for key in run.active_keys:
            known = found.setdefault(key.identity, _Sighting(key, run.started))
            before, known.last_seen = known.key, run.started
            known.policies.add(run.policy)
            days = before.unused_days if key.unused_days is None else key.unused_days
            known.key = replace(key, unused_days=days, woken=key.woken or before.woken)
    return found


def _standing(runs: Iterable[PastRun]) -> dict[KeyId, ActiveOutcome]:
    """The last outcome of each key, if no later reading contradicts it."""
    runs = list(runs)
    last: dict[KeyId, ActiveOutcome] = {}
    for outcome in (outcome for run in runs for outcome in run.active_outcomes):
        known = last.get(outcome.key.identity)
        if known is None or outcome.time >= known.time:
            last[outcome.key.identity] = outcome
    last_turns, active = turns(runs), _last_active(runs)
    return {
        identity: outcome
        for identity, outcome in last.items()
        if _stands(outcome, active.get(identity, ""), last_turns)
    }


def _stands(outcome: ActiveOutcome, last_active: str, last_turns: Turns) -> bool:
    """A change lasts until the key is seen as it was; all else until the policy's next turn."""
    if outcome.is_done:
        return outcome.aim != DEACTIVATED or last_active <= outcome.time
    turn = last_turns.get((outcome.key.user.account_id, outcome.policy), "")
    return turn <= outcome.time


def _last_active(runs: Iterable[PastRun]) -> dict[KeyId, str]:
    """When a key was last seen as an active one."""
    last: dict[KeyId, str] = {}
    for run in runs:
        ids = {*run.active_key_ids, *(key.id for key in run.active_keys)} if run.fresh else ()
        for key_id in ids:
            identity = run.account_id, key_id
            last[identity] = max(last.get(identity, ""), run.started)
    return last


def _is_past(row: ActiveRow, inactive: KeyRow | None) -> bool:
    """Whether the key was found inactive after that, which is told by its own row.

    What the last run deactivated is told all the same: by whom, and why.
    """
    if inactive is None:
        return False
    if row.done and row.done.is_done and row.done.aim == DEACTIVATED:
        return not row.done.latest_run
    is_gone = inactive.settled and inactive.reason != REACTIVATED
    later = max(inactive.last_seen or "", (inactive.outcome_time or "") if is_gone else "")
    return later >= (row.last_seen or row.outcome_time or "")


def _row(key: ActiveKey, sighting: _Sighting | None, outcome: ActiveOutcome | None) -> ActiveRow:
    policies = {*(sighting.policies if sighting else ()), *([outcome.policy] if outcome else ())}
    return ActiveRow(
        key=key,
        account_name="",
        done=outcome,
        first_seen=None,
        last_seen=sighting.last_seen if sighting else None,
        policies=tuple(sorted(policies - {""})),
    )


def _users(runs: Iterable[PastRun]) -> dict[tuple[str, str], SeenUser]:
    """Users as they were last described: a journal knows little of them."""
    users: dict[tuple[str, str], SeenUser] = {}
    for run in runs:
        users.update((key.user.identity, key.user) for key in run.keys)
        users.update((key.user.identity, key.user) for key in run.active_keys)
    return users


def _first_seen(runs: Iterable[PastRun]) -> dict[KeyId, str]:
    first: dict[KeyId, str] = {}
    for run in runs:
        for key in run.active_keys if run.fresh else ():
            first.setdefault(key.identity, run.started)
    return first
