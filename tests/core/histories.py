# SPDX-License-Identifier: Apache-2.0
"""Random lives of an access key, and what each source of evidence would have said of them.

A life is told in whole seconds since START. It knows the truth; `witness` tells what one run of the
policy at one moment can see of it, by the rules of the real sources.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from hypothesis import strategies as st

from c7n_inactive_keys.core.credential_report import MAKING
from c7n_inactive_keys.core.evidence import (
    FAR_END,
    HISTORY,
    SETTLING,
    CompleteRecord,
    Facts,
    LedgerEntry,
    StatusChange,
)
from c7n_inactive_keys.core.keys import ACTIVE, INACTIVE, AccessKey, LastUse, Unavailable
from c7n_inactive_keys.core.ledger import parse_value, render_value
from c7n_inactive_keys.core.ledger_upkeep import carry_on, needs_writing
from c7n_inactive_keys.core.timeline import assess

START = datetime(2023, 1, 1, 9, 30, 17, tzinfo=timezone.utc)
MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
TAIL = int(SETTLING.total_seconds())
WINDOW = int(HISTORY.total_seconds())
MARGIN = int(FAR_END.total_seconds())
SPREADING = MINUTE  # seconds for which IAM may still accept a key that was just deactivated

# Each one lies on, or one second beside, a border that some rule of the timeline draws.
GAPS = (
    0, 1, 30, 59, 60, 61, 299, 300, 301, HOUR, TAIL - 1, TAIL, TAIL + 1, 20 * HOUR, DAY, 7 * DAY,
    30 * DAY, 45 * DAY, 88 * DAY, WINDOW - MARGIN - 1, WINDOW - MARGIN, WINDOW - TAIL, WINDOW - 1,
    WINDOW, WINDOW + TAIL, 200 * DAY,
)  # fmt: skip


def at(second: int) -> datetime:
    """A second of a life as a moment."""
    return START + timedelta(seconds=second)


@dataclass(frozen=True)
class Event:
    """A successful UpdateAccessKey; `real` tells whether the status was another one before.

    Event history holds it `delay` seconds later.
    """

    number: int
    second: int
    status: str
    real: bool
    delay: int = 0


@dataclass(frozen=True)
class Look:
    """What a run of the policy is allowed to see."""

    second: int
    history: bool = True
    last_use: str = "known"  # known, minute, lagging, unavailable
    report_age: int | None = None  # of the credential report that was read, in seconds


@dataclass(frozen=True)
class Export:
    """An export of status changes: complete between two seconds, a sample (bit mask) outside."""

    since: int | None
    until: int | None
    sample: int


@dataclass(frozen=True)
class Life:
    """One key's life, at whose end, `now`, it is inactive."""

    events: tuple[Event, ...]
    uses: tuple[int, ...]
    runs: tuple[Look, ...]
    export: Export | None
    look: Look  # the last one, at which the key is assessed

    @property
    def now(self) -> int:
        return self.look.second

    @property
    def truth(self) -> int:
        """When the key was last deactivated."""
        return self.last_change.second

    @property
    def last_change(self) -> Event:
        return next(event for event in reversed(self.events) if event.real)

    @property
    def redundant(self) -> bool:
        """Whether somebody switched the key off that was off already."""
        return any(not event.real and event.status == INACTIVE for event in self.events)


# -- what sources would say ------------------------------------------------------------------------


def _hidden(event: Event, look: Look) -> bool:
    return event.second + event.delay > look.second


def _change(event: Event, source: str) -> StatusChange:
    return StatusChange(at(event.second), event.status, source)


def history_of(life: Life, look: Look) -> tuple[list[StatusChange], list[CompleteRecord]]:
    """Event history as a sweep at that moment returns it."""
    if not look.history:
        return [], []
    seen = [
        _change(event, "cloudtrail")
        for event in life.events
        if look.second - WINDOW <= event.second <= look.second and not _hidden(event, look)
    ]
    since, until = look.second - WINDOW + MARGIN, look.second - TAIL
    return seen, [CompleteRecord("cloudtrail", at(since), at(until))]


def export_of(life: Life, look: Look) -> tuple[list[StatusChange], list[CompleteRecord]]:
    """The export as it is read at that moment: settled where it is complete, a sample elsewhere."""
    export = life.export
    if export is None:
        return [], []
    end = look.second if export.until is None else min(export.until, look.second)
    seen = []
    for event in life.events:
        complete = export.since is not None and export.since <= event.second <= end - TAIL
        sampled = export.sample >> event.number % 8 & 1 and not _hidden(event, look)
        if event.second <= look.second and (complete or sampled):
            seen.append(_change(event, "events-from"))
    if export.since is None or export.since > end:
        return seen, []
    return seen, [CompleteRecord("events-from", at(export.since), at(end - TAIL))]


def last_use_of(life: Life, look: Look) -> LastUse | Unavailable:
    """The last use as GetAccessKeyLastUsed or the credential report tells it."""
    if look.last_use == "unavailable":
        return Unavailable("last-used", "Throttling: Rate exceeded")
    uses = [second for second in life.uses if second <= look.second]
    if look.last_use == "lagging":
        uses = uses[:-1]
    if not uses:
        return LastUse()
    moment = at(uses[-1])
    return LastUse(moment.replace(second=0) if look.last_use == "minute" else moment)


def witness(life: Life, look: Look, ledger: LedgerEntry | None) -> Facts:
    """All that a run at that moment knows."""
    changes, records = history_of(life, look)
    exported, exports = export_of(life, look)
    return Facts(
        key=AccessKey("AKIAEXAMPLEOFHISTORY", "alice", INACTIVE, at(0)),
        last_use=last_use_of(life, look),
        changes=(*changes, *exported),
        records=(*records, *exports),
        ledger=ledger,
        **_reported(life, look),
    )


def _reported(life: Life, look: Look) -> dict[str, datetime]:
    """What the credential report, which may be hours old, says of the key's status.

    Its row was read some minutes before the report's time.
    """
    if look.report_age is None:
        return {}
    generated = look.second - look.report_age
    row = generated - look.report_age % int(MAKING.total_seconds())
    if row < 0:
        return {}
    if status_at(life, row) == INACTIVE:
        return {"seen_inactive": at(generated)}
    return {"seen_active": at(generated) - MAKING}


def record(old: LedgerEntry | None, facts: Facts, now: datetime) -> LedgerEntry:
    """What `record-inactive-keys` leaves in the tag of an inactive key, by way of its text."""
    new = carry_on(old, assess(facts, now))
    kept = new if needs_writing(old, new) or old is None else old
    read_back = parse_value(render_value(kept))
    assert isinstance(read_back, LedgerEntry)
    return read_back


def ledger_of(life: Life) -> LedgerEntry | None:
    """The ledger after all runs of the life; a run that meets an active key removes the tag."""
    entry: LedgerEntry | None = None
    for run in life.runs:
        if status_at(life, run.second) == ACTIVE:
            entry = None
        else:
            entry = record(entry, witness(past(life, run), run, entry), at(run.second))
    return entry


def past(life: Life, run: Look) -> Life:
    """The life as far as it had gone by the end of that second."""
    return replace(life, events=tuple(e for e in life.events if e.second <= run.second))


def status_at(life: Life, second: int) -> str:
    """The key's status at the end of that second."""
    statuses = [event.status for event in life.events if event.second <= second]
    return statuses[-1] if statuses else ACTIVE


def facts_of(life: Life) -> Facts:
    """All that is known at the end of the life, the ledger included."""
    return witness(life, life.look, ledger_of(life))


def blind(life: Life, facts: Facts) -> bool:
    """Whether the key was reactivated and deactivated again within the tail, and nothing shows it.

    This is what the timeline's docstring says that no evidence shows.
    """
    first, last = [event for event in (None, *life.events) if event is None or event.real][-2:]
    if first is None or first.second <= life.now - TAIL:
        return False
    known = {(change.time, change.status) for change in facts.changes}
    return not known & {(at(first.second), ACTIVE), (at(last.second), INACTIVE)}


# -- random lives ----------------------------------------------------------------------------------

# Evidence that says nothing is the rarer case: most lives should put the rules to work.
_LOOKS = (
    *[Look(0)] * 4,
    *[Look(0, last_use="minute")] * 2,
    *[Look(0, last_use="lagging")] * 2,
    *[Look(0, history=False)] * 2,
    Look(0, last_use="unavailable"),
)
_REPORT_AGES = (None, 0, HOUR, TAIL, TAIL + 1, 4 * HOUR)
_DELAYS = (0, 5 * MINUTE, HOUR, TAIL - 1, TAIL)
_KINDS = ("toggle", "run", "use", "toggle", "run", "toggle")
_LAST_GAPS = (*GAPS, DAY, 45 * DAY, 88 * DAY, WINDOW - MARGIN, WINDOW, 2 * WINDOW)


@st.composite
def lives(draw: st.DrawFn, *, redundant: bool = False, late_uses: bool = False) -> Life:
    """A key's life: calls, uses and runs of the policy at random times.

    `redundant`: some calls set the status that the key has already. `late_uses`: some uses come
    within the minute that IAM takes to make a switch-off known.
    """
    kinds = (*_KINDS, *["repeat"] * redundant, *["late", "late"] * late_uses)
    events: list[Event] = []
    uses: list[int] = []
    runs: list[Look] = []
    clock, status = 0, ACTIVE
    for gap, kind, more in draw(_steps(len(kinds))):
        clock += gap
        if kinds[kind] in ("toggle", "repeat"):
            real = kinds[kind] == "toggle"
            if real:
                status = INACTIVE if status == ACTIVE else ACTIVE
            delay = _DELAYS[more % len(_DELAYS)]
            events.append(Event(len(events), clock, status, real, delay))
        elif kinds[kind] == "run":
            runs.append(_look(clock, more))
        elif status == ACTIVE:
            uses.append(clock)
        elif kinds[kind] == "late":
            off = next(event.second for event in reversed(events) if event.real)
            uses.append(off + more % (SPREADING + 1))
    gap, _, more = draw(_END)
    if status == ACTIVE:
        clock += more % 8 * 15 * MINUTE
        delay = _DELAYS[more // 8 % len(_DELAYS)]
        events.append(Event(len(events), clock, INACTIVE, True, delay))
    look = _look(max([clock, *uses]) + gap, more)
    return Life(tuple(events), tuple(sorted(uses)), tuple(runs), draw(_exports(clock)), look)


def _step(number: int, gaps: tuple[int, ...], kinds: int) -> tuple[int, int, int]:
    """A gap, a kind and a number for details; one draw instead of three is three times as fast."""
    number, gap = divmod(number, len(gaps))
    more, kind = divmod(number, kinds)
    return gaps[gap], kind, more


def _steps(kinds: int) -> st.SearchStrategy[list[tuple[int, int, int]]]:
    steps = st.integers(0, len(GAPS) * kinds * 2**14 - 1)
    return st.lists(steps.map(lambda number: _step(number, GAPS, kinds)), max_size=12)


_END = st.integers(0, len(_LAST_GAPS) * 2**16 - 1).map(lambda n: _step(n, _LAST_GAPS, 1))


def _look(second: int, more: int) -> Look:
    more, choice = divmod(more, len(_LOOKS))
    more, age = divmod(more, len(_REPORT_AGES))
    return replace(_LOOKS[choice], second=second, report_age=_REPORT_AGES[age])


def _exports(clock: int) -> st.SearchStrategy[Export | None]:
    """None half of the time; else complete from creation, from some gap ago or nowhere."""

    def export(number: int) -> Export | None:
        number, kind = divmod(number, 8)
        sample, number = number % 256, number // 256
        number, since = divmod(number, len(GAPS))
        until = GAPS[number % len(GAPS)]
        ago = max(0, clock - GAPS[since])
        return {
            4: Export(None, None, sample),
            5: Export(-DAY, clock - until, sample),
            6: Export(ago, clock + until, sample),
            7: Export(ago, None, sample),
        }.get(kind)

    return st.integers(0, 8 * 256 * len(GAPS) ** 2 - 1).map(export)


def poorer(facts: Facts) -> Iterator[Facts]:
    """The same facts with one piece of evidence less."""
    if facts.ledger:
        yield replace(facts, ledger=None)
    if facts.seen_active:
        yield replace(facts, seen_active=None)
    if facts.seen_inactive:
        yield replace(facts, seen_inactive=None)
    if isinstance(facts.last_use, LastUse):
        yield replace(facts, last_use=Unavailable("last-used", "AccessDenied"))
        if facts.last_use.time:
            yield replace(facts, last_use=LastUse())
    for source in {change.source for change in facts.changes} | {r.source for r in facts.records}:
        records = tuple(item for item in facts.records if item.source != source)
        if records != facts.records:
            yield replace(facts, records=records)
        yield replace(
            facts,
            records=records,
            changes=tuple(item for item in facts.changes if item.source != source),
        )
