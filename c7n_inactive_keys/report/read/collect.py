# SPDX-License-Identifier: Apache-2.0
"""Reads output trees of `custodian run` and `c7n-org run`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.report.model import Collection, PastRun, UnreadPlace
from c7n_inactive_keys.report.read import sources
from c7n_inactive_keys.report.read.output_trees import PolicyDirectory
from c7n_inactive_keys.report.read.policy_directory import DirectoryReading, read_directory
from c7n_inactive_keys.report.read.report_file import read_report

REPORT_ENDING = ".json"
S3_READERS = 16


@dataclass(frozen=True, slots=True)
class _Latest:
    """A policy directory that was read, and how many earlier ones were not."""

    reading: DirectoryReading
    passed_over: int


Progress = Callable[[Iterable[_Latest], str], Iterable[_Latest]]


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
    found = sources.policy_directories(source, unread.append, since)
    in_s3 = sources.is_in_s3(source)
    groups = _by_place(found) if in_s3 and since is None else ([item] for item in found)
    read = _read_side_by_side(groups) if in_s3 else map(_latest, groups)
    latest = list(progress(read, f"reading {source}"))
    readings = [item.reading for item in latest]
    problems = [problem for reading in readings for problem in reading.problems]
    return Collection(
        runs=tuple(reading.run for reading in readings if reading.run),
        problems=(*problems, *(place.reason for place in unread)),
        unread=tuple(unread),
        other_policies=frozenset(reading.policy for reading in readings if not reading.run),
        passed_over=sum(item.passed_over for item in latest),
    )


def _joined(parts: Sequence[Collection]) -> Collection:
    return Collection(
        runs=tuple(run for part in parts for run in part.runs),
        problems=tuple(dict.fromkeys(text for part in parts for text in part.problems)),
        unread=tuple(place for part in parts for place in part.unread),
        other_policies=frozenset[str]().union(*(part.other_policies for part in parts)),
        expected=tuple(dict.fromkeys(account for part in parts for account in part.expected)),
        org_failures={key: failure for part in parts for key, failure in part.org_failures.items()},
        passed_over=sum(part.passed_over for part in parts),
    )


def _by_place(directories: Iterable[PolicyDirectory]) -> Iterator[list[PolicyDirectory]]:
    """All runs of a policy in an account together, the latest last: they come sorted by place."""
    for _, group in groupby(directories, key=attrgetter("path")):
        yield sorted(group, key=attrgetter("stamp"))


def _read_side_by_side(groups: Iterable[list[PolicyDirectory]]) -> Iterator[_Latest]:
    with ThreadPoolExecutor(S3_READERS) as readers:
        yield from readers.map(_latest, groups)


def _latest(directories: list[PolicyDirectory]) -> _Latest:
    """The last of them that is a run: a deployment leaves a directory as well."""
    left = len(directories)
    for directory in reversed(directories):
        left -= 1
        reading = read_directory(directory)
        if reading.run:
            break
    return _Latest(reading, left)
