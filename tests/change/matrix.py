# SPDX-License-Identifier: Apache-2.0
"""The fault matrix: runs every cell, says what is wrong with any, and renders the table."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from c7n_inactive_keys.core.journal import DEACTIVATED, JournalLine
from c7n_inactive_keys.core.keys import ACTIVE, INACTIVE, AccessKey, LastUse
from c7n_inactive_keys.core.ledger import tag_key
from c7n_inactive_keys.core.unused_key import UnusedKey
from c7n_inactive_keys_sandbox import Fault, Key
from c7n_inactive_keys_sandbox.faults import CHANGES
from tests.change.faults import (
    DEACTIVATE,
    DELETE,
    DONE,
    REACTIVATE,
    RECORD,
    STOPPED,
    TABLES,
    TARGET,
    UNPROVEN,
    UNREAD,
    Cell,
    Place,
)
from tests.support.accounts import days_ago, recorded
from tests.support.custodian import Custodian
from tests.support.outcome import Outcome
from tests.support.policies import TAG, delete_policy, policy

SETTLING = timedelta(hours=2)
LATE = 5 / 1440  # days


@dataclass(frozen=True)
class Job:
    """A policy with one action: what it is called, calls, and leaves behind."""

    policy: dict[str, Any]
    call: str
    before: str  # the status of a key that it may change
    annotation: str | None
    after: str | None  # the status that it then has; None: it is gone

    @property
    def name(self) -> str:
        """The policy's name."""
        return str(self.policy["name"])

    def is_done(self, key: Key) -> bool:
        """Whether a key is as the job leaves it."""
        status = key.status if key in key.user.keys else None
        return status == self.after


LIMITS = {"max-keys": 50, "exempt-tag": TAG}
JOBS = {
    DELETE: Job(
        delete_policy(**LIMITS), "DeleteAccessKey", INACTIVE, "c7n:InactiveAccessKeys", None
    ),
    RECORD: Job(
        policy("inactive-keys-record", actions=("record-inactive-keys",)),
        "DeleteAccessKey", INACTIVE, None, None,
    ),
    DEACTIVATE: Job(
        policy(
            "unused-keys-deactivate",
            {"type": "unused-access-key", "days": 90},
            actions=({"type": "deactivate-unused-keys", **LIMITS},),
        ),
        "UpdateAccessKey", ACTIVE, "c7n:UnusedAccessKeys", INACTIVE,
    ),
    REACTIVATE: Job(
        {"name": "undo-deactivation", "resource": "aws.iam-user"},
        "UpdateAccessKey", INACTIVE, None, ACTIVE,
    ),
}  # fmt: skip
# So many at a time: those that wait for nothing are limited by the processors, the others by the
# files that a process may have open.
QUICK, SLOW = 4, 48
WAITING = (
    "throttled for ever",
    "throttled three times",
    "no answer, no effect",
    "no answer, but done",
)


@dataclass(frozen=True)
class Result:
    """What came of a cell, and all that is wrong with it."""

    cell: Cell
    key: str
    status: int
    problems: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The cell of the printed table, with the exit status if it is not the usual one."""
        usual = 2 if "failed" in self.key or self.key in (UNREAD, STOPPED) else 0
        known = self.cell.status is None or self.status == usual
        return self.key if known else f"{self.key} ({self.status})"


def run_matrix(sandbox: Any, custodian: Custodian, todo: list[Cell]) -> list[Result]:
    """Run the cells, each in an account of its own."""
    sandbox.event_delay = SETTLING
    quick, slow = threading.Semaphore(QUICK), threading.Semaphore(SLOW)

    def run(number: int, cell: Cell) -> Result:
        with slow if cell.fault in WAITING else quick:
            return _run(sandbox, custodian, f"{number:012d}", cell)

    with ThreadPoolExecutor(len(todo)) as workers:
        return list(workers.map(run, range(1, len(todo) + 1), todo))


def render(results: list[Result]) -> str:
    """The matrix as tables in markdown; faults that come to the same share a row."""
    return "\n".join(f"{title}:\n\n{_table(places, results)}" for title, places in TABLES.items())


def _table(places: tuple[Place, ...], results: list[Result]) -> str:
    shown = {(result.cell.fault, result.cell.place): result.shown for result in results}
    alike: dict[tuple[str, ...], list[str]] = {}
    for fault in dict.fromkeys(fault for fault, place in shown if place in places):
        row = tuple(shown.get((fault, place), "") for place in places)
        alike.setdefault(row, []).append(fault)
    rows = [
        ["fault", *(place.title for place in places)],
        ["---"] * (len(places) + 1),
        *(["; ".join(faults), *row] for row, faults in alike.items()),
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


# -- one cell -------------------------------------------------------------------------------------


class _Cast:
    """The users of a cell's account, and what the sandbox saw the run do to their keys."""

    def __init__(self, sandbox: Any, account_id: str, cell: Cell) -> None:
        self.sandbox = sandbox
        self.job = JOBS[cell.place.job]
        self.account = sandbox.account(account_id)
        self.attempts: list[tuple[str, str, bool]] = []  # key, its status, whether exempt
        cast = {DEACTIVATE: self._in_use, REACTIVATE: self._deactivated}
        cast.get(cell.place.job, self._inactive)(cell)
        self.statuses = {key: key.status for key in self.account.keys}
        for fault in self._faults(cell):
            sandbox.faults.add(fault)

    def _inactive(self, cell: Cell) -> None:
        """For the deletion and the ledger."""
        self.other = self._user("other", off=200)
        self._user("exempt", off=200).user.tags[TAG] = "yes"
        self._user("recent", off=10)
        self._user("idle")
        if cell.prepare == "old report":
            self.sandbox.client("iam", self.account.id).generate_credential_report()
        self.target = self._user(TARGET, off=LATE if cell.place.late else 200)
        self.target.user.key(created=days_ago(300))
        if cell.place.job == RECORD:
            return
        recorded(self.account)
        if not cell.place.late:
            self.target.user.tags[tag_key(self.target.id)] = _entry(400, 200, 1)

    def _in_use(self, cell: Cell) -> None:
        """For the deactivation; the target's ledger has a tag of its other key already."""
        self.other = self._user("other", used=200)
        self._user("exempt", used=200).user.tags[TAG] = "yes"
        self._user("recent", used=10)
        self._user("idle", off=200)
        self.target = self._user(TARGET, used=200)
        self.target.user.key(created=days_ago(300), toggles=[days_ago(200)])

    def _deactivated(self, cell: Cell) -> None:
        """For the reactivation: as a run of ours left it a day ago, with what came since."""
        self.other = self._user("other", off=1)
        foreign, woken = self._user("exempt", off=1), self._user("recent", off=1)
        self._user("idle", off=200)
        self.target = self._user(TARGET, off=1)
        self.target.user.key(created=days_ago(300))
        self.journaled = [self.other, self.target, foreign, woken]
        for key in self.journaled:
            by = "" if key is foreign else " by=c7n"
            key.user.tags[tag_key(key.id)] = _entry(1, 1, 1) + by
        woken.set_status(ACTIVE)

    def _user(self, name: str, off: float | None = None, used: float | None = None) -> Key:
        toggles = [] if off is None else [days_ago(off)]
        last = None if used is None else (days_ago(used), "s3", "us-east-1")
        made: Key = self.account.user(name).key(
            created=days_ago(500), toggles=toggles, last_used=last
        )
        return made

    def policy(self, directory: Path) -> dict[str, Any]:
        """The job's policy, with the journal that it takes."""
        if self.job is not JOBS[REACTIVATE]:
            return self.job.policy
        journal = directory / f"{self.account.id}.jsonl"
        journal.parent.mkdir(parents=True, exist_ok=True)
        journal.write_text("".join(map(self._line, self.journaled)))
        action = {"type": "reactivate-keys", "journal": {"url": f"file://{journal}"}}
        return {**self.job.policy, "actions": [action]}

    def _line(self, key: Key) -> str:
        found = AccessKey(key.id, key.user.name, ACTIVE, key.created)
        return JournalLine(
            DEACTIVATED, days_ago(1), "run", self.account.id, key.user.name, key.id,
            found=UnusedKey(found, LastUse(), 499.0),
        ).render()  # fmt: skip

    def _faults(self, cell: Cell) -> list[Fault]:
        faults = [
            Fault(action=self.job.call, times=None, call=self._observe, effect="before"),
            *cell.faults,
        ]
        if cell.later:
            faults[1] = replace(faults[1], call=self._expire)
        only = self.target.id if cell.place.of_key else None
        whole = "for the account" in cell.fault
        return [
            replace(
                fault,
                account=self.account.id,
                key_id=None if number == 0 or whole else only,
                call=self._change(fault.call, cell.lag),
            )
            for number, fault in enumerate(faults)
        ]

    def _change(self, call: Any, lag: int) -> Any:
        """What is to happen at the call, always to the target and its first key."""
        if not isinstance(call, str):
            return call

        def change(seen: Any) -> None:
            if lag:
                behind = Fault(action="ListAccessKeys", user=TARGET, kind="lag", delay=lag)
                self.sandbox.faults.add(replace(behind, account=self.account.id))
            if call == "activate":
                self.target.set_status(ACTIVE)  # its event arrives when the run is over
            elif call in CHANGES:
                CHANGES[call](self.sandbox, replace(seen, user=TARGET, key_id=self.target.id))

        return change

    def _expire(self) -> None:
        self.sandbox.faults.add(Fault(account=self.account.id, error="ExpiredToken", times=None))

    def _observe(self, call: Any) -> None:
        key = next((key for key in self.account.keys if key.id == call.key_id), None)
        if key:
            self.attempts.append((key.id, key.status, TAG in key.user.tags))

    def disturbed(self, cell: Cell) -> list[Key]:
        """Keys that are not to be touched, and are not as they were."""
        free = {self.other, self.target}  # what is done to these is observed
        gone = {self.target.user} if cell.fault == "user deleted" else set()
        return [
            key
            for key, status in self.statuses.items()
            if key not in free and key.user not in gone
            if key not in self.account.keys or key.status != status
        ]


def _entry(after: float, since: float, verified: float) -> str:
    moments = zip(("after", "since", "verified"), (after, since, verified), strict=True)
    return " ".join(f"{word}={days_ago(days):%Y-%m-%dT%H:%M:%SZ}" for word, days in moments)


def _run(sandbox: Any, custodian: Custodian, account_id: str, cell: Cell) -> Result:
    cast = _Cast(sandbox, account_id, cell)
    todo = cast.policy(custodian.directory)
    outcome = custodian.run(account_id, todo, report_made=False, settings=cell.settings)
    key = _became(cast, outcome, cell)
    problems = tuple(_problems(cast, outcome, cell, key))
    return Result(cell, key, outcome.status, problems)


def _became(cast: _Cast, outcome: Outcome, cell: Cell) -> str:
    """What the run made of the target's first key."""
    name = cast.job.name
    words = outcome.by_key(name)
    entries = [entry for entry in outcome.journal(name) if entry.user_name == TARGET]
    of_user = [entry for entry in entries if entry.access_key_id is None]
    if cast.target.id in words:
        failed = [f"failed {entry.reason}" for entry in of_user]
        return ", ".join([words[cast.target.id], *failed])
    if of_user:
        return UNREAD if of_user[0].reason == "unreadable" else "failed"
    if cell.place.job == RECORD:
        return _recorded(cast, outcome)
    if cell.place.job == REACTIVATE or not (outcome.out / name / "resources.json").exists():
        return STOPPED
    return _unmatched(cast, outcome, cell)


def _recorded(cast: _Cast, outcome: Outcome) -> str:
    if any(record["user_name"] == TARGET for record in outcome.failures(cast.job.name)):
        return "failed"
    return DONE[RECORD] if tag_key(cast.target.id) in cast.target.user.tags else "not recorded"


def _unmatched(cast: _Cast, outcome: Outcome, cell: Cell) -> str:
    """Why the target's first key did not match."""
    if "event history could not be read" in outcome.log:
        return UNPROVEN
    if cast.target not in cast.account.keys:
        return "not there"
    if cell.place.job == DEACTIVATE:
        return "in use"
    if cast.target.status == ACTIVE:
        return "active"
    return UNPROVEN if cell.place.late else "not seen yet"


def _problems(cast: _Cast, outcome: Outcome, cell: Cell, key: str) -> list[str]:
    """All that is wrong: a wrong change, a key without a record, a wrong status, a lost user."""
    job = cast.job
    changeable = {cast.other.id} | ({cast.target.id} if not cell.place.late else set())
    words = outcome.by_key(job.name)
    problems = [
        f"{job.call} was called for {attempt}"
        for attempt in cast.attempts
        if attempt[0] not in changeable or attempt[1:] != (job.before, False)
    ]
    problems += [f"{disturbed.user.name}'s key was touched" for disturbed in cast.disturbed(cell)]
    tried = {attempt[0] for attempt in cast.attempts}
    if cell.place.job != RECORD:
        unrecorded = (_matched(job, outcome) | tried) - words.keys()
        problems += [f"no record of {key_id}" for key_id in sorted(unrecorded)]
    problems += [f"no outcome of {key_id}" for key_id in sorted(outcome.unfinished(job.name))]
    problems += [
        f"{known.id} is told to be {DONE[cell.place.job]} and is not"
        for known in cast.statuses
        if words.get(known.id) == DONE[cell.place.job] and not job.is_done(known)
        if cell.fault != "user deleted"
    ]
    tagged = tag_key(cast.target.id) in cast.target.user.tags or cell.fault == "user deleted"
    if key == DONE[DEACTIVATE] and not tagged:
        problems.append("the ledger has not heard of it")
    if cell.status is not None and outcome.status != cell.status:
        problems.append(f"exit status {outcome.status}, not {cell.status}")
    if key != cell.key:
        problems.append(f"the key is {key}, not {cell.key}")
    if cell.others is not None and cell.others != _other_is_done(cast, cell):
        problems.append(f"the other user is done: {not cell.others}")
    if "Traceback" in outcome.log and outcome.status == 0:
        problems.append("a stack trace")
    return [f"{problem}\n{outcome.log[-1500:]}" for problem in problems]


def _matched(job: Job, outcome: Outcome) -> set[str]:
    """The keys that the policy's filter matched."""
    if job.annotation is None:
        return set()
    return {
        entry["AccessKeyId"]
        for user in outcome.resources(job.name)
        for entry in user.get(job.annotation, ())
    }


def _other_is_done(cast: _Cast, cell: Cell) -> bool:
    if cell.place.job == RECORD:
        return tag_key(cast.other.id) in cast.other.user.tags
    return cast.job.is_done(cast.other)
