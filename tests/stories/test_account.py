# SPDX-License-Identifier: Apache-2.0
"""The main job in one account, through stock `custodian`: who may not be deleted comes first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from c7n_inactive_keys_sandbox import Fault, Sandbox
from tests.support.accounts import ACCOUNT, days_ago, recorded
from tests.support.custodian import custodian
from tests.support.outcome import Outcome

pytestmark = pytest.mark.e2e

REPORT, DELETE = "inactive-keys-report", "inactive-keys-delete"

# Each user stands for one reason; what comes of its key is the journal's last word on it, None if
# the key did not even qualify. An expired one is noted, and never acted on.
MUST_STAY = {
    "active": None,
    "active-and-old": None,
    "disabled-yesterday": None,
    "off-for-89-days": None,
    "toggled-last-week": None,
    "created-and-disabled-last-month": None,
    "used-after-it-was-disabled": None,
    "expired": "noted expired",
    "exempt": None,
    "exempted-in-mid-run": "skipped exempt",
    "reactivated-in-mid-run": "skipped reactivated",
    "replaced-in-mid-run": "skipped already-gone",
    "vanished-in-mid-run": "skipped user-gone",
}
MUST_GO = {
    "off-for-a-year": "deleted",
    "off-for-91-days": "deleted",
    "one-of-two": "deleted",
    "same-second": "deleted",
    "odd+name=,.@_-": "deleted",
}


def fill(sandbox: Sandbox) -> None:
    """One user for each reason."""
    account = sandbox.account(ACCOUNT)
    old = days_ago(2000)

    def user(name: str, **options: Any) -> Any:
        return account.user(name, created=old, **options)

    user("active").key(created=days_ago(10))
    user("active-and-old").key(created=old, toggles=[days_ago(800), days_ago(700)])
    user("disabled-yesterday").key(created=old, toggles=[days_ago(1)])
    user("off-for-89-days").key(created=old, toggles=[days_ago(89)])
    user("toggled-last-week").key(created=old, toggles=[days_ago(400), days_ago(8), days_ago(7)])
    user("created-and-disabled-last-month").key(created=days_ago(30), toggles=[days_ago(29)])
    user("used-after-it-was-disabled").key(
        created=old, toggles=[days_ago(400)], last_used=(days_ago(50), "s3", "us-east-1")
    )
    user("expired").key(created=old, toggles=[days_ago(400)], status="Expired")
    user("exempt", tags={"keep-keys": ""}).key(created=old, toggles=[days_ago(400)])
    for name in ("off-for-a-year", "odd+name=,.@_-"):
        user(name).key(created=old, toggles=[days_ago(365)])
    user("off-for-91-days").key(created=old, toggles=[days_ago(91)])
    both = user("one-of-two")
    both.key(created=days_ago(500), toggles=[days_ago(365)])
    both.key(created=days_ago(300))
    twins = user("same-second")
    twins.key(created=days_ago(500), toggles=[days_ago(365)])
    twins.key(created=days_ago(500))
    for name in MUST_STAY:
        if name.endswith("mid-run"):
            user(name).key(created=old, toggles=[days_ago(365)])
            change_in_mid_run(sandbox, name)
    recorded(account)


def change_in_mid_run(sandbox: Sandbox, name: str) -> None:
    """Change the state between the filter's reading of the user and the action's."""
    change = {
        "exempted": "exempt",
        "reactivated": "activate",
        "replaced": "replace-key",
        "vanished": "delete-user",
    }[name.split("-")[0]]
    # The source describes the user, the filter lists its keys; then the action reads again.
    sandbox.faults.add(Fault(action="GetUser", user=name, nth=2, call=change))


@dataclass
class Story:
    """A run of report and deletion, with the sandbox's books before and after it."""

    run: Outcome
    before: dict[str, list[dict[str, Any]]]
    after: dict[str, list[dict[str, Any]]]

    def last_word(self, user: str) -> str | None:
        """What the journal says in the end of a user's key."""
        return self.run.by_user().get(user)


def books(sandbox: Sandbox) -> dict[str, list[dict[str, Any]]]:
    """The keys of each user."""
    keys: dict[str, list[dict[str, Any]]] = {}
    for key in sandbox.truth():
        keys.setdefault(key["user_name"], []).append(key)
    return keys


@pytest.fixture(scope="module", name="story")
def _story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    with Sandbox() as sandbox:
        fill(sandbox)
        before = books(sandbox)
        run = custodian(sandbox, tmp_path_factory.mktemp("account"), "-p", DELETE)
        return Story(run, before, books(sandbox))


@pytest.mark.parametrize("user", MUST_STAY)
def test_a_key_that_must_not_be_deleted_is_there_after_the_run(story: Story, user: str) -> None:
    """No call of ours took it away, and the journal says why it stayed if it had qualified."""
    if not user.startswith(("replaced", "vanished")):
        assert [key["access_key_id"] for key in story.after[user]] == [
            key["access_key_id"] for key in story.before[user]
        ]
    assert story.last_word(user) == MUST_STAY[user]
    assert "deleting" not in {
        line.outcome for line in story.run.journal() if line.user_name == user
    }


@pytest.mark.parametrize("user", MUST_GO)
def test_a_key_off_for_90_days_is_deleted(story: Story, user: str) -> None:
    """Just that key: another one of the user stays."""
    ids = {key["access_key_id"] for key in story.before[user] if key["status"] == "Inactive"}
    left = {key["access_key_id"] for key in story.after.get(user, ())}
    assert left == {key["access_key_id"] for key in story.before[user]} - ids
    assert story.last_word(user) == MUST_GO[user]


def test_what_was_skipped_is_no_failure(story: Story) -> None:
    """A key that somebody else dealt with in mid-run does not fail the policy."""
    assert story.run.status == 0, story.run.log


# -- evidence ----------------------------------------------------------------------------------


@pytest.fixture(name="silent")
def _silent(sandbox: Sandbox) -> Any:
    """A key that was switched off long before event history begins."""
    user = sandbox.account(ACCOUNT).user("ci", created=days_ago(900))
    return user.key(created=days_ago(800), toggles=[days_ago(400)])


@pytest.mark.parametrize(
    ("action", "error"),
    [("LookupEvents", "AccessDeniedException"), ("LookupEvents", "InvalidNextTokenException")],
)
def test_event_history_that_cannot_be_read_proves_nothing_by_silence(
    sandbox: Sandbox, silent: Any, tmp_path: Path, action: str, error: str
) -> None:
    """The interval stays open, the log and the evidence say why, nothing is deleted."""
    sandbox.faults.add(Fault(action=action, error=error, message="no", times=None))
    run = custodian(sandbox, tmp_path)
    key = run.keys(REPORT)[silent.id]
    assert key["InactiveDays"]["AtLeast"] == 0
    assert key["Evidence"][-1] == {
        "Source": "cloudtrail",
        "Kind": "unavailable",
        "Reason": f"{error}: no",
    }
    assert f"its silence proves nothing: {error}: no" in run.log
    assert silent.id in {key["access_key_id"] for key in sandbox.truth()}


def test_the_policys_region_does_not_choose_the_event_history(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """`-r eu-west-1` finds the same evidence as `-r us-east-1`, through a custom endpoint URL."""
    user = sandbox.account(ACCOUNT).user("ci", created=days_ago(900))
    user.key(created=days_ago(800), toggles=[days_ago(20)])
    user.key(created=days_ago(800), toggles=[days_ago(400)])
    recorded(user.account)
    runs = [
        custodian(sandbox, tmp_path / region, "-r", region, "-p", REPORT)
        for region in ("us-east-1", "eu-west-1")
    ]
    first, second = (
        {
            key_id: (key["InactiveDays"], [item["Source"] for item in key["Evidence"]])
            for key_id, key in run.keys(REPORT).items()
        }
        for run in runs
    )
    assert len(first) == 2
    assert first == second
    assert {call.region for call in sandbox.calls if call.action == "LookupEvents"} == {"us-east-1"}


def test_a_user_beyond_the_first_page_of_a_listing_is_found(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Users are listed a hundred at a time; without our source, the 130th still counts."""
    account = sandbox.account(ACCOUNT)
    for number in range(150):
        account.user(f"user-{number:03}", created=days_ago(900))
    key = account.user("user-130").key(created=days_ago(800), toggles=[days_ago(400)])
    recorded(account)
    policy = {
        "name": "all",
        "resource": "aws.iam-user",
        "filters": [{"type": "inactive-access-key", "days": 90}],
    }
    run = custodian(sandbox, tmp_path, policies=[policy])
    assert set(run.keys("all")) == {key.id}


def test_finding_costs_calls_for_what_is_found_only(sandbox: Sandbox, tmp_path: Path) -> None:
    """1,000 users, 10 inactive keys: 3 calls, 2 for each such user, and the pages of events."""
    account = sandbox.account(ACCOUNT)
    first = days_ago(900)
    for number in range(1000):
        born = first - timedelta(seconds=number)  # of twins the report proves nothing
        user = account.user(f"user-{number:04}", created=born)
        user.key(created=days_ago(800), toggles=[days_ago(300)] if number % 100 == 42 else [])
    run = custodian(sandbox, tmp_path, "-p", REPORT)
    calls = sandbox.calls.by_action()
    del calls["GetCallerIdentity"]  # Custodian's own, for the account's id
    pages = calls.pop("LookupEvents")
    assert len(run.keys(REPORT)) == 10
    assert pages == 1
    assert sum(calls.values()) <= 3 + 2 * 10
