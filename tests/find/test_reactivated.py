# SPDX-License-Identifier: Apache-2.0
"""A dead key that wakes: who reactivated it, and for how long it had been inactive by proof."""

from __future__ import annotations

from datetime import timedelta

import pytest

from c7n_inactive_keys_sandbox import Fault
from tests.support.accounts import days_ago, recorded

pytestmark = pytest.mark.e2e

WATCH = "watch"


def watch(*, days=30, source=None, **more):
    """A policy that looks for keys that were reactivated after so many days."""
    found = {"name": WATCH, "resource": "aws.iam-user", **({"source": source} if source else {})}
    return {**found, "filters": [{"type": "reactivated-access-key", "after-days": days}], **more}


@pytest.fixture(name="account")
def _account(aws, request):
    """An account of the test's own."""
    aws.reset()
    aws.faults.clear()
    aws.event_delay = timedelta()
    return aws.account("333333333333")


def found(outcome):
    """The entries by user."""
    assert outcome.status == 0, outcome.log
    return {
        user["UserName"]: key
        for user in outcome.resources(WATCH)
        for key in user["c7n:ReactivatedAccessKeys"]
    }


def key(account, name, *toggles, created=500, **options):
    return account.user(name).key(
        created=days_ago(created), toggles=[days_ago(days) for days in toggles], **options
    )


SOURCES = pytest.mark.parametrize("source", ["credential-report", None])


@SOURCES
def test_only_keys_that_were_inactive_for_long_by_proof_match(custodian, account, source):
    key(account, "dormant", 60, 2)
    key(account, "dormant-and-used", 60, 2).use(days_ago(1))
    key(account, "briefly", 10, 2)
    key(account, "still-inactive", 60)
    key(account, "off-again", 60, 5, 2)
    key(account, "never-inactive")
    key(account, "active-all-along").activate(days_ago(2))  # a call that changed nothing
    key(account, "no-proof", 120, 2)  # event history no longer holds the deactivation
    outcome = custodian.run(account.id, watch(source=source))
    entries = found(outcome)
    assert set(entries) == {"dormant", "dormant-and-used"}
    entry = entries["dormant"]
    woken = account.users["dormant"].keys[0].changes[-1][0]
    assert entry["ReactivatedAt"] == f"{woken:%Y-%m-%dT%H:%M:%SZ}"
    assert entry["Actor"] == account.administrator.arn
    assert entry["InactiveDays"] == {"AtLeast": 58.0, "AtMost": 58.0}
    assert (entry["Status"], entry["LastUsedDate"]) == ("Active", None)
    (user,) = [u for u in outcome.resources(WATCH) if u["UserName"] == "dormant"]
    assert [item["AccessKeyId"] for item in user["c7n:matched-keys"]] == [entry["AccessKeyId"]]


@SOURCES
@pytest.mark.parametrize("late", [False, True], ids=["event there", "event late"])
def test_the_ledger_remembers_more_than_event_history(aws, custodian, account, source, late):
    dormant = key(account, "dormant", 400)
    recorded(account, days=200)
    tag = f"c7n-inactive-key:{dormant.id}"
    dormant.user.tags[tag] = dormant.user.tags[tag].replace(
        f"verified={days_ago(200):%Y-%m-%dT}", f"verified={days_ago(1):%Y-%m-%dT}"
    )
    aws.event_delay = timedelta(hours=2) if late else timedelta()
    dormant.activate(days_ago(0.01))
    entry = found(custodian.run(account.id, watch(source=source)))["dormant"]
    assert 198 <= entry["InactiveDays"]["AtLeast"] <= 200
    assert (entry["ReactivatedAt"] is None) == late


def test_without_event_history_only_the_ledger_tells(aws, custodian, account):
    """And the journal has that event history was not read."""
    key(account, "by-events", 60, 2)
    remembered = key(account, "by-ledger", 60)
    recorded(account, days=1)
    tag = f"c7n-inactive-key:{remembered.id}"
    words = remembered.user.tags[tag].split()
    words[1] = f"since={days_ago(50):%Y-%m-%dT%H:%M:%SZ}"
    remembered.user.tags[tag] = " ".join(words)
    account.users["by-events"].tags.clear()
    remembered.activate(days_ago(0.5))
    aws.faults.add(Fault(action="LookupEvents", error="AccessDenied", times=None))
    outcome = custodian.run(account.id, watch())
    entries = found(outcome)
    assert set(entries) == {"by-ledger"}
    assert entries["by-ledger"]["InactiveDays"]["AtLeast"] == 49.0
    assert [line.reason for line in outcome.journal(WATCH)] == ["event-history"]


@pytest.mark.parametrize("how", ["renamed", "by itself", "by itself and renamed"])
def test_whoever_the_event_does_not_name_is_found(custodian, account, how):
    woken = key(account, "dormant", 60)
    woken.activate(days_ago(2), by_user="itself" in how)
    if "renamed" in how:
        woken.user.rename("renamed")
    assert len(found(custodian.run(account.id, watch()))) == 1


def test_only_users_whom_an_event_or_the_ledger_names_are_listed(aws, custodian, account):
    """However many users the account has."""
    key(account, "dormant", 60, 2)
    for number in range(30):
        key(account, f"user-{number}")
    aws.calls.clear()
    found(custodian.run(account.id, watch()))
    assert aws.calls.count("ListAccessKeys") == 1
    assert aws.calls.count("GetAccessKeyLastUsed") == 1
    assert aws.calls.count("LookupEvents") == 1


@pytest.mark.parametrize("late", [False, True], ids=["event there", "event late"])
def test_the_ledger_s_word_on_the_event_is_as_good(aws, custodian, account, late):
    """As the Lambda function left it that heard of the event first."""
    dormant = key(account, "dormant", 400)
    since, verified, woken = (f"{days_ago(days):%Y-%m-%dT%H:%M:%SZ}" for days in (300, 1, 0.01))
    words = f"after={since} since={since} verified={verified} reactivated={woken}"
    dormant.user.tags[f"c7n-inactive-key:{dormant.id}"] = words
    aws.event_delay = timedelta(hours=2) if late else timedelta()
    dormant.activate(days_ago(0.01))
    entry = found(custodian.run(account.id, watch()))["dormant"]
    assert entry["ReactivatedAt"] == woken
    assert 299 <= entry["InactiveDays"]["AtLeast"] <= 300
    assert (entry["Actor"] is None) == late


def test_an_event_that_was_delivered_twice_or_repeated_changes_nothing(custodian, account):
    """The first of two calls is the one that woke the key."""
    woken = key(account, "dormant", 60, 5)
    account.add_event(
        "UpdateAccessKey",
        days_ago(2),
        requestParameters={"userName": "dormant", "accessKeyId": woken.id, "status": "Active"},
    )
    entry = found(custodian.run(account.id, watch()))["dormant"]
    assert entry["InactiveDays"]["AtLeast"] == 55.0
