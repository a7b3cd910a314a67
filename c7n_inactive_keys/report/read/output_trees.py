# SPDX-License-Identifier: Apache-2.0
"""Output trees of Custodian: directories that hold a policy's files, on disk or in S3."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

from c7n_inactive_keys.core.errors import InactiveKeysError
from c7n_inactive_keys.core.journal import is_journal
from c7n_inactive_keys.report.model import UnreadPlace
from c7n_inactive_keys.report.words import clean, printable

RESOURCES = "resources.json"
METADATA = "metadata.json"
RUN_LOG = "custodian-run.log"
FILES = (RESOURCES, METADATA, RUN_LOG)
# Custodian appends the hour to the key prefix of S3 outputs.
STAMP = re.compile(r"(?:^|/)(\d{4}/\d{2}/\d{2}/\d{2})$")


class TreeError(InactiveKeysError):
    """An output tree cannot be read at all."""


class TornFileError(InactiveKeysError):
    """One file of an output tree cannot be read; says which, without the directory, and why."""


@dataclass(frozen=True)
class PolicyDirectory:
    """A directory with a policy's files; `path` is relative to the tree and without the stamp."""

    source: str
    place: str
    path: str
    stamp: str
    files: frozenset[str]
    read_bytes: Callable[[str], bytes]
    modified: Callable[[], datetime]  # when the last of the files was written

    def read(self, name: str, errors: str = "strict") -> str | None:
        """The text of a file, unpacked if need be; None if there is none of that name.

        `errors` is what is done with bytes that are no UTF-8, as for `bytes.decode`.

        Raises:
            TornFileError: it is there, but damaged.
        """
        try:
            if name in self.files:
                return printable(self.read_bytes(name).decode("utf-8", errors))
            if f"{name}.gz" in self.files:
                packed = self.read_bytes(f"{name}.gz")
                return printable(gzip.decompress(packed).decode("utf-8", errors))
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or error
            raise TornFileError(f"{name} cannot be read: {why}") from error
        return None

    def journals(self) -> list[str]:
        """Names of the journal's files, sorted."""
        return sorted(filter(is_journal, {name.removesuffix(".gz") for name in self.files}))


@dataclass(frozen=True)
class History:
    """A policy's directories in an account, the newest first: the first one that is a run counts.

    In S3 the earlier ones are listed only when they are asked for.
    """

    directories: Iterable[PolicyDirectory]
    has_earlier: bool = False


Unreadable = Callable[[UnreadPlace], None]


def relevant(names: Iterable[str]) -> frozenset[str]:
    """Those of the file names that a report reads."""
    return frozenset(
        name for name in names if (bare := name.removesuffix(".gz")) in FILES or is_journal(bare)
    )


def split_stamp(path: str) -> tuple[str, str]:
    """A path without the hour that Custodian appends in S3, and that hour."""
    found = STAMP.search(path)
    return (path[: found.start()], found.group(1)) if found else (path, "")


def local_directories(source: str, unread: Unreadable) -> Iterator[PolicyDirectory]:
    """All policy directories of a local tree; `unread` is called with those that cannot be read.

    Raises:
        TreeError: there is no such tree, or it may not be read.
    """
    root = Path(source)
    if not root.is_dir():
        raise TreeError(f"there is no directory {source}")
    try:
        os.scandir(root).close()
    except OSError as error:
        raise TreeError(f"{source} cannot be read: {error.strerror}") from error
    for directory, names in _walk(root, unread):
        files = relevant(names)
        if files:
            relative = "" if directory == root else directory.relative_to(root).as_posix()
            path, stamp = split_stamp(_printable(relative))
            yield PolicyDirectory(
                source,
                _printable(str(directory)),
                path or root.resolve().name,
                stamp,
                files,
                partial(_read_local, directory),
                partial(_modified, directory, files),
            )


def _walk(root: Path, unread: Unreadable) -> Iterator[tuple[Path, list[str]]]:
    """Directories with the names of their files, through links, each directory only once.

    A link to where one has been already would lead round in a circle, or count runs twice.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [root]
    while waiting:
        directory = waiting.pop()
        try:
            status = directory.stat()
            with os.scandir(directory) as entries:
                children = sorted(entries, key=lambda entry: (entry.is_symlink(), entry.name))
        except OSError as error:
            unread(_unread_place(root, directory, error))
            continue
        if (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            inner, names = _split(root, children, unread)
            yield directory, names
            waiting.extend(directory / name for name in reversed(inner))


def _split(
    root: Path, entries: Iterable[os.DirEntry[str]], unread: Unreadable
) -> tuple[list[str], list[str]]:
    """Names of directories and of files; a link to nothing is neither, unless it has to be read."""
    inner, names = [], []
    for entry in entries:
        try:
            if entry.is_dir():
                inner.append(entry.name)
                continue
            if entry.is_symlink():
                entry.stat()
        except OSError as error:
            if not relevant([entry.name]):
                unread(_unread_place(root, Path(entry.path), error))
                continue
        names.append(entry.name)
    return inner, names


def _unread_place(root: Path, path: Path, error: OSError) -> UnreadPlace:
    return UnreadPlace(
        _printable(path.relative_to(root).as_posix()),
        f"{_printable(str(path))} cannot be read: {error.strerror}",
    )


def _printable(name: str) -> str:
    """A name with whatever in it cannot be printed replaced."""
    return clean(os.fsencode(name).decode("utf-8", "replace"))


def _read_local(directory: Path, name: str) -> bytes:
    return (directory / name).read_bytes()


def _modified(directory: Path, files: frozenset[str]) -> datetime:
    times = [time for name in files if (time := _written(directory / name)) is not None]
    # The files of a directory that may only be listed do not say it; the directory does.
    newest = max(times, default=None) or _written(directory) or 0
    return datetime.fromtimestamp(newest, timezone.utc)


def _written(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None
