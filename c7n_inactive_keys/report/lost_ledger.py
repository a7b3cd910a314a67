# SPDX-License-Identifier: Apache-2.0
"""Ledger entries that an earlier run had and a later one has not: somebody strips our tags.

Infrastructure as code does, if it is not told to leave them alone; then no proof grows older.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from c7n_inactive_keys.core.found_key import FoundKey
from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.report.model import KeyId, PastRun, SeenKey

LEDGER = "ledger"
NAMED = 5


class _Look(NamedTuple):
    key: SeenKey
    started: str
    account: str


def lost_ledger(runs: Iterable[PastRun]) -> list[str]:
    """A sentence for each account that lost entries of keys which nobody has reactivated since.

    `runs` are in the order of time. Only runs of the same policy are compared: another may ask for
    other evidence.
    """
    last: dict[tuple[str, KeyId], _Look] = {}
    lost: dict[str, set[str]] = {}
    for run in runs:
        for key in run.keys if run.fresh else ():
            before = last.get((run.policy, key.identity))
            if before and _has_entry(before.key.found) and not _has_entry(key.found):
                if not _was_active_since(key.found, before.started):
                    lost.setdefault(run.account, set()).add(key.id)
            elif _has_entry(key.found):
                lost.get(run.account, set()).discard(key.id)
            last[run.policy, key.identity] = _Look(key, run.started, run.account)
    return [_sentence(account, sorted(ids)) for account, ids in sorted(lost.items()) if ids]


def _has_entry(found: FoundKey) -> bool:
    return any(item.source == LEDGER for item in found.evidence)


def _was_active_since(found: FoundKey, moment: str) -> bool:
    return format_time(found.not_before) > moment


def _sentence(account: str, ids: list[str]) -> str:
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return (
        f"account {account}: the ledger entries of {len(ids)} access key(s) are gone that an "
        f"earlier run had ({', '.join(ids[:NAMED])}{more}); if Terraform or another tool manages "
        "the users' tags, let it ignore those that begin with c7n-inactive-key:"
    )
