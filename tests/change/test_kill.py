# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at any moment: journal and AWS tell what happened, and the next run does the rest."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest

from c7n_inactive_keys.core.journal import (
    DEACTIVATED,
    DEACTIVATING,
    DELETED,
    DELETING,
    REACTIVATED,
    REACTIVATING,
    JournalLine,
    read_lines,
)
from c7n_inactive_keys.core.keys import AccessKey, LastUse
from c7n_inactive_keys.core.ledger import tag_key
from c7n_inactive_keys.core.unused_key import UnusedKey
from c7n_inactive_keys_sandbox import Fault
from tests.support.accounts import days_ago, report_of_today
from tests.support.commands import run
from tests.support.policies import delete_policy, policy

pytestmark = pytest.mark.e2e

USERS = 100  # with two keys each; in the sample fewer
SAMPLE = 30
SEED = 20261124
POLICY = delete_policy(**{"exempt-tag": None})


@dataclass(frozen=True)
class Verb:
    """A run over 200 keys: how it finds them, what it says and what then is so."""

    doing: str
    done: str
    kills: int
    fixed: int  # calls of a whole run,
    each: int  # and for each user
    used: int | None  # days ago
    off: int | None
    after: str | None  # the status of a key that is done; None: it is gone

    def policy(self, directory, account):
        """The policy; reactivation takes the journal of the run that it takes back."""
        if self.done == DELETED:
            return POLICY
        if self.done == DEACTIVATED:
            found = {"type": "unused-access-key", "days": 90}
            return policy("deactivate", found, actions=("deactivate-unused-keys",))
        journal = directory / f"{account.id}.jsonl"
        journal.parent.mkdir(parents=True, exist_ok=True)
        journal.write_text("".join(_deactivated(account.id, key) for key in account.keys))
        action = {"type": "reactivate-keys", "journal": {"url": f"file://{journal}"}}
        return {"name": "undo", "resource": "aws.iam-user", "actions": [action]}

    def populate(self, account, users):
        """Two keys each, no two of a user of the same second, which would cost a call for each."""
        toggles = [] if self.off is None else [days_ago(self.off)]
        last = None if self.used is None else (days_ago(self.used), "s3", "us-east-1")
        first, later = days_ago(900), days_ago(500)
        for number in range(users):
            born = first - timedelta(seconds=number)
            user = account.user(f"user-{number:03d}", created=born)
            for older in (0, 1):
                created = later - timedelta(seconds=older)
                key = user.key(created=created, toggles=toggles, trace=False, last_used=last)
                if self.done == REACTIVATED:
                    moment = f"{toggles[0]:%Y-%m-%dT%H:%M:%SZ}"
                    words = f"after={moment} since={moment} verified={moment} by=c7n"
                    user.tags[tag_key(key.id)] = words

    def is_done(self, key):
        """Whether a key is as the run leaves it."""
        return (key.status if key in key.user.keys else None) == self.after

    def moments(self, users, kills):
        """Moments spread over the whole run, each with what the killed call still does."""
        chance = random.Random(SEED)
        calls = self.fixed + self.each * users - 20
        step = calls // kills
        nths = [1 + number * step + chance.randrange(step) for number in range(kills)]
        return [(nth, chance.choice(("before", "instead", "after"))) for nth in nths]


def _deactivated(account_id, key):
    """The line of a journal on a key that we deactivated."""
    known = AccessKey(key.id, key.user.name, "Active", key.created)
    return JournalLine(
        DEACTIVATED, days_ago(2), "run", account_id, key.user.name, key.id,
        found=UnusedKey(known, LastUse(), 498.0),
    ).render()  # fmt: skip


VERBS = (
    # Report 2, caller, GetAccountAuthorizationDetails, LookupEvents; of each user ListAccessKeys;
    # of each key DescribeStackResources, GetUser, ListAccessKeys, GetAccessKeyLastUsed and
    # DeleteAccessKey.
    Verb(DELETING, DELETED, 50, 5, 11, None, 200, None),
    # The same with UpdateAccessKey, of each key another GetAccessKeyLastUsed, of each user TagUser.
    Verb(DEACTIVATING, DEACTIVATED, 25, 5, 14, 200, None, "Inactive"),
    # Caller, ListUsers and LookupEvents; of each user GetUser and TagUser; of each key
    # DescribeStackResources, GetUser, ListAccessKeys and UpdateAccessKey.
    Verb(REACTIVATING, REACTIVATED, 25, 3, 10, None, 2, "Active"),
)


def _out(custodian, account):
    """The output directory of both runs: a journal goes on where the last run was killed."""
    return str(custodian.directory / f"out-{account.id}")


def _killed(sandbox, custodian, account, todo, nth, effect):
    """A run that is killed at its nth call, which then takes effect or not."""
    pid = []
    known = threading.Event()

    def kill():
        known.wait(60)
        os.kill(pid[0], signal.SIGKILL)

    # A call that is not to take effect must not be answered either.
    kind = "reset" if effect == "instead" else "error"
    report_of_today(sandbox, account.id)
    sandbox.faults.add(Fault(account=account.id, nth=nth, effect=effect, kind=kind, call=kill))
    started = custodian.start(account.id, todo, out=_out(custodian, account))
    pid.append(started.pid)
    known.set()
    return started.outcome()


def _disagreements(verb, keys, lines):
    """All in which the journal of a killed run and the state of AWS contradict each other."""
    words = {}
    for line in lines:
        words.setdefault(line.access_key_id, []).append(line.outcome)
    for key in keys:
        said = words.get(key.id, [])
        if verb.is_done(key) and verb.doing not in said:
            yield f"{key.id} is {verb.done}, and the journal never announced it: {said}"
        if not verb.is_done(key) and verb.done in said:
            yield f"{key.id} is not {verb.done}, and the journal says {said}"
        if said not in ([], [verb.doing], [verb.doing, verb.done]):
            yield f"{key.id}: {said}"


def _one(sandbox, custodian, verb, users, number, nth, effect):
    account = sandbox.account(f"{number:012d}")
    verb.populate(account, users)
    keys = list(account.keys)
    todo = verb.policy(custodian.directory, account)
    outcome = _killed(sandbox, custodian, account, todo, nth, effect)
    left = sum(not verb.is_done(key) for key in keys)
    lines = outcome.journal(todo["name"])
    problems = list(_disagreements(verb, keys, lines))
    if outcome.status != -signal.SIGKILL:
        problems.append(f"the run was not killed but ended with {outcome.status}")
    rest = custodian.run(account.id, todo, report_made=False, out=_out(custodian, account))
    if rest.status != 0 or not all(map(verb.is_done, keys)):
        undone = sum(not verb.is_done(key) for key in keys)
        problems.append(f"the next run: {rest.status}, {undone} keys left\n{rest.log}")
    text = (rest.out / todo["name"] / "inactive-keys.jsonl").read_text()
    told = {line.access_key_id for line in read_lines(text)[0] if line.outcome == verb.done}
    # Of all that is done, either run says that it did it, or the killed one that it was about to. A
    # call that was on its way when the run was killed may take effect a moment later.
    unknown = {key.id for key in keys} - told - {line.access_key_id for line in lines}
    if unknown:
        problems.append(f"of {sorted(unknown)} nobody knows what happened")
    return [f"killed at call {nth} {effect}: {problem}" for problem in problems], left


@pytest.mark.parametrize("verb", VERBS, ids=[verb.done for verb in VERBS])
def test_killed_at_any_moment_of_a_run(sandbox, custodian, whole, verb):
    """Journal and AWS agree each time, and the next run completes the work."""
    users, kills = (USERS, verb.kills) if whole else (SAMPLE, 5)
    moments = verb.moments(users, kills)
    with ThreadPoolExecutor(3) as workers:
        results = list(
            workers.map(
                lambda item: _one(sandbox, custodian, verb, users, item[0], *item[1]),
                enumerate(moments, start=1),
            )
        )
    assert [problem for problems, _ in results for problem in problems] == []
    # The moments really lie before, within and near the end of the changes.
    left = [count for _, count in results]
    assert max(left) > 1.8 * users  # of the first workers a key may be done by then
    assert min(left) < users
    assert len(set(left)) > 0.3 * len(moments)


def test_the_report_after_a_kill_and_a_second_run_counts_every_key(sandbox, custodian):
    """Also a call that took effect unanswered, which is all that the report cannot know."""
    account = sandbox.account("111111111111")
    for number in range(20):
        account.user(f"user-{number:02d}").key(created=days_ago(500), toggles=[days_ago(200)])
    ids = {key.id for key in account.keys}
    pid, known = [], threading.Event()

    def kill():
        known.wait(60)
        os.kill(pid[0], signal.SIGKILL)

    sandbox.faults.add(
        Fault(action="DeleteAccessKey", nth=9, effect="after", error="InternalFailure", call=kill)
    )
    out = _out(custodian, account)
    report_of_today(sandbox, account.id)
    started = custodian.start(account.id, POLICY, out=out)
    pid.append(started.pid)
    known.set()
    unanswered = started.outcome().unfinished() - {key.id for key in account.keys}
    assert unanswered
    assert custodian.run(account.id, POLICY, report_made=False, out=out).status == 0
    done = run("c7n-inactive-keys", "report", "-s", out, "--format", "json")
    assert done.returncode == 4, done.stderr  # of one key it is not known what became of it
    report = json.loads(done.stdout)
    assert {key["access_key_id"]: key["outcome"] for key in report["keys"]} == {
        key_id: "failed" if key_id in unanswered else "deleted" for key_id in ids
    }
    assert (report["totals"]["keys"], report["problems"]) == (20, [])
