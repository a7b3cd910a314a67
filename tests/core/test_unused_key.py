# SPDX-License-Identifier: Apache-2.0
"""Which active keys count as unused: those that do not come first."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c7n_inactive_keys.core.keys import AccessKey, LastUse
from c7n_inactive_keys.core.unused_key import LAST_USE_LAG, Disuse, UnusedKey, unused_keys

NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
KEY = AccessKey("AKIAEXAMPLE000000001", "alice", "Active", NOW - timedelta(days=400))
ASKED = Disuse(days=90, never_used_days=30)
SECOND = 1 / 86400  # of a day
LAG = LAST_USE_LAG.total_seconds() / 86400  # days


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def used(days: float) -> LastUse:
    return LastUse(ago(days), "s3", "us-east-1")


def born(days: float) -> AccessKey:
    return replace(KEY, created=ago(days))


@pytest.mark.parametrize(
    ("key", "last_use"),
    [
        pytest.param(KEY, used(1), id="used yesterday"),
        pytest.param(KEY, used(90), id="used 90 days ago, as far as IAM knows by now"),
        pytest.param(KEY, used(90 + LAG - SECOND), id="a second too late"),
        pytest.param(KEY, used(-1), id="used in the future"),
        pytest.param(born(29), LastUse(), id="never used, but young"),
        pytest.param(born(30), LastUse(), id="never used, as far as IAM knows by now"),
        pytest.param(born(30 + LAG - SECOND), LastUse(), id="never used, a second too young"),
        pytest.param(born(95), used(85), id="old enough, and used"),
        pytest.param(replace(KEY, status="Inactive"), used(300), id="inactive"),
        pytest.param(replace(KEY, status="Expired"), used(300), id="expired"),
        pytest.param(replace(KEY, status="Inactive"), LastUse(), id="inactive and never used"),
    ],
)
def test_not_unused(key, last_use):
    assert ASKED.found(key, last_use, NOW) is None


@pytest.mark.parametrize(
    ("key", "last_use", "days"),
    [
        pytest.param(KEY, used(100), 100.0, id="used long ago"),
        pytest.param(KEY, used(90 + LAG), 90.2, id="used as long ago as is asked"),
        pytest.param(born(31), LastUse(), 31.0, id="never used since it was created"),
        pytest.param(born(30 + LAG), LastUse(), 30.2, id="never used, just old enough"),
    ],
)
def test_unused(key, last_use, days):
    """The days count from the last use, or from the creation; the lag is no part of them."""
    assert ASKED.found(key, last_use, NOW) == UnusedKey(key, last_use, days)


def test_an_unused_key_is_read_back_from_its_user():
    found = UnusedKey(KEY, used(100), 100.0)
    assert unused_keys({"c7n:UnusedAccessKeys": [found.to_annotation()]}) == [found]
    assert unused_keys({}) == []


moments = st.integers(0, 500 * 24).map(lambda hours: NOW - timedelta(hours=hours))
asked = st.builds(Disuse, st.integers(0, 200), st.integers(0, 200))


@given(asked, moments, st.none() | moments, st.integers(0, 72))
def test_what_is_found_was_possible_by_what_the_report_said_before(disuse, created, use, hours):
    """A report of some hours ago leads to every key that is unused now."""
    use = use and max(use, created)
    key = replace(KEY, created=created)
    if disuse.found(key, LastUse(use), NOW):
        assert disuse.possible(created, use, NOW)
        assert disuse.possible(created, None, NOW)
    if disuse.possible(created, use, NOW):
        assert disuse.possible(created, use, NOW + timedelta(hours=hours))


@given(asked, moments, st.none() | moments, st.integers(0, 72))
def test_a_later_use_never_makes_a_key_unused(disuse, created, use, hours):
    """Nor does an earlier look: what is unused stays so until it is used."""
    use = use and max(use, created)
    key = replace(KEY, created=created)
    if disuse.found(key, LastUse(use), NOW):
        assert disuse.found(key, LastUse(use), NOW + timedelta(hours=hours))
    elif use:
        later = min(use + timedelta(hours=hours), NOW)
        assert disuse.found(key, LastUse(later), NOW) is None
