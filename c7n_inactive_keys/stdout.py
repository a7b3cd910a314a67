# SPDX-License-Identifier: Apache-2.0
"""Stdout as it may be: of any encoding, full, or a pipe whose reader has gone."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import click

# What reports are drawn with, and what clean text holds, where the encoding lacks it.
PLAINER = {"█": "#", "─": "-", "…": ".", "\N{REPLACEMENT CHARACTER}": "?"}
DEGRADE = "c7n-inactive-keys"


def bear_any_text() -> None:
    """From now on stdout shows what its encoding lacks in another way, instead of failing."""
    codecs.register_error(DEGRADE, _plainer)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors=DEGRADE)


def _plainer(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    shown = (PLAINER.get(c) or c.encode("ascii", "backslashreplace").decode() for c in missing)
    return "".join(shown), error.end


@contextmanager
def printing() -> Iterator[TextIO]:
    """Stdout, to be written in this block; a reader that has gone, as `head` does, is no error.

    Raises:
        UsageError: it cannot be written for another reason, such as a full disk.
    """
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:
        _discard()
    except OSError as error:
        _discard()
        raise click.UsageError(f"stdout cannot be written: {error.strerror}") from error


def _discard() -> None:
    """Send stdout nowhere: what is still in its buffer would fail once more at the very end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
