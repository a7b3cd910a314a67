# SPDX-License-Identifier: Apache-2.0
"""Inactive keys of root: named by their creation, and nothing is proven of them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from c7n_inactive_keys.core.credential_report import ROOT_USER, ReportedKey, ReportedUser
from c7n_inactive_keys.core.keys import LastUse, is_access_key_id
from c7n_inactive_keys.core.root_keys import root_keys

MADE = datetime(2026, 11, 20, 4, tzinfo=timezone.utc)
OLD = datetime(2019, 5, 6, 7, 8, 9, tzinfo=timezone.utc)
USED = datetime(2020, 1, 1, tzinfo=timezone.utc)


def root(*keys, generated=MADE):
    return ReportedUser(ROOT_USER, "arn:aws:iam::123456789012:root", keys, generated=generated)


def test_only_its_inactive_keys_are_told():
    """An active one is another alarm."""
    found = root_keys(root(ReportedKey(True, USED, LastUse()), ReportedKey(False, OLD, LastUse())))
    assert [item.key.access_key_id for item in found] == ["root-key-20190506T070809Z"]


def test_it_may_have_been_active_until_the_report_was_made():
    """The report has no history, and events name keys by ids that root's do not have here."""
    [found] = root_keys(root(ReportedKey(False, OLD, LastUse(USED, "s3", "us-east-1"))))
    assert (found.not_before, found.not_after, found.at_least_days) == (USED, MADE, 0.0)
    assert [item.kind for item in found.evidence] == ["created", "used", "inactive"]


def test_no_name_could_be_a_keys_id_and_twins_have_two():
    """Nobody can plan to delete one; and two of the same second are two keys."""
    twins = [ReportedKey(False, OLD, LastUse()), ReportedKey(False, OLD, LastUse())]
    names = [item.key.access_key_id for item in root_keys(root(*twins))]
    assert len(set(names)) == 2
    assert not any(map(is_access_key_id, names))


def test_a_use_after_the_report_moves_no_end_before_its_beginning():
    """Clocks differ."""
    [found] = root_keys(root(ReportedKey(False, OLD, LastUse(MADE + timedelta(minutes=1)))))
    assert found.not_before == found.not_after == MADE
