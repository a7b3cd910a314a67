# SPDX-License-Identifier: Apache-2.0
"""Reads output trees of `custodian run` and `c7n-org run`: one PolicyRun a policy directory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from c7n_inactive_keys.core.journal import FILE_NAME, join_journals
from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.report.model import FAILED, READ, Collection, FoundKey, Outcome, PolicyRun
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
    found_keys,
    switched_on,
)
from c7n_inactive_keys.report.read.run_log import deployment, failure

S3_READERS = 16
NEVER_ENDED = (
    "the run could not begin (its role could not be assumed?) or was killed "
    "(c7n-org prints why: --log)"
)
NO_REASON = (
    "the run ended before it had read the users, and left no reason in its log "
    "(c7n-org prints it: --log)"
)

Progress = Callable[
    [Iterable[output_trees.PolicyDirectory], str], Iterable[output_trees.PolicyDirectory]
]


def collect(sources: Iterable[str], progress: Progress = lambda items, _: items) -> Collection:
    """All runs in the trees; damaged files become problems, not errors.

    Raises:
        TreeError: a tree does not exist or may not be read.
    """
    runs: list[PolicyRun] = []
    problems: list[str] = []
    for source in sources:
        found = output_trees.policy_directories(source, problems.append)
        directories = progress(found, f"reading {source}")
        for run, faults in _read_all(source, directories):
            problems.extend(faults)
            if run is not None:
                runs.append(run)
    return Collection(tuple(runs), tuple(problems))


def _read_all(
    source: str, directories: Iterable[output_trees.PolicyDirectory]
) -> Iterator[tuple[PolicyRun | None, list[str]]]:
    if not source.startswith("s3://"):
        yield from map(read_directory, directories)
        return
    with ThreadPoolExecutor(S3_READERS) as readers:
        yield from readers.map(read_directory, directories)


def read_directory(directory: output_trees.PolicyDirectory) -> tuple[PolicyRun | None, list[str]]:
    """One policy directory as a run, and its problems; None: nothing a report is about."""
    return _Reader(directory).run()


class _Reader:
    """Puts together what the files of one directory say."""

    def __init__(self, directory: output_trees.PolicyDirectory) -> None:
        self.directory = directory
        self.problems: list[str] = []
        self.has_metadata = self._has(output_trees.METADATA)
        self.metadata = self._metadata()

    def run(self) -> tuple[PolicyRun | None, list[str]]:
        if self.metadata.finds_keys is False or not self._whole_account():
            return None, self.problems
        keys, active, fault = self._resources()
        journal = self._journal()
        account_id, mismatch = self._account(keys, journal.outcomes)
        started = self.metadata.started or format_time(self.directory.modified())
        unread = journal.unread if journal.unread_time >= started else None
        reason = self.metadata.fault or fault or self._not_read() or unread or mismatch
        name, region = self._name_and_region()
        failed_action = None if reason else self._failed_action()
        run = PolicyRun(
            source=self.directory.source,
            place=self.directory.place,
            stamp=self.directory.stamp,
            account_id=account_id,
            account_name=name,
            region=region,
            policy=self.metadata.policy or self.directory.path.rpartition("/")[2],
            started=started,
            start_known=self.metadata.started is not None,
            dryrun=self.metadata.dryrun,
            finds_keys=True if keys or journal.outcomes else self.metadata.finds_keys,
            deletes=self.metadata.deletes,
            state=FAILED if reason else READ,
            reason=reason or failed_action,
            keys=keys,
            active_key_ids=active,
            outcomes=journal.outcomes,
        )
        return run, self.problems

    # -- files ----------------------------------------------------------------------------------

    def _has(self, name: str) -> bool:
        return bool({name, f"{name}.gz"} & self.directory.files)

    def _text(self, name: str) -> str | None:
        try:
            return self.directory.read(name)
        except output_trees.TornFileError as error:
            self._note(str(error))
            return None

    def _note(self, fault: str) -> str:
        """Name what is wrong with a file of this directory; the fault itself."""
        self.problems.append(f"{self.directory.place}/{fault}")
        return fault

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
        log = self._text(output_trees.RUN_LOG) or ""
        if deployment(log):
            self.problems.append(
                f"{self.directory.place}: the function was not deployed: {failure(log)}"
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

    def _name_and_region(self) -> tuple[str | None, str | None]:
        """c7n-org's account name and region, from OUT/<account name>/<region>/<policy>."""
        parts = self.directory.path.split("/")
        region = self.metadata.region
        if len(parts) >= 3 and (region is None or region == parts[-2]):
            return parts[-3], parts[-2]
        return None, region

    def _account(
        self, keys: tuple[FoundKey, ...], journal: tuple[Outcome, ...]
    ) -> tuple[str, str | None]:
        """The account id, and a sentence if the files do not agree on it."""
        named = self.metadata.account_id
        seen = {key.account_id for key in keys if key.account_id}
        if named and seen - {named}:
            return named, (
                f"the run was meant for account {named}, but the users that it read are of "
                f"{', '.join(sorted(seen))}"
            )
        account = named or min(seen, default="") or next((o.account_id for o in journal), "")
        return account, None

    # -- what came of it ------------------------------------------------------------------------

    def _not_read(self) -> str | None:
        """Why the account was not read by this run; None: it was."""
        # A resources.json beside metadata of a run that failed is an earlier run's.
        counted = COUNTED in self.metadata.metrics or self._deployed_over()
        if (self.has_metadata and not counted) or not self._has(output_trees.RESOURCES):
            return self._log_reason() or NO_REASON
        return None

    def _failed_action(self) -> str | None:
        """What went wrong after the account was read, which is a problem, too."""
        if RAISED not in self.metadata.metrics:
            return None
        failed = f"an action failed: {self._log_reason() or 'the log does not say why'}"
        self.problems.append(f"{self.directory.place}: {failed}")
        return failed

    def _log_reason(self) -> str | None:
        if not self.has_metadata:
            # Custodian never left the run, so its log went on to collect what the same process
            # said of other accounts.
            return NEVER_ENDED
        return failure(self._text(output_trees.RUN_LOG) or "")

    def _resources(self) -> tuple[tuple[FoundKey, ...], frozenset[str], str | None]:
        """The keys found, ids of Active keys of the same users, and why they cannot be used."""
        if not self._has(output_trees.RESOURCES):
            return (), frozenset(), None
        known = self.metadata
        try:
            users: Any = json.loads(self.directory.read(output_trees.RESOURCES) or "")
            keys = tuple(found_keys(users, known.exempt_tags, known.access_key_filters))
            return keys, frozenset(switched_on(users)), None
        except output_trees.TornFileError as error:
            fault = str(error)
        except DamagedResourcesError as error:
            fault = f"{output_trees.RESOURCES}: {error}"
        except ValueError as error:
            fault = f"{output_trees.RESOURCES} is no JSON: {error}"
        except RecursionError:
            fault = f"{output_trees.RESOURCES} is nested too deeply"
        return (), frozenset(), self._note(fault)

    def _journal(self) -> JournalReading:
        names = self.directory.journals()
        texts = [text for name in names if (text := self._text(name)) is not None]
        if not texts:
            return JournalReading()
        text = texts[0] if len(texts) == 1 else join_journals(texts)
        try:
            reading = read_journal(text, f"{self.directory.place}/{FILE_NAME}")
        except RecursionError:
            self._note(f"{FILE_NAME} is nested too deeply")
            return JournalReading()
        self.problems.extend(reading.problems)
        return reading
