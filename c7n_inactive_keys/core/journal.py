# SPDX-License-Identifier: Apache-2.0
"""The journal: a JSON line before each deletion, and one with each key's outcome.

`inactive-keys.jsonl` in the policy's output directory is only ever appended to. A line `deleting`
(or `deactivating`, `reactivating`) is on disk before the call. If no outcome follows it, the run
was killed in between, and IAM tells what became of the key. A line `unread` says that evidence was
needed and could not be read: `event-history` or `last-used`.

Custodian files output to s3:// by the hour, where the next run of that hour replaces it. So a copy
named after the run is uploaded as well: `inactive-keys-<run id>.jsonl`. `c7n-inactive-keys report`
reads them all and counts no line twice.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from c7n_inactive_keys.core.errors import JournalError
from c7n_inactive_keys.core.found_key import FoundKey, evidence_items, evidence_of
from c7n_inactive_keys.core.json_types import JsonMapping, JsonObject
from c7n_inactive_keys.core.keys import ACTIVE, INACTIVE, AccessKey, LastUse
from c7n_inactive_keys.core.plan import PlanFile
from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.core.unused_key import UnusedKey
from c7n_inactive_keys.core.written import moment, number_of_days, optional, text

FORMAT_VERSION = 1
FILE_NAME = "inactive-keys.jsonl"
# One run's lines alone, where runs of the same hour put their files under the same names.
RUN_FILE_NAME = "inactive-keys-{run_id}.jsonl"

DELETING, DELETED = "deleting", "deleted"
DEACTIVATING, DEACTIVATED = "deactivating", "deactivated"
REACTIVATING, REACTIVATED = "reactivating", "reactivated"
# What was about to be done; without an outcome behind it the run was killed in between.
ANNOUNCED = (DELETING, DEACTIVATING, REACTIVATING)
DONE = (DELETED, DEACTIVATED, REACTIVATED)
SKIPPED = "skipped"
FAILED = "failed"
# No outcome of a key: something that was needed could not be read, so the account is not covered.
UNREAD = "unread"
# Nor this: a key that is reported and never acted on.
NOTED = "noted"
OUTCOMES = (*ANNOUNCED, *DONE, SKIPPED, FAILED, UNREAD, NOTED)

# Why a key was skipped, besides REACTIVATED: by somebody else
ALREADY_INACTIVE = "already-inactive"
USED = "used"
MANAGED = "managed"
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
    *(REACTIVATED, ALREADY_INACTIVE, USED, MANAGED, CHANGED, ALREADY_GONE, USER_GONE, EXEMPT),
    *(NOT_IN_PLAN, NOT_MATCHED, AMBIGUOUS),
    *(UNREADABLE, UNCLEAR, MAX_KEYS, LEDGER_TAG),
)

# What could not be read
UNREAD_HISTORY = "event-history"
UNREAD_LAST_USE = "last-used"
UNREAD_USER = "user"
UNREAD_REASONS = (UNREAD_HISTORY, UNREAD_LAST_USE, UNREAD_USER)

# What a noted key is
ROOT_KEY = "root-key"
EXPIRED_KEY = "expired"


@dataclass(frozen=True, slots=True)
class DeactivatedKey:
    """A key of which a journal says that we deactivated it, and when that was written down."""

    key: AccessKey
    time: datetime | None = None


Found = FoundKey | UnusedKey | DeactivatedKey


class ApiError(NamedTuple):
    """A failed call as it is written down: AWS's error code, or botocore's error class."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line: what is about to be done to a key, what came of it, or what could not be read."""

    outcome: str
    time: datetime
    run_id: str
    account_id: str
    user_name: str | None = None  # None where the line is about the whole account
    access_key_id: str | None = None  # None where a user's keys could not even be listed
    run_time: datetime | None = None
    policy: str | None = None
    region: str | None = None
    found: Found | None = None  # the key as the filter found it
    managed_by: str | None = None  # what manages a key that was skipped for that
    plan: PlanFile | None = None  # the plan that had to approve the key
    reason: str | None = None
    error: ApiError | None = None
    further: JsonMapping = field(default_factory=dict)  # of another version

    def to_fields(self) -> JsonObject:
        """The line as JSON values."""
        found = self.found if isinstance(self.found, FoundKey) else None
        unused = self.found if isinstance(self.found, UnusedKey) else None
        more: JsonObject = {}
        if unused:
            used = unused.last_use.time
            more = {"last_used": used and format_time(used), "unused_days": unused.unused_days}
        if self.managed_by:
            more["managed_by"] = self.managed_by
        if self.plan:
            more["plan"] = asdict(self.plan)
        return {
            "time": format_time(self.time),
            "run_id": self.run_id,
            "run_time": self.run_time and format_time(self.run_time),
            "policy": self.policy,
            "account_id": self.account_id,
            "region": self.region,
            "user_name": self.user_name,
            "access_key_id": self.access_key_id,
            "created": self.found and format_time(self.found.key.created),
            "outcome": self.outcome,
            "reason": self.reason,
            "error": self.error and self.error._asdict(),
            "not_before": found and format_time(found.not_before),
            "not_after": found and format_time(found.not_after),
            "at_least_days": found and found.at_least_days,
            "at_most_days": found and found.at_most_days,
            "evidence": evidence_items(found.evidence) if found else [],
            **more,
            **self.further,
        }

    def render(self) -> str:
        """The line, with its newline."""
        return json.dumps({"format_version": FORMAT_VERSION, **self.to_fields()}) + "\n"

    @classmethod
    def parse(cls, line: str) -> JournalLine:
        """Read back what `render` wrote; a line of a key may lack what was found of it.

        Raises:
            ValueError: it is no line of a journal; says why.
        """
        fields = _load(line)
        try:
            return cls._of(fields)
        except KeyError as error:
            raise ValueError(f"it has no {error.args[0]}") from error
        except (AttributeError, TypeError, ValueError) as error:
            raise ValueError("it is not in the form of a journal") from error

    @classmethod
    def _of(cls, fields: JsonMapping) -> JournalLine:
        error = fields.get("error")
        line = cls(
            outcome=fields["outcome"],
            time=moment(fields["time"]),
            run_id=text(fields["run_id"]),
            account_id=text(fields["account_id"]),
            user_name=optional(text, fields["user_name"]),
            access_key_id=optional(text, fields["access_key_id"]),
            run_time=optional(moment, fields.get("run_time")),
            policy=optional(text, fields.get("policy")),
            region=optional(text, fields.get("region")),
            found=_found(fields),
            reason=optional(text, fields.get("reason")),
            error=ApiError(text(error["code"]), text(error["message"])) if error else None,
            managed_by=optional(text, fields.get("managed_by")),
            plan=optional(_plan_file, fields.get("plan")),
            further={name: value for name, value in fields.items() if name not in KNOWN},
        )
        if (line.reason if line.outcome == UNREAD else line.user_name) is None:
            raise ValueError("it does not say what it is about")
        return line


_SOME = JournalLine(UNREAD, datetime(2000, 1, 1, tzinfo=timezone.utc), "", "")
KNOWN = frozenset(
    {"format_version", "last_used", "unused_days", "managed_by", "plan", *_SOME.to_fields()}
)


def _load(line: str) -> JsonMapping:
    try:
        line.encode()  # a byte that is no UTF-8 has been read as half a character
        fields = json.loads(line)
    except UnicodeEncodeError as error:
        raise ValueError("it is not UTF-8") from error
    except ValueError as error:
        raise ValueError(
            "it is not JSON; the run was probably killed while it was written"
        ) from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(fields, dict) or fields.get("outcome") not in OUTCOMES:
        raise ValueError("it is not a line of this journal")
    return fields


def _plan_file(fields: JsonMapping) -> PlanFile:
    return PlanFile(text(fields["url"]), text(fields["sha256"]))


def _found(fields: JsonMapping) -> Found | None:
    """The key as the line describes it; where and by whom it was used is not in it."""
    created, not_before = fields.get("created"), fields.get("not_before")
    unused_days = fields.get("unused_days")
    if not (created and fields["access_key_id"]):
        return None
    status = INACTIVE if unused_days is None else ACTIVE
    key = AccessKey(
        text(fields["access_key_id"]), text(fields["user_name"]), status, moment(created)
    )
    if unused_days is not None:
        used = optional(moment, fields.get("last_used"))
        return UnusedKey(key, LastUse(used), number_of_days(unused_days))
    if not not_before:
        return DeactivatedKey(key)
    evidence = evidence_of(fields["evidence"])
    uses = (item.time for item in evidence if item.kind == "used")
    return FoundKey(
        key=key,
        last_use=LastUse(next(uses, None)),
        not_before=moment(not_before),
        not_after=moment(fields["not_after"]),
        at_least_days=number_of_days(fields["at_least_days"]),
        at_most_days=number_of_days(fields["at_most_days"]),
        evidence=evidence,
    )


@dataclass(frozen=True, slots=True)
class JournalProblem:
    """A line that is none: torn by a kill, or of another origin."""

    line_number: int
    problem: str


def read_lines(journal: str) -> tuple[list[JournalLine], list[JournalProblem]]:
    """The lines of a journal in order, and those that are none."""
    lines: list[JournalLine] = []
    problems: list[JournalProblem] = []
    for number, line in enumerate(journal.split("\n"), start=1):
        if line.strip():
            try:
                lines.append(JournalLine.parse(line))
            except ValueError as error:
                problems.append(JournalProblem(number, str(error)))
    return lines, problems


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
    return min((format_time(entry.time) for entry in entries), default="")


class Journal:
    """Appends lines to a journal file; each one is on disk when `write` returns.

    The file is opened with the first line. Safe to share between threads.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE_NAME
        self._lock = threading.Lock()
        self._file: int | None = None
        self._failure: OSError | None = None

    def write(self, line: JournalLine) -> None:
        """Append one line; after a failure none any more, since it would stick to a torn line.

        Raises:
            JournalError: it could not be written down, so what it announces must not be done.
        """
        rendered = line.render().encode()
        with self._lock:
            try:
                if self._failure:
                    raise self._failure
                if self._file is None:
                    self._file = self._open()
                _write_whole(self._file, rendered)
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
