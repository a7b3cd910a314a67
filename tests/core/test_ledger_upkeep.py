# SPDX-License-Identifier: Apache-2.0
"""How the ledger is carried on from run to run."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from c7n_inactive_keys.core.evidence import (
    EVENT_HISTORY,
    Assessment,
    CompleteRecord,
    Facts,
    LedgerEntry,
    StatusChange,
)
from c7n_inactive_keys.core.keys import AccessKey
from c7n_inactive_keys.core.ledger_upkeep import (
    carry_on,
    ended_by_event,
    ended_by_run,
    needs_writing,
    valid_notice,
)
from c7n_inactive_keys.core.timeline import assess

NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def found(not_before: float, not_after: float, fault: str | None = None) -> Assessment:
    return Assessment(NOW, ago(not_before), ago(not_after), (), fault)


def entry(
    after: float, since: float, verified: float, notified: float | None = None
) -> LedgerEntry:
    notice = None if notified is None else ago(notified)
    return LedgerEntry(ago(after), ago(since), ago(verified), notice, ("ticket=OPS-7",))


def test_the_first_entry_is_what_was_found():
    assert carry_on(None, found(100, 90)) == LedgerEntry(ago(100), ago(90), NOW)


def test_a_joined_entry_is_verified_again():
    """`since` stays, foreign words and the notice stay, `verified` is now."""
    old = entry(300, 299, 1, notified=50)
    assert carry_on(old, found(300, 299)) == replace(old, verified=NOW)


def test_better_knowledge_narrows_the_entry():
    assert carry_on(entry(300, 200, 1), found(250, 210)).since == ago(210)


def test_since_moves_forward_if_the_key_was_active_in_between():
    """Then the notice was about another inactivity and goes."""
    old = entry(300, 299, 1, notified=50)
    assert carry_on(old, found(10, 10, "the key changed its status after it")) == LedgerEntry(
        ago(10), ago(10), NOW, None, ("ticket=OPS-7",)
    )


def test_an_entry_that_an_event_ended_says_when_the_key_was_active():
    """Its event may have left event history, or never been there; the silence is contradicted."""
    ended = replace(entry(300, 299, 50), reactivated=ago(20))
    key = AccessKey("AKIAEXAMPLE000000001", "alice", "Inactive", ago(400))
    silent = CompleteRecord("cloudtrail", ago(90), ago(0.1))
    assessed = assess(Facts(key, records=(silent,), ledger=ended, seen_inactive=ago(0.2)), NOW)
    assert (assessed.not_before, assessed.not_after) == (ago(20), NOW)
    assert carry_on(ended, assessed).reactivated is None


@pytest.mark.parametrize(
    ("assessed", "by"),
    [
        pytest.param(found(300, 299), "c7n", id="the same inactivity"),
        pytest.param(found(250, 210), None, id="deactivated again since, as far as is known"),
        pytest.param(found(300, 299, "the key was active after it"), None, id="contradicted"),
    ],
)
def test_whoever_deactivated_it_then_is_not_who_deactivated_it_now(assessed, by):
    """What `reactivate-keys` takes back must be the deactivation that it was told of."""
    assert carry_on(replace(entry(300, 299, 1), by="c7n"), assessed).by == by


def test_an_entry_that_today_cannot_be_reached_waits_for_a_better_day():
    """Event history denied: neither verified nor given up."""
    old = entry(300, 299, 20)
    assert carry_on(old, found(300, 0)) is old


def test_after_ninety_days_the_ledger_starts_anew():
    """No event history will ever reach the old entry again."""
    waits = entry(300, 299, 90 - 2 / 24 - 5 / 1440)
    assert carry_on(waits, found(300, 0)) is waits
    gone = entry(300, 299, 90)
    assert carry_on(gone, found(300, 0)).since == NOW


def test_an_entry_that_the_record_no_longer_reaches_gives_way_to_what_is_proven():
    """Kept as it is, it would be lost tomorrow, and today's proof with it."""
    old = entry(300, 299, 89.95)
    assert carry_on(old, found(300, 89.9)) == replace(old, since=ago(89.9), verified=NOW)


def test_an_entry_from_the_future_is_left_alone():
    """By another machine's clock the key was active later: nothing may erase that."""
    old = entry(-0.01, -0.01, -0.01)
    assert carry_on(old, found(0, 0, "it lies in the future")) is old


def test_a_notice_does_not_outlive_a_gap_of_ninety_days():
    """Nobody knows whether the key was on in the meantime, unless the record is silent over it."""
    assert valid_notice(entry(300, 299, 120, notified=110), found(300, 90)) is None
    assert carry_on(entry(300, 299, 120, notified=110), found(300, 90)).notified is None
    assert valid_notice(entry(300, 299, 120, notified=80), found(300, 90)) == ago(80)


def test_an_entry_from_the_first_day_of_the_calendar_is_replaced():
    """Somebody's joke in a tag fails no run."""
    old = replace(entry(300, 299, 1), verified=datetime(1, 1, 1, tzinfo=timezone.utc))
    assert carry_on(old, found(300, 90, "its times are out of order")).since == ago(90)


@pytest.mark.parametrize(
    ("notified", "valid"),
    [(None, False), (101, False), (100, True), (50, True), (0, True), (-1, False)],
)
def test_a_notice_counts_from_when_the_key_was_last_active(notified, valid):
    notice = valid_notice(entry(100, 90, 1, notified), found(100, 90))
    assert notice == (ago(notified) if valid else None)


@pytest.mark.parametrize(
    ("old", "new", "writes"),
    [
        pytest.param(None, entry(9, 9, 0), True, id="no tag yet"),
        pytest.param(entry(9, 9, 0), entry(9, 9, 0), False, id="the same"),
        pytest.param(entry(9, 9, 19 / 24), entry(9, 9, 0), False, id="verified 19 hours ago"),
        pytest.param(entry(9, 9, 20 / 24), entry(9, 9, 0), True, id="verified 20 hours ago"),
        pytest.param(entry(9, 8, 0.1), entry(9, 9, 0), True, id="since differs"),
        pytest.param(entry(9, 9, 0.1), entry(9, 9, 0, notified=1), True, id="noticed"),
    ],
)
def test_writes_only_what_must_change(old, new, writes):
    assert needs_writing(old, new) is writes


@pytest.mark.parametrize(
    ("changed", "status", "kept"),
    [
        (None, "", True),
        (61, "Active", True),  # before the deactivation that the entry is about
        (50, "Inactive", True),  # the key is active, so an event is on its way
        (50, "Active", False),
    ],
)
def test_the_entry_of_a_woken_key_stays_until_event_history_tells_of_it(changed, status, kept):
    """Then it is to go, and says of no reactivation that it was now."""
    old = replace(entry(60, 60, 55), by="c7n")
    events = [] if changed is None else [StatusChange(ago(changed), status, EVENT_HISTORY)]
    ended = replace(old, reactivated=NOW)
    assert ended_by_run(old, events, NOW) == (ended if kept else None)
    later = NOW + timedelta(hours=3)
    assert ended_by_run(ended, [], later) is None


@pytest.mark.parametrize(
    ("status", "inactive_for", "told"),
    [("Active", 30, True), ("Active", 0.5, False), ("UNCLEAR", 30, False)],
)
def test_an_event_ends_an_entry_if_it_woke_a_dormant_key(status, inactive_for, told):
    """A key that was inactive for hours, or that may not have changed, is nothing to tell of."""
    old = entry(inactive_for, inactive_for, 0)
    ended = ended_by_event(old, StatusChange(ago(0), status, EVENT_HISTORY), NOW)
    assert ended == (replace(old, reactivated=NOW) if told else None)
