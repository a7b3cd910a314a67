# SPDX-License-Identifier: Apache-2.0
"""What the runs that are current know of each key: where it was found last, and its best proof."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.report.evidence_words import sentences
from c7n_inactive_keys.report.model import READ, KeyId, PastRun, SeenKey
from c7n_inactive_keys.report.rounds import Round, is_same_round, together


@dataclass(slots=True)
class Sighting:
    """A key as it was found, while sightings are being put together."""

    key: SeenKey
    started: str | None  # of the run that found it so; None: not known
    last_seen: str | None
    policies: set[str] = field(default_factory=set)


def current_runs(found: Sequence[Round]) -> list[PastRun]:
    """The last runs of each policy in each account that read it, and what came behind them.

    Of a later run that could not read everything counts what it found; that it did not find a key
    says nothing. If none read the account, all count.
    """
    places: dict[tuple[str, str], list[tuple[int, PastRun]]] = {}
    for number, part in enumerate(found):
        for run in part:
            places.setdefault((run.account, run.policy), []).append((number, run))
    return [run for runs in places.values() for run in _current(runs)]


def _current(runs: Sequence[tuple[int, PastRun]]) -> list[PastRun]:
    last = max((number for number, run in runs if run.state == READ), default=None)
    if last is None:
        return [run for _, run in runs]
    read = together([run for number, run in runs if number == last and run.state == READ])
    at = max(run.started for run in read)
    return read + [
        run
        for number, run in runs
        if run.state != READ
        and run.fresh
        and (number > last or (number == last and is_same_round(run.started, at)))
    ]


def sightings(runs: Sequence[PastRun], reactivated: Mapping[KeyId, str]) -> dict[KeyId, Sighting]:
    """The keys that were found; `reactivated` is when a deletion last found a key active.

    What was found of a key before it was active is past. It counts at most until the key is found
    again, and not at all if a listing showed it as active.
    """
    last_active = seen_active(runs)
    found: dict[KeyId, Sighting] = {}
    past: dict[KeyId, Sighting] = {}
    for run in runs:
        started = run.started if run.fresh else None
        for key in run.keys:
            active = max(last_active.get(key.identity, ""), reactivated.get(key.identity, ""))
            _add(found if (started or "") >= active else past, key, started, run.policy)
    for identity, sighting in past.items():
        if (sighting.last_seen or "") >= last_active.get(identity, ""):
            found.setdefault(identity, sighting)
    return found


def seen_active(runs: Iterable[PastRun]) -> dict[KeyId, str]:
    """When a run last saw a key as Active, which is then no inactive key any more."""
    seen: dict[KeyId, str] = {}
    for run in runs:
        for access_key_id in run.active_key_ids if run.fresh else ():
            identity = run.account_id, access_key_id
            seen[identity] = max(seen.get(identity, ""), run.started)
    return seen


def _add(known: dict[KeyId, Sighting], key: SeenKey, started: str | None, policy: str) -> None:
    """Put one more sighting of a key to those that are known."""
    before = known.get(key.identity)
    if before is None:
        known[key.identity] = Sighting(key, started, started, {policy})
        return
    if _is_better(key, started, before):
        before.key, before.started = key, started
    before.last_seen = max(before.last_seen or "", started or "") or None
    before.policies.add(policy)


def _is_better(key: SeenKey, started: str | None, known: Sighting) -> bool:
    """Whether a sighting is a later one by a day, or as good as the same and proves more.

    What a later one knows of activity ends an earlier proof on the same day, too.
    """
    this, that = started or "", known.started or ""
    if this[:10] != that[:10]:
        return this > that
    one, other = key.found, known.key.found
    if one.not_before > other.not_after or other.not_before > one.not_after:
        return this > that
    if _rank(key) != _rank(known.key):
        return _rank(key) > _rank(known.key)
    # Of equals the same one counts, whichever was read first.
    return one.evidence != other.evidence and sentences(one) > sentences(other)


def _rank(key: SeenKey) -> tuple[float, float, str, int]:
    """What proves more is higher, then what knows more."""
    found = key.found
    used = format_time(found.last_use.time) if found.last_use.time else ""
    return found.at_least_days, -found.at_most_days, used, key.user.keys or 0
