# SPDX-License-Identifier: Apache-2.0
"""Where a report goes: a file that is replaced as a whole, a pipe or device, or stdout."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.stdout import printing

STDOUT = Path("-")
# The name of a directory may be no text at all; then its bytes are shown.
FORM: JsonObject = {"encoding": "utf-8", "errors": "backslashreplace", "newline": ""}


def write_stdout(pieces: Iterable[str], machine_readable: bool) -> None:
    """Print the pieces: as `write_file` writes them if programs are to read them, else as text.

    Raises:
        UsageError: stdout cannot be written, for another reason than that its reader has gone.
    """
    with printing() as stream:
        if not machine_readable:
            stream.writelines(pieces)
            return
        for piece in pieces:
            stream.buffer.write(piece.encode(FORM["encoding"], FORM["errors"]))


def write_file(pieces: Iterable[str], path: Path) -> None:
    """Write the pieces to a file, whole or not at all; into a pipe or device, as they come.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        with (_as_it_is if _is_special(path) else _replacing)(path) as stream:
            stream.writelines(pieces)
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}") from error


def _is_special(path: Path) -> bool:
    """Whether there is something that is no file, or that a file could not take the place of."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    # The target of /dev/stdout is nameless if it has been deleted.
    return not (stat.S_ISREG(there.st_mode) and _target(path).exists())


def _target(path: Path) -> Path:
    """What a link leads to; unlike `resolve`, also for one that leads nowhere or to itself."""
    return Path(os.path.realpath(path))


@contextmanager
def _as_it_is(path: Path) -> Iterator[IO[str]]:
    with path.open("w", **FORM) as stream:
        yield stream


@contextmanager
def _replacing(path: Path) -> Iterator[IO[str]]:
    """A file that takes the place of `path`, or of what it links to, when it is complete."""
    target = _target(path)
    number, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(number)
    temporary = Path(name)
    try:
        with temporary.open("w", **FORM) as stream:
            yield stream
        _dress(temporary, target)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _dress(temporary: Path, target: Path) -> None:
    """Give the file mode and owner of the one that it replaces; a new one follows the umask."""
    if target.exists():
        there = target.stat()
        if os.geteuid() == 0:
            os.chown(temporary, there.st_uid, there.st_gid)
        temporary.chmod(stat.S_IMODE(there.st_mode))
        return
    mask = os.umask(0)
    os.umask(mask)
    temporary.chmod(0o666 & ~mask)
