# SPDX-License-Identifier: Apache-2.0
"""Where a report reads: output trees and files, on disk or in S3."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from c7n_inactive_keys.report.progress import Progress
from c7n_inactive_keys.report.read.output_trees import (
    History,
    TreeError,
    Unreadable,
    local_directories,
)


def histories(
    source: str, unread: Unreadable, since: datetime | None, progress: Progress
) -> Iterator[History]:
    """The runs in a local tree or an `s3://bucket/prefix`.

    In a local tree each directory is one of its own. `unread` is called with those that cannot be
    read. What S3 has had since before `since` is passed over.

    Raises:
        TreeError: there is no such tree, or it may not be read.
    """
    if is_in_s3(source):
        from c7n_inactive_keys.report.read import s3_trees  # local trees need no boto3

        return s3_trees.histories(source, since, progress)
    found = local_directories(source.removeprefix("file://"), unread)
    return (History([directory]) for directory in found)


def read_file(source: str) -> str:
    """The text of one file, local or in S3.

    Raises:
        TreeError: it cannot be read.
    """
    if is_in_s3(source):
        from c7n_inactive_keys.report.read import s3_trees

        return s3_trees.read_file(source)
    try:
        return Path(source.removeprefix("file://")).read_text(encoding="utf-8")
    except OSError as error:
        raise TreeError(f"{source} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TreeError(f"{source} cannot be read: {error}") from error


def is_in_s3(source: str) -> bool:
    """Whether a source is a place in S3."""
    return source.startswith("s3://")
