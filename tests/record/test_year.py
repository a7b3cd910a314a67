# SPDX-License-Identifier: Apache-2.0
"""A year of the policy inactive-keys-record, a run every second week of the sandbox's own time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from c7n_inactive_keys.core.ledger import tag_key
from tests.support.accounts import days_ago, since
from tests.support.policies import RECORD, REPORT

pytestmark = pytest.mark.e2e

STEADY, PAUSED = "111111111111", "222222222222"
FORTNIGHT = 14  # days
RUNS = 26
PAUSE = range(11, 26)  # weeks without a run in the account PAUSED: more than 90 days
BY_SOURCE_OF_USERS = {name: value for name, value in RECORD.items() if name != "source"}


@dataclass
class Year:
    """What there was to see on the way, and at the end of the year."""

    aws: Any
    custodian: Any
    tags: dict[int, dict[str, dict[str, str]]] = field(default_factory=dict)  # by week and user
    found: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)  # by account
    again: int = -1

    def entry(self, name: str, account_id: str = STEADY) -> dict[str, Any]:
        """What the report at the end says of a user's first key."""
        return self.found[account_id][self.key(name, account_id).id]

    def key(self, name: str, account_id: str = STEADY) -> Any:
        """The user's first key."""
        return self.aws.account(account_id).users[name].keys[0]

    def ledger(self, week: int, name: str) -> str | None:
        """The ledger tag of a user's first key after that week's run."""
        return self.tags[week][name].get(tag_key(self.key(name).id))

    def run(self, account_id: str, *policies: Any) -> Any:
        """A run that succeeds."""
        outcome = self.custodian.run(account_id, *policies)
        assert outcome.status == 0, outcome.log
        return outcome


def fill(aws: Any) -> None:
    """The keys as they are when the first run comes."""
    for account_id in (STEADY, PAUSED):
        account = aws.account(account_id)
        for days, name in enumerate(("stayed", "toggled"), start=900):  # no twins
            account.user(name, created=days_ago(days)).key(
                created=days_ago(800), toggles=[days_ago(1)]
            )
    steady = aws.account(STEADY)
    described = steady.users["stayed"]
    described.tags.update({described.keys[0].id: "laptop of Jo", "owner": "jo", "Empty": ""})
    for name in ("reactivated", "reactivated-alone", "off-again"):
        steady.user(name, created=days_ago(900)).key(created=days_ago(800), toggles=[days_ago(1)])
    steady.users["reactivated"].key(created=days_ago(700), toggles=[days_ago(2)])


def live(year: Year, week: int) -> None:
    """What people do in the fortnight before that week's run."""
    steady, paused = (year.aws.account(account_id).users for account_id in (STEADY, PAUSED))
    if week == 12:
        paused["toggled"].keys[0].activate(days_ago(1))
        paused["toggled"].keys[0].deactivate(days_ago(0.5))
    if week == 20:
        steady["reactivated"].keys[0].activate(days_ago(3))
        steady["reactivated-alone"].keys[0].activate(days_ago(3))
        steady["off-again"].keys[0].activate(days_ago(3))
    if week == 48:
        steady["off-again"].keys[0].deactivate(days_ago(4))
    if week == 30:
        steady["toggled"].keys[0].activate(days_ago(3))
        steady["toggled"].keys[0].deactivate(days_ago(2))


@pytest.fixture(scope="module", name="year")
def _year(aws, custodian) -> Year:
    year = Year(aws, custodian)
    fill(aws)
    for week in range(0, 2 * RUNS, 2):
        if week:
            aws.age(timedelta(days=FORTNIGHT))
        live(year, week)
        year.run(STEADY, RECORD)
        if week not in PAUSE:
            year.run(PAUSED, RECORD)
        users = aws.account(STEADY).users.values()
        year.tags[week] = {user.name: dict(user.tags) for user in users}
    aws.age(timedelta(days=FORTNIGHT))
    year.found = {
        account_id: year.run(account_id, RECORD, REPORT).keys(REPORT["name"])
        for account_id in (STEADY, PAUSED)
    }
    before = aws.calls.count("TagUser") + aws.calls.count("UntagUser")
    year.run(STEADY, RECORD)
    year.again = aws.calls.count("TagUser") + aws.calls.count("UntagUser") - before
    return year


def test_a_key_that_stayed_off_is_proven_for_the_whole_year(year):
    """To the second, though event history forgot it nine months ago."""
    entry = year.entry("stayed")
    assert since(entry) == (year.key("stayed").deactivated,) * 2
    assert entry["InactiveDays"]["AtLeast"] == pytest.approx(RUNS * FORTNIGHT + 1, abs=0.1)


def test_a_key_that_was_toggled_in_week_30_is_proven_only_since_then(year):
    """The ledger forgot the time before, and remembers the time after to the second."""
    entry = year.entry("toggled")
    assert since(entry) == (year.key("toggled").deactivated,) * 2
    assert entry["InactiveDays"]["AtLeast"] == pytest.approx((2 * RUNS - 30) * 7 + 2, abs=0.1)


def test_a_toggle_that_no_record_shows_is_not_over_claimed(year):
    """While no run came for 90 days, a toggle was forgotten: nothing before it is claimed."""
    entry = year.entry("toggled", PAUSED)
    not_before, not_after = since(entry)
    assert not_before <= year.key("toggled", PAUSED).deactivated <= not_after


def test_after_such_a_pause_the_ledger_starts_anew_from_event_history(year):
    """From the first run after it on: 90 days, and all the weeks that followed."""
    days = (2 * RUNS - PAUSE.stop) * 7 + 90
    for name in ("stayed", "toggled"):
        assert year.entry(name, PAUSED)["InactiveDays"]["AtLeast"] == pytest.approx(days, abs=0.2)


def test_a_pause_costs_the_key_that_stayed_off_its_proof_but_not_the_truth(year):
    """That it was off before the pause cannot be known any more, only not be excluded."""
    not_before, not_after = since(year.entry("stayed", PAUSED))
    assert not_before <= year.key("stayed", PAUSED).deactivated <= not_after


def test_a_key_that_was_switched_on_loses_its_tag_at_the_next_run(year):
    """The tag of the user's other key stays."""
    assert year.ledger(18, "reactivated")
    assert year.ledger(20, "reactivated") is None
    other = year.aws.account(STEADY).users["reactivated"].keys[1]
    assert tag_key(other.id) in year.tags[20]["reactivated"]


def test_a_tag_that_outlived_its_key_s_switching_on_goes_with_the_default_source(year):
    """The credential report names no user without an inactive key; the list of all users does."""
    user = year.aws.account(STEADY).users["reactivated-alone"]
    year.run(STEADY, BY_SOURCE_OF_USERS)
    assert user.tags == {}


def test_a_key_that_was_switched_on_for_half_a_year_is_inactive_only_since_then(year):
    """Whatever the tag from before may say, which no run removed while the key was on."""
    assert since(year.entry("off-again")) == (year.key("off-again").deactivated,) * 2


def test_other_tags_are_never_touched(year):
    """Neither the console's description of the key nor anybody's own tags."""
    key = year.key("stayed")
    for tags in year.tags.values():
        others = {name: value for name, value in tags["stayed"].items() if name != tag_key(key.id)}
        assert others == {key.id: "laptop of Jo", "owner": "jo", "Empty": ""}


def test_a_run_that_found_nothing_new_writes_nothing(year):
    """The second run in a row calls neither TagUser nor UntagUser."""
    assert year.again == 0


def test_the_ledger_keeps_the_moment_and_renews_only_what_it_verified(year):
    """In the sandbox all times grow older together, so `since` is always the moment itself."""
    words = dict(word.split("=") for word in year.ledger(50, "stayed").split())
    first = dict(word.split("=") for word in year.ledger(0, "stayed").split())
    assert set(words) == set(first) == {"after", "since", "verified"}
    assert words["verified"] > words["since"] == words["after"]
