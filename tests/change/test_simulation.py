# SPDX-License-Identifier: Apache-2.0
"""Months of accounts at random: keys change, events arrive late, policies run; the books decide.

`SIMULATIONS=100 pytest tests/change/test_simulation.py` tries as many accounts, from a new seed
on each time.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from c7n_inactive_keys.core.cloudtrail import read_details
from c7n_inactive_keys.core.evidence import LedgerEntry
from c7n_inactive_keys.core.keys import INACTIVE, AccessKey
from c7n_inactive_keys.core.ledger import parse_value, render_value, tag_key
from c7n_inactive_keys.core.ledger_upkeep import carry_on_after_event, ended_by_event
from c7n_inactive_keys.core.times import parse_time
from c7n_inactive_keys_sandbox import Fault, Key
from c7n_inactive_keys_sandbox.events import Event, RandomDelays
from tests.support.custodian import Custodian

pytestmark = pytest.mark.e2e

ACCOUNT = "111111111111"
TAG = "keep-keys"
SETTLING = timedelta(hours=2)
ROUNDING = timedelta(days=0.05)  # days are compared as they are shown, with one decimal
HOUR, DAY = 3600, 86400
PASSES = (1, 600, HOUR, HOUR, 2 * HOUR, 4 * HOUR, DAY, DAY, DAY, 10 * DAY, 45 * DAY, 89 * DAY)
OFFSETS = (0, 0, 40, -40, 240, -240, 800, -800)  # of AWS's clock against the machine's, seconds
CACHES = ((), ("--cache-period", "15", "--cache", "memory"), ("--cache-period", "15"))
REPORT = {"name": "report", "resource": "aws.iam-user", "filters": ["inactive-access-key"]}
RECORD = {"name": "record", "resource": "aws.iam-user", "actions": ["record-inactive-keys"]}
STEPS = 20
ASKED = int(os.environ.get("SIMULATIONS", "0"))
SEEDS = range(int(time.time()), int(time.time()) + ASKED) if ASKED else range(4)


class Life:
    """An account under a daily regime of policies; `wrong` is what must not have happened."""

    def __init__(self, sandbox: Any, custodian: Any, seed: int) -> None:
        sandbox.reset()
        self.seed = seed
        self.draw = random.Random(seed)
        self.sandbox, self.custodian = sandbox, custodian
        sandbox.clock_offset = timedelta(seconds=self.draw.choice(OFFSETS))
        sandbox.event_delay = RandomDelays(SETTLING, seed)
        self.account = sandbox.account(ACCOUNT)
        self.untold: list[Event] = []  # events that no function has handled yet
        self.seen: Counter[str] = Counter()
        self.wrong: list[Any] = []
        for number in range(8):
            self._new_user(f"user-{number}")

    def _new_user(self, name: str) -> None:
        """A user with one or two keys, perhaps of one second, perhaps inactive, perhaps exempt."""
        draw, now = self.draw, self.sandbox.now()
        tags = {draw.choice((TAG, "KEEP-KEYS")): "x"} if draw.random() < 0.15 else {}
        born = now - timedelta(days=draw.choice((1, 100, 500)))
        user = self.account.user(name, tags=tags, created=born)
        for _ in range(draw.choice((1, 2))):
            key = user.key(created=born)
            if draw.random() < 0.6:
                key.deactivate(born + (now - born) * draw.random())

    def step(self) -> None:
        """Time passes, and something happens."""
        passed = self.draw.choice(PASSES) * self.draw.uniform(0.8, 1.2)
        self.sandbox.age(timedelta(seconds=int(passed)))
        happenings = (
            *[self._change] * 4,
            *[self._change_and_look] * 3,
            *[self._tell] * 2,
            *[self._run] * 8,
            *(self._use, self._report, self._replace),
        )
        self.draw.choice(happenings)()

    # -- what happens ----------------------------------------------------------------------------

    def _change(self) -> None:
        """Somebody deactivates a key, or reactivates it."""
        if self.account.keys:
            self._toggle(self.draw.choice(self.account.keys))

    def _change_and_look(self) -> None:
        """The same, and runs so soon that event history does not know of it yet."""
        self._change()
        for policy in (RECORD, REPORT):
            self.sandbox.age(timedelta(seconds=self.draw.randint(1, HOUR)))
            self._run(policy)

    def _toggle(self, key: Key) -> None:
        (key.activate if key.status == INACTIVE else key.deactivate)()
        self.untold.append(self.account.events[-1])

    def _use(self) -> None:
        for key in self.account.keys:
            if key.status != INACTIVE and self.draw.random() < 0.3:
                key.use()

    def _report(self) -> None:
        """Somebody has a credential report made, which then stays for four hours."""
        self.sandbox.client("iam", ACCOUNT).generate_credential_report()

    def _tell(self) -> None:
        """A function records events: late, out of order, twice, or never."""
        self.draw.shuffle(self.untold)
        kept = {event.id: event for event in self.account.events}
        for event in self.draw.choices(self.untold, k=min(4, len(self.untold))):
            self._record(kept[event.id])
        self.untold = self.untold[4:]

    def _record(self, event: Event) -> None:
        """What `record-inactive-keys` makes of an event in event mode."""
        found = read_details(event.record())
        assert found is not None
        key = self.account.keys_by_id.get(str(found[0]))
        if key is None:
            return
        old = parse_value(key.user.tags.pop(tag_key(key.id), ""))
        old = old if isinstance(old, LedgerEntry) else None
        known = AccessKey(key.id, key.user.name, key.status, key.created)
        entry = None
        if key.status == INACTIVE:
            entry = carry_on_after_event(old, known, found[1], self.sandbox.now())
        elif old:
            entry = ended_by_event(old, found[1], self.sandbox.now())
        if entry:
            key.user.tags[tag_key(key.id)] = render_value(entry)

    def _replace(self) -> None:
        """Users are renamed, deleted and made again under the same name; ledger tags get lost."""
        user = self.draw.choice(list(self.account.users.values()))
        happening = self.draw.choice(("rename", "replace", "new", "tags"))
        if happening == "rename":
            user.rename(f"renamed-{self.draw.randrange(10**9)}")
        elif happening == "replace":
            user.delete()
            self._new_user(user.name)
        elif happening == "new":
            self._new_user(f"new-{self.draw.randrange(10**9)}")
        else:
            user.tags = {name: value for name, value in user.tags.items() if name.lower() == TAG}

    # -- a run and what it must not do -----------------------------------------------------------

    def _run(self, *policies: dict[str, Any]) -> None:
        policies = policies or tuple(map(self._policy, range(self.draw.choice((1, 2, 3, 4)))))
        if self.draw.random() < 0.12:
            self.sandbox.faults.add(Fault("LookupEvents", times=None, error="AccessDenied"))
        restless = self._restless()
        before = {key.id: (key, key.status, self._is_exempt(key)) for key in self.account.keys}
        start = self.sandbox.now()
        outcome = self.custodian.run(
            ACCOUNT,
            *policies,
            report_made=False,
            arguments=self.draw.choice(CACHES),
            settings={"c7n_inactive_keys.find.reported_users.LONGEST_WAIT": 0.01},
        )
        self.sandbox.faults.clear()
        self.seen["runs"] += 1
        if outcome.status:
            self.wrong.append(outcome.log)
        gone = before.keys() - self.account.keys_by_id.keys()
        for key, status, exempt in (before[key_id] for key_id in gone):
            self.seen["deleted"] += 1
            if exempt or (status != INACTIVE and key not in restless):
                self.wrong.append(("exempt or active", key, policies))
        for policy in policies:
            self._check(
                outcome, policy, {i: key for i, (key, *_) in before.items()}, start, restless
            )

    def _policy(self, number: int) -> dict[str, Any]:
        """One that reports, records or deletes, from either source, on much evidence or little."""
        draw = self.draw
        kind = draw.choice(("report", "record", "delete", "delete"))
        found: dict[str, Any] = {"type": "inactive-access-key"}
        policy: dict[str, Any] = {"name": f"{kind}-{number}", "resource": "aws.iam-user"}
        if draw.random() < 0.7:
            policy["source"] = "credential-report"
        if draw.random() < 0.2:
            found["evidence"] = draw.choice((["ledger"], ["cloudtrail"], []))
        if kind == "record":
            return {**policy, "actions": ["record-inactive-keys"]}
        if kind == "delete":
            found["days"] = draw.choice((0.1, 1, 30, 90, 90, 91, 200))
            policy["actions"] = [{"type": "delete-inactive-keys", "exempt-tag": TAG}]
        return {**policy, "filters": [found]}

    def _restless(self) -> set[Key]:
        """A key, now and then, that somebody changes in the middle of the run."""
        if self.draw.random() > 0.2 or not self.account.keys:
            return set()
        key = self.draw.choice(self.account.keys)
        call = self.draw.choice(("ListAccessKeys", "GetUser", "LookupEvents", "TagUser"))
        nth = self.draw.choice((1, 2, 5))
        self.sandbox.faults.add(Fault(call, nth=nth, call=lambda: self._toggle(key)))
        return {key}

    def _is_exempt(self, key: Key) -> bool:
        return any(name.lower() == TAG for name in key.user.tags)

    def _check(
        self, outcome: Any, policy: dict[str, Any], keys: dict[str, Key], start: datetime,
        restless: set[Key],
    ) -> None:  # fmt: skip
        """Compare the intervals that were claimed, and the deletions, with the books."""
        deleted = {
            line.access_key_id
            for line in outcome.journal(policy["name"])
            if line.outcome == "deleted"
        }
        for user in outcome.resources(policy["name"]):
            for entry in user.get("c7n:InactiveAccessKeys", ()):
                key = keys[entry["AccessKeyId"]]
                if key in restless or self._is_unseen(key, start):
                    self.seen["changed meanwhile, or unseen"] += 1
                    continue
                self.seen["intervals"] += 1
                self.seen["claims"] += entry["InactiveDays"]["AtLeast"] > 0
                since = [
                    parse_time(entry["InactiveSince"][end]) for end in ("NotBefore", "NotAfter")
                ]
                truth = key.changes[-1][0]
                if not since[0] <= truth <= since[1]:
                    self.wrong.append(("interval", truth, entry))
                asked = (
                    key.id in deleted and timedelta(days=policy["filters"][0]["days"]) - ROUNDING
                )
                if asked and self.sandbox.now() - truth < asked:
                    self.wrong.append(("deleted too early", truth, entry))

    def _is_unseen(self, key: Key, start: datetime) -> bool:
        """The documented exception: on and off again within two hours, and no event has arrived."""
        if len(key.changes) < 2 or key.changes[-2][0] < start - SETTLING:
            return False
        return not any(
            event.time >= key.changes[-2][0] and self.sandbox.visible_from(event) <= start
            for event in self.account.events
            if key.id in json.dumps(event.fields["requestParameters"])
        )


@pytest.fixture(scope="module", name="lives")
def _lives(sandbox_server, tmp_path_factory) -> list[Life]:
    custodian = Custodian(sandbox_server, tmp_path_factory.mktemp("runs"))
    lives = []
    for seed in SEEDS:
        life = Life(sandbox_server, custodian, seed)
        for _ in range(STEPS):
            life.step()
        lives.append(life)
    return lives


def test_no_key_goes_and_no_interval_is_claimed_against_the_truth(lives):
    """Whatever happened in between, in whatever order policies ran, from whatever source."""
    assert [(life.seed, wrong) for life in lives for wrong in life.wrong] == []


def test_the_lives_are_eventful_enough(lives):
    """Keys went, and intervals were claimed of which something was proven."""
    seen = sum((life.seen for life in lives), Counter())
    assert seen["runs"] >= 8 * len(lives)
    assert seen["deleted"] >= 3 * len(lives)
    assert seen["claims"] >= 10 * len(lives)
    assert seen["claims"] < seen["intervals"]
