# SPDX-License-Identifier: Apache-2.0
"""The timeline by examples: first what must not count as proof, then what must."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from c7n_inactive_keys.core.evidence import (
    UNCLEAR,
    CompleteRecord,
    Facts,
    LedgerEntry,
    StatusChange,
)
from c7n_inactive_keys.core.keys import ACTIVE, INACTIVE, AccessKey, LastUse, Unavailable
from c7n_inactive_keys.core.timeline import Reach, assess, reach_of

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=timezone.utc)
SECOND = 1 / 86400


def ago(days: float) -> datetime:
    return NOW - timedelta(seconds=round(days * 86400))


def change(days: float, status: str, source: str = "cloudtrail") -> StatusChange:
    return StatusChange(
        ago(days), status, source, event_id=f"e-{days}", actor="arn:aws:iam::1:user/a"
    )


def off(days: float, source: str = "cloudtrail") -> StatusChange:
    return change(days, INACTIVE, source)


def unclear(days: float, source: str = "cloudtrail") -> StatusChange:
    return change(days, UNCLEAR, source)


def on(days: float, source: str = "cloudtrail") -> StatusChange:
    return change(days, ACTIVE, source)


def ledger(after: float, since: float, verified: float) -> LedgerEntry:
    return LedgerEntry(ago(after), ago(since), ago(verified))


HOUR = 1 / 24
HISTORY = CompleteRecord("cloudtrail", ago(90), ago(2 * HOUR))
YEAR = CompleteRecord("events-from", ago(365), ago(2 * HOUR))
DENIED = Unavailable("cloudtrail", "no", "AccessDenied")
UNREAD = Unavailable("last-used", "Rate exceeded", "Throttling")


def facts(
    *changes,
    created=400,
    used=None,
    records=(HISTORY,),
    entry=None,
    unavailable=(),
    active=None,
    inactive=None,
):
    """A key that is inactive now; by default event history was read and the key never used.

    `active`, `inactive`: a credential report of so many days ago has it so.
    """
    last_use = (
        used if isinstance(used, Unavailable) else LastUse(None if used is None else ago(used))
    )
    return Facts(
        AccessKey("AKIAEXAMPLE000000001", "alice", INACTIVE, ago(created)),
        last_use,
        changes,
        records,
        entry,
        None if active is None else ago(active),
        None if inactive is None else ago(inactive),
        unavailable,
    )


def seen(*changes, **more):
    """The same, and the credential report of three hours ago has the key as inactive."""
    return facts(*changes, **{"inactive": 3 * HOUR, **more})


def case(name, given, not_before, not_after):
    """A row of a table: days ago, as in everything here."""
    return pytest.param(given, not_before, not_after, id=name)


def interval(given: Facts) -> tuple[datetime, datetime]:
    found = assess(given, NOW)
    return found.not_before, found.not_after


NOTHING_IS_PROVEN = [
    case("old key, nothing else known", facts(records=()), 400, 0),
    case("old key, event history denied", seen(records=(), unavailable=(DENIED,)), 400, 0),
    case("silence that nobody observed", facts(), 400, 0),
    case("silence, used before it", facts(used=120), 120, 0),
    case("silence of a year that nobody observed", facts(records=(HISTORY, YEAR)), 400, 0),
    case("observed within the last two hours", facts(inactive=1.9 * HOUR), 400, 0),
    case("observed before the silence begins", facts(inactive=90), 400, 0),
    case("a report whose row may be older than the silence", facts(inactive=90 - HOUR / 5), 400, 0),
    case("recorded a moment ago", facts(entry=ledger(120, 0, 0)), 120, 0),
    case("recorded before the silence begins", facts(entry=ledger(300, 299, 91)), 300, 0),
    case("last use could not be read", seen(used=UNREAD), 400, 0),
    case("last use could not be read, event at hand", facts(off(30), used=UNREAD), 30, 0),
    case(
        "last use could not be read, ledger", facts(used=UNREAD, entry=ledger(300, 300, 1)), 300, 0
    ),
    case("used within the silent record", seen(used=10), 10, 0),
    case("created within the silent record", seen(created=10), 10, 0),
    case("reactivated, the deactivation has not settled", seen(on(20)), 20, 0),
    case("used after it was deactivated", seen(off(30), used=20), 20, 0),
    case("a credential report of four hours ago had it as active", facts(active=4 / 24), 4 / 24, 0),
    case(
        "a report has it as active after the ledger",
        facts(active=20, entry=ledger(300, 300, 1)),
        20,
        0,
    ),
    case("a single event without a complete record", seen(off(200), records=()), 200, 0),
    case("ledger without a record since", facts(records=(), entry=ledger(300, 300, 1)), 300, 0),
    case(
        "record ends three hours ago",
        facts(
            records=(CompleteRecord("events-from", ago(300), ago(3 / 24)),),
            entry=ledger(300, 200, 1),
        ),
        300,
        0,
    ),
    case("the ledger knows what event history does not yet", facts(entry=ledger(0, 0, 0)), 0, 0),
    case("event in the future: clocks differ", seen(off(-1)), 0, 0),
    case("reactivation in the future", seen(on(-6 / 1440)), 0, 0),
    case("ledger in the future: clocks differ", seen(entry=ledger(-1, -1, -1)), 0, 0),
    case("ledger since the future", seen(entry=ledger(300, -1, -1)), 300, 0),
    case("seen active in the future", seen(active=-1), 0, 0),
    case("may have been reactivated, nobody saw it since", seen(unclear(1 * HOUR)), 400, 0),
    case("may have been reactivated since it was deactivated", facts(off(30), unclear(20)), 30, 0),
    case(
        "deactivated and reactivated in one second, in whatever order",
        facts(off(30), on(30)),
        30,
        0,
    ),
    case("a deactivation that event history lacks", facts(off(30, "events-from")), 400, 0),
    case(
        "a deactivation that event history lacks, used before it",
        facts(off(30, "events-from"), used=40),
        40,
        0,
    ),
    case("created after the status was read", facts(created=-1 * SECOND), 0, 0),
    case("used after the status was read", seen(used=-60 * SECOND), 0, 0),
]

LESS_IS_PROVEN_THAN_IS_CLAIMED = [
    case("ledger verified before the reach", seen(entry=ledger(300, 300, 91)), 300, 90),
    case(
        "ledger verified within settling of the reach",
        facts(entry=ledger(300, 300, 90 - 1 / 24)),
        300,
        90,
    ),
    case("ledger out of order: after", seen(entry=ledger(200, 300, 1)), 400, 90),
    case("ledger out of order: verified", seen(entry=ledger(300, 200, 250)), 400, 90),
    case("ledger verified in the future", seen(entry=ledger(300, 200, -1)), 400, 90),
    case("ledger before creation", seen(entry=ledger(401, 300, 1)), 400, 90),
    case("ledger, used since", seen(used=200, entry=ledger(300, 300, 1)), 200, 90),
    case(
        "ledger, reactivated and deactivated since",
        facts(on(20), off(10), entry=ledger(300, 300, 1)),
        10,
        10,
    ),
    case("ledger, older events say otherwise", seen(on(200), entry=ledger(300, 300, 1)), 200, 90),
    case("ledger says active within the silence", seen(entry=ledger(30, 20, 1)), 30, 20),
    case(
        "the same, from hours ago",
        seen(entry=ledger(2.1 * HOUR, 2.1 * HOUR, 2 * HOUR)),
        2.1 * HOUR,
        2.1 * HOUR,
    ),
    case("ledger out of order says so, too", seen(entry=ledger(20, 30, 1)), 20, 20),
    case("ledger says active after the event", facts(off(50), entry=ledger(30, 20, 1)), 30, 20),
    case("event before creation", seen(off(30), created=20, used=20), 20, 0),
    case("seen active before creation", seen(active=401), 400, 90),
    case("seen active before the reach", seen(active=95), 95, 90),
    case(
        "export with a gap",
        seen(records=(HISTORY, CompleteRecord("e", ago(365), ago(95)))),
        400,
        90,
    ),
    case(
        "second deactivation within the tail",
        facts(off(30), off(1 / 24)),
        30,
        1 / 24,
    ),
    case("may have been deactivated in the silence", seen(unclear(20)), 400, 20),
    case("the same, before a deactivation", facts(unclear(40), off(20)), 400, 20),
    case("the same, after a deactivation", seen(off(40), unclear(20)), 40, 20),
    case("the same, between two deactivations", facts(off(40), unclear(30), off(20)), 40, 20),
    case("used before it may have been deactivated", seen(unclear(20), used=30), 30, 20),
    case("deactivated and reactivated in one second, observed", seen(off(30), on(30)), 30, 30),
    case("on and off in one second, off later", facts(off(30), on(30), off(20)), 30, 20),
    case(
        "the same from two sources",
        facts(
            *[off(30), on(30), off(20)],
            *[off(30, "events-from"), on(30, "events-from"), off(20, "events-from")],
        ),
        30,
        20,
    ),
    case(
        "off and on in the second of creation", facts(off(30), on(30), off(20), created=30), 30, 20
    ),
    case(
        "exported in local time, event history knows better",
        facts(off(30), on(60), off(30 + 8 / 24, "events-from")),
        30,
        30,
    ),
    case("a deactivation that event history lacks", seen(off(30, "events-from")), 400, 30),
    case(
        "a deactivation that the export lacks",
        facts(off(30), records=(HISTORY, YEAR)),
        30,
        30,
    ),
    case("recorded an hour ago", facts(entry=ledger(120, 1 * HOUR, 0)), 120, 1 * HOUR),
    case(
        "recorded after a use that event history does not explain yet",
        facts(used=5, entry=ledger(5, 1 * HOUR, 0)),
        5,
        1 * HOUR,
    ),
]

IS_PROVEN = [
    case("event in a complete record is exact", facts(off(30)), 30, 30),
    case("only the last deactivation counts", facts(off(80), on(60), off(40)), 40, 40),
    case("deactivating what is inactive moves nothing", facts(off(80), off(40)), 80, 80),
    case("deactivated after it was seen active", facts(off(30), active=31), 30, 30),
    case("deactivated twice, seen active between", facts(off(30), off(20), active=25), 20, 20),
    case("events in any order", facts(off(40), on(60), off(80)), 40, 40),
    case("the same event from two sources", facts(off(30), off(30, "events-from")), 30, 30),
    case("created and deactivated in one second", facts(off(50), created=50), 50, 50),
    case("used while the deactivation spread", facts(off(30), used=30 - 59 * SECOND), 30, 30),
    case("event within the tail", facts(off(1 / 24)), 1 / 24, 1 / 24),
    case("an unclear event before the key was used", facts(unclear(40), off(20), used=30), 20, 20),
    case("silence that the credential report observed", seen(), 400, 90),
    case("observed just before the last two hours", facts(inactive=2 * HOUR), 400, 90),
    case("silence that a record of yesterday observed", facts(entry=ledger(400, 1, 1)), 400, 90),
    case("the same, verified again a moment ago", facts(entry=ledger(400, 1, 0)), 400, 90),
    case("recorded two hours ago", facts(entry=ledger(400, 2 * HOUR, 2 * HOUR)), 400, 90),
    case("silence, and a last use before it", seen(used=120), 120, 90),
    case("silence, and older single events", seen(on(200), off(150)), 150, 90),
    case("used while a deactivation before the record spread", seen(used=90 - 30 * SECOND), 90, 90),
    case(
        "used while the deactivation spread, then ledger",
        facts(used=300 - 30 * SECOND, entry=ledger(300, 300, 1)),
        300,
        300,
    ),
    case("ledger carries on", facts(entry=ledger(300, 299, 1)), 300, 299),
    case("ledger joined at settling", facts(entry=ledger(300, 299, 90 - 2 / 24)), 300, 299),
    case("ledger by a clock ahead", facts(entry=ledger(300, 299, -240 * SECOND)), 300, 299),
    case("ledger younger than the reach", facts(entry=ledger(95, 80, 1)), 95, 90),
    case("ledger narrows NotBefore although stale", seen(entry=ledger(120, 110, 100)), 120, 90),
    case("export reaches further back", seen(records=(HISTORY, YEAR)), 400, 365),
    case("older event", facts(off(200, "events-from"), records=(HISTORY, YEAR)), 200, 200),
    case(
        "export that ends within event history is joined",
        seen(records=(HISTORY, CompleteRecord("events-from", ago(365), ago(85)))),
        400,
        365,
    ),
    case(
        "export that ended a minute ago stands alone",
        seen(records=(CompleteRecord("events-from", ago(300), ago(2 / 24)),)),
        400,
        300,
    ),
    case(
        "event history that was read ten minutes ago, for the policy before",
        seen(records=(CompleteRecord("cloudtrail", ago(90), ago(2 * HOUR + 600 * SECOND)),)),
        400,
        90,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given", "not_before", "not_after"), NOTHING_IS_PROVEN)
def test_nothing_is_proven(given, not_before, not_after):
    """Keys that must never be deleted for what is known of them."""
    assert interval(given) == (ago(not_before), ago(not_after))
    assert assess(given, NOW).at_least_days == 0


@pytest.mark.parametrize(("given", "not_before", "not_after"), LESS_IS_PROVEN_THAN_IS_CLAIMED)
def test_a_claim_that_does_not_hold_proves_nothing(given, not_before, not_after):
    """What is stale, contradicted or open leaves what is certain without it."""
    assert interval(given) == (ago(not_before), ago(not_after))


@pytest.mark.parametrize(("given", "not_before", "not_after"), IS_PROVEN)
def test_what_holds_is_proven(given, not_before, not_after):
    """Exact moments, silence, ledger and exports."""
    assert interval(given) == (ago(not_before), ago(not_after))


def test_days_are_those_of_the_interval():
    """AtLeast counts from NotAfter, AtMost from NotBefore, with one decimal."""
    found = assess(seen(used=120), NOW)
    assert (found.at_least_days, found.at_most_days) == (90.0, 120.0)


# -- what has yet to settle ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "days", "until"),
    [
        pytest.param(facts(), 90.0, -2 * HOUR, id="whoever records it now observes it"),
        pytest.param(
            facts(inactive=1.5 * HOUR), 90.0, -0.5 * HOUR, id="the report has observed it"
        ),
        pytest.param(
            facts(entry=ledger(400, 1.5 * HOUR, 0)), 90.0, -0.5 * HOUR, id="the ledger has"
        ),
        pytest.param(
            facts(entry=ledger(400, 1 * HOUR, 0), inactive=1.5 * HOUR),
            90.0,
            -0.5 * HOUR,
            id="whichever was first",
        ),
        pytest.param(facts(inactive=95), 90.0, -2 * HOUR, id="an observation that is too old"),
        pytest.param(facts(records=(HISTORY, YEAR)), 365.0, -2 * HOUR, id="the joined records"),
        pytest.param(facts(off(40), unclear(20)), 20.0, -2 * HOUR, id="since the unclear event"),
        pytest.param(seen(), None, None, id="settled"),
        pytest.param(facts(off(30)), None, None, id="an event"),
        pytest.param(facts(records=()), None, None, id="no record"),
        pytest.param(facts(used=UNREAD), None, None, id="last use unknown"),
        pytest.param(facts(used=10), None, None, id="the silence is contradicted"),
        pytest.param(facts(entry=ledger(HOUR, HOUR, HOUR)), None, None, id="an exact entry"),
        pytest.param(
            facts(entry=ledger(30, 29, 95)), None, None, id="a faulty entry, active later"
        ),
    ],
)
def test_unsettled_says_what_the_silence_will_prove_and_from_when_on(given, days, until):
    """Two hours after the first observation; nothing where nothing more can be expected."""
    found = assess(given, NOW)
    assert found.unsettled_days == days
    assert (found.unsettled and found.unsettled.until) == (None if until is None else ago(until))
    waiting = [item for item in found.evidence if item.waiting]
    assert bool(waiting) == (days is not None)


def test_the_promise_of_unsettled_is_kept():
    """Recorded now and found again at Until, with a history that is still silent."""
    first = assess(facts(), NOW)
    assert first.unsettled
    later = first.unsettled.until
    entry = LedgerEntry(first.not_before, first.not_after, NOW)
    record = CompleteRecord("cloudtrail", later - timedelta(days=90), later - timedelta(hours=2))
    again = assess(facts(records=(record,), entry=entry), later)
    assert again.at_least_days == first.unsettled_days
    assert again.unsettled is None


# -- what is shown ---------------------------------------------------------------------------------


def shown(given: Facts) -> list[tuple]:
    """Source, kind, days ago and what was held against it, of each item of evidence."""
    return [
        (item.source, item.kind, item.time and (NOW - item.time).days, item.discarded)
        for item in assess(given, NOW).evidence
    ]


def test_evidence_of_an_event():
    """Creation, use and events in order of time; no stretch where the record holds the event."""
    assert shown(facts(off(20), on(30), used=25)) == [
        ("key", "created", 400, None),
        ("last-used", "used", 25, None),
        ("cloudtrail", "activated", 30, None),
        ("cloudtrail", "deactivated", 20, None),
    ]
    event = assess(facts(off(20)), NOW).evidence[-1]
    assert (event.event_id, event.actor) == ("e-20", "arn:aws:iam::1:user/a")


def test_evidence_of_the_credential_report():
    assert shown(facts(off(20), active=25))[1] == ("credential-report", "active", 25, None)
    assert shown(seen())[1] == ("credential-report", "inactive", 0, None)


def test_evidence_of_silence():
    """Stretches with both ends; a record that does not reach up to the others is not believed."""
    lone = CompleteRecord("events-from", ago(365), ago(95))
    given = facts(records=(HISTORY, lone), entry=ledger(400, 1, 1))
    assert shown(given)[1:-1] == [
        ("cloudtrail", "inactive-throughout", 90, None),
        ("events-from", "inactive-throughout", 365, "it does not reach up to what is proven"),
    ]
    ends = [item.until for item in assess(given, NOW).evidence[1:-1]]
    assert ends == [ago(2 * HOUR), ago(95)]


def test_evidence_of_silence_over_activity():
    """A record that is silent over a use says so."""
    assert shown(facts(used=10))[-1] == (
        "cloudtrail", "inactive-throughout", 90, "the key was active within it"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (facts(entry=ledger(300, 300, 1)), None),
        (facts(entry=ledger(200, 300, 1)), "its times are out of order"),
        (facts(entry=ledger(300, 200, -1)), "it lies in the future"),
        (facts(entry=ledger(401, 300, 1)), "it is older than the key"),
        (facts(used=200, entry=ledger(300, 300, 1)), "the key was used after it"),
        (facts(active=200, entry=ledger(300, 300, 1)), "the key was active after it"),
        (facts(on(200), entry=ledger(300, 300, 1)), "the key changed its status after it"),
        (facts(entry=ledger(30, 20, 1)), None),
        (facts(entry=ledger(1 / 24, 1 / 24, 1 / 24)), None),
        (facts(off(30), entry=ledger(1 / 24, 1 / 24, 1 / 24)), None),
    ],
)
def test_evidence_of_the_ledger(given, fault):
    """A ledger entry that is not believed says why, also to whoever keeps the ledger."""
    assert shown(given)[-1][::3] == ("ledger", fault)
    assert assess(given, NOW).ledger_fault == fault


def test_a_stale_ledger_is_not_a_false_one():
    """An entry that cannot be joined is not used for NotAfter, and yet not contradicted."""
    given = facts(entry=ledger(300, 300, 91))
    assert shown(given)[-1][3] == "it was last verified before the complete record begins"
    assert assess(given, NOW).ledger_fault is None


def test_evidence_of_an_event_before_creation():
    """What cannot be true is shown with the reason."""
    assert shown(facts(off(401)))[1] == (
        "cloudtrail", "deactivated", 401, "it is older than the key"
    )  # fmt: skip


def test_evidence_of_an_event_that_may_have_changed_the_status():
    given = facts(StatusChange(ago(3), UNCLEAR, "cloudtrail", reason="InternalFailure"))
    item = assess(given, NOW).evidence[1]
    assert (item.kind, item.reason) == ("unclear", "InternalFailure")


def test_sources_that_could_not_be_read_are_shown():
    """Unknown is said, with the reason."""
    evidence = assess(facts(used=UNREAD, records=(), unavailable=(DENIED,)), NOW).evidence
    assert [(item.source, item.reason) for item in evidence if item.kind == "unavailable"] == [
        ("last-used", "Throttling: Rate exceeded"),
        ("cloudtrail", "AccessDenied: no"),
    ]


# -- reach -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spans", "since", "settled"),
    [
        pytest.param([], 0, 0, id="no record"),
        pytest.param([(90, 2 * HOUR)], 90, 2 * HOUR, id="one record up to now"),
        pytest.param([(90, 1 * HOUR)], 90, 2 * HOUR, id="nothing settles earlier"),
        pytest.param([(365, 80), (90, 2 * HOUR)], 365, 2 * HOUR, id="joined in any order"),
        pytest.param([(365, 90), (90, 2 * HOUR)], 365, 2 * HOUR, id="touching"),
        pytest.param([(365, 90 + SECOND), (90, 2 * HOUR)], 90, 2 * HOUR, id="a second short"),
        pytest.param([(50, 2.25 * HOUR)], 50, 2.25 * HOUR, id="read for the policy before"),
        pytest.param([(50, 2.25 * HOUR + SECOND)], 0, 0, id="read too long ago"),
        pytest.param([(30, 10), (90, 2 * HOUR), (60, 20)], 90, 2 * HOUR, id="nested"),
        pytest.param([(1 * HOUR, 2 * HOUR), (90, 2.1 * HOUR)], 90, 2.1 * HOUR, id="an empty one"),
    ],
)
def test_reach(spans, since, settled):
    """Complete records count as far as they hang together from now backwards."""
    records = [CompleteRecord("x", ago(a), ago(b)) for a, b in spans]
    assert reach_of(records, NOW) == Reach(ago(since), ago(settled))
