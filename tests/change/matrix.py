# SPDX-License-Identifier: Apache-2.0
"""The fault matrix: runs every cell, says what is wrong with any, and renders the table."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from c7n_inactive_keys_sandbox import Fault
from c7n_inactive_keys_sandbox.faults import CHANGES
from tests.change.faults import (
    GONE,
    NO_REPORT,
    PLACES,
    RECORDED,
    TARGET,
    UNPROVEN,
    UNREAD,
    Cell,
)
from tests.support.accounts import days_ago, recorded
from tests.support.custodian import Custodian
from tests.support.outcome import Outcome
from tests.support.policies import DELETE, TAG, delete_policy

SETTLING = timedelta(hours=2)
LATE = 5 / 1440  # days
RECORD = "inactive-keys-record"
POLICIES = {
    "delete": delete_policy(**{"max-keys": 50}),
    "record": {
        "name": RECORD,
        "resource": "aws.iam-user",
        "source": "credential-report",
        "actions": ["record-inactive-keys"],
    },
}
# Cells that wait for nothing are limited by the processors, the others hardly use them.
QUICK = 4
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
        usual = 2 if any(word in self.key for word in ("failed", "unread", "stopped")) else 0
        return self.key if self.status == usual else f"{self.key} ({self.status})"


def run_matrix(sandbox: Any, custodian: Custodian, todo: list[Cell]) -> list[Result]:
    """Run the cells, each in an account of its own."""
    sandbox.event_delay = SETTLING
    quick = threading.Semaphore(QUICK)

    def run(number: int, cell: Cell) -> Result:
        if cell.fault in WAITING:
            return _run(sandbox, custodian, f"{number:012d}", cell)
        with quick:
            return _run(sandbox, custodian, f"{number:012d}", cell)

    with ThreadPoolExecutor(len(todo)) as workers:
        return list(workers.map(run, range(1, len(todo) + 1), todo))


def render(results: list[Result]) -> str:
    """The matrix as a markdown table; faults that come to the same share a row."""
    shown = {(result.cell.fault, result.cell.place): result.shown for result in results}
    alike: dict[tuple[str, ...], list[str]] = {}
    for fault in dict.fromkeys(result.cell.fault for result in results):
        row = tuple(shown.get((fault, place), "") for place in PLACES)
        alike.setdefault(row, []).append(fault)
    rows = [
        ["fault", *(place.title for place in PLACES)],
        ["---"] * (len(PLACES) + 1),
        *(["; ".join(faults), *row] for row, faults in alike.items()),
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


# -- one cell -------------------------------------------------------------------------------------


class _Cast:
    """The users of a cell's account, and what the sandbox saw the run do to their keys."""

    def __init__(self, sandbox: Any, account_id: str, cell: Cell) -> None:
        self.sandbox = sandbox
        self.account = sandbox.account(account_id)
        self.attempts: list[tuple[str, str, bool]] = []  # key, its status, whether exempt
        self.other = self._user("other", off=200)
        self.exempt = self._user("exempt", off=200)
        self.exempt.user.tags[TAG] = "yes"
        self.recent = self._user("recent", off=10)
        self.active = self._user("active", off=None)
        if cell.prepare == "old report":
            iam = sandbox.client("iam", account_id)
            iam.generate_credential_report()
        self.target = self._user(TARGET, off=LATE if cell.place.late else 200)
        self.spare = self.target.user.key(created=days_ago(300))
        if cell.place.policy != "record":
            recorded(self.account)
        if cell.place.policy == "delete" and not cell.place.late:
            self.target.user.tags[f"c7n-inactive-key:{self.target.id}"] = " ".join(
                f"{word}={days_ago(days):%Y-%m-%dT%H:%M:%SZ}"
                for word, days in (("after", 400), ("since", 200), ("verified", 1))
            )
        for fault in self._faults(cell):
            sandbox.faults.add(fault)

    def _user(self, name: str, off: float | None) -> Any:
        toggles = [] if off is None else [days_ago(off)]
        return self.account.user(name).key(created=days_ago(500), toggles=toggles)

    def _faults(self, cell: Cell) -> list[Fault]:
        faults = [
            Fault(action="DeleteAccessKey", times=None, call=self._observe, effect="before"),
            *cell.faults,
        ]
        if cell.later:
            faults[1] = replace(faults[1], call=self._expire)
        return [
            replace(fault, account=self.account.id, call=self._change(fault.call, cell.lag))
            for fault in faults
        ]

    def _change(self, call: Any, lag: int) -> Any:
        """What is to happen at the call, always to the target and its inactive key."""
        if not isinstance(call, str):
            return call

        def change(seen: Any) -> None:
            if lag:
                behind = Fault(action="ListAccessKeys", user=TARGET, kind="lag", delay=lag)
                self.sandbox.faults.add(replace(behind, account=self.account.id))
            if call == "activate":
                self.target.set_status("Active")  # its event arrives when the run is over
            elif call in CHANGES:
                CHANGES[call](self.sandbox, replace(seen, user=TARGET, key_id=self.target.id))

        return change

    def _expire(self) -> None:
        self.sandbox.faults.add(Fault(account=self.account.id, error="ExpiredToken", times=None))

    def _observe(self, call: Any) -> None:
        key = next((key for key in self.account.keys if key.id == call.key_id), None)
        if key:
            self.attempts.append((key.id, key.status, TAG in key.user.tags))

    def there(self, key: Any) -> bool:
        """Whether the key still exists."""
        return key in self.account.keys


def _run(sandbox: Any, custodian: Custodian, account_id: str, cell: Cell) -> Result:
    cast = _Cast(sandbox, account_id, cell)
    policy = POLICIES[cell.place.policy]
    outcome = custodian.run(account_id, policy, report_made=False, settings=cell.settings)
    key = _became(cast, outcome, cell)
    problems = tuple(_problems(cast, outcome, cell, key))
    return Result(cell, key, outcome.status, problems)


def _became(cast: _Cast, outcome: Outcome, cell: Cell) -> str:
    """What the run made of the target's inactive key."""
    policy = RECORD if cell.place.policy == "record" else DELETE
    words = outcome.by_key(policy)
    entries = [entry for entry in outcome.journal(policy) if entry.user_name == TARGET]
    of_user = [entry for entry in entries if entry.access_key_id is None]
    if cast.target.id in words:
        failed = [f"failed {entry.reason}" for entry in of_user]
        return ", ".join([words[cast.target.id], *failed])
    if of_user:
        return UNREAD if of_user[0].reason == "unreadable" else "failed"
    if policy == RECORD:
        if any(record["user_name"] == TARGET for record in outcome.failures(policy)):
            return "failed"
        tags = cast.target.user.tags
        return RECORDED if f"c7n-inactive-key:{cast.target.id}" in tags else "not recorded"
    if not (outcome.out / policy / "resources.json").exists():
        return NO_REPORT
    if "event history could not be read" in outcome.log:
        return UNPROVEN
    if not cast.there(cast.target):
        return "not there"
    if cast.target.status == "Active":
        return "active"
    return UNPROVEN if cell.place.late else "not seen yet"


def _problems(cast: _Cast, outcome: Outcome, cell: Cell, key: str) -> list[str]:
    """All that is wrong: a wrong deletion, a key without a record, a wrong status, a lost user."""
    deletable = {cast.other.id} | ({cast.target.id} if not cell.place.late else set())
    policy = RECORD if cell.place.policy == "record" else DELETE
    words = outcome.by_key(policy)
    problems = [
        f"DeleteAccessKey was called for {attempt}"
        for attempt in cast.attempts
        if attempt[0] not in deletable or attempt[1:] != ("Inactive", False)
    ]
    problems += [
        f"{kept.user.name}'s key is gone"
        for kept in (cast.exempt, cast.recent, cast.active)
        if not cast.there(kept)
    ]
    if "user deleted" not in cell.fault and not cast.there(cast.spare):
        problems.append("the target's active key is gone")
    tried = {attempt[0] for attempt in cast.attempts}
    if policy == DELETE:
        unrecorded = (outcome.matched() | tried) - words.keys()
        problems += [f"no record of {key_id}" for key_id in sorted(unrecorded)]
    problems += [f"no outcome of {key_id}" for key_id in sorted(outcome.unfinished(policy))]
    told = {key_id for key_id, word in words.items() if word == GONE}
    there = {key.id for key in cast.account.keys}
    problems += [f"{key_id} is told to be deleted and is there" for key_id in told & there]
    if outcome.status != cell.status:
        problems.append(f"exit status {outcome.status}, not {cell.status}")
    if key != cell.key:
        problems.append(f"the key is {key}, not {cell.key}")
    if cell.others is not None and cell.others != _other_is_done(cast, policy):
        problems.append(f"the other user is done: {not cell.others}")
    if "Traceback" in outcome.log and outcome.status == 0:
        problems.append("a stack trace")
    return [f"{problem}\n{outcome.log[-1500:]}" for problem in problems]


def _other_is_done(cast: _Cast, policy: str) -> bool:
    if policy == RECORD:
        return f"c7n-inactive-key:{cast.other.id}" in cast.other.user.tags
    return not cast.there(cast.other)
