# SPDX-License-Identifier: Apache-2.0
"""From the lines of a journal to one outcome a key: the last word of the last run that tried."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from c7n_inactive_keys.report.model import DELETED, OUTCOME_FAILED, SKIPPED, Outcome
from c7n_inactive_keys.report.runlog import short
from c7n_inactive_keys.report.words import evidence_words

DELETING = "deleting"
INTERRUPTED = "interrupted"


def read_lines(text: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The entries of a journal and what is wrong with it."""
    entries, problems = [], []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            entry = json.loads(line)
        except ValueError:
            problems.append(f"line {number} is torn")
            continue
        entries.append(entry)
    return entries, problems


def outcomes(text: str, place: str) -> tuple[tuple[Outcome, ...], list[str]]:
    """The outcome of each key that a journal speaks of, and its problems as sentences."""
    entries, faults = read_lines(text)
    problems = [f"{place}: {fault}" for fault in faults]
    usable = [entry for entry in entries if _usable(entry)]
    if len(usable) < len(entries):
        problems.append(f"{place}: {len(entries) - len(usable)} lines are no entries of a journal")
    latest = usable[-1]["run_id"] if usable else None
    last: dict[tuple[str, str], Mapping[str, Any]] = {}
    for entry in usable:
        last[entry["account_id"], entry["access_key_id"]] = entry
    return tuple(_outcome(entry, entry["run_id"] == latest) for entry in last.values()), problems


def _usable(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and entry.get("outcome") in (DELETING, DELETED, SKIPPED, OUTCOME_FAILED)
        and all(
            isinstance(entry.get(name), str)
            for name in ("account_id", "user_name", "access_key_id", "run_id", "time")
        )
    )


def _outcome(entry: Mapping[str, Any], latest_run: bool) -> Outcome:
    outcome, reason = entry["outcome"], entry.get("reason")
    if outcome == DELETING:
        # The run was killed between the call and its answer: the key may be gone or not.
        outcome, reason = OUTCOME_FAILED, INTERRUPTED
    return Outcome(
        account_id=entry["account_id"],
        user_name=entry["user_name"],
        access_key_id=entry["access_key_id"],
        policy=str(entry.get("policy") or ""),
        time=entry["time"],
        outcome=outcome,
        reason=reason or _error_words(entry.get("error")),
        created=entry.get("created"),
        not_before=entry.get("not_before"),
        not_after=entry.get("not_after"),
        at_least_days=entry.get("at_least_days"),
        at_most_days=entry.get("at_most_days"),
        last_used=_last_used(entry.get("evidence") or ()),
        evidence=_words(entry.get("evidence") or ()),
        latest_run=latest_run,
    )


def _error_words(error: Any) -> str | None:
    if not isinstance(error, dict):
        return None
    return short(": ".join(str(error[name]) for name in ("code", "message") if error.get(name)))


def _words(evidence: Iterable[Any]) -> tuple[str, ...]:
    return tuple(evidence_words(item) for item in evidence if isinstance(item, dict))


def _last_used(evidence: Iterable[Any]) -> str | None:
    used = (item for item in evidence if isinstance(item, dict) and item.get("Kind") == "used")
    return next((item.get("Time") for item in used), None)
