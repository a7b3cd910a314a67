# SPDX-License-Identifier: Apache-2.0
"""For how long a key was inactive before it was reactivated: never longer than it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c7n_inactive_keys.core.evidence import CompleteRecord, Facts, LedgerEntry, StatusChange
from c7n_inactive_keys.core.keys import AccessKey, LastUse
from c7n_inactive_keys.core.reactivated_key import ReactivatedKey, reactivation
from tests.core.histories import GAPS, TAIL, Event, Life, at, blind, ledger_of, lives, witness

NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
KEY = AccessKey("AKIAEXAMPLE000000001", "alice", "Active", NOW - timedelta(days=400))
HOUR = 1 / 24
ROUNDING = 0.05  # days are told with one decimal


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


HISTORY = CompleteRecord("cloudtrail", ago(90), ago(2 * HOUR))


def off(days: float) -> StatusChange:
    return StatusChange(ago(days), "Inactive", "cloudtrail")


def on(days: float, actor: str | None = "arn:aws:iam::123456789012:user/eve") -> StatusChange:
    return StatusChange(ago(days), "Active", "cloudtrail", "event-1", actor)


def facts(*changes, used=None, entry=None, records=(HISTORY,)) -> Facts:
    return Facts(KEY, LastUse(used and ago(used)), changes, records, entry)


def ledger(since: float, verified: float, after: float | None = None, woken: float | None = None):
    return LedgerEntry(
        ago(since if after is None else after),
        ago(since),
        ago(verified),
        reactivated=None if woken is None else ago(woken),
    )


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(facts(), id="nothing is known of it"),
        pytest.param(facts(used=1), id="used, and nothing else"),
        pytest.param(facts(off(60), used=1), id="used while event history has it as inactive"),
        pytest.param(facts(on(2)), id="an Active event, and nobody saw it inactive before"),
        pytest.param(facts(on(2), records=()), id="the same, and event history was not read"),
        pytest.param(facts(entry=ledger(200, 300)), id="a ledger out of order"),
        pytest.param(facts(entry=ledger(300, -1)), id="a ledger from the future"),
        pytest.param(facts(entry=ledger(300, 200), used=250), id="used while the ledger had it"),
        pytest.param(
            facts(off(20), on(10), entry=ledger(300, 200), records=()),
            id="deactivated again since the ledger saw it inactive",
        ),
    ],
)
def test_nothing_is_told_without_proof(given):
    found = reactivation(given, NOW)
    assert found is None or found.at_least_days == 0


@pytest.mark.parametrize(
    ("given", "days", "moment"),
    [
        pytest.param(facts(off(60), on(2)), 58.0, 2, id="both events"),
        pytest.param(facts(off(60), on(2), used=1), 58.0, 2, id="and used since"),
        pytest.param(facts(off(60), on(5), on(2)), 55.0, 5, id="the first call woke it"),
        pytest.param(facts(off(80), on(50), off(40), on(2)), 38.0, 2, id="the last inactivity"),
        pytest.param(facts(off(60)), 59.9, None, id="its event is on the way"),
        pytest.param(facts(entry=ledger(300, 1)), 299.9, None, id="the ledger saw it yesterday"),
        pytest.param(
            facts(entry=ledger(300, 1), records=()), 299.0, None, id="and there is no event history"
        ),
        pytest.param(facts(on(0.5), entry=ledger(300, 1)), 299.5, 0.5, id="ledger and event"),
        pytest.param(
            facts(entry=ledger(300, 1, woken=0.01)), 300.0, 0.01, id="the ledger has the event"
        ),
        pytest.param(
            facts(on(0.5), entry=ledger(300, 1), records=()), 299.0, 0.5, id="the longer of the two"
        ),
    ],
)
def test_inactivity_and_reactivation_are_told(given, days, moment):
    found = reactivation(given, NOW)
    assert found
    assert found.at_least_days == pytest.approx(days, abs=0.01)
    assert found.at_least_days <= found.at_most_days
    assert found.reactivated == (moment and ago(moment))


def test_who_did_it_is_known_from_the_event():
    found = reactivation(facts(off(60), on(2)), NOW)
    assert found
    assert found.actor == "arn:aws:iam::123456789012:user/eve"
    assert ReactivatedKey.from_annotation(found.to_annotation()) == found


@st.composite
def woken_lives(draw) -> tuple[Life, Life]:
    """A life at whose end the key is inactive; and the same, reactivated then and seen later."""
    life = draw(lives())
    gap, delay = draw(st.sampled_from(GAPS)), draw(st.sampled_from((0, 300, TAIL)))
    wake = Event(len(life.events), life.now + 1, "Active", True, delay)
    look = replace(life.look, second=life.now + 1 + gap, report_age=None)
    return life, replace(life, events=(*life.events, wake), look=look)


def longest_inactivity(life: Life) -> float:
    """In days."""
    seconds = [event.second for event in life.events if event.real]
    return (
        max(
            woken - deactivated
            for deactivated, woken in zip(seconds[::2], seconds[1::2], strict=True)
        )
        / 86400
    )


@given(woken_lives())
def test_no_key_is_told_to_have_been_inactive_for_longer_than_it_was(both):
    """While events are on their way, an earlier reactivation may be told of; its time is true."""
    life, woken = both
    known = witness(woken, woken.look, ledger_of(life))
    known = replace(known, key=replace(known.key, status="Active"))
    found = reactivation(known, at(woken.now))
    if found and not blind(life, witness(life, life.look, None)):
        assert found.at_least_days <= longest_inactivity(woken) + ROUNDING
