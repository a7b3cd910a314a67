# SPDX-License-Identifier: Apache-2.0
"""The shipped Lambda policies where the plugin is installed, as in a container image."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from c7n_inactive_keys.core.ledger import parse_value, tag_key
from c7n_inactive_keys_sandbox import Fault, Sandbox
from tests.support.accounts import ACCOUNT, days_ago, recorded
from tests.support.handler import handle
from tests.support.paths import ROOT

pytestmark = pytest.mark.e2e

SCHEDULED_EVENT = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}


def invoke(aws: Sandbox, home: Path, policies: str, events: list[Any]) -> tuple[list[Any], str]:
    """Why each event failed, if it did, and the function's log; all events by one process."""
    data = yaml.safe_load((ROOT / "policies" / policies).read_text(encoding="utf-8"))
    errors, outcome = handle(aws, home, data["policies"], events)
    return errors, outcome.log


@dataclass
class Story:
    """What one function made of events about many users."""

    aws: Sandbox
    events: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, Any] = field(default_factory=dict)

    def user(self, name: str) -> Any:
        """A user of the account; made at the first time, with an active key."""
        account = self.aws.account(ACCOUNT)
        if name not in account.users:
            account.user(name, created=days_ago(400)).key(created=days_ago(300))
        return account.users[name]

    def happened(self, name: str) -> None:
        """Remember what happened last, to the user of this name."""
        self.events[name] = self.aws.account(ACCOUNT).events[-1].envelope()

    def ledger(self, name: str, number: int = 0) -> Any:
        """What the ledger says now of a key of a user; None without a tag."""
        user = self.user(name)
        value = user.tags.get(tag_key(user.keys[number].id))
        return value and parse_value(value)


OLD = "after=2026-01-03T10:00:00Z since=2026-01-03T10:00:00Z verified=2026-01-03T10:00:00Z"


@pytest.fixture(name="story", scope="module")
def _story(aws, tmp_path_factory) -> Story:
    story = Story(aws)
    for name, days in (("off", 0.01), ("off-long-ago", 1), ("denied", 0.01), ("gone", 0.01)):
        story.user(name).keys[0].deactivate(days_ago(days))
        story.happened(name)
    story.events["off-again"] = story.events["off"]
    story.user("malformed").tags[tag_key(story.user("malformed").keys[0].id)] = "yes"
    story.user("malformed").keys[0].deactivate(days_ago(0.01))
    story.happened("malformed")
    story.user("on").tags[tag_key(story.user("on").keys[0].id)] = OLD
    story.user("on").keys[0].deactivate(days_ago(200))
    story.user("on").keys[0].activate(days_ago(0.01))
    story.happened("on")
    other = story.user("other-key")
    other.key(created=days_ago(290)).deactivate(days_ago(30))
    other.keys[0].deactivate(days_ago(20))
    other.keys[0].activate(days_ago(0.01))
    story.happened("other-key")
    for name in ("unreadable", "odd-status"):
        story.user(name).keys[0].deactivate(days_ago(0.01))
        story.happened(name)
        story.events[name] = json.loads(json.dumps(story.events[name]))
    story.events["odd-status"]["detail"]["requestParameters"]["status"] = "Off"
    del story.events["unreadable"]["detail"]["requestParameters"]["status"]
    aws.faults.add(Fault("GetUser", user="denied", error="AccessDenied", status=403, times=None))
    # Custodian looks the user up, and the action reads it again; in between it is deleted.
    aws.faults.add(Fault("GetUser", user="gone", nth=2, error="NoSuchEntity", status=404))
    errors, _ = invoke(
        aws, tmp_path_factory.mktemp("events"), "record-deactivations.yml", [*story.events.values()]
    )
    aws.faults.clear()
    story.errors = dict(zip(story.events, errors, strict=True))
    return story


def test_an_event_of_an_unknown_status_leaves_the_interval_open(story):
    """The key is inactive now; since when, another run may find out."""
    assert story.errors["odd-status"] is None
    entry = story.ledger("odd-status")
    assert entry.after < story.user("odd-status").keys[0].deactivated < entry.since


def test_an_event_that_cannot_be_read_has_all_keys_of_the_user_looked_at(story):
    """What it says is unknown, so the interval stays open, until event history holds it."""
    assert story.errors["unreadable"] is None
    entry = story.ledger("unreadable")
    assert entry.after == story.user("unreadable").keys[0].deactivated
    assert entry.since == entry.verified


def test_a_deactivation_writes_its_exact_time(story):
    """Between two moments of the same second, as soon as the event is there."""
    off = story.user("off").keys[0].deactivated
    assert (story.ledger("off").since, story.ledger("off").after) == (off, off)
    assert story.errors["off"] is story.errors["off-again"] is None


def test_a_late_event_proves_inactivity_from_now_on_only(story):
    """A day later the key may have been on and off again: it is off now, and was on until then."""
    entry = story.ledger("off-long-ago")
    assert entry.after == story.user("off-long-ago").keys[0].deactivated
    assert entry.since == entry.verified > days_ago(0.01)


def test_a_malformed_tag_is_written_anew(story):
    """What cannot be read is no word to keep to."""
    assert story.ledger("malformed").since == story.user("malformed").keys[0].deactivated
    assert story.errors["malformed"] is None


def test_a_reactivation_ends_the_entry_of_its_key(story):
    """It stays until the next run, for whoever tells of keys that wake."""
    assert story.ledger("on").reactivated == story.user("on").keys[0].changes[-1][0]
    assert story.errors["on"] is None


def test_an_event_is_about_its_key_alone(story):
    """The user's other key is inactive and not in the ledger: that is for another run."""
    assert story.user("other-key").tags == {}
    assert story.errors["other-key"] is None


def test_a_user_who_cannot_be_read_fails_the_invocation(story):
    """So that Lambda tries again; the ledger of the others is written all the same."""
    assert "AccessDenied" in story.errors["denied"]
    assert story.user("denied").tags == {}


def test_a_user_who_vanishes_meanwhile_is_no_failure(story):
    """There is nothing to write to."""
    assert story.errors["gone"] is None


@pytest.fixture(name="log", scope="module")
def _log(aws, tmp_path_factory):
    for user in list(aws.account(ACCOUNT).users.values()):
        user.delete()
    account = aws.account(ACCOUNT)
    account.user("proven", created=days_ago(900)).key(
        created=days_ago(800), toggles=[days_ago(95)], trace=False
    )
    recorded(account)
    errors, log = invoke(
        aws, tmp_path_factory.mktemp("scheduled"), "scheduled.yml", [SCHEDULED_EVENT]
    )
    assert errors == [None]
    return log


def test_scheduled_policies_delete_and_leave_the_journal_in_the_log(log, aws):
    """No file outlives a function, so each line of the journal is in its log."""
    assert list(aws.account(ACCOUNT).users["proven"].keys) == []
    assert '"outcome": "deleting"' in log
    assert '"outcome": "deleted"' in log
