# SPDX-License-Identifier: Apache-2.0
"""What went wrong for other people when they looked for unused keys: each case, in two shared runs.

Those about deletion are in tests/change; blocks and other filters in test_composition.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys_sandbox import Account, Fault, Key, Sandbox
from tests.support.accounts import ACCOUNT, days_ago, recorded
from tests.support.custodian import custodian
from tests.support.outcome import Outcome
from tests.support.policies import ours

pytestmark = pytest.mark.e2e

REPORTED, LISTED = "by-the-report", "by-the-list"
# Until then Custodian's own source fails when a user vanishes between its list and GetUser.
STUMBLES = Version(version("c7n")) < Version("0.9.50")


def policies(*filters: Any) -> list[dict[str, Any]]:
    """The same filters behind either source."""
    base = {"resource": "aws.iam-user", "filters": [*filters]}
    return [{"name": REPORTED, "source": "credential-report", **base}, {"name": LISTED, **base}]


def user(account: Account, name: str) -> Any:
    """A user as old as any of its keys."""
    return account.user(name, created=days_ago(3000))


def entry(run: Outcome, policy: str, key: Key) -> dict[str, Any] | None:
    """What is said of a key."""
    return run.keys(policy).get(key.id)


@dataclass(frozen=True)
class Story:
    """An account of many cases, found by both sources in one run."""

    run: Outcome
    keys: Mapping[str, Key]
    moments: Mapping[str, datetime]


@pytest.fixture(scope="module", name="story")
def _story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with Sandbox() as sandbox:
        account = sandbox.account(ACCOUNT)
        keys: dict[str, Key] = {}
        moments = {name: days_ago(days) for name, days in MOMENTS.items()}
        moments["use"] = moments["use"].replace(second=0)  # the report knows no seconds of a use
        for fill in (fill_pairs, fill_events, fill_ledger, fill_uses):
            fill(account, keys, moments)
        recorded(account)
        home = tmp_path_factory.mktemp("scenarios")
        run = custodian(sandbox, home, policies=policies(ours()))
        assert run.status == 0, run.log
        yield Story(run, keys, moments)


MOMENTS = {"off": 33.5, "second-off": 20.2, "use": 120.5}


def fill_pairs(account: Account, keys: dict[str, Key], moments: Mapping[str, datetime]) -> None:
    """Users of two keys, where it matters which is which."""
    pair = user(account, "young-and-old")
    keys["young"] = pair.key(created=days_ago(1.5), toggles=[days_ago(1)])
    keys["old"] = pair.key(created=days_ago(400), last_used=(days_ago(0.1), "s3", "us-east-1"))
    pair = user(account, "first-inactive-second-stale")
    keys["first-inactive"] = pair.key(created=days_ago(700), toggles=[moments["off"]])
    keys["second-stale"] = pair.key(
        created=days_ago(600), last_used=(days_ago(500), "s3", "us-east-1")
    )
    pair = user(account, "first-active-second-inactive")
    keys["first-active"] = pair.key(created=days_ago(700))
    keys["second-inactive"] = pair.key(created=days_ago(600), toggles=[moments["off"]])


def fill_events(account: Account, keys: dict[str, Key], moments: Mapping[str, datetime]) -> None:
    """Histories in which some event is not what it seems."""
    key = keys["denied"] = user(account, "denied").key(created=days_ago(900))
    key.deactivate(at=days_ago(400))
    key.deny_change(at=days_ago(30))
    key = keys["by-itself"] = user(account, "by-itself").key(created=days_ago(900))
    key.deactivate(at=moments["off"], by_user=True)
    key = keys["off-on-off"] = user(account, "off-on-off").key(created=days_ago(900))
    key.deactivate(at=days_ago(80))
    key.activate(at=days_ago(70))
    key.deactivate(at=moments["second-off"])
    key = keys["on-within-off-before"] = user(account, "swapped").key(created=days_ago(900))
    key.deactivate(at=days_ago(300))
    key.activate(at=days_ago(200))
    key.deactivate(at=moments["off"])


def ledger_tag(key_id: str, **times: datetime) -> dict[str, str]:
    """A ledger tag as record-inactive-keys writes it."""
    value = " ".join(f"{word}={format_time(moment)}" for word, moment in times.items())
    return {f"c7n-inactive-key:{key_id}": value}


def fill_ledger(account: Account, keys: dict[str, Key], moments: Mapping[str, datetime]) -> None:
    """Tags of keys that are gone, or from before the key was on again."""
    heir = user(account, "heir")
    times = {"after": days_ago(801), "since": days_ago(800), "verified": days_ago(1)}
    heir.tags.update(ledger_tag("AKIAGONEGONEGONEGONE", **times))
    keys["heir"] = heir.key(created=days_ago(850), toggles=[moments["off"]])
    again = user(account, "again")
    keys["again"] = again.key(
        created=days_ago(900), toggles=[days_ago(800), days_ago(40), moments["second-off"]]
    )
    again.tags.update(ledger_tag(keys["again"].id, **times))


def fill_uses(account: Account, keys: dict[str, Key], moments: Mapping[str, datetime]) -> None:
    """Keys with and without a recorded use."""
    keys["never-used"] = user(account, "never-used").key(
        created=days_ago(900), toggles=[days_ago(200)]
    )
    keys["used"] = user(account, "used").key(
        created=days_ago(900),
        toggles=[days_ago(100)],
        last_used=(moments["use"], "ec2", "eu-west-1"),
    )


both = pytest.mark.parametrize("policy", [REPORTED, LISTED])


@both
def test_1_a_young_and_an_old_key_of_a_user_are_not_taken_for_one(
    story: Story, policy: str
) -> None:
    """842, 5583: one key never used but young, one old but used: neither is old and unused."""
    young = entry(story.run, policy, story.keys["young"])
    assert young
    assert young["InactiveDays"]["AtMost"] <= 1.6
    assert entry(story.run, policy, story.keys["old"]) is None


@both
def test_5_a_key_is_not_judged_by_its_creation_date(story: Story, policy: str) -> None:
    """6732: a key of 700 days that was switched off last month is inactive since last month."""
    found = entry(story.run, policy, story.keys["first-inactive"])
    assert found
    assert found["InactiveDays"] == {"AtLeast": 33.5, "AtMost": 33.5}


@both
def test_11_the_clock_starts_at_the_last_deactivation(story: Story, policy: str) -> None:
    """Off, on and off again: both within event history, and across its beginning."""
    for name, moment in (("off-on-off", "second-off"), ("on-within-off-before", "off")):
        found = entry(story.run, policy, story.keys[name])
        at = format_time(story.moments[moment])
        assert found
        assert found["InactiveSince"] == {"NotBefore": at, "NotAfter": at}


@both
def test_11_a_ledger_from_before_a_reactivation_is_not_believed(story: Story, policy: str) -> None:
    """A tag that nobody cleared does not make the key look inactive for 800 days."""
    found = entry(story.run, policy, story.keys["again"])
    assert found
    assert found["InactiveDays"] == {"AtLeast": 20.2, "AtMost": 20.2}
    discarded = [item for item in found["Evidence"] if item["Source"] == "ledger"]
    assert [item["Discarded"] for item in discarded] == ["the key changed its status after it"]


@both
def test_12_a_key_does_not_inherit_the_date_of_one_that_is_gone(story: Story, policy: str) -> None:
    """cloud-governance tags by position; here the tag names the key."""
    found = entry(story.run, policy, story.keys["heir"])
    assert found
    at = format_time(story.moments["off"])
    assert found["InactiveSince"] == {"NotBefore": at, "NotAfter": at}


@both
def test_15_a_denied_change_is_no_change(story: Story, policy: str) -> None:
    """An event with an errorCode neither starts the clock nor breaks the silence."""
    found = entry(story.run, policy, story.keys["denied"])
    assert found
    assert found["InactiveDays"]["AtLeast"] == 90.0
    kinds = {item["Kind"] for item in found["Evidence"]}
    assert kinds - {"inactive"} == {"created", "inactive-throughout"}


@both
def test_15_an_event_without_the_user_s_name_counts(story: Story, policy: str) -> None:
    """A user who switches off its own key is not named in requestParameters."""
    found = entry(story.run, policy, story.keys["by-itself"])
    at = format_time(story.moments["off"])
    assert found
    assert found["InactiveSince"] == {"NotBefore": at, "NotAfter": at}


@both
def test_17_never_used_is_none_recorded(story: Story, policy: str) -> None:
    """No date, no service, no evidence of a use, and the creation is the far end."""
    found = entry(story.run, policy, story.keys["never-used"])
    assert found
    assert [found[f"LastUsed{what}"] for what in ("Date", "Service", "Region")] == [None] * 3
    assert found["InactiveDays"] == {"AtLeast": 90.0, "AtMost": 900.0}


@both
def test_17_a_recorded_use_is_the_far_end(story: Story, policy: str) -> None:
    """The key was active then, so it cannot have been off for longer."""
    found = entry(story.run, policy, story.keys["used"])
    assert found
    assert found["InactiveSince"]["NotBefore"] == format_time(story.moments["use"])
    assert (found["LastUsedService"], found["LastUsedRegion"]) == ("ec2", "eu-west-1")


@both
def test_25_26_the_matched_key_is_named_and_no_other(story: Story, policy: str) -> None:
    """steampipe stops at the first key, post-finding names the first: here it is by id."""
    for name, other in (("first-inactive", "second-stale"), ("second-inactive", "first-active")):
        assert entry(story.run, policy, story.keys[name])
        assert entry(story.run, policy, story.keys[other]) is None


def test_both_sources_find_the_same(story: Story) -> None:
    """Interval by interval; only the report, some seconds old, is not the same evidence."""
    first, second = (
        {
            key_id: (key["InactiveSince"], key["LastUsedDate"], key["LastUsedService"])
            for key_id, key in story.run.keys(policy).items()
        }
        for policy in (REPORTED, LISTED)
    )
    silent = {
        key.id for name, key in story.keys.items() if name in ("never-used", "used", "denied")
    }
    assert set(first) == set(second)
    assert {key: first[key] for key in set(first) - silent} == {
        key: second[key] for key in set(second) - silent
    }


# -- a world that does not hold still, or does not answer -----------------------------------------


@dataclass(frozen=True)
class Trouble:
    """A run in which single users and calls are in trouble."""

    run: Outcome
    keys: Mapping[str, Key]


@pytest.fixture(scope="module", name="trouble")
def _trouble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trouble]:
    with Sandbox() as sandbox:
        account = sandbox.account(ACCOUNT)
        keys = {}
        gone = () if STUMBLES else ("gone-before-get",)
        for name in (*gone, "calm", "gone-before-list", "on-before-list", "no-use"):
            keys[name] = user(account, name).key(created=days_ago(900), toggles=[days_ago(400)])
        for number in range(40):
            name = f"many-{number}"
            keys[name] = user(account, name).key(created=days_ago(900), toggles=[days_ago(400)])
        recorded(account)
        for fault in (
            Fault(action="GetUser", user="gone-before-get", call="delete-user"),
            Fault(action="ListAccessKeys", user="gone-before-list", call="delete-user"),
            Fault(action="ListAccessKeys", user="on-before-list", call="activate"),
            Fault(
                action="GetAccessKeyLastUsed",
                key_id=keys["no-use"].id,
                times=None,
                error="AccessDenied",
            ),
            Fault(action="ListAccessKeys", nth=10, times=2),
        ):
            sandbox.faults.add(fault)
        home = tmp_path_factory.mktemp("trouble")
        yield Trouble(custodian(sandbox, home, policies=policies(ours(90))[1:]), keys)


def test_16_a_last_use_that_cannot_be_read_is_not_never(trouble: Trouble) -> None:
    """Nothing is proven of the key; asked for any age it is there, with the reason."""
    assert entry(trouble.run, LISTED, trouble.keys["no-use"]) is None
    assert "the last use of access key " + trouble.keys["no-use"].id in trouble.run.log


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            "gone-before-get",
            marks=pytest.mark.skipif(STUMBLES, reason="Custodian before 0.9.50 fails there itself"),
        ),
        "gone-before-list",
        "on-before-list",
    ],
)
def test_18_a_user_that_changes_in_mid_run_is_left_out(trouble: Trouble, name: str) -> None:
    """Gone before it is described, gone before its keys are listed, its key switched on."""
    assert entry(trouble.run, LISTED, trouble.keys[name]) is None
    assert "Traceback" not in trouble.run.log


def test_18_21_all_others_are_found_without_gaps(trouble: Trouble) -> None:
    """A user that is gone, and throttling of some calls, cost no other user."""
    expected = {
        key.id for name, key in trouble.keys.items() if name == "calm" or name.startswith("many")
    }
    assert set(trouble.run.keys(LISTED)) == expected
    assert trouble.run.status == 0, trouble.run.log


# -- event history --------------------------------------------------------------------------------


@pytest.fixture(name="busy")
def _busy(sandbox: Sandbox) -> Mapping[str, Key]:
    """An account whose event history has four pages, newest events first."""
    account = sandbox.account(ACCOUNT)
    keys = {
        "latest": user(account, "latest").key(created=days_ago(900), toggles=[days_ago(1)]),
        "oldest": user(account, "oldest").key(created=days_ago(900), toggles=[days_ago(89)]),
        "silent": user(account, "silent").key(created=days_ago(900), toggles=[days_ago(400)]),
    }
    toggles = [days_ago(80 - number / 4) for number in range(150)]
    keys["restless"] = user(account, "restless").key(created=days_ago(900), toggles=toggles)
    recorded(account)
    return keys


def test_21_event_history_at_aws_s_rate_is_read_to_its_end(
    sandbox: Sandbox, busy: Mapping[str, Key], tmp_path: Path
) -> None:
    """Two requests a second, four pages: the event on the last page decides on its key."""
    sandbox.rates = {"LookupEvents": 2}
    run = custodian(sandbox, tmp_path, policies=policies(ours()))
    days = {name: entry(run, REPORTED, key) for name, key in busy.items()}
    assert {name: found and found["InactiveDays"]["AtLeast"] for name, found in days.items()} == {
        "latest": 1.0,
        "oldest": 89.0,
        "silent": 90.0,
    } | {"restless": None}
    assert sandbox.calls.count("LookupEvents") >= 4


@pytest.mark.parametrize("page", [2, 4])
def test_14_half_an_event_history_is_none(
    sandbox: Sandbox, busy: Mapping[str, Key], tmp_path: Path, page: int
) -> None:
    """A page that cannot be read makes all of it no evidence: nothing is proven, nothing goes."""
    sandbox.faults.add(
        Fault(action="LookupEvents", nth=page, times=None, error="AccessDeniedException")
    )
    deletion = policies(ours(1))[0] | {"name": "deletion", "actions": ["delete-inactive-keys"]}
    run = custodian(sandbox, tmp_path, policies=[policies(ours())[0], deletion])
    assert run.status == 0, run.log
    found = run.keys(REPORTED)
    assert {key["InactiveDays"]["AtLeast"] for key in found.values()} == {0.0}
    assert {key["Evidence"][-1]["Kind"] for key in found.values()} == {"unavailable"}
    assert sandbox.calls.count("DeleteAccessKey") == 0
