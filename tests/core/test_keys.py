# SPDX-License-Identifier: Apache-2.0
"""Access keys as ListAccessKeys tells of them."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from c7n_inactive_keys.core.keys import AccessKey, inactive_keys

CREATED = datetime(2026, 1, 3, 10, 0, 0, tzinfo=timezone.utc)


def listed(**changed):
    return {
        "UserName": "alice",
        "AccessKeyId": "AKIAEXAMPLE000000001",
        "Status": "Inactive",
        "CreateDate": CREATED,
        **changed,
    }


def test_reads_what_is_listed():
    """Identity, owner, status and creation; the listing's own words are kept."""
    key = AccessKey.from_metadata(listed(), "somebody")
    assert (key.access_key_id, key.user_name, key.status) == (
        "AKIAEXAMPLE000000001", "alice", "Inactive"
    )  # fmt: skip
    assert key.created == CREATED
    assert key.metadata == listed()


@pytest.mark.parametrize("name", [None, ""])
def test_a_listing_without_user_name_is_of_the_user_it_was_asked_for(name):
    assert AccessKey.from_metadata(listed(UserName=name), "bob").user_name == "bob"


@pytest.mark.parametrize(
    "created",
    [
        "2026-01-03T10:00:00+00:00",
        "2026-01-03T10:00:00.750000Z",
        CREATED.replace(microsecond=5),
        CREATED.replace(tzinfo=None),
    ],
)
def test_creation_is_a_whole_second_of_utc(created):
    """Custodian's cache keeps text, emulators add microseconds."""
    assert AccessKey.from_metadata(listed(CreateDate=created), "alice").created == CREATED


def test_only_inactive_is_inactive():
    """Neither Active nor Expired counts, and the order stays."""
    keys = [
        AccessKey.from_metadata(listed(Status=status, AccessKeyId=f"AKIA{number:016}"), "alice")
        for number, status in enumerate(["Inactive", "Active", "Expired", "Inactive", "inactive"])
    ]
    assert [key.access_key_id[-1] for key in inactive_keys(keys)] == ["0", "3"]


def test_keys_are_compared_by_what_they_are():
    """The raw listing takes no part in comparison."""
    assert AccessKey.from_metadata(listed(), "x") == AccessKey.from_metadata(listed(More=1), "x")
