# SPDX-License-Identifier: Apache-2.0
"""The laws of the timeline, tried on random lives of a key.

3,000 of them in all. `HISTORIES=100000 pytest tests/core` tries as many, and new ones each time.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from c7n_inactive_keys.core.evidence import (
    READING,
    SETTLING,
    CompleteRecord,
    Facts,
    LedgerEntry,
    StatusChange,
)
from c7n_inactive_keys.core.keys import ACTIVE, INACTIVE, LastUse, Unavailable
from c7n_inactive_keys.core.timeline import RUN_MEMORY, assess, reach_of

from .histories import (
    DAY,
    GAPS,
    HOUR,
    MARGIN,
    SPREADING,
    TAIL,
    WINDOW,
    Life,
    at,
    blind,
    facts_of,
    last_use_of,
    ledger_of,
    lives,
    poorer,
    record,
    witness,
)

# Up to so many are the same ones each time, so that a failure is about the change at hand; asked
# for more, it looks for lives that nobody has tried.
USUAL = 10_000
ASKED = int(os.environ.get("HISTORIES", USUAL))
SHARES: list[int] = []


def histories(share: int) -> settings:
    """Settings for a law that is tried on this share of the lives, in percent."""
    SHARES.append(share)
    return settings(
        max_examples=max(ASKED * share // 100, 1),
        deadline=None,
        derandomize=ASKED <= USUAL,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


def test_the_laws_share_all_lives():
    """As many are tried as were asked for."""
    assert sum(SHARES) == 100


def seconds_proven(facts: Facts, now: datetime) -> float:
    """AtLeast, before it is rounded to days."""
    return max((now - assess(facts, now).not_after).total_seconds(), 0)


# -- the true moment always lies in [NotBefore, NotAfter] ------------------------------------------


@histories(16)
@given(lives())
def test_the_interval_holds_the_moment_of_the_last_deactivation(life: Life):
    """Whatever happened and whichever sources were read, NotBefore <= truth <= NotAfter."""
    facts = facts_of(life)
    assume(not blind(life, facts))
    found = assess(facts, at(life.now))
    assert found.not_before <= at(life.truth) <= found.not_after


@histories(8)
@given(lives(redundant=True))
def test_switching_off_what_is_off_never_proves_more(life: Life):
    """Calls that change nothing may move the interval to now, never to before the truth."""
    facts = facts_of(life)
    assume(not blind(life, facts))
    found = assess(facts, at(life.now))
    assert found.not_after >= at(life.truth)
    assert found.not_before <= found.not_after


@histories(8)
@given(lives(late_uses=True))
def test_uses_while_a_switch_off_spreads_do_no_harm(life: Life):
    """A use in the minute after the switch-off moves NotBefore by no more than that minute."""
    facts = facts_of(life)
    assume(not blind(life, facts))
    found = assess(facts, at(life.now))
    assert found.not_after >= at(life.truth)
    assert found.not_before <= at(life.truth + SPREADING)
    assert found.not_before <= found.not_after


# -- what is known exactly is said exactly ---------------------------------------------------------


@histories(6)
@given(lives())
def test_what_complete_event_history_shows_is_exact(life: Life):
    """Exact to the second where history holds the event; the whole reach, once it is observed."""
    facts = facts_of(life)
    assume(life.look.history and isinstance(facts.last_use, LastUse) and not blind(life, facts))
    found = assess(facts, at(life.now))
    if life.now - WINDOW + MARGIN <= life.truth <= life.now - TAIL:
        assume(not ambiguous(facts))
        assert found.not_before == found.not_after == at(life.truth)
    elif life.truth < life.now - WINDOW + MARGIN:
        assert (found.unsettled_days or found.at_least_days) >= 89.9


# -- more true evidence never widens it ------------------------------------------------------------


def ambiguous(facts: Facts) -> bool:
    """Whether the key was switched off twice with no Active event known to lie in between.

    Either an Active event is missing or the second call changed nothing, or the order of calls
    within one second is not known: the timeline leaves it open rather than guess.
    """
    on = max((c.time for c in facts.changes if c.status == ACTIVE), default=facts.key.created)
    off = {c.time for c in facts.changes if c.status == INACTIVE and c.time >= on}
    return len(off) > 1 or in_one_second(facts)


def in_one_second(facts: Facts) -> bool:
    """Whether the key was reactivated and deactivated in one second, in whatever order."""
    on, off = (
        {change.time for change in facts.changes if change.status == status}
        for status in (ACTIVE, INACTIVE)
    )
    return bool(on & off)


@histories(11)
@given(lives())
def test_more_true_evidence_never_widens_the_interval(life: Life):
    """The interval with a source lies within the one without it.

    What a source adds may be a second switch-off, though, which shows that the first might have
    been the last: then NotBefore may go back to it.
    """
    facts = facts_of(life)
    assume(not blind(life, facts))
    richer = assess(facts, at(life.now))
    for less in poorer(facts):
        if not blind(life, less):
            wider = assess(less, at(life.now))
            if not in_one_second(facts):
                assert richer.not_after <= wider.not_after
            if not ambiguous(facts):
                assert wider.not_before <= richer.not_before


# -- a later now never shortens AtLeast ------------------------------------------------------------


@histories(6)
@given(lives(redundant=True, late_uses=True), st.sampled_from(GAPS))
def test_the_same_facts_never_prove_less_later(life: Life, wait: int):
    """Time alone adds to AtLeast, or leaves it."""
    facts = facts_of(life)
    # A record that ends says nothing of the time between its end and a later now.
    assume(all(item.until is None for item in facts.records))
    assume(all(item.since <= at(life.now - TAIL) for item in facts.records))
    # One that lacks what has not settled yet would later be a record that lacks what it must hold.
    held = {(change.source, change.time, change.status) for change in facts.changes}
    assume(
        all(
            (item.source, change.time, change.status) in held
            for item in facts.records
            for change in facts.changes
            if change.time >= item.since
        )
    )
    earlier = seconds_proven(facts, at(life.now))
    assert seconds_proven(facts, at(life.now + wait)) >= earlier


@histories(8)
@given(lives(late_uses=True), st.sampled_from(GAPS))
def test_with_a_record_in_between_a_later_run_never_claims_less(life: Life, wait: int):
    """A key that stays inactive is proven since as early or earlier by the next run, within 88
    days, if this one was recorded.
    """
    wait = min(wait, 88 * DAY)
    ledger = ledger_of(life)
    facts = witness(life, life.look, ledger)
    assume(not blind(life, facts))
    if life.export and life.export.until is not None:
        life = replace(life, export=replace(life.export, until=life.export.until + wait))
    later = replace(life.look, second=life.now + wait)
    ledger = record(ledger, facts, at(life.now))
    before = assess(facts, at(life.now))
    by_then = witness(life, later, ledger)
    after = assess(by_then, at(later.second))
    # Whether a key was reactivated before or after it was seen nobody knows within a minute.
    woken = [c.time for c in by_then.changes if c.status == ACTIVE]
    assume(not any(ledger.since - READING < time <= ledger.since for time in woken))
    assert after.now - after.not_after >= before.now - before.not_after
    if life.look.history and life.look.last_use != "unavailable":
        assert after.not_after <= before.not_after


# -- a contradictory claim never lengthens AtLeast -------------------------------------------------

_MOMENTS = st.tuples(st.sampled_from((0, 1, 2, 3)), st.sampled_from(GAPS), st.sampled_from((-1, 1)))


def moment(life: Life, choice: tuple[int, int, int]) -> datetime:
    """A moment at some distance from what matters in a life: creation, use, truth or now."""
    anchor, gap, direction = choice
    use = last_use_of(life, life.look)
    used = use.time if isinstance(use, LastUse) and use.time else at(life.truth)
    return (at(0), used, at(life.truth), at(life.now))[anchor] + direction * timedelta(seconds=gap)


def contradicts(entry: LedgerEntry, facts: Facts, now: datetime) -> bool:
    """Whether a ledger entry cannot be true, given what else is known."""
    use = facts.last_use.time if isinstance(facts.last_use, LastUse) else None
    return (
        not entry.after <= entry.since <= entry.verified
        or entry.after < facts.key.created
        or entry.verified > now + timedelta(minutes=5)
        or bool(use and use > entry.since + timedelta(minutes=1))
        or any(change.time > entry.since for change in facts.changes)
        or bool(facts.seen_active and at(0) <= facts.seen_active > entry.since)
    )


@histories(8)
@given(lives(redundant=True, late_uses=True), _MOMENTS, _MOMENTS, _MOMENTS)
def test_a_ledger_entry_that_cannot_be_true_never_proves_more(life: Life, after, since, verified):
    """A forged or stale tag that something contradicts may delay a deletion, never hasten it."""
    entry = LedgerEntry(moment(life, after), moment(life, since), moment(life, verified))
    facts = witness(life, life.look, entry)
    assume(contradicts(entry, facts, at(life.now)))
    found = assess(facts, at(life.now))
    assert found.ledger_fault
    assert found.not_after >= assess(replace(facts, ledger=None), at(life.now)).not_after


@histories(8)
@given(lives(redundant=True, late_uses=True), _MOMENTS, st.sampled_from(GAPS), st.booleans())
def test_the_later_activity_stands(life: Life, after, length: int, observed: bool):
    """Where the ledger has the key as active later than all else allows, NotAfter is its since,
    or now if that lies in the future; and recording it keeps that claim.
    """
    now = at(life.now)
    began = moment(life, after)
    entry = LedgerEntry(began, began + timedelta(seconds=length), max(began, now))
    facts = witness(life, life.look, entry)
    facts = replace(facts, seen_inactive=at(life.now - 3 * HOUR) if observed else None)
    without = assess(replace(facts, ledger=None, last_use=known_use(facts)), now)
    assume(entry.after > max(without.not_after, at(0)))
    found = assess(replace(facts, last_use=known_use(facts)), now)
    assert found.not_after == min(entry.since, now)
    kept = record(entry, facts, now)
    assert kept.since >= min(entry.since, now)
    assert kept.after >= min(entry.after, now)


def known_use(facts: Facts) -> LastUse:
    """The last use; none where it could not be read."""
    return facts.last_use if isinstance(facts.last_use, LastUse) else LastUse()


@histories(6)
@given(lives(redundant=True), _MOMENTS, st.sampled_from((ACTIVE, INACTIVE)))
def test_a_status_change_that_cannot_be_true_never_proves_more(life: Life, when, status: str):
    """An event before creation, in the future, undone by a use, or missing in event history."""
    facts = witness(life, life.look, None)
    now, claim = at(life.now), StatusChange(moment(life, when), status, "events-from")
    use = facts.last_use.time if isinstance(facts.last_use, LastUse) else None
    within_history = life.look.history and (
        at(life.now - WINDOW + MARGIN) <= claim.time <= at(life.now - TAIL)
    )
    held = any(
        (change.time, change.status) == (claim.time, claim.status) for change in facts.changes
    )
    assume(
        claim.time < at(0)
        or claim.time > now + timedelta(minutes=5)
        or status == ACTIVE
        or (use and use > claim.time + timedelta(minutes=1))
        or (within_history and not held)
    )
    claimed = replace(facts, changes=(*facts.changes, claim))
    assert seconds_proven(claimed, now) <= seconds_proven(facts, now)


@histories(3)
@given(lives(redundant=True), st.sampled_from(GAPS), st.sampled_from(GAPS))
def test_silence_over_a_time_of_activity_proves_nothing(life: Life, before: int, idle: int):
    """A record that claims to be complete, yet lacks what followed a use, is not believed."""
    used = at(life.now - HOUR - idle)
    since = used - timedelta(minutes=2, seconds=before)
    facts = replace(
        witness(life, life.look, None),
        last_use=LastUse(used),
        changes=(),
        seen_active=None,
        records=(CompleteRecord("events-from", since, at(life.now) - SETTLING),),
    )
    assume(used > at(0))
    assert seconds_proven(facts, at(life.now)) == 0


# -- what is not evidence --------------------------------------------------------------------------


@histories(3)
@given(lives())
def test_without_a_last_use_nothing_is_proven(life: Life):
    """A last use that could not be read may have been a minute ago."""
    facts = replace(facts_of(life), last_use=Unavailable("last-used", "AccessDenied"))
    assert seconds_proven(facts, at(life.now)) == 0


@histories(3)
@given(lives(redundant=True))
def test_without_a_complete_record_nothing_is_proven(life: Life):
    """Creation, last use, single events and the ledger alone do not tell what happened since."""
    facts = replace(facts_of(life), records=())
    assert seconds_proven(facts, at(life.now)) == 0


_RECORDS = st.lists(st.tuples(st.integers(-40, 0), st.integers(-30, 0)), max_size=5)


@histories(6)
@given(_RECORDS)
def test_records_reach_as_far_back_as_there_is_no_gap(spans):
    """Hour by hour: from the tail back, every hour lies in some record."""
    now = at(100 * DAY)
    hour = timedelta(hours=1)
    records = [
        CompleteRecord("events-from", now + since * hour, now + until * hour)
        for since, until in spans
    ]
    ends = [(item.since, item.until) for item in records if item.since <= item.until]
    newest = max((until for _, until in ends), default=None)
    found = reach_of(records, now)
    if newest is None or newest < now - SETTLING - RUN_MEMORY:
        assert found.since == found.settled == now
        return
    reach = newest
    while any(since < reach <= until for since, until in ends):
        reach -= hour
    assert (found.since, found.settled) == (reach, min(newest, now - SETTLING))
