# SPDX-License-Identifier: Apache-2.0
"""What a change goes by besides AWS: lists of managed keys, and journals. No process is started."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from c7n_inactive_keys.change.managers import listed_keys
from c7n_inactive_keys.change.reactivation import deactivated_keys
from c7n_inactive_keys.core.journal import JournalLine
from c7n_inactive_keys.core.keys import AccessKey, LastUse
from c7n_inactive_keys.core.unused_key import UnusedKey

ACCOUNT = "111111111111"
NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
ID, OTHER = "AKIAEXAMPLE000000001", "AKIAEXAMPLE000000002"
KEY, USER = "aws_iam_access_key", "aws_iam_user"


def module(*resources):
    """What `terraform show -json` prints of a state with these resources."""
    return {"format_version": "1.0", "values": {"root_module": {"resources": list(resources)}}}


@pytest.mark.parametrize(
    ("document", "ids"),
    [
        (module({"type": KEY, "address": "a.b", "values": {"id": ID}}), [ID]),
        (module({"type": USER, "values": {"id": "alice"}}), []),
        (module({"type": KEY, "address": "a.b", "values": {}}), []),
    ],
    ids=["a key", "another resource", "a key that is still to be made"],
)
def test_of_what_terraform_prints_only_its_keys_count(document, ids):
    assert list(listed_keys(document)) == ids


def line(key_id, outcome, days_ago, account_id=ACCOUNT):
    """A line of a journal."""
    key = AccessKey(key_id, "alice", "Active", NOW - timedelta(days=500))
    return JournalLine(
        outcome, NOW - timedelta(days=days_ago), "run", account_id, "alice", key_id,
        found=UnusedKey(key, LastUse(), 400.0),
    )  # fmt: skip


def test_only_what_was_deactivated_last_is_to_be_reactivated():
    """Whatever the order of the journals; what an undo took back already is done."""
    lines = [
        line(ID, "reactivated", 1),
        line(ID, "deactivated", 2),
        line(OTHER, "deactivated", 2),
        line(OTHER, "skipped", 1),
        line("AKIAEXAMPLE000000003", "deactivated", 2, account_id="222222222222"),
    ]
    found = deactivated_keys(lines, ACCOUNT)
    assert [key.key.access_key_id for key in found["alice"]] == [OTHER]
