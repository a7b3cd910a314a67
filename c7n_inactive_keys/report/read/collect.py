# SPDX-License-Identifier: Apache-2.0
"""Reads output trees of `custodian run` and `c7n-org run`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.report.model import Collection, PastRun, UnreadPlace
from c7n_inactive_keys.report.progress import Progress
from c7n_inactive_keys.report.read import sources
from c7n_inactive_keys.report.read.output_trees import History
from c7n_inactive_keys.report.read.policy_directory import DirectoryReading, read_directory
from c7n_inactive_keys.report.read.report_file import read_report
from c7n_inactive_keys.report.read.side_by_side import in_order

REPORT_ENDING = ".json"


@dataclass(frozen=True, slots=True)
class _Latest:
    """A policy directory that was read, and whether there are earlier ones that were not."""

    reading: DirectoryReading
    has_earlier: bool


def collect(
    places: Iterable[str],
    progress: Progress = lambda items, _: items,
    since: datetime | None = None,
) -> Collection:
    """All runs, those that began at `since` or later if it is given, in trees and json reports.

    Trees in S3 grow by each run, so without `since` the latest of each policy in each account is
    read there.

    Damaged files of a tree become problems, not errors.

    Raises:
        TreeError: a tree does not exist or may not be read.
        DamagedReportError: a json report is none.
    """
    parts = [
        read_report(sources.read_file(source), source)
        if source.endswith(REPORT_ENDING)
        else _collect_tree(source, progress, since)
        for source in places
    ]
    found = _joined(parts)
    return replace(found, runs=_since(found.runs, format_time(since))) if since else found


def _since(runs: Iterable[PastRun], since: str) -> tuple[PastRun, ...]:
    """The runs since then; what a journal says of earlier ones is left out, too."""
    return tuple(
        replace(
            run,
            outcomes=tuple(item for item in run.outcomes if item.time >= since),
            active_outcomes=tuple(item for item in run.active_outcomes if item.time >= since),
        )
        for run in runs
        if run.started >= since
    )


def _collect_tree(source: str, progress: Progress, since: datetime | None) -> Collection:
    unread: list[UnreadPlace] = []
    found = sources.histories(source, unread.append, since, progress)
    read = in_order(_latest, found) if sources.is_in_s3(source) else map(_latest, found)
    latest = list(progress(read, f"reading {source}"))
    readings = [item.reading for item in latest]
    problems = [problem for reading in readings for problem in reading.problems]
    return Collection(
        runs=tuple(reading.run for reading in readings if reading.run),
        problems=(*problems, *(place.reason for place in unread)),
        unread=tuple(unread),
        other_policies=frozenset(reading.policy for reading in readings if not reading.run),
        has_earlier=any(item.has_earlier for item in latest),
    )


def _joined(parts: Sequence[Collection]) -> Collection:
    return Collection(
        runs=tuple(run for part in parts for run in part.runs),
        problems=tuple(dict.fromkeys(text for part in parts for text in part.problems)),
        unread=tuple(place for part in parts for place in part.unread),
        other_policies=frozenset[str]().union(*(part.other_policies for part in parts)),
        expected=tuple(dict.fromkeys(account for part in parts for account in part.expected)),
        org_failures={key: failure for part in parts for key, failure in part.org_failures.items()},
        has_earlier=any(part.has_earlier for part in parts),
    )


def _latest(history: History) -> _Latest:
    """The last of them that is a run: a deployment leaves a directory as well."""
    for directory in history.directories:
        reading = read_directory(directory)
        if reading.run:
            break
    return _Latest(reading, history.has_earlier)
