# SPDX-License-Identifier: Apache-2.0
"""How the inactive keys changed from round to round, like compared with like."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from c7n_inactive_keys.core.journal import DELETED
from c7n_inactive_keys.report.model import READ, PastRun, TrendPoint
from c7n_inactive_keys.report.rounds import Round, started

Known = dict[str, dict[str, frozenset[str]]]  # account -> policy -> ids of inactive keys


def trend(found: Sequence[Round]) -> tuple[TrendPoint, ...]:
    """One point a round: its keys against what the same policies found in the same accounts."""
    known: Known = {}
    deleted: set[str] = set()
    points = []
    for part in found:
        points.append(_point(part, known, deleted))
        deleted.update(_deleted(part))
    return tuple(points)


def _point(part: Round, known: Known, deleted: set[str]) -> TrendPoint:
    """Compare one round with what is known, and bring that up to date."""
    now = _keys(run for run in part if run.state == READ)
    active = frozenset().union(*(run.active_key_ids for run in part))
    counts = dict.fromkeys(("keys", "first", "new", "still", "reactivated", "deleted", "gone"), 0)
    for account, policies in now.items():
        before = known.get(account, {})
        common = policies.keys() & before.keys()
        current = frozenset().union(*policies.values())
        compared = frozenset().union(*(policies[policy] for policy in common))
        earlier = frozenset().union(*(before[policy] for policy in common))
        lost = earlier - compared
        counts["keys"] += len(current)
        counts["first"] += len(current - compared)
        counts["new"] += len(compared - earlier)
        counts["still"] += len(compared & earlier)
        counts["reactivated"] += len((lost - deleted) & active)
        counts["gone"] += len(lost - deleted - active)
        known.setdefault(account, {}).update(policies)
    counts["deleted"] = len(_deleted(part, this_round=True) - deleted)
    return TrendPoint(started=started(part), accounts=len(now), **counts)


def _deleted(part: Round, this_round: bool = False) -> set[str]:
    """Ids of keys that the round's journals call deleted, by its own runs only if so asked."""
    return {
        item.key.id
        for run in part
        for item in run.outcomes
        if item.outcome == DELETED and (not this_round or item.time >= run.started)
    }


def _keys(runs: Iterable[PastRun]) -> Known:
    found: dict[str, dict[str, set[str]]] = {}
    for run in runs:
        keys = found.setdefault(run.account_id, {}).setdefault(run.policy, set())
        keys.update(key.id for key in run.keys)
    return {
        account: {policy: frozenset(keys) for policy, keys in policies.items()}
        for account, policies in found.items()
    }
