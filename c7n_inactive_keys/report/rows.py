# SPDX-License-Identifier: Apache-2.0
"""One row a key: duplicates of regions, policies and rounds merged, outcomes attached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from c7n_inactive_keys.core.journal import ALREADY_GONE, DELETED
from c7n_inactive_keys.partitions import partition_of
from c7n_inactive_keys.report.model import AWS, READ, KeyId, KeyOutcome, KeyRow, PastRun, SeenKey
from c7n_inactive_keys.report.outcomes import last_outcomes, reactivations, stands, turns
from c7n_inactive_keys.report.rounds import Round
from c7n_inactive_keys.report.sightings import Sighting, sightings


def key_rows(
    found: Sequence[Round], current: Sequence[PastRun], names: Mapping[str, str]
) -> tuple[tuple[KeyRow, ...], list[str]]:
    """The rows, sorted by account and key, and contradictions between runs and journals.

    A key has a row if the last run of some policy in its account found it, or if a journal says
    that it was deleted or that a run ended while it was in hand, or if the journal of a run whose
    findings are lost speaks of it.
    """
    runs = [run for part in found for run in part]
    seen = sightings(current, reactivations(runs))
    outcomes, cut_off = last_outcomes(runs)
    standing, problems = _standing(outcomes, seen, turns(runs))
    kept = cut_off | _lost(current)
    known = _Known.of(runs)
    first_seen = _first_seen(runs)
    rows = [_row(sighting, standing.get(identity)) for identity, sighting in seen.items()]
    rows.extend(
        _journal_row(outcome, known)
        for identity, outcome in outcomes.items()
        if identity not in seen and (identity in kept or outcome.outcome == DELETED)
    )
    rows = [
        replace(
            row,
            account_name=names.get(row.user.account_id, row.user.account_id),
            first_seen=first_seen.get(row.key.identity),
        )
        for row in rows
    ]
    rows.sort(key=lambda row: (row.account_name, *row.user.identity, row.key.id))
    return _with_blocked_slots(rows, seen), problems


def _standing(
    outcomes: Mapping[KeyId, KeyOutcome],
    seen: Mapping[KeyId, Sighting],
    last_turns: Mapping[tuple[str, str], str],
) -> tuple[dict[KeyId, KeyOutcome], list[str]]:
    """The outcomes that still say something of the keys found, and deletions that cannot be."""
    standing, problems = {}, []
    for identity, sighting in seen.items():
        outcome = outcomes.get(identity)
        if outcome is None:
            continue
        if stands(outcome, sighting.last_seen, last_turns):
            standing[identity] = outcome
        elif outcome.outcome == DELETED:
            problems.append(
                f"access key {identity[1]} of account {identity[0]} was deleted at "
                f"{outcome.time} according to a journal, but found at {sighting.last_seen}"
            )
    return standing, problems


def _lost(runs: Iterable[PastRun]) -> set[KeyId]:
    """Keys that the journals of current runs speak of whose resources.json cannot be used."""
    return {
        outcome.key.identity
        for run in runs
        if run.state != READ
        for outcome in run.outcomes
        if outcome.latest_run
    }


def _first_seen(runs: Iterable[PastRun]) -> dict[KeyId, str]:
    first: dict[KeyId, str] = {}
    for run in runs:
        for key in run.keys if run.fresh else ():
            first.setdefault(key.identity, key.first_seen or run.started)
    return first


def _row(sighting: Sighting, outcome: KeyOutcome | None) -> KeyRow:
    return KeyRow(
        key=sighting.key,
        account_name="",
        done=outcome,
        first_seen=None,
        last_seen=sighting.last_seen,
        slot_blocked=False,
        policies=tuple(sorted(sighting.policies)),
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What earlier runs knew of keys and accounts, and a journal does not say."""

    keys: Mapping[KeyId, SeenKey]  # as it was last found
    partitions: Mapping[str, str]  # by account id

    @classmethod
    def of(cls, runs: Iterable[PastRun]) -> _Known:
        """From all runs, the last one last."""
        keys: dict[KeyId, SeenKey] = {}
        partitions: dict[str, str] = {}
        for run in runs:
            for key in run.keys:
                keys[key.identity] = key
                partitions[key.user.account_id] = key.user.partition
            for outcome in run.outcomes if run.region else ():
                partition = partition_of(run.region or "") or AWS
                partitions.setdefault(outcome.key.user.account_id, partition)
        return cls(keys, partitions)


def _journal_row(outcome: KeyOutcome, known: _Known) -> KeyRow:
    """The row of a key that only a journal still knows."""
    key, before = outcome.key, known.keys.get(outcome.key.identity)
    if before:
        use = replace(before.found.last_use, time=key.found.last_use.time)
        found = replace(key.found, last_use=use, notified=before.found.notified)
        key = replace(key, found=found, user=replace(before.user, name=key.user.name))
    else:
        partition = known.partitions.get(key.user.account_id, AWS)
        key = replace(key, user=replace(key.user, partition=partition))
    return KeyRow(
        key=key,
        account_name="",
        done=outcome,
        first_seen=None,
        last_seen=None,
        slot_blocked=False,
        policies=(outcome.policy,) if outcome.policy else (),
    )


def _with_blocked_slots(
    rows: Sequence[KeyRow], seen: Mapping[KeyId, Sighting]
) -> tuple[KeyRow, ...]:
    """The rows, marked where a user holds two keys or more and an inactive one is among them."""
    held: Counter[tuple[str, str]] = Counter()  # as listed, less what was deleted since
    inactive: Counter[tuple[str, str]] = Counter()
    for row in rows:
        sighting = seen.get(row.key.identity)
        if sighting is None:
            continue
        user = row.user.identity
        if user not in held:
            held[user] = sighting.key.user.keys or 0
        held[user] -= row.outcome == DELETED or row.reason == ALREADY_GONE
        inactive[user] += not row.settled
    return tuple(
        replace(row, slot_blocked=True)
        if not row.settled and max(held[row.user.identity], inactive[row.user.identity]) >= 2
        else row
        for row in rows
    )
