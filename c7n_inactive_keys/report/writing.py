# SPDX-License-Identifier: Apache-2.0
"""Where a report goes: a file that is replaced as a whole, a pipe, or stdout of any encoding."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

STDOUT = Path("-")
# What the text report draws with, for those whose encoding has no such characters.
PLAIN = str.maketrans({"█": "#", "─": "-", "…": "."})


def speaks_unicode() -> bool:
    """Whether stdout's encoding has every character."""
    return (sys.stdout.encoding or "").lower().startswith("utf")


def write_stdout(pieces: Iterable[str], machine_readable: bool) -> None:
    """Print the pieces, as UTF-8 if programs are to read them, else in the terminal's encoding.

    Raises:
        UsageError: stdout cannot be written, for another reason than that its reader has gone.
    """
    if not speaks_unicode():
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8" if machine_readable else None, errors="replace")
        if not machine_readable:
            pieces = (piece.translate(PLAIN) for piece in pieces)
    try:
        for piece in pieces:
            click.echo(piece, nl=False)
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        # What is still in its buffer would fail once more at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.UsageError(f"stdout cannot be written: {error.strerror}") from error


def write_file(pieces: Iterable[str], path: Path) -> None:
    """Write the pieces to a file, whole or not at all; into a pipe or device, as they come.

    Raises:
        UsageError: it cannot be written.
    """
    special = path.exists() and not path.is_file()
    try:
        with _into(path) if special else _replacing(path) as stream:
            stream.writelines(pieces)
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}") from error


def _into(path: Path) -> IO[str]:
    return path.open("w", encoding="utf-8", newline="")


@contextmanager
def _replacing(path: Path) -> Iterator[IO[str]]:
    """A file that takes the place of `path`, or of what it links to, when it is complete."""
    target = path.resolve()
    with tempfile.NamedTemporaryFile(
        "w",
        encoding="utf-8",
        newline="",
        delete=False,
        dir=target.parent,
        prefix=f".{target.name}.",
    ) as stream:
        temporary = Path(stream.name)
        try:
            yield stream
        except BaseException:
            temporary.unlink()
            raise
    temporary.chmod(_mode(target))
    temporary.replace(target)


def _mode(target: Path) -> int:
    """The mode of the file that is replaced; a new one follows the umask."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
