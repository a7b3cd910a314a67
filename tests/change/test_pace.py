# SPDX-License-Identifier: Apache-2.0
"""How fast all workers together try: on a clock that the test moves, so nothing really waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c7n_inactive_keys.change import pace as module
from c7n_inactive_keys.change.pace import BURST, FIRST_INTERVAL, NEGLIGIBLE, SLOWER, Pace


class Clock:
    """Stands for the module `time`: says what it is told, and remembers who had to wait how long.

    Waiting takes no time here, as if each call came from a worker of its own.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self.waited: list[float] = []

    def monotonic(self) -> float:
        """Seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Remember."""
        assert seconds >= 0
        self.waited.append(seconds)


@pytest.fixture(name="clock")
def _clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture(name="pace")
def _pace(clock):
    return Pace()


def turns(pace: Pace, clock: Clock, workers: int) -> list[float]:
    """How long each of so many workers waits if they all come now."""
    clock.waited.clear()
    for _ in range(workers):
        pace.wait()
    return list(clock.waited)


def spaced(*seconds: float) -> object:
    """Those waits, but for rounding."""
    return pytest.approx(list(seconds))


def test_without_throttling_nobody_waits(pace, clock):
    """However many come, and however many tries were granted."""
    assert turns(pace, clock, 100) == []
    pace.granted()
    assert turns(pace, clock, 100) == []


def test_after_throttling_each_gets_a_turn_of_its_own(pace, clock):
    """All workers together make one try an interval; who comes to a free turn need not wait."""
    pace.throttled()
    assert turns(pace, clock, 3) == spaced(0, FIRST_INTERVAL, 2 * FIRST_INTERVAL)
    clock.now += FIRST_INTERVAL / 2
    assert turns(pace, clock, 1) == spaced(2.5 * FIRST_INTERVAL)
    clock.now += 60
    assert turns(pace, clock, 2) == spaced(0, FIRST_INTERVAL)


def test_a_burst_of_throttling_counts_once(pace, clock):
    """Sixteen workers throttled at once have said one thing; later throttling is news."""
    for _ in range(16):
        pace.throttled()
    clock.now += BURST * 0.9
    pace.throttled()
    assert turns(pace, clock, 2) == spaced(0, FIRST_INTERVAL)
    clock.now += BURST * 0.1
    pace.throttled()
    clock.now += 60
    assert turns(pace, clock, 2) == spaced(0, FIRST_INTERVAL * SLOWER)


def test_grants_bring_the_space_back_to_none(pace, clock):
    """Each grant makes it faster, until there is no wait at all."""
    pace.throttled()
    intervals = []
    while len(intervals) < 1000:
        clock.now += 60
        waits = turns(pace, clock, 2)
        if not waits:
            break
        intervals.append(waits[1])
        pace.granted()
    assert waits == []
    assert intervals == sorted(intervals, reverse=True)
    assert len(set(intervals)) == len(intervals)
    assert intervals[0] == pytest.approx(FIRST_INTERVAL)
    assert intervals[-1] >= NEGLIGIBLE
    assert turns(pace, clock, 10) == []


def test_throttling_after_a_recovery_starts_small_again(pace, clock):
    """What was learned from an earlier throttling is forgotten with the last of its space."""
    for _ in range(4):
        clock.now += BURST
        pace.throttled()
    for _ in range(1000):
        pace.granted()
    clock.now += 60
    pace.throttled()
    assert turns(pace, clock, 2) == spaced(0, FIRST_INTERVAL)


@given(
    st.lists(
        st.one_of(st.sampled_from(["throttled", "granted", "wait"]), st.floats(0, 2)), max_size=60
    )
)
def test_no_history_brings_two_tries_closer_than_it_says(history):
    """Turns never go back in time, and none of a throttled account's come in the same instant."""
    clock = Clock()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "time", clock)
        pace = Pace()
        last = None
        for step in history:
            if isinstance(step, float):
                clock.now += step
            elif step != "wait":
                getattr(pace, step)()
            else:
                for seconds in turns(pace, clock, 1):
                    turn = clock.now + seconds
                    assert last is None or turn - last > 0.99 * NEGLIGIBLE
                    last = turn
