# SPDX-License-Identifier: Apache-2.0
"""Rounds: which policy runs belong to one pass over the accounts, and in which order they came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from c7n_inactive_keys.report.model import FAILED, ListedAccount, PolicyRun

NOT_KNOWN = "without its metadata.json it is not known whether the policy looks for inactive keys"

Round = tuple[PolicyRun, ...]
Place = tuple[str, str | None, str, str | None]


def relevant_runs(
    runs: Iterable[PolicyRun], listed: Sequence[ListedAccount] | None, policies: Sequence[str]
) -> list[PolicyRun]:
    """The runs of policies that find keys (only `policies`, if any), with the account ids known.

    A run that was killed early says neither its account id nor what the policy does: the id is
    looked up by c7n-org's account name, and the policy is taken for what it is elsewhere. If it is
    nowhere else, the users that it left may be those of a policy that does not look for keys: they
    show that nothing was read.
    """
    runs = list(runs)
    finders = {run.policy for run in runs if run.finds_keys}
    ids = {run.account_name: run.account_id for run in runs if run.account_name and run.account_id}
    ids.update((account.name, account.account_id) for account in listed or ())
    return [
        replace(
            run if run.finds_keys or run.policy in finders else _failed(run),
            account_id=run.account_id or ids.get(run.account_name or "", ""),
        )
        for run in runs
        if (run.finds_keys or run.policy in finders or not finders)
        and (not policies or run.policy in policies)
    ]


def _failed(run: PolicyRun) -> PolicyRun:
    return run if run.state == FAILED else replace(run, state=FAILED, reason=NOT_KNOWN)


def rounds(runs: Iterable[PolicyRun]) -> list[Round]:
    """Runs in rounds, oldest first.

    Trees may hold one account or all of them, one run or one for each hour. What belongs together
    is found by this: within a round no policy is run twice in the same account and region.
    """
    found: list[list[PolicyRun]] = []
    seen: set[Place] = set()
    for unit in sorted(_units(runs), key=started):
        places = {_place(run) for run in unit}
        if not found or seen & places:
            found.append([])
            seen = set()
        found[-1].extend(unit)
        seen |= places
    return [tuple(item) for item in found]


def _units(runs: Iterable[PolicyRun]) -> list[list[PolicyRun]]:
    """Runs that were found side by side; the n-th of a place goes with the n-th of the others."""
    units: dict[tuple[str, str, int], list[PolicyRun]] = {}
    times: Counter[tuple[str, str, Place]] = Counter()
    for run in sorted(runs, key=lambda run: run.started):
        where = run.source, run.stamp, _place(run)
        units.setdefault((run.source, run.stamp, times[where]), []).append(run)
        times[where] += 1
    return list(units.values())


def _place(run: PolicyRun) -> Place:
    return run.account_id, run.account_name, run.policy, run.region


def started(part: Iterable[PolicyRun]) -> str:
    """When the last of the runs began; the time of files, which copying changes, at a pinch."""
    runs = list(part)
    return max([run.started for run in runs if run.start_known] or [run.started for run in runs])
