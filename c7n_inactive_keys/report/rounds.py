# SPDX-License-Identifier: Apache-2.0
"""Rounds: which policy runs belong to one pass over the accounts, and in which order they came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from c7n_inactive_keys.report.model import ListedAccount, PolicyRun

Round = tuple[PolicyRun, ...]


def relevant_runs(
    runs: Iterable[PolicyRun], listed: Sequence[ListedAccount] | None, policies: Sequence[str]
) -> list[PolicyRun]:
    """The runs of policies that find keys (only `policies`, if any), with the account ids known.

    A run that was killed early says neither its account id nor what the policy does: the id is
    looked up by c7n-org's account name, and the policy is taken for what it is elsewhere.
    """
    runs = list(runs)
    finders = {run.policy for run in runs if run.finds_keys}
    ids = {run.account_name: run.account_id for run in runs if run.account_name and run.account_id}
    ids.update((account.name, account.account_id) for account in listed or ())
    return [
        run if run.account_id else replace(run, account_id=ids.get(run.account_name or "", ""))
        for run in runs
        if (run.finds_keys or run.policy in finders or not finders)
        and (not policies or run.policy in policies)
    ]


def rounds(runs: Iterable[PolicyRun]) -> list[Round]:
    """Runs in rounds, oldest first.

    Trees may hold one account or all of them, one run or one for each hour. What belongs together
    is found by this: within a round no policy is run twice in the same account and region.
    """
    units: dict[tuple[str, str], list[PolicyRun]] = {}
    for run in runs:
        units.setdefault((run.source, run.stamp), []).append(run)
    found: list[list[PolicyRun]] = []
    seen: set[tuple[str, str | None, str, str | None]] = set()
    for unit in sorted(units.values(), key=_time_of):
        places = {(r.account_id, r.account_name, r.policy, r.region) for r in unit}
        if not found or seen & places:
            found.append([])
            seen = set()
        found[-1].extend(unit)
        seen |= places
    return [tuple(item) for item in found]


def _time_of(unit: Iterable[PolicyRun]) -> str:
    # The stamp stands in for runs that were killed before they wrote down when they began.
    return max(
        run.started or (run.stamp and "{}-{}-{}T{}".format(*run.stamp.split("/")))
        for run in unit
    )


def started(part: Iterable[PolicyRun]) -> str | None:
    """When the last of the runs began, if any of them says so."""
    return max((run.started for run in part if run.started), default=None)
