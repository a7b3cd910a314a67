# SPDX-License-Identifier: Apache-2.0
"""The action record-inactive-keys where IAM refuses, and the notice for notified-days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from c7n_inactive_keys.core.ledger import LedgerEntry, parse_value, render_value, tag_key
from c7n_inactive_keys_sandbox import Fault
from tests.support.accounts import days_ago
from tests.support.handler import EVENT_MODE, handle
from tests.support.outcome import Outcome
from tests.support.policies import RECORD, ours, policy

pytestmark = pytest.mark.e2e

REFUSED, NOTICED, CALM = "111111111111", "222222222222", "333333333333"
NAME = RECORD["name"]
# Users by what becomes of their first key's tag: the outcome, and the code of the error.
EXPECTED = {
    "plain-1": ("recorded", None),
    "plain-2": ("recorded", None),
    "full": ("failed", "LimitExceeded"),
    "full-but-known": ("recorded", None),
    "denied": ("failed", "AccessDenied"),
    "contended-for-a-moment": ("recorded", None),
    "contended": ("failed", "ConcurrentModification"),
    "throttled-for-a-moment": ("recorded", None),
    "refused-by-tag-policy": ("failed", "InvalidInput"),
    "too-long": ("failed", "ValidationError"),
    "server-error": ("recorded", None),
    "zz-last": ("recorded", None),
}
OLD = LedgerEntry(days_ago(300), days_ago(200), days_ago(10))
FAULTS = (
    Fault("TagUser", user="denied", error="AccessDenied", times=None),
    Fault("TagUser", user="contended-for-a-moment", error="ConcurrentModification", times=2),
    Fault("TagUser", user="contended", error="ConcurrentModification", times=None),
    Fault("TagUser", user="throttled-for-a-moment", error="Throttling", times=3),
    Fault("TagUser", user="refused-by-tag-policy", error="InvalidInput", times=None),
    Fault("TagUser", user="server-error", error="ServiceFailure", times=1),
)


@dataclass
class Story:
    """A run of the shipped policy among refusals."""

    aws: Any
    outcome: Outcome

    def user(self, name: str) -> Any:
        """A user of the account."""
        return self.aws.account(REFUSED).users[name]

    def records(self, name: str) -> list[dict[str, Any]]:
        """What the action's file says of a user's keys."""
        return [item for item in self.outcome.action_file(NAME) if item["user_name"] == name]


@pytest.fixture(scope="module", name="story")
def _story(aws, custodian) -> Story:
    account = aws.account(REFUSED)
    for name in EXPECTED:
        account.user(name).key(created=days_ago(500), toggles=[days_ago(200)])
    account.users["full"].tags.update({f"tag-{number}": "" for number in range(50)})
    known = account.users["full-but-known"]
    known.tags.update({f"tag-{number}": "" for number in range(49)})
    known.tags[tag_key(known.keys[0].id)] = "malformed"
    wordy = account.users["too-long"]
    wordy.tags[tag_key(wordy.keys[0].id)] = f"{render_value(OLD)} {'x' * 180}"
    one_left = account.user("one-tag-left", tags={f"tag-{number}": "" for number in range(49)})
    for _ in range(2):
        one_left.key(created=days_ago(500), toggles=[days_ago(200)])
    for fault in FAULTS:
        aws.faults.add(fault)
    outcome = custodian.run(REFUSED, RECORD)
    aws.faults.clear()
    return Story(aws, outcome)


@pytest.mark.parametrize("name", EXPECTED)
def test_each_key_has_its_outcome_in_the_action_file(story, name):
    """Recorded, or failed with AWS's code and a message; one user's failure stops no other."""
    (record,) = story.records(name)
    error = record["error"] or {"code": None, "message": "none"}
    assert (record["outcome"], error["code"]) == EXPECTED[name]
    assert error["message"]
    assert record["access_key_id"] == story.user(name).keys[0].id


@pytest.mark.parametrize("name", EXPECTED)
def test_a_tag_is_there_only_if_it_was_recorded(story, name):
    """What the action file says is what IAM holds; what was there before stays."""
    user = story.user(name)
    entry = parse_value(user.tags.get(tag_key(user.keys[0].id), ""))
    recorded = isinstance(entry, LedgerEntry) and entry.verified > OLD.verified
    assert recorded == (EXPECTED[name][0] == "recorded")


def test_with_room_for_one_tag_one_of_two_keys_is_recorded(story):
    """IAM writes all tags of a call or none, so the surplus key fails alone."""
    records = story.records("one-tag-left")
    assert sorted(item["outcome"] for item in records) == ["failed", "recorded"]
    assert len(story.user("one-tag-left").tags) == 50


def test_a_failed_tag_fails_the_policy_and_is_named(story):
    """Exit 2, after all users are done, with the failures named in one sentence."""
    assert story.outcome.status == 2
    assert "6 failure(s)" in story.outcome.log
    for name in (
        "full", "denied", "contended", "refused-by-tag-policy", "one-tag-left", "too-long",
    ):  # fmt: skip
        assert f"{name} AKIA" in story.outcome.log


def test_no_other_tag_is_lost_where_the_limit_is_reached(story):
    """The users' own tags are all there."""
    assert len([tag for tag in story.user("full").tags if tag.startswith("tag-")]) == 50
    assert len([tag for tag in story.user("full-but-known").tags if tag.startswith("tag-")]) == 49


def test_the_next_run_makes_good_what_failed_and_leaves_the_rest(story, custodian):
    """Where IAM refuses no more, only the tags that were refused are written."""
    story.aws.calls.clear()
    account = story.aws.account(REFUSED)
    for name in ("full", "one-tag-left"):
        account.users[name].tags.pop("tag-0")
    wordy = account.users["too-long"]
    wordy.tags[tag_key(wordy.keys[0].id)] = render_value(OLD)
    outcome = custodian.run(REFUSED, RECORD)
    assert outcome.status == 0, outcome.log
    assert {call.user for call in story.aws.calls.select("TagUser", REFUSED)} == {
        "full", "denied", "contended", "refused-by-tag-policy", "one-tag-left", "too-long",
    }  # fmt: skip
    story.aws.calls.clear()


# -- notices --------------------------------------------------------------------------------------

NOTIFY = policy(
    "notify", ours(days=60), actions=({"type": "record-inactive-keys", "notified": True},)
)
DUE = policy("due", ours(days=60, notified_days=14))


@dataclass
class Notices:
    """Runs over some weeks: the users whose notice was old enough, and the ledger, by day."""

    due: dict[float, set[str]]
    ledger: dict[float, dict[str, Any]]


@pytest.fixture(scope="module", name="notices")
def _notices(aws, custodian) -> Notices:
    account = aws.account(NOTICED)
    for name, days in (("old", 100), ("young", 50), ("toggled", 100)):
        account.user(name).key(created=days_ago(500), toggles=[days_ago(days)], trace=days < 90)
    notices = Notices({}, {})
    today = 0.0
    for day in (0.0, 13.5, 14.5, 25.0, 40.0, 80.0, 95.0):
        aws.age(timedelta(days=day - today))
        today = day
        if day == 13.5:
            key = account.users["toggled"].keys[0]
            key.activate(days_ago(2))
            key.deactivate(days_ago(1))
        outcome = custodian.run(NOTICED, DUE, NOTIFY)
        assert outcome.status == 0, outcome.log
        notices.due[day] = {entry["UserName"] for entry in outcome.keys("due").values()}
        notices.ledger[day] = {
            user.name: parse_value(value)
            for user in account.users.values()
            for value in user.tags.values()
        }
    return notices


def test_a_notice_is_kept_with_the_key_and_its_first_time_stays(notices):
    """Later notices do not replace it, so that a daily notice does not put off the end."""
    first = notices.ledger[0.0]["old"]
    last = notices.ledger[40.0]["old"]
    assert first.notified
    assert last.notified - last.since == first.notified - first.since


def test_only_matched_keys_are_noticed(notices):
    """A key of a user that the filter did not match has no notice."""
    assert "young" not in notices.ledger[0.0]
    assert notices.ledger[14.5]["young"].notified


def test_notified_days_wait_from_the_first_notice(notices):
    """Not after 13.5 days, but after 14.5."""
    assert min(day for day, users in notices.due.items() if "old" in users) == 14.5


def test_a_notice_goes_when_the_key_was_active_after_it(notices):
    """Switched on and off again, the key waits for its 60 days, a new notice, and 14 days more."""
    assert [day for day, users in notices.due.items() if "toggled" in users] == [95.0]


def test_a_key_without_a_notice_is_never_due(aws, custodian):
    """However long it has been inactive, and with a ledger tag of its own."""
    aws.account(CALM).user("untold").key(created=days_ago(900), toggles=[days_ago(400)])
    outcome = custodian.run(CALM, RECORD, DUE)
    assert outcome.status == 0, outcome.log
    assert outcome.keys("due") == {}


# -- users that go meanwhile ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "active"),
    [
        (Fault("GetUser", user="goes", nth=2, effect="before", call="delete-user"), False),
        (Fault("TagUser", user="goes", effect="before", call="delete-user"), False),
        (Fault("UntagUser", user="goes", effect="before", call="delete-user"), True),
    ],
    ids=["before its tags are read", "before they are written", "before they are removed"],
)
def test_a_user_who_is_deleted_meanwhile_is_no_failure(aws, custodian, fault, active):
    aws.reset()
    user = aws.account(CALM).user("goes")
    key = user.key(created=days_ago(500), toggles=[days_ago(200)])
    user.tags[tag_key(key.id)] = render_value(OLD)
    if active:
        key.activate(days_ago(5))
    aws.faults.add(fault)
    outcome = custodian.run(CALM, {k: v for k, v in RECORD.items() if k != "source"})
    assert aws.faults.hits(fault) == 1
    assert outcome.status == 0, outcome.log
    assert not outcome.action_file(NAME)


def test_the_tags_of_a_user_whose_name_passed_to_another_are_left_alone(aws, custodian):
    """Between the listing of its keys and the reading of its tags."""
    aws.reset()
    account = aws.account(CALM)
    account.user("name").key(created=days_ago(500), toggles=[days_ago(200)])

    def replaced():
        account.users["name"].delete()
        account.user("name", tags={"c7n-inactive-key:AKIA00000000000000AA": "x"})

    aws.faults.add(Fault("GetUser", user="name", nth=2, effect="before", call=replaced))
    outcome = custodian.run(CALM, {k: v for k, v in RECORD.items() if k != "source"})
    assert outcome.status == 0, outcome.log
    assert account.users["name"].tags == {"c7n-inactive-key:AKIA00000000000000AA": "x"}


def test_an_event_takes_the_entry_of_a_key_away_that_was_inactive_for_hours(aws, custodian):
    """Told of by EventBridge; whoever woke it need not be named."""
    aws.reset()
    account = aws.account(CALM)
    key = account.user("awake").key(created=days_ago(500), toggles=[days_ago(0.4)])
    key.user.tags[tag_key(key.id)] = render_value(
        LedgerEntry(days_ago(0.4), days_ago(0.4), days_ago(0.3))
    )
    key.activate(days_ago(0.01))
    record = {
        "name": "record-events",
        "resource": "aws.iam-user",
        "mode": EVENT_MODE,
        "actions": ["record-inactive-keys"],
    }
    event = account.events[-1].envelope()
    errors, outcome = handle(aws, custodian.directory, [record], [event], CALM)
    assert errors == [None], outcome.log
    assert key.user.tags == {}
