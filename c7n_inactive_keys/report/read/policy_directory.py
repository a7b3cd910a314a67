# SPDX-License-Identifier: Apache-2.0
"""Puts together what the files of one policy's output directory say: one PastRun."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from c7n_inactive_keys.core.errors import UnreadUsersError
from c7n_inactive_keys.core.journal import FAILED as KEY_FAILED
from c7n_inactive_keys.core.journal import FILE_NAME, join_journals
from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.report.model import (
    FAILED,
    READ,
    ActiveKey,
    ActiveOutcome,
    KeyOutcome,
    PastRun,
    SeenKey,
    Unread,
)
from c7n_inactive_keys.report.read import output_trees
from c7n_inactive_keys.report.read.journal_file import JournalReading, read_journal
from c7n_inactive_keys.report.read.metadata_file import (
    COUNTED,
    PULL_MODES,
    RAISED,
    SCHEDULED_MODES,
    Metadata,
    read_metadata,
)
from c7n_inactive_keys.report.read.resources_file import (
    DamagedResourcesError,
    active_key_ids,
    active_keys,
    seen_keys,
    unread_evidence,
)
from c7n_inactive_keys.report.read.run_log import deployment, failure
from c7n_inactive_keys.report.words import unread_words

NEVER_ENDED = (
    "the run could not begin (its role could not be assumed?) or was killed "
    "(c7n-org prints why: --log)"
)
NO_REASON = (
    "the run ended before it had read the users, and left no reason in its log "
    "(c7n-org prints it: --log)"
)
# What a policy raises at its end if it could not read everything: no action of it failed.
UNREAD_ERRORS = (UnreadUsersError.__name__,)
KILLED = "the run was killed before its actions had ended"


@dataclass(frozen=True, slots=True)
class DirectoryReading:
    """What a policy directory says."""

    run: PastRun | None  # None: nothing that a report is about
    problems: tuple[str, ...]
    policy: str


def read_directory(directory: output_trees.PolicyDirectory) -> DirectoryReading:
    """One policy directory as a run, and its problems."""
    reader = _Reader(directory)
    return DirectoryReading(reader.run(), tuple(reader.problems), reader.policy)


@dataclass(frozen=True, slots=True)
class _Resources:
    """The keys found, ids of Active keys of the same users, and why they cannot be used."""

    keys: tuple[SeenKey, ...] = ()
    active: frozenset[str] = frozenset()
    active_keys: tuple[ActiveKey, ...] = ()
    unread: tuple[Unread, ...] = ()
    fault: str | None = None


class _Reader:
    """Puts together what the files of one directory say."""

    def __init__(self, directory: output_trees.PolicyDirectory) -> None:
        self.directory = directory
        self.problems: list[str] = []
        self.has_metadata = self._has(output_trees.METADATA)
        self.metadata = self._metadata()

    @property
    def policy(self) -> str:
        """The policy's name: Custodian names the directory by it."""
        return self.metadata.policy or self.directory.path.rpartition("/")[2]

    def run(self) -> PastRun | None:
        """The run, if it is a look at a whole account by a policy that this package is part of."""
        metadata = self.metadata
        if metadata.ours is False or not self._whole_account():
            return None
        not_read = metadata.fault or self._not_read()
        resources = self._resources(None if not_read else metadata.started)
        journal = self._journal()
        account_id, mismatch = self._account(resources.keys, journal)
        reason = not_read or resources.fault or _gaps(resources, journal, mismatch)
        root, name, region = self._layout()
        return PastRun(
            source=self.directory.source,
            root=root,
            place=self.directory.place,
            stamp=self.directory.stamp,
            account_id=account_id,
            account_name=name,
            region=region,
            policy=self.policy,
            started=metadata.started or format_time(self.directory.modified()),
            start_known=metadata.started is not None,
            dryrun=metadata.dryrun,
            ours=True if resources.keys or journal.account_id else metadata.ours,
            finds_keys=True if resources.keys or journal.outcomes else metadata.finds_keys,
            deletion=metadata.deletion,
            owner_tag=metadata.owner_tag,
            state=FAILED if reason else READ,
            reason=reason,
            fresh=not (not_read or resources.fault),
            failed_action=None if not_read else self._failed_action(journal),
            user_failures=journal.user_failures,
            keys=(*resources.keys, *journal.root_keys),
            expired=journal.expired,
            active_key_ids=resources.active,
            outcomes=journal.outcomes,
            stages=metadata.stages,
            lists_all=metadata.lists_all,
            deactivation=metadata.deactivation,
            active_keys=resources.active_keys,
            active_outcomes=journal.active_outcomes,
        )

    # -- files ----------------------------------------------------------------------------------

    def _has(self, name: str) -> bool:
        return bool({name, f"{name}.gz"} & self.directory.files)

    def _note(self, fault: str) -> str:
        """Name what is wrong with a file of this directory; the fault itself."""
        self.problems.append(f"{self.directory.place}/{fault}")
        return fault

    def _log(self) -> str:
        try:
            return self.directory.read(output_trees.RUN_LOG, errors="replace") or ""
        except output_trees.TornFileError as error:
            self._note(str(error))
            return ""

    # -- what was run ---------------------------------------------------------------------------

    def _metadata(self) -> Metadata:
        if not self.has_metadata:
            return Metadata()
        try:
            metadata = read_metadata(self.directory.read(output_trees.METADATA) or "")
        except output_trees.TornFileError as error:
            metadata = Metadata(fault=str(error))
        if metadata.fault:
            self._note(metadata.fault)
        return metadata

    def _whole_account(self) -> bool:
        """Whether this is a look at a whole account, not at one event or a deployed function."""
        mode = self.metadata.mode
        if mode in PULL_MODES or self.metadata.dryrun:
            return True
        if mode not in SCHEDULED_MODES:
            return False
        if COUNTED in self.metadata.metrics or self.metadata.fault or self._deployed_over():
            return True
        if RAISED not in self.metadata.metrics:
            return False  # a deployment, which has metadata as well
        log = self._log()
        if deployment(log):
            told = failure(log)
            self.problems.append(
                f"{self.directory.place}: the function was not deployed"
                f"{f': {told.text}' if told else ''}"
            )
            return False
        return True

    def _deployed_over(self) -> bool:
        """Whether a deployment in the same hour has replaced the metadata of a function's run."""
        return (
            bool(self.directory.stamp)
            and self.metadata.mode in SCHEDULED_MODES
            and not self.metadata.metrics
            and self._has(output_trees.RESOURCES)
        )

    def _layout(self) -> tuple[str, str | None, str | None]:
        """Where the tree begins, and c7n-org's account name and region, if it wrote it.

        Its layout is OUT/<account name>/<region>/<policy>, that of `custodian` OUT/<policy>.
        """
        parts = self.directory.path.split("/")
        region = self.metadata.region
        if len(parts) >= 3 and (region is None or region == parts[-2]):
            return "/".join(parts[:-3]), parts[-3], parts[-2]
        return "/".join(parts[:-1]), None, region

    def _account(
        self, keys: tuple[SeenKey, ...], journal: JournalReading
    ) -> tuple[str, str | None]:
        """The account id, and a sentence if the files do not agree on it."""
        named = self.metadata.account_id
        seen = {key.user.account_id for key in keys if key.user.account_id}
        if named and seen - {named}:
            return named, (
                f"the run was meant for account {named}, but the users that it read are of "
                f"{', '.join(sorted(seen))}"
            )
        return named or min(seen, default="") or journal.account_id, None

    # -- what came of it ------------------------------------------------------------------------

    def _not_read(self) -> str | None:
        """Why the account was not read by this run; None: it was."""
        # A resources.json beside metadata of a run that failed is an earlier run's.
        counted = COUNTED in self.metadata.metrics or self._deployed_over()
        if (counted or not self.has_metadata) and self._has(output_trees.RESOURCES):
            return None
        if not self.has_metadata:
            # Custodian never left the run, so its log went on to collect what the same process
            # said of other accounts.
            return NEVER_ENDED
        told = failure(self._log())
        return told.text if told else NO_REASON

    def _failed_action(self, journal: JournalReading) -> str | None:
        """What went wrong after the account was read; empty: something that no file tells."""
        if not self.has_metadata:
            return KILLED
        if RAISED not in self.metadata.metrics:
            return None
        outcomes: list[KeyOutcome | ActiveOutcome] = [*journal.outcomes, *journal.active_outcomes]
        if any(item.latest_run and item.outcome == KEY_FAILED for item in outcomes):
            return ""  # the keys' own reasons tell it
        told = failure(self._log())
        if journal.unread and (told is None or told.raised in (None, *UNREAD_ERRORS)):
            return None  # the policy fails at its end, too, if it could not read everything
        return told.text if told else ""

    def _resources(self, began: str | None) -> _Resources:
        """What was found; `began` is when the run did that found it, if that is known."""
        if not self._has(output_trees.RESOURCES):
            return _Resources()
        known = self.metadata
        try:
            users: Any = json.loads(self.directory.read(output_trees.RESOURCES) or "")
            keys = tuple(seen_keys(users, began, known.access_key_filters))
            return _Resources(
                keys=keys,
                active=frozenset(active_key_ids(users)),
                active_keys=tuple(active_keys(users, known.access_key_filters)),
                unread=tuple(unread_evidence(keys)),
            )
        except output_trees.TornFileError as error:
            fault = str(error)
        except DamagedResourcesError as error:
            fault = f"{output_trees.RESOURCES}: {error}"
        except ValueError as error:
            fault = f"{output_trees.RESOURCES} is no JSON: {error}"
        except RecursionError:
            fault = f"{output_trees.RESOURCES} is nested too deeply"
        return _Resources(fault=self._note(fault))

    def _journal(self) -> JournalReading:
        damage: list[str] = []
        texts = [self._journal_text(name, damage) for name in self.directory.journals()]
        text = texts[0] if len(texts) == 1 else join_journals(texts)
        reading = read_journal(text, FILE_NAME, self.metadata.started)
        for problem in reading.problems:
            self._note(problem)
        return replace(reading, damage=(*damage, *reading.damage))

    def _journal_text(self, name: str, damage: list[str]) -> str:
        """One of the journal's files; a byte that is no text costs its line, not the file."""
        try:
            return self.directory.read(name, errors="surrogateescape") or ""
        except output_trees.TornFileError as error:
            damage.append(self._note(str(error)))
            return ""


def _gaps(resources: _Resources, journal: JournalReading, mismatch: str | None) -> str | None:
    """Why a run that came to its end did not cover its account."""
    unread = {*journal.unread, *resources.unread}
    words = unread_words(sorted(unread, key=attrgetter("reason", "subject", "cause")))
    return "; ".join(filter(None, (words, *journal.damage[:1], mismatch))) or None
