# SPDX-License-Identifier: Apache-2.0
"""Silence alone proves nothing: keys deactivated a moment ago, whose events are on their way."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from c7n_inactive_keys_sandbox import Fault
from c7n_inactive_keys_sandbox.events import RandomDelays
from tests.support.accounts import days_ago, inactive_key, key_ids, recorded, report_of_today
from tests.support.policies import delete_policy, record_policy

pytestmark = pytest.mark.e2e

HOUR = 1 / 24
SETTLING = timedelta(hours=2)
SOURCES = pytest.mark.parametrize("source", ["credential-report", None], ids=["report", "list"])


def shipped(source: str | None) -> list[dict]:
    """Report, record and delete, on a source."""
    report = {"name": "report", "resource": "aws.iam-user", "filters": ["inactive-access-key"]}
    policies = [report, record_policy(), delete_policy()]
    for policy in policies:
        policy.pop("source", None)
        if source:
            policy["source"] = source
    return policies


@SOURCES
def test_what_a_policy_of_the_same_file_has_just_deactivated_is_not_deleted(
    sandbox, custodian, account, source
):
    """Stock "deactivate what is unused", then ours: its events come five minutes later."""
    sandbox.event_delay = timedelta(minutes=5)
    keys = [account.user(f"user-{number}").key(created=days_ago(400)) for number in range(6)]
    report_of_today(sandbox, account.id)
    deactivate = {
        "name": "deactivate-unused",
        "resource": "aws.iam-user",
        "filters": [{"type": "access-key", "key": "Status", "value": "Active"}],
        "actions": [{"type": "remove-keys", "matched": True, "disable": True}],
    }
    for _ in range(2):
        outcome = custodian.run(account.id, deactivate, *shipped(source))
        assert outcome.status == 0, outcome.log
        assert {key.status for key in account.keys} == {"Inactive"}
        assert len(outcome.matched("report")) == (6 if source is None else 0)
    assert key_ids(account) == {key.id for key in keys}
    assert sandbox.calls.count("DeleteAccessKey") == 0


@SOURCES
def test_forty_keys_deactivated_within_two_hours_are_not_deleted(
    sandbox, custodian, account, source
):
    """Their events arrive after delays of up to two hours; none is called inactive for long."""
    draw = random.Random(13)
    sandbox.event_delay = RandomDelays(SETTLING, seed=13)
    ages = [draw.uniform(0, 2 * HOUR) for _ in range(40)]
    for number, age in enumerate(ages):
        account.user(f"user-{number:02}").key(created=days_ago(500), toggles=[days_ago(age)])
    ages = {event.id: age for event, age in zip(account.events, ages, strict=True)}
    late = [e for e in account.events if sandbox.event_delay(e) > timedelta(days=ages[e.id])]
    assert len(late) > 10
    for _ in range(2):
        outcome = custodian.run(account.id, *shipped(source), report_made=False)
        assert outcome.status == 0, outcome.log
        days = [
            key["InactiveDays"]["AtLeast"]
            for user in outcome.resources("report")
            for key in user["c7n:InactiveAccessKeys"]
        ]
        assert len(days) == 40
        assert max(days) <= 0.1
    assert len(key_ids(account)) == 40


@SOURCES
def test_mark_then_sweep(sandbox, custodian, account, source):
    """The first run records a key that has long been inactive; a run a day later deletes it."""
    key = inactive_key(account)
    first = custodian.run(account.id, *shipped(source), report_made=False)
    assert first.status == 0, first.log
    assert key_ids(account) == {key.id}
    ((found,),) = (user["c7n:InactiveAccessKeys"] for user in first.resources("report"))
    assert found["InactiveDays"]["AtLeast"] == 0.0
    assert found["InactiveDays"]["Unsettled"]["AtLeast"] == 90.0
    sandbox.age(timedelta(hours=1))
    soon = custodian.run(account.id, *shipped(source), report_made=False)
    assert (soon.status, key_ids(account)) == (0, {key.id})
    sandbox.age(timedelta(hours=23))
    later = custodian.run(account.id, *shipped(source), report_made=False)
    assert later.status == 0, later.log
    assert later.by_key() == {key.id: "deleted"}
    assert key_ids(account) == set()


def test_a_credential_report_of_hours_ago_is_an_observation(sandbox, custodian, account):
    """Who may not tag users gets that far: a report that is between two and four hours old."""
    key = inactive_key(account)
    report_of_today(sandbox, account.id, age=timedelta(hours=1.9))
    outcome = custodian.run(account.id, delete_policy(), report_made=False)
    assert (outcome.resources(), key_ids(account)) == ([], {key.id})
    sandbox.age(timedelta(minutes=10))
    outcome = custodian.run(account.id, *shipped("credential-report"), report_made=False)
    assert outcome.by_key() == {key.id: "deleted"}


@pytest.mark.parametrize("hours", [2.1, 5, 24, 7 * 24, 30 * 24], ids="{} h".format)
@pytest.mark.parametrize("lag", [0, HOUR], ids=["exact", "an interval"])
def test_a_ledger_that_knows_of_a_later_activity_stands_against_silence(
    sandbox, custodian, account, hours, lag
):
    """Its event never arrived; record keeps the word, and no later run forgets it."""
    key = account.user("bob").key(created=days_ago(500), toggles=[days_ago(200)], trace=False)
    off = hours * HOUR
    account.user("bob").tags[f"c7n-inactive-key:{key.id}"] = " ".join(
        f"{word}={days_ago(days):%Y-%m-%dT%H:%M:%SZ}"
        for word, days in (("after", off + lag), ("since", off), ("verified", off))
    )
    for _ in range(2):
        outcome = custodian.run(account.id, *shipped("credential-report"))
        assert outcome.status == 0, outcome.log
        ((found,),) = (user["c7n:InactiveAccessKeys"] for user in outcome.resources("report"))
        assert found["InactiveDays"]["AtLeast"] == pytest.approx(hours / 24, abs=0.06)
    assert key_ids(account) == {key.id}


@pytest.mark.parametrize("cache", [True, False], ids=["cached users", "live users"])
def test_a_ledger_tag_written_since_the_user_was_described_is_seen_without_an_exempt_tag(
    sandbox, custodian, account, tmp_path, cache
):
    """Custodian's cache is a quarter of an hour old; an event function was faster."""
    key = inactive_key(account)
    recorded(account)
    tags = account.user("bob").tags
    arguments = ("--cache-period", "15", "--cache", str(tmp_path / "cache")) if cache else ()
    policy = delete_policy(**{"exempt-tag": None})
    if cache:
        assert custodian.run(account.id, policy, arguments=(*arguments, "--dryrun")).matched()

    def learn():
        just = f"{days_ago(0):%Y-%m-%dT%H:%M:%SZ}"
        tags[f"c7n-inactive-key:{key.id}"] = f"after={just} since={just} verified={just}"

    if cache:
        learn()
    else:
        sandbox.faults.add(Fault(action="ListAccessKeys", call=learn))
    for _ in range(2):
        outcome = custodian.run(account.id, policy, arguments=arguments)
        assert outcome.status == 0, outcome.log
        assert key_ids(account) == {key.id}


@pytest.mark.parametrize("minutes", [6, 10, 14])
def test_a_machine_whose_clock_is_behind_deletes_nothing_that_has_just_been_deactivated(
    sandbox, custodian, account, minutes
):
    """The event lies in its future, and is an event all the same; the log says how far."""
    key = account.user("bob").key(created=days_ago(500))
    report_of_today(sandbox, account.id)
    account.report.content = account.report.content.replace(",true,2", ",false,2")
    sandbox.clock_offset = timedelta(minutes=minutes)
    key.deactivate()
    for _ in range(2):
        outcome = custodian.run(account.id, *shipped("credential-report"), report_made=False)
        assert outcome.status == 0, outcome.log
        assert key_ids(account) == {key.id}
        assert " seconds behind AWS's; times are AWS's" in outcome.log
        ((found,),) = (user["c7n:InactiveAccessKeys"] for user in outcome.resources("report"))
        assert found["InactiveDays"]["AtLeast"] == 0.0


def test_a_machine_whose_clock_is_ahead_takes_no_young_observation_for_an_old_one(
    sandbox, custodian, account
):
    """By AWS's clock the credential report is not two hours old, and an event before it is late."""
    sandbox.event_delay = SETTLING
    sandbox.clock_offset = timedelta(minutes=-14)
    key = account.user("bob").key(created=days_ago(500))
    key.deactivate(sandbox.now() - timedelta(minutes=112))
    report_of_today(sandbox, account.id, age=timedelta(minutes=110))
    for _ in range(2):
        outcome = custodian.run(account.id, *shipped("credential-report"), report_made=False)
        assert outcome.status == 0, outcome.log
        assert key_ids(account) == {key.id}
        assert " seconds ahead of AWS's; times are AWS's" in outcome.log
