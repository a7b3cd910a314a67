# SPDX-License-Identifier: Apache-2.0
"""The grace period of policies/notify-owners.yml over months of runs, some of them missed."""

from __future__ import annotations

import base64
import json
import zlib
from datetime import timedelta

import pytest

from tests.support.accounts import ACCOUNT, administrator, days_ago, recorded
from tests.support.custodian import custodian
from tests.support.paths import ROOT

pytestmark = pytest.mark.e2e

UNTOLD = "210987654321"  # an account whose owners are never told
NOTIFY = ROOT / "policies" / "notify-owners.yml"
RUNS = (0, 13, 20, 30, 66, 79, 80, 120)  # days; the run of day 14 was missed


@pytest.fixture(name="history", scope="module")
def _history(aws, tmp_path_factory):
    """By day of a run: the users who were told then, and the users whose key is gone after it."""
    home = tmp_path_factory.mktemp("grace")
    account = aws.account(ACCOUNT)
    for name, days in (("ready", 100), ("young", 65), ("toggled", 100), ("late", 20)):
        user = account.user(name, created=days_ago(900))
        user.key(created=days_ago(800), toggles=[days_ago(days)], trace=days < 90)
    two = account.user("two", created=days_ago(900))
    two.key(created=days_ago(800), toggles=[days_ago(100)], trace=False)
    two.key(created=days_ago(700))
    aws.account(UNTOLD).user("untold", created=days_ago(900)).key(
        created=days_ago(800), toggles=[days_ago(100)], trace=False
    )
    for seen in (account, aws.account(UNTOLD)):
        recorded(seen)
    sqs = aws.client("sqs", ACCOUNT)
    queue = sqs.create_queue(QueueName="c7n-mailer")["QueueUrl"]
    history = {}
    today = 0
    for day in RUNS:
        aws.age(timedelta(days=day - today))
        today = day
        if day == 13:
            toggled = account.users["toggled"].keys[0]
            toggled.activate(days_ago(3))
            toggled.deactivate(days_ago(2))
            two.keys[1].deactivate(days_ago(1))
        if day in (66, 120):
            assert run(aws, UNTOLD, home, "-p", "inactive-keys-delete-after-notice") == 0
        assert run(aws, ACCOUNT, home) == 0
        told = drain(sqs, queue)
        left = {user.name: len(user.keys) for user in account.users.values()}
        history[day] = (told, left)
    return history


def run(aws, account_id, home, *arguments) -> int:
    """One run of the shipped policies; its exit code."""
    who = administrator(aws, account_id)
    return custodian(aws, home, *arguments, policies=NOTIFY, environ=who).status


def drain(sqs, queue) -> dict[str, int]:
    """Users named by the messages on the queue, with the number of their keys."""
    told = {}
    for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", ()):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        content = json.loads(zlib.decompress(base64.b64decode(message["Body"])))
        told.update(
            {user["UserName"]: len(user["c7n:InactiveAccessKeys"]) for user in content["resources"]}
        )
    return told


def deleted_on(history, user) -> int | None:
    """The day of the run after which the user's first key was gone."""
    most = history[0][1][user]
    return next((day for day in RUNS if history[day][1][user] < most), None)


def told_on(history, user) -> list[int]:
    """The days on which the user's owner was told."""
    return [day for day in RUNS if user in history[day][0]]


def test_told_key_goes_at_the_first_run_after_the_grace_period(history):
    """Told on day 0, not deleted on day 13, the run of day 14 missed: deleted on day 20."""
    assert told_on(history, "ready") == [0]
    assert deleted_on(history, "ready") == 20


def test_grace_period_is_no_short_cut_to_the_age(history):
    """Told at 65 days, the key still waits for its proven 90 days."""
    assert told_on(history, "young") == [0]
    assert deleted_on(history, "young") == 30


def test_key_that_was_switched_on_and_off_again_is_told_anew(history):
    """The old notice is void: told again 60 days after the last switching off, then deleted."""
    assert told_on(history, "toggled") == [0, 79]
    assert deleted_on(history, "toggled") == 120


def test_first_sight_of_an_age_gets_the_full_grace_period(history):
    """Told at the first run after 60 days; not deleted 13 days later, but 14 days later."""
    assert told_on(history, "late") == [66]
    assert deleted_on(history, "late") == 80


def test_second_key_of_a_told_user_is_told_too(history):
    """The notice is per key: the owner hears of the second key, after the first one has gone."""
    assert told_on(history, "two") == [0, 79]
    assert deleted_on(history, "two") == 20
    assert history[79][1]["two"] == 1
    assert history[120][1]["two"] == 0


def test_untold_key_is_never_deleted(history, aws):
    """220 days off and never told: the policy leaves it alone."""
    assert len(aws.account(UNTOLD).users["untold"].keys) == 1
