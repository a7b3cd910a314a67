# SPDX-License-Identifier: Apache-2.0
"""Calls are counted exactly, so that a later change that adds one per user or key fails here.

M is the number of users with an inactive key, K the number of such keys.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

pytestmark = pytest.mark.e2e

REPORT, RECORD, DELETE = "inactive-keys-report", "inactive-keys-record", "inactive-keys-delete"
DEACTIVATE, REACTIVATED = "key-lifecycle-deactivate", "key-lifecycle-reactivated"
THE_REPORT = {"GenerateCredentialReport": 1, "GetCredentialReport": 1}


@pytest.mark.parametrize("users", [0, 1000], ids="{} users".format)
@pytest.mark.parametrize("policy", [REPORT, DELETE])
def test_without_inactive_keys_two_calls_whatever_the_number_of_users(fill, run, users, policy):
    fill(users, with_inactive=0)
    assert run(policy) == THE_REPORT


@pytest.mark.parametrize(
    ("users", "with_inactive", "keys_each"),
    [(1, 1, 1), (1000, 10, 1), (30, 25, 2)],
    ids="{}".format,
)
def test_finding_takes_three_calls_and_two_for_each_user_found(
    fill, run, users, with_inactive, keys_each
):
    fill(users, with_inactive, keys_each)
    assert run(REPORT) == {
        **THE_REPORT,
        "LookupEvents": 1,
        "GetUser": with_inactive,
        "ListAccessKeys": with_inactive,
    }


@pytest.mark.parametrize(
    ("users", "with_inactive", "pages"),
    [(30, 26, 1), (1000, 35, 1), (1100, 100, 2)],
    ids="{}".format,
)
def test_many_users_are_described_in_bulk_a_thousand_a_page(fill, run, users, with_inactive, pages):
    fill(users, with_inactive)
    assert run(REPORT) == {
        **THE_REPORT,
        "LookupEvents": 1,
        "GetAccountAuthorizationDetails": pages,
        "ListAccessKeys": with_inactive,
    }


@pytest.mark.parametrize(
    ("users", "with_inactive", "keys_each"),
    [(300, 1, 1), (300, 20, 1), (50, 5, 2)],
    ids="{}".format,
)
def test_deleting_adds_five_calls_for_each_key(fill, run, users, with_inactive, keys_each):
    """CloudFormation is asked for it; it, its last use and its user's tags are read again."""
    account = fill(users, with_inactive, keys_each)
    assert run(DELETE) == {
        **THE_REPORT,
        "LookupEvents": 1,
        "GetUser": with_inactive * (1 + keys_each),
        "ListAccessKeys": with_inactive * (1 + keys_each),
        "DescribeStackResources": with_inactive * keys_each,
        "GetAccessKeyLastUsed": with_inactive * keys_each,
        "DeleteAccessKey": with_inactive * keys_each,
    }
    assert not account.inactive_keys


def test_deleting_the_keys_of_many_users_reads_each_of_them_again(fill, run):
    """The bulk description finds them; the tags that exempt are read for each, just before."""
    account = fill(300, with_inactive=100)
    assert run(DELETE) == {
        **THE_REPORT,
        "LookupEvents": 1,
        "GetAccountAuthorizationDetails": 1,
        "GetUser": 100,
        "ListAccessKeys": 200,
        "DescribeStackResources": 100,
        "GetAccessKeyLastUsed": 100,
        "DeleteAccessKey": 100,
    }
    assert not account.inactive_keys


def test_without_an_exemption_to_look_for_the_tags_are_read_again_as_well(fill, run):
    """The ledger in them may have changed since: an event function writes it within minutes."""
    account = fill(100, with_inactive=50)
    calls = run(DELETE, **{"exempt-tag": None})
    assert calls["GetUser"] == 50
    assert sum(calls.values()) == 4 + 6 * 50
    assert not account.inactive_keys


def test_a_dry_run_of_the_deletion_costs_what_finding_costs(fill, run):
    fill(100, with_inactive=10)
    assert run(DELETE, dryrun=True) == {
        **THE_REPORT,
        "LookupEvents": 1,
        "GetUser": 10,
        "ListAccessKeys": 10,
    }


def test_ledger_tags_cost_one_more_call_for_each_user_who_has_them(fill, run):
    fill(20, with_inactive=5, ledger=True)
    calls = run(DELETE)
    assert calls["UntagUser"] == 5
    assert sum(calls.values()) == 3 + 6 * 5 + 5 + 5


def test_the_ledger_is_kept_with_a_constant_number_of_calls_for_each_user(fill, run):
    fill(100, with_inactive=10, keys_each=2)
    calls = run(RECORD)
    assert calls["TagUser"] == 10
    assert sum(calls.values()) <= 3 + 5 * 10


def test_event_history_is_read_page_by_page_and_once_for_all_policies_of_a_run(fill, run, now):
    account = fill(20, with_inactive=3)
    noise = account.user("busy").key(now - timedelta(days=800))
    for day in range(120):
        change = noise.activate if day % 2 else noise.deactivate
        change(now - timedelta(days=80, minutes=-day))
    calls = run(REPORT, DELETE)
    assert calls["LookupEvents"] == 3  # 120 events, 50 a page
    assert calls["GenerateCredentialReport"] <= 2


def test_last_use_is_asked_only_for_keys_that_the_report_cannot_tell_apart(fill, run):
    fill(20, with_inactive=5, keys_each=2, twins=True)
    assert run(REPORT)["GetAccessKeyLastUsed"] == 2 * 5


def test_a_report_that_has_to_be_made_costs_no_more_calls(fill, run):
    fill(100, with_inactive=0).report = None
    assert run(REPORT) == THE_REPORT


# -- the first half of a key's life, and back -----------------------------------------------------


@pytest.mark.parametrize("users", [0, 1000], ids="{} users".format)
def test_without_unused_keys_two_calls_whatever_the_number_of_users(fill, run, users):
    fill(users)
    assert run(DEACTIVATE) == THE_REPORT


@pytest.mark.parametrize(("users", "unused"), [(1, 1), (1000, 10)], ids="{}".format)
def test_finding_unused_keys_takes_three_calls_for_each_user_found(fill, run, users, unused):
    """The last use is asked by access key id; the report only says where to look."""
    fill(users, unused=unused)
    assert run(DEACTIVATE, dryrun=True) == {
        **THE_REPORT,
        "GetUser": unused,
        "ListAccessKeys": unused,
        "GetAccessKeyLastUsed": unused,
    }


def test_deactivating_adds_six_calls_for_each_key(fill, run):
    """It and its last use are read again; event history is read once for all of them."""
    account = fill(300, unused=10)
    assert run(DEACTIVATE) == {
        **THE_REPORT,
        "LookupEvents": 1,
        "GetUser": 2 * 10,
        "ListAccessKeys": 2 * 10,
        "GetAccessKeyLastUsed": 2 * 10,
        "DescribeStackResources": 10,
        "UpdateAccessKey": 10,
        "TagUser": 10,
    }
    assert len(account.inactive_keys) == 10


def test_what_stacks_manage_is_not_asked_where_it_does_not_matter(fill, run):
    fill(20, unused=5)
    assert "DescribeStackResources" not in run(DEACTIVATE, managed=True)


def test_reactivating_takes_five_calls_for_each_key(fill, run, tmp_path):
    """Custodian itself lists and describes every user; the journal says which keys are meant."""
    account = fill(300, unused=10)
    run(DEACTIVATE)
    journal = tmp_path / "out" / DEACTIVATE / "inactive-keys.jsonl"
    undo = {
        "name": "undo",
        "resource": "aws.iam-user",
        "actions": [{"type": "reactivate-keys", "journal": {"url": f"file://{journal}"}}],
    }
    assert run(undo) == {
        "ListUsers": 3,
        "LookupEvents": 1,
        "DescribeStackResources": 10,
        "GetUser": 300 + 10,
        "ListAccessKeys": 10,
        "UpdateAccessKey": 10,
        "TagUser": 10,
    }
    assert not account.inactive_keys


def test_looking_for_reactivated_keys_costs_what_was_reactivated(fill, run, now):
    """All users are described in bulk, for their ledger tags; few are listed."""
    account = fill(1000, with_inactive=3)
    for key in account.inactive_keys[:2]:
        key.activate(now - timedelta(days=1))
    account.report = None
    assert run(REACTIVATED) == {
        **THE_REPORT,
        "GetAccountAuthorizationDetails": 1,
        "LookupEvents": 1,
        "ListAccessKeys": 2,
        "GetAccessKeyLastUsed": 2,
    }
