# SPDX-License-Identifier: Apache-2.0
"""Reads output trees of `custodian run` and `c7n-org run`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from c7n_inactive_keys.report.model import Collection, UnreadPlace
from c7n_inactive_keys.report.read import output_trees
from c7n_inactive_keys.report.read.policy_directory import DirectoryReading, read_directory

S3_READERS = 16

Progress = Callable[
    [Iterable[output_trees.PolicyDirectory], str], Iterable[output_trees.PolicyDirectory]
]


def collect(sources: Iterable[str], progress: Progress = lambda items, _: items) -> Collection:
    """All runs in the trees; damaged files become problems, not errors.

    Raises:
        TreeError: a tree does not exist or may not be read.
    """
    readings: list[DirectoryReading] = []
    unread: list[UnreadPlace] = []
    for source in sources:
        found = output_trees.policy_directories(source, unread.append)
        readings.extend(_read_all(source, progress(found, f"reading {source}")))
    problems = [problem for reading in readings for problem in reading.problems]
    return Collection(
        runs=tuple(reading.run for reading in readings if reading.run),
        problems=(*problems, *(place.reason for place in unread)),
        unread=tuple(unread),
        other_policies=frozenset(reading.policy for reading in readings if not reading.run),
    )


def _read_all(
    source: str, directories: Iterable[output_trees.PolicyDirectory]
) -> Iterator[DirectoryReading]:
    if not source.startswith("s3://"):
        yield from map(read_directory, directories)
        return
    with ThreadPoolExecutor(S3_READERS) as readers:
        yield from readers.map(read_directory, directories)
