# SPDX-License-Identifier: Apache-2.0
"""Actions that failed, a cause once for each policy in each account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from c7n_inactive_keys.core.journal import FAILED
from c7n_inactive_keys.core.times import parse_time
from c7n_inactive_keys.report.model import Failure, OrgFailure, PastRun, Row
from c7n_inactive_keys.report.rounds import Round, together

NOT_SAID = "an action failed (c7n-org prints why: --log)"

Told = Mapping[str, Mapping[tuple[str | None, str], OrgFailure]]  # by name; policy and region


def failures(
    rows: Iterable[Row], found: Sequence[Round], names: Mapping[str, str], told: Told
) -> tuple[Failure, ...]:
    """What failed on keys, and what failed in the last run of a policy before or beside them."""
    result = list(_of_keys(rows))
    explained = {(failure.account_id, failure.policy) for failure in result}
    for run in last_runs(found):
        name = names.get(run.account_id) or run.account_name or run.account_id
        reasons = list(run.user_failures)
        if run.failed_action is not None and not reasons:
            place = run.account_id, run.policy
            said = run.failed_action or _printed(run, told.get(name, {})) or NOT_SAID
            reasons = [] if place in explained else [said]
        result.extend(Failure(run.account_id, name, run.policy, 0, reason) for reason in reasons)
    unique = dict.fromkeys(result)  # both regions of a run may have met the same
    return tuple(sorted(unique, key=lambda item: (item.account_name, item.policy, -item.keys)))


def _of_keys(rows: Iterable[Row]) -> Iterator[Failure]:
    """AWS names user and key behind the error code: one message stands for all of a code."""
    groups: dict[tuple[str, str, str, str], list[Row]] = {}
    for row in rows:
        if row.done and row.outcome == FAILED:
            place = row.user.account_id, row.account_name, row.done.policy
            groups.setdefault((*place, short_reason(row)), []).append(row)
    for (account_id, name, policy, _), failed in groups.items():
        yield Failure(account_id, name, policy, len(failed), failed[0].reason or FAILED)


def short_reason(row: Row) -> str:
    """The outcome's reason without what AWS says of the single key."""
    return (row.reason or "").partition(": ")[0]


def last_runs(found: Sequence[Round]) -> list[PastRun]:
    """The runs of each policy's last pass over each account, of all its regions."""
    last: dict[tuple[str, str], list[PastRun]] = {}
    for part in found:
        this: dict[tuple[str, str], list[PastRun]] = {}
        for run in part:
            this.setdefault((run.account, run.policy), []).append(run)
        last.update(this)
    return [run for runs in last.values() for run in together(runs)]


def _printed(run: PastRun, told: Mapping[tuple[str | None, str], OrgFailure]) -> str | None:
    """What c7n-org printed of the run's failure: its workers keep it out of the run's own log."""
    failure = told.get((run.policy, run.region or ""))
    if failure is None or (failure.time and failure.time < parse_time(run.started)):
        return None
    return failure.text
