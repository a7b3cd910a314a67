# SPDX-License-Identifier: Apache-2.0
"""Reads output trees of `custodian run` and `c7n-org run`: one PolicyRun a policy directory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Any

from c7n_inactive_keys.journal import FILE_NAME, join_journals
from c7n_inactive_keys.report import trees
from c7n_inactive_keys.report.found import DamagedResourcesError, found_keys, switched_on
from c7n_inactive_keys.report.model import FAILED, READ, Collection, FoundKey, Outcome, PolicyRun
from c7n_inactive_keys.report.outcomes import JournalReading, read_journal
from c7n_inactive_keys.report.runlog import failure
from c7n_inactive_keys.times import format_time

FILTER = "inactive-access-key"
DELETE = "delete-inactive-keys"
S3_READERS = 16
# Modes in which a policy looks at a whole account; in the others at what an event names.
WHOLE_ACCOUNT_MODES = (None, "pull", "periodic", "schedule")
NEVER_ENDED = (
    "the run could not begin (its role could not be assumed?) or was killed "
    "(c7n-org prints why: --log)"
)
NO_REASON = (
    "the run ended before it had read the users, and left no reason in its log "
    "(c7n-org prints it: --log)"
)

Progress = Callable[[Iterable[trees.PolicyDirectory], str], Iterable[trees.PolicyDirectory]]


def collect(sources: Iterable[str], progress: Progress = lambda items, _: items) -> Collection:
    """All runs in the trees; damaged files become problems, not errors.

    Raises:
        TreeError: a tree does not exist or may not be read.
    """
    runs: list[PolicyRun] = []
    problems: list[str] = []
    for source in sources:
        directories = progress(trees.policy_directories(source), f"reading {source}")
        for run, faults in _read_all(source, directories):
            problems.extend(faults)
            if run is not None:
                runs.append(run)
    return Collection(tuple(runs), tuple(problems))


def _read_all(
    source: str, directories: Iterable[trees.PolicyDirectory]
) -> Iterator[tuple[PolicyRun | None, list[str]]]:
    if not source.startswith("s3://"):
        yield from map(read_directory, directories)
        return
    with ThreadPoolExecutor(S3_READERS) as readers:
        yield from readers.map(read_directory, directories)


def read_directory(directory: trees.PolicyDirectory) -> tuple[PolicyRun | None, list[str]]:
    """One policy directory as a run, and its problems; None: nothing a report is about."""
    return _Reader(directory).run()


class _Reader:
    """Puts together what the files of one directory say."""

    def __init__(self, directory: trees.PolicyDirectory) -> None:
        self.directory = directory
        self.problems: list[str] = []
        metadata = self._json(trees.METADATA)
        self.metadata: dict[str, Any] = metadata if isinstance(metadata, dict) else {}
        self.policy = self._section(self.metadata, "policy")
        self.config = self._section(self.metadata, "config")

    def run(self) -> tuple[PolicyRun | None, list[str]]:
        finds_keys = self._finds_keys()
        if finds_keys is False or not self._whole_account():
            return None, self.problems
        keys, active, fault = self._resources()
        journal = self._journal()
        account_id, mismatch = self._account(keys, journal.outcomes)
        started, start_known = self._started()
        unread = journal.unread if journal.unread_time >= started else None
        reason = fault or self._not_read() or unread or mismatch
        name, region = self._name_and_region()
        self._note_failed_action(reason)
        run = PolicyRun(
            source=self.directory.source,
            place=self.directory.place,
            stamp=self.directory.stamp,
            account_id=account_id,
            account_name=name,
            region=region,
            policy=str(self.policy.get("name") or self.directory.path.rpartition("/")[2]),
            started=started,
            start_known=start_known,
            dryrun=bool(self.config.get("dryrun")),
            finds_keys=True if keys or journal.outcomes else finds_keys,
            deletes=any(_type(action) == DELETE for action in self.policy.get("actions") or ()),
            state=FAILED if reason else READ,
            reason=reason,
            keys=() if fault else keys,
            active_key_ids=active,
            outcomes=journal.outcomes,
        )
        return run, self.problems

    # -- files ----------------------------------------------------------------------------------

    def _text(self, name: str) -> str | None:
        try:
            return self.directory.read(name)
        except trees.TornFileError as error:
            self.problems.append(str(error))
            return None

    def _json(self, name: str) -> Any:
        text = self._text(name)
        if text is None:
            return None
        try:
            return json.loads(text)
        except ValueError as error:
            self.problems.append(f"{self.directory.place}/{name} is no JSON: {error}")
            return None

    @staticmethod
    def _section(content: dict[str, Any], name: str) -> dict[str, Any]:
        section = content.get(name)
        return section if isinstance(section, dict) else {}

    # -- what was run ---------------------------------------------------------------------------

    def _started(self) -> tuple[str, bool]:
        """When the run began and True; when it last wrote and False, if it was killed early."""
        start = self._section(self.metadata, "execution").get("start")
        if isinstance(start, (int, float)):
            return format_time(datetime.fromtimestamp(start, timezone.utc)), True
        return format_time(self.directory.modified()), False

    def _finds_keys(self) -> bool | None:
        if not self.policy:
            return None
        return any(_has_filter(item) for item in self.policy.get("filters") or ())

    def _whole_account(self) -> bool:
        """Whether this is a look at a whole account, not at one event or a deployed function."""
        mode = _type(self.policy.get("mode"))
        if mode in ("pull", None) or self.config.get("dryrun"):
            return True
        return mode in WHOLE_ACCOUNT_MODES and self._has(trees.RESOURCES)

    def _has(self, name: str) -> bool:
        return bool({name, f"{name}.gz"} & self.directory.files)

    def _name_and_region(self) -> tuple[str | None, str | None]:
        """c7n-org's account name and region, from OUT/<account name>/<region>/<policy>."""
        parts = self.directory.path.split("/")
        region = self.config.get("region")
        if len(parts) >= 3 and (region is None or region == parts[-2]):
            return parts[-3], parts[-2]
        return None, region

    def _account(
        self, keys: tuple[FoundKey, ...], journal: tuple[Outcome, ...]
    ) -> tuple[str, str | None]:
        """The account id, and a sentence if the files do not agree on it."""
        named = str(self.config.get("account_id") or "")
        seen = {key.account_id for key in keys if key.account_id}
        if named and seen - {named}:
            return named, (
                f"the run was meant for account {named}, but the users that it read are of "
                f"{', '.join(sorted(seen))}"
            )
        account = named or min(seen, default="") or next((o.account_id for o in journal), "")
        return account, None

    # -- what came of it ------------------------------------------------------------------------

    def _metrics(self) -> set[str] | None:
        metrics = self.metadata.get("metrics")
        if not isinstance(metrics, list):
            return None
        return {str(item.get("MetricName")) for item in metrics if isinstance(item, dict)}

    def _not_read(self) -> str | None:
        """Why the account was not read by this run; None: it was."""
        metrics = self._metrics()
        if metrics and "ResourceCount" not in metrics:
            # A resources.json beside it is an earlier run's: the directory was used again.
            return self._log_reason() or NO_REASON
        if not self._has(trees.RESOURCES):
            return self._log_reason() or NO_REASON
        return None

    def _note_failed_action(self, reason: str | None) -> None:
        if reason is None and "PolicyException" in (self._metrics() or ()):
            self.problems.append(
                f"{self.directory.place}: an action failed: "
                f"{self._log_reason() or 'the log does not say why'}"
            )

    def _log_reason(self) -> str | None:
        if not self.metadata:
            # Custodian never left the run, so its log went on to collect what the same process
            # said of other accounts.
            return NEVER_ENDED
        return failure(self._text(trees.RUN_LOG) or "")

    def _resources(self) -> tuple[tuple[FoundKey, ...], frozenset[str], str | None]:
        """The keys found, ids of Active keys of the same users, and why they cannot be used."""
        if not self._has(trees.RESOURCES):
            return (), frozenset(), None
        before = len(self.problems)
        users = self._json(trees.RESOURCES)
        if len(self.problems) > before:
            return (), frozenset(), self.problems[-1].rpartition("/")[2]
        exempt_tags = (
            {
                str(action["exempt-tag"]).lower()
                for action in self.policy.get("actions") or ()
                if isinstance(action, dict) and _type(action) == DELETE and action.get("exempt-tag")
            }
            if self.policy
            else set()
        )
        try:
            keys = tuple(found_keys(users, exempt_tags))
            return keys, frozenset(switched_on(users)), None
        except DamagedResourcesError as error:
            self.problems.append(f"{self.directory.place}/{trees.RESOURCES}: {error}")
            return (), frozenset(), f"{trees.RESOURCES}: {error}"

    def _journal(self) -> JournalReading:
        names = self.directory.journals()
        texts = [text for name in names if (text := self._text(name)) is not None]
        if not texts:
            return JournalReading()
        text = texts[0] if len(texts) == 1 else join_journals(texts)
        reading = read_journal(text, f"{self.directory.place}/{FILE_NAME}")
        self.problems.extend(reading.problems)
        return reading


def _type(item: Any) -> str | None:
    """The type of a filter, action or mode, which may be given by its bare name."""
    if isinstance(item, str):
        return item
    return item.get("type") if isinstance(item, dict) else None


def _has_filter(item: Any) -> bool:
    if _type(item) == FILTER:
        return True
    if not isinstance(item, dict):
        return False
    blocks = (item.get(name) for name in ("or", "and", "not"))
    return any(_has_filter(inner) for block in blocks if isinstance(block, list) for inner in block)
