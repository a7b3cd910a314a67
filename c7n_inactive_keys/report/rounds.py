# SPDX-License-Identifier: Apache-2.0
"""Rounds: which policy runs belong to one pass over the accounts, and in which order they came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from c7n_inactive_keys.core.times import parse_time
from c7n_inactive_keys.report.model import FAILED, Collection, ListedAccount, PastRun

NOT_KNOWN = "without its metadata.json it is not known whether the policy looks for inactive keys"
# Regions and policies of one pass begin within this time, and so do jobs that share the accounts
# of an organisation between them, or run a failed account again.
SAME_ROUND = timedelta(hours=12)

Round = tuple[PastRun, ...]
Place = tuple[str, str, str | None]  # account, policy, region


def relevant_runs(
    collection: Collection, listed: Sequence[ListedAccount] | None, policies: Sequence[str]
) -> list[PastRun]:
    """The runs of policies that are about keys (only `policies`, if any), with their account ids.

    A run that was killed early says neither its account id nor what the policy does: the id is
    that of c7n-org's account name, or of the policies beside it, and the policy is taken for what
    it is elsewhere. If it is nowhere else, it may have been to look for keys, and what users it
    left may be those of another policy: nothing was read.
    """
    runs = collection.runs
    ours = {run.policy for run in runs if run.ours}
    ids = _account_ids(runs, listed)
    return [
        _of_account(
            run if run.policy in ours else _failed(run),
            run.account_id or next(filter(None, map(ids.get, _places(run))), ""),
        )
        for run in runs
        if (run.policy in ours or run.policy not in collection.other_policies)
        and (not policies or run.policy in policies)
    ]


def _of_account(run: PastRun, account_id: str) -> PastRun:
    """The run with its account, which a user's own description may not say."""
    keys = tuple(
        key if key.user.account_id else replace(key, user=replace(key.user, account_id=account_id))
        for key in run.keys
    )
    return replace(run, account_id=account_id, keys=keys)


def _failed(run: PastRun) -> PastRun:
    return run if run.state == FAILED else replace(run, state=FAILED, reason=NOT_KNOWN)


def _account_ids(
    runs: Iterable[PastRun], listed: Sequence[ListedAccount] | None
) -> Mapping[tuple[str, ...], str]:
    """The account id of each place in a tree that is one account's."""
    found: dict[tuple[str, ...], set[str]] = {}
    for run in runs:
        for place in _places(run) if run.account_id else ():
            found.setdefault(place, set()).add(run.account_id)
    ids = {place: min(accounts) for place, accounts in found.items() if len(accounts) == 1}
    ids.update(((account.name,), account.account_id) for account in listed or ())
    return ids


def _places(run: PastRun) -> Iterator[tuple[str, ...]]:
    """Where the output of the same account may be: under its name, or side by side."""
    if run.account_name:
        yield (run.account_name,)
    else:
        yield run.source, run.stamp, run.root


def rounds(runs: Iterable[PastRun]) -> list[Round]:
    """Runs in rounds, oldest first.

    Trees may hold one account or all of them, one run or one for each hour. What belongs together
    is found by this: within a round no policy is run twice in the same account and region.
    """
    found: list[list[PastRun]] = []
    seen: set[Place] = set()
    for unit in sorted(_units(runs), key=started):
        places = {_place(run) for run in unit}
        if not found or seen & places:
            found.append([])
            seen = set()
        found[-1].extend(unit)
        seen |= places
    return [tuple(item) for item in found]


def _units(runs: Iterable[PastRun]) -> list[list[PastRun]]:
    """Runs that were found side by side, the last of each place together.

    A place has several if its account was given another name and the directory used again.
    """
    places: dict[tuple[str, str, str, Place], list[PastRun]] = {}
    for run in sorted(runs, key=lambda run: run.started, reverse=True):
        places.setdefault((run.source, run.stamp, run.root, _place(run)), []).append(run)
    units: dict[tuple[str, str, str, int], list[PastRun]] = {}
    for (source, stamp, root, _), same in places.items():
        for number, run in enumerate(same):
            units.setdefault((source, stamp, root, number), []).append(run)
    return list(units.values())


def _place(run: PastRun) -> Place:
    return run.account, run.policy, run.region


def started(part: Iterable[PastRun]) -> str:
    """When the last of the runs began; the time of files, which copying changes, at a pinch."""
    runs = list(part)
    return max([run.started for run in runs if run.start_known] or [run.started for run in runs])


def together(runs: Sequence[PastRun]) -> list[PastRun]:
    """Of runs of the same policy in the same account and round, those of the same pass.

    An earlier one is left of a region that is no longer visited.
    """
    last = max(run.started for run in runs)
    return [run for run in runs if is_same_round(run.started, last)]


def is_same_round(earlier: str, later: str) -> bool:
    """Whether runs that began at these times may belong to one pass."""
    return parse_time(later) - parse_time(earlier) < SAME_ROUND
