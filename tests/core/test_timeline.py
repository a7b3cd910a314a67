# SPDX-License-Identifier: Apache-2.0
"""The timeline by examples: first what must not count as proof, then what must."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from c7n_inactive_keys.core.keys import ACTIVE, INACTIVE, AccessKey, LastUse, Unavailable
from c7n_inactive_keys.core.ledger import LedgerEntry
from c7n_inactive_keys.core.timeline import CompleteRecord, Facts, StatusChange, assess, reach_of

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


def on(days: float, source: str = "cloudtrail") -> StatusChange:
    return change(days, ACTIVE, source)


def ledger(after: float, since: float, verified: float) -> LedgerEntry:
    return LedgerEntry(ago(after), ago(since), ago(verified))


HISTORY = CompleteRecord("cloudtrail", ago(90))
YEAR = CompleteRecord("events-from", ago(365))
DENIED = Unavailable("cloudtrail", "AccessDenied: no")
UNREAD = Unavailable("last-used", "Throttling: Rate exceeded")


def facts(
    *changes, created=400, used=None, records=(HISTORY,), entry=None, unavailable=(), seen=None
):
    """A key that is inactive now; by default event history was read and the key never used."""
    last_use = (
        used if isinstance(used, Unavailable) else LastUse(None if used is None else ago(used))
    )
    return Facts(
        AccessKey("AKIAEXAMPLE000000001", "alice", INACTIVE, ago(created)),
        last_use,
        changes,
        records,
        entry,
        None if seen is None else ago(seen),
        unavailable,
    )


def case(name, given, not_before, not_after):
    """A row of a table: days ago, as in everything here."""
    return pytest.param(given, not_before, not_after, id=name)


def interval(given: Facts) -> tuple[datetime, datetime]:
    found = assess(given, NOW)
    return found.not_before, found.not_after


NOTHING_IS_PROVEN = [
    case("old key, nothing else known", facts(records=()), 400, 0),
    case("old key, event history denied", facts(records=(), unavailable=(DENIED,)), 400, 0),
    case("last use could not be read", facts(used=UNREAD), 400, 0),
    case("last use could not be read, event at hand", facts(off(30), used=UNREAD), 30, 0),
    case(
        "last use could not be read, ledger", facts(used=UNREAD, entry=ledger(300, 300, 1)), 300, 0
    ),
    case("used within the silent record", facts(used=10), 10, 0),
    case("created within the silent record", facts(created=10), 10, 0),
    case("switched on, the switch-off has not settled", facts(on(20)), 20, 0),
    case("used after it was switched off", facts(off(30), used=20), 20, 0),
    case("a credential report of four hours ago had it as active", facts(seen=4 / 24), 4 / 24, 0),
    case(
        "a report has it as active after the ledger",
        facts(seen=20, entry=ledger(300, 300, 1)),
        20,
        0,
    ),
    case("a single event without a complete record", facts(off(200), records=()), 200, 0),
    case("ledger without a record since", facts(records=(), entry=ledger(300, 300, 1)), 300, 0),
    case(
        "record ends three hours ago",
        facts(records=(CompleteRecord("events-from", ago(300), ago(3 / 24)),)),
        400,
        0,
    ),
    case("the ledger knows what event history does not yet", facts(entry=ledger(0, 0, 0)), 0, 0),
    case("created after the status was read", facts(created=-1 * SECOND), -1 * SECOND, -1 * SECOND),
    case("used after the status was read", facts(used=-60 * SECOND), 0, 0),
]

LESS_IS_PROVEN_THAN_IS_CLAIMED = [
    case("ledger verified before the reach", facts(entry=ledger(300, 300, 91)), 300, 90),
    case(
        "ledger verified within settling of the reach",
        facts(entry=ledger(300, 300, 90 - 1 / 24)),
        300,
        90,
    ),
    case("ledger out of order: after", facts(entry=ledger(200, 300, 1)), 400, 90),
    case("ledger out of order: verified", facts(entry=ledger(300, 200, 250)), 400, 90),
    case("ledger in the future", facts(entry=ledger(300, 200, -1)), 400, 90),
    case("ledger before creation", facts(entry=ledger(401, 300, 1)), 400, 90),
    case("ledger, used since", facts(used=200, entry=ledger(300, 300, 1)), 200, 90),
    case(
        "ledger, switched on and off since",
        facts(on(20), off(10), entry=ledger(300, 300, 1)),
        10,
        10,
    ),
    case("ledger, older events say otherwise", facts(on(200), entry=ledger(300, 300, 1)), 200, 90),
    case("ledger says active within the silence", facts(entry=ledger(30, 20, 1)), 400, 90),
    case("event before creation", facts(off(30), created=20, used=20), 20, 0),
    case("event in the future", facts(off(-1)), 400, 90),
    case("seen active before creation", facts(seen=401), 400, 90),
    case("seen active in the future", facts(seen=-1), 400, 90),
    case("seen active before the reach", facts(seen=95), 95, 90),
    case(
        "export with a gap",
        facts(records=(HISTORY, CompleteRecord("e", ago(365), ago(95)))),
        400,
        90,
    ),
    case(
        "second switch-off within the tail",
        facts(off(30), off(1 / 24)),
        30,
        1 / 24,
    ),
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
    case("a switch-off that event history lacks", facts(off(30, "events-from")), 30, 30),
    case(
        "a switch-off that event history lacks, used before it",
        facts(off(30, "events-from"), used=40),
        30,
        0,
    ),
    case(
        "a switch-off that the export lacks",
        facts(off(30), records=(HISTORY, YEAR)),
        30,
        30,
    ),
]

IS_PROVEN = [
    case("event in a complete record is exact", facts(off(30)), 30, 30),
    case("only the last switch-off counts", facts(off(80), on(60), off(40)), 40, 40),
    case("switching off what is off moves nothing", facts(off(80), off(40)), 80, 80),
    case("switched off after it was seen active", facts(off(30), seen=31), 30, 30),
    case("switched off twice, seen active between", facts(off(30), off(20), seen=25), 20, 20),
    case("events in any order", facts(off(40), on(60), off(80)), 40, 40),
    case("the same event from two sources", facts(off(30), off(30, "events-from")), 30, 30),
    case("created and switched off in one second", facts(off(50), created=50), 50, 50),
    case("switched on and off in one second", facts(on(50), off(50)), 50, 50),
    case("used while the switch-off spread", facts(off(30), used=30 - 59 * SECOND), 30, 30),
    case("event within the tail", facts(off(1 / 24)), 1 / 24, 1 / 24),
    case("silence over the whole record", facts(), 400, 90),
    case("silence, and a last use before it", facts(used=120), 120, 90),
    case("silence, and older single events", facts(on(200), off(150)), 150, 90),
    case("used while a switch-off before the record spread", facts(used=90 - 30 * SECOND), 90, 90),
    case(
        "used while the switch-off spread, then ledger",
        facts(used=300 - 30 * SECOND, entry=ledger(300, 300, 1)),
        300,
        300,
    ),
    case("ledger carries on", facts(entry=ledger(300, 299, 1)), 300, 299),
    case("ledger joined at settling", facts(entry=ledger(300, 299, 90 - 2 / 24)), 300, 299),
    case("ledger by a clock ahead", facts(entry=ledger(300, 299, -240 * SECOND)), 300, 299),
    case("ledger younger than the reach", facts(entry=ledger(95, 80, 1)), 95, 90),
    case("ledger narrows NotBefore although stale", facts(entry=ledger(120, 110, 100)), 120, 90),
    case("export reaches further back", facts(records=(HISTORY, YEAR)), 400, 365),
    case("older event", facts(off(200, "events-from"), records=(HISTORY, YEAR)), 200, 200),
    case(
        "export that ends within event history is joined",
        facts(records=(HISTORY, CompleteRecord("events-from", ago(365), ago(85)))),
        400,
        365,
    ),
    case(
        "export that ended a minute ago stands alone",
        facts(records=(CompleteRecord("events-from", ago(300), ago(2 / 24)),)),
        400,
        300,
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
    found = assess(facts(used=120), NOW)
    assert (found.at_least_days, found.at_most_days) == (90.0, 120.0)


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


def test_evidence_of_a_report_that_has_the_key_as_active():
    assert shown(facts(off(20), seen=25))[1] == ("credential-report", "active", 25, None)


def test_evidence_of_silence():
    """Stretches with both ends; a record that does not reach up to the others is not believed."""
    lone = CompleteRecord("events-from", ago(365), ago(95))
    given = facts(records=(HISTORY, lone))
    assert shown(given)[1:] == [
        ("cloudtrail", "inactive-throughout", 90, None),
        ("events-from", "inactive-throughout", 365, "it does not reach up to what is proven"),
    ]
    assert [item.until for item in assess(given, NOW).evidence[1:]] == [NOW, ago(95)]


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
        (facts(seen=200, entry=ledger(300, 300, 1)), "the key was active after it"),
        (facts(on(200), entry=ledger(300, 300, 1)), "the key changed its status after it"),
        (facts(entry=ledger(30, 20, 1)), "it says the key was active later than the record allows"),
        (facts(entry=ledger(1 / 24, 1 / 24, 1 / 24)), None),
        (facts(off(30), entry=ledger(1 / 24, 1 / 24, 1 / 24)), None),
        (
            facts(entry=ledger(2 / 24, 1 / 24, 1 / 24)),
            "it says the key was active later than the record allows",
        ),
    ],
)
def test_evidence_of_the_ledger(given, fault):
    """A ledger entry that is not believed says why, also to whoever keeps the ledger."""
    assert shown(given)[-1][::3] == ("ledger", fault)
    assert assess(given, NOW).ledger_fault == fault


def test_a_stale_ledger_is_not_a_false_one():
    """An entry that cannot be joined is not used for NotAfter, and yet not contradicted."""
    given = facts(entry=ledger(300, 300, 91))
    assert shown(given)[-1][3] == "it was last verified before the time that is proven without it"
    assert assess(given, NOW).ledger_fault is None


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (facts(off(401)), "it is older than the key"),
        (facts(off(-1)), "it lies in the future"),
    ],
)
def test_evidence_of_impossible_events(given, reason):
    """An event that cannot be true is shown with the reason."""
    assert [
        item.discarded for item in assess(given, NOW).evidence if item.kind == "deactivated"
    ] == [reason]


def test_sources_that_could_not_be_read_are_shown():
    """Unknown is said, with the reason."""
    evidence = assess(facts(used=UNREAD, records=(), unavailable=(DENIED,)), NOW).evidence
    assert [(item.source, item.reason) for item in evidence if item.kind == "unavailable"] == [
        ("last-used", "Throttling: Rate exceeded"),
        ("cloudtrail", "AccessDenied: no"),
    ]


# -- reach -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spans", "reach"),
    [
        pytest.param([], 0, id="no record"),
        pytest.param([(90, None)], 90, id="one record up to now"),
        pytest.param([(365, 80), (90, None)], 365, id="joined in any order"),
        pytest.param([(365, 90), (90, None)], 365, id="touching"),
        pytest.param([(365, 90 + SECOND), (90, None)], 90, id="a second short"),
        pytest.param([(50, 2 / 24)], 50, id="the live status covers the tail"),
        pytest.param([(50, 2 / 24 + SECOND)], 0, id="no further than the tail"),
        pytest.param([(30, 10), (90, None), (60, 20)], 90, id="nested"),
    ],
)
def test_reach(spans, reach):
    """Complete records count as far as they hang together from now backwards."""
    records = [CompleteRecord("x", ago(a), None if b is None else ago(b)) for a, b in spans]
    assert reach_of(records, NOW) == ago(reach)
