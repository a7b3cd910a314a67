# SPDX-License-Identifier: Apache-2.0
"""Moments and days as they are read and written."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c7n_inactive_keys.core.times import (
    as_utc,
    days_between,
    format_time,
    next_second,
    parse_time,
    whole_second,
)

MOMENT = datetime(2026, 1, 3, 10, 0, tzinfo=timezone.utc)
ZONES = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))
MOMENTS = st.builds(datetime.fromtimestamp, st.floats(0, 2**33), ZONES)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-03T10:00:00Z",
        "2026-01-03T10:00:00z",
        " 2026-01-03T10:00:00Z ",
        "2026-01-03T10:00:00+00:00",
        "2026-01-03T11:00:00+01:00",
        "2026-01-03T10:00:00",
        "2026-01-03 10:00:00",
    ],
)
def test_reads_iso_8601(text):
    """With Z or offset, and UTC where neither is there."""
    assert parse_time(text) == MOMENT
    assert parse_time(text).tzinfo is timezone.utc


@pytest.mark.parametrize("digits", ["9", "900", "900000", "900000000"])
def test_reads_fractions_of_any_length(digits):
    """Python 3.10 alone reads three or six digits; others write nanoseconds."""
    moment = MOMENT.replace(microsecond=900_000)
    assert parse_time(f"2026-01-03T10:00:00.{digits}Z") == moment
    assert parse_time(f"2026-01-03 11:00:00,{digits}+01:00") == moment


def test_a_date_is_its_midnight():
    assert parse_time("2026-01-03") == MOMENT.replace(hour=0)


@pytest.mark.parametrize("text", ["", "Z", "yesterday", "2026-13-01", "2026-01-03T10:00:00+00:00Z"])
def test_what_is_no_time_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        parse_time(text)


@given(MOMENTS)
def test_written_and_read_back(moment):
    """Nothing but the fraction of a second is lost, and the result is UTC."""
    text = format_time(moment)
    assert text.endswith("Z")
    assert parse_time(text) == whole_second(moment)


def test_naive_moments_are_utc():
    assert as_utc(datetime(2026, 1, 3, 10)) == MOMENT  # noqa: DTZ001 - naive on purpose


@given(MOMENTS)
def test_whole_and_next_second_enclose_the_moment(moment):
    """The moment lies between them, and both are it if it is whole."""
    before, after = whole_second(moment), next_second(moment)
    assert before <= moment <= after
    assert after - before == timedelta(seconds=1 if moment.microsecond else 0)


@pytest.mark.parametrize(
    ("seconds", "days"),
    [(0, 0.0), (86400, 1.0), (90 * 86400 - 300, 90.0), (4319, 0.0), (4321, 0.1), (-86400, 0.0)],
)
def test_days_have_one_decimal_and_are_never_negative(seconds, days):
    assert days_between(MOMENT, MOMENT + timedelta(seconds=seconds)) == days
