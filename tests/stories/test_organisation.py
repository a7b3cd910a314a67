# SPDX-License-Identifier: Apache-2.0
"""The main job over an organisation, through stock c7n-org, against the sandbox's books."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from c7n_inactive_keys_sandbox import Sandbox
from c7n_inactive_keys_sandbox.organisation import ROLE, seed_organisation
from tests.support.accounts import administrator
from tests.support.commands import run
from tests.support.outcome import Outcome
from tests.support.policies import POLICIES

pytestmark = pytest.mark.e2e

DAY = timedelta(days=1)
PROVEN_ON_DAY_ONE = {"proven-for-a-year"}  # by the ledger of earlier runs


@dataclass
class Story:
    """Runs over the organisation, with its books between: day one dry and real, day two twice."""

    now: datetime  # of day two
    before: list[dict[str, Any]]
    dry: Outcome
    after_dry: list[dict[str, Any]]
    day_one: Outcome
    after_day_one: list[dict[str, Any]]
    real: Outcome
    after_real: list[dict[str, Any]]
    again: Outcome
    calls_again: dict[str, int]


@pytest.fixture(scope="module", name="story")
def _story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    home = tmp_path_factory.mktemp("organisation")
    now = datetime.now(timezone.utc)
    with Sandbox() as sandbox:
        organisation = seed_organisation(sandbox, now)
        accounts = organisation.accounts_yml(home / "accounts.yml")
        environ = administrator(sandbox, organisation.management.id, HOME=str(home))

        def c7n_org(name: str, *options: str) -> Outcome:
            place = home / name
            place.mkdir()
            command = ("c7n-org", "run", "-c", accounts, "-u", POLICIES, "-s", place / "out")
            done = run(*command, "--cache-period", "0", *options, cwd=place, **environ)
            return Outcome(done.returncode, done.stderr, place / "out", place)

        before = sandbox.truth()
        dry = c7n_org("dry", "--dryrun")
        after_dry = sandbox.truth()
        day_one = c7n_org("day-one")
        after_day_one = sandbox.truth()
        sandbox.age(DAY)
        real = c7n_org("real")
        after_real = sandbox.truth()
        sandbox.calls.clear()
        again = c7n_org("again")
        calls = sandbox.calls.by_action()
        return Story(
            now + DAY,
            before,
            dry,
            after_dry,
            day_one,
            after_day_one,
            real,
            after_real,
            again,
            calls,
        )


def found(story: Outcome, policy: str) -> dict[str, set[str]]:
    """The matched access key ids of each account, from the files that c7n-org left."""
    ids: dict[str, set[str]] = defaultdict(set)
    for path in story.out.glob(f"*/us-east-1/{policy}/resources.json"):
        for user in json.loads(path.read_text()):
            account = user["Arn"].split(":")[4]
            ids[account].update(key["AccessKeyId"] for key in user["c7n:InactiveAccessKeys"])
    return {account: found for account, found in ids.items() if found}


def by_account(keys: list[dict[str, Any]]) -> dict[str, set[str]]:
    """The access key ids of each account."""
    ids: dict[str, set[str]] = defaultdict(set)
    for key in keys:
        ids[key["account_id"]].add(key["access_key_id"])
    return dict(ids)


def inactive_users_keys(story: Story) -> list[dict[str, Any]]:
    """What the sandbox's books say is inactive, less the root user's keys."""
    return [
        key
        for key in story.before
        if key["status"] == "Inactive" and key["user_name"] != "<root_account>"
    ]


def test_all_runs_end_well(story: Story) -> None:
    """Nothing is wrong with the organisation, so each run exits with 0."""
    runs = [story.dry, story.day_one, story.real, story.again]
    assert [run.status for run in runs] == [0, 0, 0, 0], story.real.log


def test_exactly_the_inactive_keys_are_reported_in_every_account(story: Story) -> None:
    """The books of the sandbox name the same keys, account by account."""
    assert found(story.dry, "inactive-keys-report") == by_account(inactive_users_keys(story))


def test_a_dry_run_deletes_nothing(story: Story) -> None:
    """Custodian's dry run leaves every key as it is."""
    assert story.after_dry == story.before


def test_on_day_one_only_what_events_or_an_older_ledger_prove_is_deleted(story: Story) -> None:
    """All other silence waits for somebody who has seen the key inactive; the ledger has now."""
    left = {key["access_key_id"] for key in story.after_day_one}
    gone = [key for key in story.before if key["access_key_id"] not in left]
    assert {key["user_name"] for key in gone} == PROVEN_ON_DAY_ONE
    waiting = [
        key
        for path in story.day_one.out.glob("*/us-east-1/inactive-keys-report/resources.json")
        for user in json.loads(path.read_text())
        for key in user["c7n:InactiveAccessKeys"]
        if "Unsettled" in key["InactiveDays"]
    ]
    assert len(waiting) > 15
    assert {key["InactiveDays"]["AtLeast"] for key in waiting} == {0.0}


def test_exactly_the_keys_off_for_90_days_are_deleted_on_day_two(story: Story) -> None:
    """Off for 90 days by the books, and the user not exempt: gone; any other key: still there."""
    gone = {key["access_key_id"] for key in story.before} - {
        key["access_key_id"] for key in story.after_real
    }
    expected = {
        key["access_key_id"]
        for key in inactive_users_keys(story)
        if story.now - key["deactivated"] >= timedelta(days=90)
        and key["user_name"] != "break-glass"
    }
    assert len(expected) > 20
    assert gone == expected


def test_a_five_year_old_key_that_was_disabled_yesterday_stays(story: Story) -> None:
    """Its creation date says nothing about when it was switched off."""
    key = next(key for key in story.after_real if key["user_name"] == "deploy")
    assert (key["status"], (story.now - DAY - key["created"]).days) == ("Inactive", 5 * 365 + 2)


def test_an_active_key_is_never_touched(story: Story) -> None:
    """Every key that was active is there, and active."""
    active = {key["access_key_id"] for key in story.before if key["status"] == "Active"}
    still = {key["access_key_id"] for key in story.after_real if key["status"] == "Active"}
    assert active
    assert still == active


def test_of_two_keys_of_the_same_second_only_the_inactive_one_goes(story: Story) -> None:
    """Keys are known by their id, never by their creation time."""
    seconds: dict[tuple[str, datetime], list[dict[str, Any]]] = defaultdict(list)
    for key in story.before:
        seconds[(key["user_name"], key["created"])].append(key)
    twins = [
        keys for keys in seconds.values() if {k["status"] for k in keys} == {"Active", "Inactive"}
    ]
    left = {key["access_key_id"] for key in story.after_real}
    assert twins
    for key in (key for keys in twins for key in keys):
        old = key["deactivated"] and story.now - key["deactivated"] >= timedelta(days=90)
        assert (key["access_key_id"] in left) == (not old)


def test_every_deleted_key_has_its_two_lines_in_a_journal(story: Story) -> None:
    """`deleting` before the call and `deleted` after it, in this order."""
    lines: dict[str, list[str]] = defaultdict(list)
    for done in (story.day_one, story.real):
        for path in done.out.glob("*/*/inactive-keys-delete/inactive-keys.jsonl"):
            for line in path.read_text().splitlines():
                entry = json.loads(line)
                lines[entry["access_key_id"]].append(entry["outcome"])
    left = {key["access_key_id"] for key in story.after_real}
    gone = {key["access_key_id"] for key in story.before} - left
    assert {key_id: lines[key_id] for key_id in gone} == {
        key_id: ["deleting", "deleted"] for key_id in gone
    }


def test_a_second_real_run_deletes_nothing(story: Story) -> None:
    """What is left was not proven for 90 days, and is not now."""
    assert found(story.again, "inactive-keys-delete") == {}
    assert story.calls_again.get("DeleteAccessKey", 0) == 0


def test_the_role_of_the_sandbox_is_the_one_of_the_example() -> None:
    """accounts.yml in the repository names the role that the templates in deploy/ make."""
    accounts = Path(POLICIES.parents[1] / "accounts.yml").read_text()
    assert ROLE in accounts
    assert "regions: [us-east-1]" in accounts
