# SPDX-License-Identifier: Apache-2.0
"""One row a key: duplicates of regions, policies and rounds merged, outcomes attached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from c7n_inactive_keys.core.journal import DELETED
from c7n_inactive_keys.partitions import partition_of
from c7n_inactive_keys.report.interrupted import followed_up
from c7n_inactive_keys.report.model import (
    GONE,
    READ,
    FoundKey,
    KeyId,
    KeyRow,
    Outcome,
    PolicyRun,
)
from c7n_inactive_keys.report.rounds import Round

AWS = "aws"  # the partition of whom nothing else is known


@dataclass(slots=True)
class _Sighting:
    """What the current runs know of a key, while rows are being put together."""

    key: FoundKey
    started: str | None
    policies: set[str] = field(default_factory=set)


def key_rows(
    found: Sequence[Round], names: Mapping[str, str]
) -> tuple[tuple[KeyRow, ...], list[str]]:
    """The rows, sorted by account and key, and contradictions between runs and journals.

    A key has a row if the last run of some policy in its account found it, or if a journal says
    that it was deleted or that a run ended while it was in hand, or if the journal of a run whose
    findings are lost speaks of it.
    """
    current = current_runs(found)
    sightings = _sightings(current)
    runs = [run for part in found for run in part]
    outcomes = _outcomes(runs)
    interrupted = followed_up(outcomes, runs)
    outcomes.update(interrupted)
    unread = _unread(current)
    first_seen = _first_seen(found)
    known = _Known.of(runs)
    problems: list[str] = []
    rows = []
    for identity, sighting in sightings.items():
        outcome = outcomes.pop(identity, None)
        if outcome and outcome.outcome == DELETED and (sighting.started or "") > outcome.time:
            problems.append(
                f"access key {identity[1]} of account {identity[0]} was deleted at "
                f"{outcome.time} according to a journal, but found at {sighting.started}"
            )
            outcome = None
        rows.append(_row(sighting, outcome, names, first_seen.get(identity)))
    rows.extend(
        _journal_row(outcome, known, names, first_seen.get(identity))
        for identity, outcome in outcomes.items()
        if identity in unread or identity in interrupted or outcome.outcome == DELETED
    )
    rows.sort(key=lambda row: (row.account_name, row.account_id, row.user_name, row.access_key_id))
    return _with_blocked_slots(rows, sightings), problems


def current_runs(found: Sequence[Round]) -> list[PolicyRun]:
    """The last runs of each policy in each account that read it, else the last ones."""
    latest: dict[tuple[str, str], tuple[int, list[PolicyRun]]] = {}
    for number, part in enumerate(found):
        for run in part:
            place = run.account_id or run.account_name or "", run.policy
            before, runs = latest.get(place, (-1, []))
            if run.state != READ and runs:
                continue
            if number > before or not any(item.state == READ for item in runs):
                latest[place] = number, [run]
            else:
                runs.append(run)
    return [run for _, runs in latest.values() for run in runs]


def _sightings(runs: Iterable[PolicyRun]) -> dict[KeyId, _Sighting]:
    sightings: dict[KeyId, _Sighting] = {}
    for run in runs:
        # A failed run may lie on top of an earlier run's keys: when those were seen is not known.
        started = run.started if run.state == READ else None
        for key in run.keys:
            account_id = key.account_id or run.account_id
            identity = account_id, key.access_key_id
            known = sightings.get(identity)
            if known is None or _better(key, started, known):
                if key.account_id != account_id:
                    key = replace(key, account_id=account_id)
                policies = known.policies if known else set()
                sightings[identity] = _Sighting(key, started, policies)
            sightings[identity].policies.add(run.policy)
    seen_active = _seen_active(runs)
    return {
        identity: sighting
        for identity, sighting in sightings.items()
        if seen_active.get(identity, "") <= (sighting.started or "")
    }


def _seen_active(runs: Iterable[PolicyRun]) -> dict[KeyId, str]:
    """When a run last saw a key as Active, which is then no inactive key any more."""
    seen: dict[KeyId, str] = {}
    for run in runs:
        for access_key_id in run.active_key_ids if run.state == READ else ():
            identity = run.account_id, access_key_id
            seen[identity] = max(seen.get(identity, ""), run.started)
    return seen


def _better(key: FoundKey, started: str | None, known: _Sighting) -> bool:
    """Whether a sighting is a later one by a day, or as good as the same and proves more.

    What a later one knows of activity ends an earlier proof on the same day, too.
    """
    this, that = started or "", known.started or ""
    if this[:10] != that[:10]:
        return this > that
    if key.not_before > known.key.not_after or known.key.not_before > key.not_after:
        return this > that
    return (key.at_least_days, -key.at_most_days) > (
        known.key.at_least_days,
        -known.key.at_most_days,
    )


def _outcomes(runs: Iterable[PolicyRun]) -> dict[KeyId, Outcome]:
    """The last outcome of each key; a deletion is final, whatever another region's run says."""
    last: dict[KeyId, Outcome] = {}
    for run in runs:
        for outcome in run.outcomes:
            identity = outcome.account_id, outcome.access_key_id
            known = last.get(identity)
            if known is None or (outcome.outcome == DELETED, outcome.time) > (
                known.outcome == DELETED,
                known.time,
            ):
                last[identity] = outcome
    return last


def _unread(runs: Iterable[PolicyRun]) -> set[KeyId]:
    """Keys that the journals of current runs speak of whose resources.json cannot be used."""
    return {
        (outcome.account_id, outcome.access_key_id)
        for run in runs
        if run.state != READ
        for outcome in run.outcomes
        if outcome.latest_run
    }


def _first_seen(found: Sequence[Round]) -> dict[KeyId, str]:
    first: dict[KeyId, str] = {}
    for part in found:
        for run in part:
            if run.state == READ:
                for key in run.keys:
                    first.setdefault(
                        (key.account_id or run.account_id, key.access_key_id), run.started
                    )
    return first


def _row(
    sighting: _Sighting, outcome: Outcome | None, names: Mapping[str, str], first: str | None
) -> KeyRow:
    key = sighting.key
    return KeyRow(
        account_id=key.account_id,
        account_name=names.get(key.account_id, key.account_id),
        user_name=key.user_name,
        path=key.path,
        partition=key.partition,
        access_key_id=key.access_key_id,
        created=key.created,
        last_used=key.last_used,
        last_used_service=key.last_used_service,
        last_used_region=key.last_used_region,
        not_before=key.not_before,
        not_after=key.not_after,
        at_least_days=key.at_least_days,
        at_most_days=key.at_most_days,
        evidence=key.evidence,
        outcome=outcome.outcome if outcome else None,
        reason=outcome.reason if outcome else None,
        outcome_time=outcome.time if outcome else None,
        first_seen=first,
        last_seen=sighting.started,
        slot_blocked=False,
        policies=tuple(sorted(sighting.policies)),
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What earlier runs knew of keys and accounts, and a journal does not say."""

    keys: Mapping[KeyId, FoundKey]  # as it was last found
    partitions: Mapping[str, str]  # by account id

    @classmethod
    def of(cls, runs: Iterable[PolicyRun]) -> _Known:
        """From all runs, the last one last."""
        keys: dict[KeyId, FoundKey] = {}
        partitions: dict[str, str] = {}
        for run in runs:
            for key in run.keys:
                account_id = key.account_id or run.account_id
                keys[account_id, key.access_key_id] = key
                partitions[account_id] = key.partition
            for outcome in run.outcomes if run.region else ():
                partitions.setdefault(outcome.account_id, partition_of(run.region or "") or AWS)
        return cls(keys, partitions)


def _journal_row(
    outcome: Outcome, known: _Known, names: Mapping[str, str], first: str | None
) -> KeyRow:
    """The row of a key that only a journal still knows."""
    key = known.keys.get((outcome.account_id, outcome.access_key_id))
    return KeyRow(
        account_id=outcome.account_id,
        account_name=names.get(outcome.account_id, outcome.account_id),
        user_name=outcome.user_name,
        path=key.path if key else "/",
        partition=key.partition if key else known.partitions.get(outcome.account_id, AWS),
        access_key_id=outcome.access_key_id,
        created=outcome.created or outcome.time,
        last_used=outcome.last_used,
        last_used_service=key.last_used_service if key else None,
        last_used_region=key.last_used_region if key else None,
        not_before=outcome.not_before or outcome.time,
        not_after=outcome.not_after or outcome.time,
        at_least_days=outcome.at_least_days or 0.0,
        at_most_days=outcome.at_most_days or 0.0,
        evidence=outcome.evidence,
        outcome=outcome.outcome,
        reason=outcome.reason,
        outcome_time=outcome.time,
        first_seen=first,
        last_seen=None,
        slot_blocked=False,
        policies=(outcome.policy,) if outcome.policy else (),
    )


def _with_blocked_slots(
    rows: Sequence[KeyRow], sightings: Mapping[KeyId, _Sighting]
) -> tuple[KeyRow, ...]:
    """The rows, marked where a user holds two keys or more and an inactive one is among them."""
    held: Counter[tuple[str, str]] = Counter()  # as listed, less what was deleted since
    inactive: Counter[tuple[str, str]] = Counter()
    for row in rows:
        user, sighting = _user(row), sightings.get((row.account_id, row.access_key_id))
        if sighting is None:
            continue
        if user not in held:
            held[user] = sighting.key.user_keys or 0
        held[user] -= row.outcome == DELETED or row.reason in GONE
        inactive[user] += not row.settled
    return tuple(
        replace(row, slot_blocked=True)
        if not row.settled and max(held[_user(row)], inactive[_user(row)]) >= 2
        else row
        for row in rows
    )


def _user(row: KeyRow) -> tuple[str, str]:
    return row.account_id, row.user_name
