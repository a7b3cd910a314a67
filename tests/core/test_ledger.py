# SPDX-License-Identifier: Apache-2.0
"""Ledger tags: what is written is read back, what is malformed is no evidence."""

from __future__ import annotations

import re
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c7n_inactive_keys.core.ledger import (
    LedgerEntry,
    MalformedTag,
    parse_value,
    read_tags,
    render_value,
    tag_key,
)

VALUE = "after=2026-01-03T09:59:59Z since=2026-01-03T10:00:00Z verified=2026-11-20T04:00:00Z"
ENTRY = LedgerEntry(
    datetime(2026, 1, 3, 9, 59, 59, tzinfo=timezone.utc),
    datetime(2026, 1, 3, 10, tzinfo=timezone.utc),
    datetime(2026, 11, 20, 4, tzinfo=timezone.utc),
)
NOTIFIED = datetime(2026, 11, 1, 8, tzinfo=timezone.utc)

MOMENTS = st.integers(0, 2**33).map(lambda second: datetime.fromtimestamp(second, timezone.utc))
WORDS = st.text("abcXYZ019_.:/+-@=", min_size=1, max_size=9).filter(
    lambda word: word.partition("=")[0] not in ("after", "since", "verified", "notified")
)
ENTRIES = st.builds(
    LedgerEntry,
    MOMENTS,
    MOMENTS,
    MOMENTS,
    st.none() | MOMENTS,
    st.lists(WORDS, max_size=3).map(tuple),
)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "after and since and verified missing"),
        ("hello", "after and since and verified missing"),
        (VALUE.rpartition(" ")[0], "verified missing"),
        (VALUE.replace("since=2026-01-03T10:00:00Z", "since="), "since is not an ISO 8601 time"),
        (VALUE.replace("since=2026-01-03T10:00:00Z", "since"), "since is not an ISO 8601 time"),
        (VALUE.replace("2026-11-20", "2026-11-31"), "verified is not an ISO 8601 time"),
        (VALUE + " notified=soon", "notified is not an ISO 8601 time"),
        (VALUE + " since=2020-01-01T00:00:00Z", "since stands there twice"),
        (VALUE.replace("since", "Since"), "since missing"),
    ],
)
def test_malformed_values_are_no_evidence(value, problem):
    """Not even the readable half of it."""
    assert parse_value(value) == MalformedTag(value, problem)


def test_reads_and_writes_the_documented_form():
    assert parse_value(VALUE) == ENTRY
    assert render_value(ENTRY) == VALUE


def test_a_notice_and_unknown_words_are_kept():
    entry = parse_value(f"{VALUE} ticket=OPS-7 notified=2026-11-01T08:00:00Z odd")
    assert entry == LedgerEntry(
        ENTRY.after, ENTRY.since, ENTRY.verified, NOTIFIED, ("ticket=OPS-7", "odd")
    )
    assert render_value(entry) == f"{VALUE} notified=2026-11-01T08:00:00Z ticket=OPS-7 odd"


@given(ENTRIES)
def test_every_entry_is_read_back(entry):
    """Parsing is the inverse of rendering."""
    assert parse_value(render_value(entry)) == entry


@given(ENTRIES.filter(lambda entry: not entry.words))
def test_values_are_legal_in_a_tag(entry):
    """IAM's pattern and length of tag values."""
    value = render_value(entry)
    assert re.fullmatch(r"[\w .:/=+\-@]*", value)
    assert len(value) <= 256


@given(st.text() | st.lists(st.sampled_from(VALUE.split()), max_size=5).map(" ".join))
def test_any_text_is_an_entry_or_malformed(value):
    """Whatever somebody writes into a tag, a run goes on."""
    assert isinstance(parse_value(value), (LedgerEntry, MalformedTag))


@pytest.mark.parametrize(
    "word", ["since=0001-01-01T00:00:00+05:00", "since=9999-12-31T23:59:59-01:00"]
)
def test_times_outside_the_calendar_are_malformed(word):
    """An offset can push a time out of what a datetime can hold."""
    assert isinstance(parse_value(f"{word} after=2026-01-03 verified=2026-01-03"), MalformedTag)


def test_the_first_notice_stays():
    """A later notice does not replace it."""
    first = ENTRY.noticed(NOTIFIED)
    assert first.notified == NOTIFIED
    assert first.noticed(ENTRY.verified) is first


def test_reads_only_tags_of_the_ledger():
    """A console description (its key is the bare key id) and other tags are passed over."""
    key_id = "AKIAEXAMPLE000000001"
    tags = [
        {"Key": "team", "Value": "payments"},
        {"Key": key_id, "Value": "laptop of Alice"},
        {"Key": tag_key(key_id), "Value": VALUE},
        {"Key": "C7N-Inactive-Key:akiaexample000000002", "Value": "x"},
    ]
    assert read_tags(tags) == {
        key_id: ENTRY,
        "AKIAEXAMPLE000000002": MalformedTag("x", "after and since and verified missing"),
    }
