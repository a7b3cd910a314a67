# SPDX-License-Identifier: Apache-2.0
"""A found key and its public entry on Custodian's user."""

from __future__ import annotations

import json

from hypothesis import given, settings

from c7n_inactive_keys.core.found_key import FoundKey, found_keys
from c7n_inactive_keys.core.keys import LastUse
from c7n_inactive_keys.core.timeline import assess

from .histories import Life, at, facts_of, lives

ENTRY = {
    "AccessKeyId", "UserName", "Status", "CreateDate", "LastUsedDate", "LastUsedService",
    "LastUsedRegion", "InactiveSince", "InactiveDays", "NotifiedDate", "Evidence",
}  # fmt: skip


def found(life: Life, notified=None) -> FoundKey:
    facts = facts_of(life)
    return FoundKey.of(facts.key, facts.last_use, assess(facts, at(life.now)), notified)


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(lives(redundant=True))
def test_what_is_written_is_read_back(life: Life):
    """Through JSON, as Custodian keeps and sends it."""
    key = found(life, at(life.now))
    entry = json.loads(json.dumps(key.to_annotation()))
    assert set(entry) == ENTRY
    assert FoundKey.from_annotation(entry) == key


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(lives())
def test_unsettled_days_are_there_only_while_something_settles(life: Life):
    """And AtLeast stays what is proven now."""
    facts = facts_of(life)
    assessment = assess(facts, at(life.now))
    days = found(life).to_annotation()["InactiveDays"]
    assert days["AtLeast"] == assessment.at_least_days
    assert ("Unsettled" in days) == bool(assessment.unsettled and assessment.unsettled_days)
    if "Unsettled" in days:
        assert days["Unsettled"]["AtLeast"] >= days["AtLeast"]


def test_a_last_use_that_could_not_be_read_is_none():
    """The evidence says why."""
    assert FoundKey.from_annotation(MINIMAL).last_use == LastUse()


def test_a_user_without_matched_keys_has_none():
    assert found_keys({"UserName": "alice"}) == []
    assert [key.key.user_name for key in found_keys({"c7n:InactiveAccessKeys": [MINIMAL]})] == [
        "alice"
    ]


MINIMAL = {
    "AccessKeyId": "AKIAEXAMPLE000000001",
    "UserName": "alice",
    "Status": "Inactive",
    "CreateDate": "2025-01-01T00:00:00Z",
    "LastUsedDate": None,
    "LastUsedService": None,
    "LastUsedRegion": None,
    "InactiveSince": {"NotBefore": "2025-01-01T00:00:00Z", "NotAfter": "2026-01-01T00:00:00Z"},
    "InactiveDays": {"AtLeast": 0.0, "AtMost": 365.0},
    "Evidence": [],
}
