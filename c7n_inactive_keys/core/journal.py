# SPDX-License-Identifier: Apache-2.0
"""The journal: one JSON line for what is about to be done to a key, one for what came of it.

`inactive-keys.jsonl` in the policy's output directory is only ever appended to. A line `deleting`
is on disk before the call that deletes. So a `deleting` without an outcome behind it means that
the run was killed in between, and IAM tells whether the key is still there.

Output to s3:// goes under the hour of the run, where the next run of that hour replaces it. So
there a copy is uploaded as well whose name holds the run's id: `inactive-keys-<run id>.jsonl`.
`c7n-inactive-keys report` reads them all and counts no line twice.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from c7n_inactive_keys.core.errors import JournalError

FORMAT_VERSION = 1
FILE_NAME = "inactive-keys.jsonl"
# One run's lines alone, where runs of the same hour put their files under the same names.
RUN_FILE_NAME = "inactive-keys-{run_id}.jsonl"

DELETING = "deleting"
DELETED = "deleted"
SKIPPED = "skipped"
FAILED = "failed"
# No outcome of a key: something that was needed could not be read, so the account is not covered.
UNREAD = "unread"
OUTCOMES = (DELETING, DELETED, SKIPPED, FAILED, UNREAD)

# Why a key was skipped
REACTIVATED = "reactivated"
CHANGED = "changed"
ALREADY_GONE = "already-gone"
USER_GONE = "user-gone"
EXEMPT = "exempt"
NOT_IN_PLAN = "not-in-plan"
NOT_MATCHED = "not-matched"
AMBIGUOUS = "ambiguous"
# or failed, where that is not AWS's refusal of the deletion
UNREADABLE = "unreadable"
UNCLEAR = "unclear"
MAX_KEYS = "max-keys"
LEDGER_TAG = "ledger-tag"
REASONS = (
    *(REACTIVATED, CHANGED, ALREADY_GONE, USER_GONE, EXEMPT, NOT_IN_PLAN, NOT_MATCHED, AMBIGUOUS),
    *(UNREADABLE, UNCLEAR, MAX_KEYS, LEDGER_TAG),
)

# What could not be read
UNREAD_HISTORY = "event-history"
UNREAD_LAST_USE = "last-used"
UNREAD_USER = "user"
UNREAD_REASONS = (UNREAD_HISTORY, UNREAD_LAST_USE, UNREAD_USER)


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line of a journal; `fields` holds the line as it was written."""

    outcome: str
    account_id: str
    user_name: str | None  # None where the line is about the whole account
    access_key_id: str | None  # None where a user's keys could not even be listed
    run_id: str
    time: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JournalProblem:
    """A line that is no entry: torn by a kill, or of another origin."""

    line_number: int
    problem: str


def render_line(fields: Mapping[str, Any]) -> str:
    """A journal line, with its newline."""
    return json.dumps({"format_version": FORMAT_VERSION, **fields}, default=str) + "\n"


def read_lines(text: str) -> tuple[list[JournalEntry], list[JournalProblem]]:
    """The entries of a journal in order, and the lines that are none."""
    entries: list[JournalEntry] = []
    problems: list[JournalProblem] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        found = _read_line(line)
        if isinstance(found, JournalEntry):
            entries.append(found)
        else:
            problems.append(JournalProblem(number, found))
    return entries, problems


def is_journal(name: str) -> bool:
    """Whether a file of that name, unpacked, is a journal or one run's copy of it."""
    start, end = RUN_FILE_NAME.split("{run_id}")
    return name == FILE_NAME or (name.startswith(start) and name.endswith(end))


def join_journals(texts: Iterable[str]) -> str:
    """One journal of several files, each line once, the run that began last at the end."""
    runs = sorted((text.split("\n") for text in texts), key=_first_time)
    return "\n".join(dict.fromkeys(line for run in runs for line in run if line.strip()))


def _first_time(lines: list[str]) -> str:
    entries, _ = read_lines("\n".join(lines))
    return min((str(entry.time) for entry in entries), default="")


def _read_line(line: str) -> JournalEntry | str:
    try:
        line.encode()  # a byte that is no UTF-8 has been read as half a character
        fields = json.loads(line)
    except UnicodeEncodeError:
        return "it is not UTF-8"
    except ValueError:
        return "it is not JSON; the run was probably killed while it was written"
    except RecursionError:
        return "it is nested too deeply"
    if not isinstance(fields, dict) or fields.get("outcome") not in OUTCOMES:
        return "it is not a line of this journal"
    try:
        return JournalEntry(
            outcome=fields["outcome"],
            account_id=fields["account_id"],
            user_name=fields["user_name"],
            access_key_id=fields["access_key_id"],
            run_id=fields["run_id"],
            time=fields["time"],
            fields=fields,
        )
    except KeyError as error:
        return f"it has no {error.args[0]}"


class Journal:
    """Appends lines to a journal file; each one is on disk when `write` returns.

    The file is opened with the first line. Safe to share between threads.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE_NAME
        self._lock = threading.Lock()
        self._file: int | None = None
        self._failure: OSError | None = None

    def write(self, fields: Mapping[str, Any]) -> None:
        """Append one line; after a failure none any more, since it would stick to a torn line.

        Raises:
            JournalError: it could not be written down, so what it announces must not be done.
        """
        line = render_line(fields).encode()
        with self._lock:
            try:
                if self._failure:
                    raise self._failure
                if self._file is None:
                    self._file = self._open()
                _write_whole(self._file, line)
                os.fsync(self._file)
            except OSError as error:
                self._failure = error
                raise JournalError(
                    f"the journal {self.path} cannot be written ({error}); nothing more is deleted"
                ) from None

    def keep_apart(self, run_id: str) -> None:
        """Copy what is written so far to a file of the run's own name, if anything is."""
        name = RUN_FILE_NAME.format(run_id=re.sub(r"[^\w.-]", "_", run_id))
        if self.path.exists():
            shutil.copyfile(self.path, self.path.with_name(name))

    def close(self) -> None:
        """Close the file, if it was opened."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _open(self) -> int:
        """Open for appending; a torn last line of a killed run gets its newline first."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(file).st_size
            if size and os.pread(file, 1, size - 1) != b"\n":
                os.write(file, b"\n")
            directory = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)  # the new file's name must survive as well
            finally:
                os.close(directory)
        except OSError:
            os.close(file)
            raise
        return file


def _write_whole(file: int, line: bytes) -> None:
    """Write a line in one piece; the disk being full shows as a short write."""
    written = os.write(file, line)
    if written != len(line):
        raise OSError(f"only {written} of {len(line)} bytes were written")
