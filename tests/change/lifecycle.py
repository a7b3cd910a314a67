# SPDX-License-Identifier: Apache-2.0
"""Days of policies/key-lifecycle.yml in an account whose keys live at random; the books decide."""

from __future__ import annotations

import base64
import json
import random
import zlib
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from c7n_inactive_keys_sandbox import Fault, Key
from c7n_inactive_keys_sandbox.events import RandomDelays
from tests.support.paths import ROOT

ACCOUNT = "111111111111"
SHIPPED = yaml.safe_load((ROOT / "policies" / "key-lifecycle.yml").read_text())["policies"]
DEACTIVATE = "key-lifecycle-deactivate"
SETTINGS = {"c7n_inactive_keys.find.reported_users.LONGEST_WAIT": 0.01}
UNUSED, INACTIVE, TOLD = 90, 30, 14  # days, as in the file
LAG = 4 / 24  # days that IAM may be late with a use
PROMPT = 2  # runs within which what qualifies is done
CALLS = (
    *("LookupEvents", "GenerateCredentialReport", "GetCredentialReport", "ListUsers", "GetUser"),
    *("ListAccessKeys", "GetAccountAuthorizationDetails", "GetAccessKeyLastUsed", "SendMessage"),
    *("TagUser", "UntagUser", "UpdateAccessKey", "DeleteAccessKey"),
)
TAG = "keep-keys"


@dataclass
class Habits:
    """How a key is used: every so many days, until a day of its life; and what its owner does."""

    every: float
    until: int
    wakes: float  # the chance for a day that its owner reactivates it while it is inactive
    toggled: float  # the chance for a day that somebody deactivates it by hand


@dataclass
class State:
    """A key as it was at a moment, in days before it; None: never, or not."""

    key: Key
    status: str
    used: float
    inactive: float | None
    reactivated: float | None
    told: float | None


class Lifecycle:
    """An account, day by day; `wrong` is what must not have happened."""

    def __init__(
        self,
        sandbox: Any,
        custodian: Any,
        users: int,
        seed: int,
        stride: int = 1,
        denials: float = 0.0,
    ) -> None:
        sandbox.reset()
        self.draw = random.Random(seed)
        self.denials = denials  # the chance for a day that calls are denied
        self.stride = stride  # days from one run to the next
        self.sandbox, self.custodian = sandbox, custodian
        sandbox.event_delay = RandomDelays(timedelta(hours=2), seed)
        self.account = sandbox.account(ACCOUNT)
        self.sqs = sandbox.client("sqs", ACCOUNT)
        self.queue = self.sqs.create_queue(QueueName="c7n-mailer")["QueueUrl"]
        self.habits: dict[str, Habits] = {}
        self.told: dict[str, float] = {}  # for how many days the owner has known
        self.overdue: Counter[tuple[str, str]] = Counter()
        self.seen: Counter[str] = Counter()
        self.wrong: list[Any] = []
        self.day = 0
        for number in range(users):
            self._new_user(f"user-{number:03d}")

    def _new_user(self, name: str) -> None:
        draw, now = self.draw, self.sandbox.now()
        age = draw.choice((20, 80, 200, 600)) * draw.uniform(0.5, 1.5)
        tags = {TAG: "x"} if draw.random() < 0.05 else {}
        user = self.account.user(name, tags=tags, created=now - timedelta(days=age))
        for _ in range(draw.choice((1, 1, 2))):
            key = user.key()
            self.habits[key.id] = Habits(
                every=draw.choice((1, 7, 30, 89)),
                until=draw.choice((-200, -60, 0, 30, 200, 1000)),
                wakes=draw.choice((0, 0, 0, 0.01, 0.1)),
                toggled=draw.choice((0, 0, 0.005)),
            )
            if draw.random() < 0.7:
                key.use(max(user.created, now - timedelta(days=draw.choice((1, 50, 88, 300)))))

    # -- a day ------------------------------------------------------------------------------------

    def live(self) -> None:
        """A day passes, or several, with uses and changes, and the policies run."""
        self.day += self.stride
        self.sandbox.age(timedelta(days=self.stride))
        self.told = {key_id: days + self.stride for key_id, days in self.told.items()}
        for key in list(self.account.keys):
            self._live(key)
        if self.draw.random() < 0.2 * self.stride:
            self._new_user(f"new-{self.day:03d}")
        before = self._states()
        policies = list(SHIPPED)
        if self.draw.random() < 0.3:
            self.draw.shuffle(policies)
        denied = self._deny()
        outcome = self.custodian.run(
            ACCOUNT, *map(uncapped, policies), report_made=False, settings=SETTINGS
        )
        self.sandbox.faults.clear()
        if outcome.status and not denied:
            self.wrong.append((self.day, outcome.log[-3000:]))
        self._receive()
        self._check(before, denied)
        if self.draw.random() < 0.3:
            self._undo(outcome, before, denied)

    def _deny(self) -> bool:
        """On some days, deny some kinds of calls, half of them at most; whether it is one."""
        denied = self.draw.random() < self.denials
        kinds = self.draw.choice((1, 1, 2, 3, len(CALLS) // 2))
        for action in self.draw.sample(CALLS, kinds) if denied else ():
            self.sandbox.faults.add(Fault(action, error="AccessDenied", times=None))
        self.seen["days denied"] += denied
        return denied

    def _live(self, key: Key) -> None:
        habits, draw = self.habits[key.id], self.draw
        moment = self.sandbox.now() - timedelta(hours=draw.uniform(0.01, 23))
        since = max(key.created, key.changes[-1][0] if key.changes else key.created)
        if moment <= since:
            return
        if key.status != "Active":
            if draw.random() < habits.wakes * self.stride:
                key.activate(moment)
                self.told.pop(key.id, None)
                self.seen["woken"] += 1
                if draw.random() < 0.5:
                    key.use(moment + timedelta(seconds=60))
        elif draw.random() < habits.toggled * self.stride:
            key.deactivate(moment)
        elif self.day < habits.until and draw.random() < self.stride / habits.every:
            key.use(moment)

    def _receive(self) -> None:
        """What the mailer would tell."""
        while answer := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in answer:
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
                for user in json.loads(zlib.decompress(base64.b64decode(message["Body"])))[
                    "resources"
                ]:
                    for entry in user["c7n:InactiveAccessKeys"]:
                        self.told.setdefault(entry["AccessKeyId"], 0.0)

    def _states(self) -> dict[str, State]:
        now = self.sandbox.now()

        def days(moment: Any) -> float | None:
            return None if moment is None else (now - moment).total_seconds() / 86400

        states = {}
        for key in self.account.keys:
            woken = [time for time, status in key.changes if status == "Active"]
            used = key.last_used.time if key.last_used else key.created
            states[key.id] = State(
                key=key,
                status=key.status,
                used=days(used) or 0.0,
                inactive=days(key.deactivated),
                reactivated=days(woken[-1]) if woken else None,
                told=self.told.get(key.id),
            )
        return states

    # -- what must not have happened, and what must -----------------------------------------------

    def _check(self, before: dict[str, State], denied: bool) -> None:
        there = self._states()
        for key_id, was in before.items():
            now = there.get(key_id)
            exempt = TAG in was.key.user.tags
            if now is None:
                self.seen["deleted"] += 1
                if exempt or not _may_go(was):
                    self.wrong.append((self.day, "deleted", was))
            elif was.status != now.status:
                self.seen["deactivated"] += 1
                if exempt or was.status != "Active" or was.used < UNUSED:
                    self.wrong.append((self.day, "deactivated", was))
            for what, due in (
                ("deletion", now is not None and _may_go(was)),
                ("deactivation", now is not None and now.status == "Active" and _unused(was)),
            ):
                runs = self.overdue[key_id, what] + (not denied)
                self.overdue[key_id, what] = runs if due else 0
                if self.overdue[key_id, what] > PROMPT and not exempt:
                    self.wrong.append((self.day, f"{what} overdue", was))

    def _undo(self, outcome: Any, before: dict[str, State], denied: bool) -> None:
        """Take the day's deactivations back, and compare.

        If the ledger's tags were denied, event history must tell first of what is to be taken back.
        """
        journal = outcome.out / DEACTIVATE / "inactive-keys.jsonl"
        taken = {
            key.id
            for key in self.account.keys
            if key.status != "Active" and before[key.id].status == "Active"
        }
        if not journal.exists():
            self.wrong += [(self.day, "no journal", taken)] if taken else []
            return
        statuses = {key.id: key.status for key in self.account.keys}
        undone = self.custodian.run(ACCOUNT, undo(journal), report_made=False)
        changed = {key.id for key in self.account.keys if key.status != statuses[key.id]}
        if undone.status or changed - taken or (taken - changed and not denied):
            self.wrong.append((self.day, "undo", changed ^ taken, undone.log[-3000:]))
        self.seen["taken back"] += len(changed)
        for key_id in changed:
            self.told.pop(key_id, None)


def _may_go(was: State) -> bool:
    """Whether a key was inactive, and its owner told, for long enough."""
    return (was.inactive or 0) >= INACTIVE and (was.told or 0) >= TOLD - 0.05


def _unused(was: State) -> bool:
    """Whether a key was unused for long enough, and nobody reactivated it lately."""
    return was.used >= UNUSED + LAG and (was.reactivated is None or was.reactivated > UNUSED)


def uncapped(policy: dict[str, Any]) -> dict[str, Any]:
    """The policy with a cap that the first day of an old account does not exceed."""
    raised: dict[str, Any] = json.loads(
        json.dumps(policy).replace('"max-keys": 50', '"max-keys": 9999')
    )
    return raised


def undo(journal: Path) -> dict[str, Any]:
    """policies/undo-deactivation.yml for this journal."""
    source = {"url": f"file://{journal}", "format": "jsonl"}
    return {
        "name": "undo-deactivation",
        "resource": "aws.iam-user",
        "actions": [{"type": "reactivate-keys", "journal": source}],
    }
