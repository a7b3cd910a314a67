# SPDX-License-Identifier: Apache-2.0
"""Reads output trees of `custodian run` and `c7n-org run`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.report.model import Collection, PastRun, UnreadPlace
from c7n_inactive_keys.report.read import sources
from c7n_inactive_keys.report.read.output_trees import PolicyDirectory
from c7n_inactive_keys.report.read.policy_directory import DirectoryReading, read_directory
from c7n_inactive_keys.report.read.report_file import read_report

REPORT_ENDING = ".json"
S3_READERS = 16

Progress = Callable[[Iterable[PolicyDirectory], str], Iterable[PolicyDirectory]]


def collect(
    places: Iterable[str],
    progress: Progress = lambda items, _: items,
    since: datetime | None = None,
) -> Collection:
    """All runs, those that began at `since` or later if it is given, in trees and json reports.

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
    found = sources.policy_directories(source, unread.append, since)
    readings = list(_read_all(source, progress(found, f"reading {source}")))
    problems = [problem for reading in readings for problem in reading.problems]
    return Collection(
        runs=tuple(reading.run for reading in readings if reading.run),
        problems=(*problems, *(place.reason for place in unread)),
        unread=tuple(unread),
        other_policies=frozenset(reading.policy for reading in readings if not reading.run),
    )


def _joined(parts: Sequence[Collection]) -> Collection:
    return Collection(
        runs=tuple(run for part in parts for run in part.runs),
        problems=tuple(dict.fromkeys(text for part in parts for text in part.problems)),
        unread=tuple(place for part in parts for place in part.unread),
        other_policies=frozenset[str]().union(*(part.other_policies for part in parts)),
        expected=tuple(dict.fromkeys(account for part in parts for account in part.expected)),
        org_failures={key: failure for part in parts for key, failure in part.org_failures.items()},
    )


def _read_all(source: str, directories: Iterable[PolicyDirectory]) -> Iterator[DirectoryReading]:
    if not sources.is_in_s3(source):
        yield from map(read_directory, directories)
        return
    with ThreadPoolExecutor(S3_READERS) as readers:
        yield from readers.map(read_directory, directories)
