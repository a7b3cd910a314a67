# SPDX-License-Identifier: Apache-2.0
"""Users described in bulk are the users that GetUser describes, whatever goes wrong with that."""

from __future__ import annotations

import pytest

from c7n_inactive_keys_sandbox import Fault
from c7n_inactive_keys_sandbox.credential_report import COLUMNS
from tests.support.accounts import days_ago
from tests.support.policies import REPORT, TAG, delete_policy

pytestmark = pytest.mark.e2e

BULK = "GetAccountAuthorizationDetails"
USERS = 30
NUMBERS = iter(range(10**11, 10**12))


@pytest.fixture(name="account")
def _account(aws):
    """An account of its own with enough users to be described in bulk: each differs a bit."""
    account = aws.account(str(next(NUMBERS)))
    for number in range(USERS):
        user = account.user(
            f"User-{number:02d}", path=f"/team-{number % 3}/", created=days_ago(600 + number)
        )
        user.key(created=days_ago(500), toggles=[days_ago(100)])
        if number % 2:
            user.tags.update(owner=f"owner-{number}", empty="")
        if number % 5 == 0:
            user.password_enabled = True
            user.password_last_used = days_ago(number) if number else None
    yield account
    aws.faults.clear()


@pytest.fixture(name="calls")
def _calls(aws, custodian, account):
    """A run in the account; its outcome, and how often each of two calls was made."""

    def calls(*policies, status=0):
        counts = [aws.calls.count(action, account.id) for action in (BULK, "GetUser")]
        outcome = custodian.run(account.id, *policies)
        assert outcome.status == status, outcome.log
        after = [aws.calls.count(action, account.id) for action in (BULK, "GetUser")]
        return outcome, after[0] - counts[0], after[1] - counts[1]

    return calls


def described(outcome):
    """What the run found, less what depends on the moment of the run."""
    users = {user["UserName"]: user for user in outcome.resources(REPORT["name"])}
    for user in users.values():
        for key in user.pop("c7n:InactiveAccessKeys"):
            user["matched"] = key["AccessKeyId"]
    return users


def test_the_two_ways_of_describing_users_give_the_same(aws, account, calls):
    """Names, paths, tags, dates and last use of the password."""
    in_bulk, bulk, singly = calls(REPORT)
    assert (bulk, singly) == (1, 0)
    aws.faults.add(Fault(BULK, account=account.id, error="AccessDenied", times=None))
    one_by_one, bulk, singly = calls(REPORT)
    assert (bulk, singly) == (1, USERS)
    assert len(described(in_bulk)) == USERS
    assert described(in_bulk) == described(one_by_one)
    assert "iam:GetAccountAuthorizationDetails" in one_by_one.log


@pytest.mark.parametrize(
    "fault",
    [{"error": "AccessDenied"}, {"error": "InternalFailure"}, {"kind": "truncate"}],
    ids=lambda fault: fault.get("error", "broken off"),
)
def test_without_the_bulk_call_users_are_described_one_by_one(aws, account, calls, fault):
    """It spares calls and is needed for nothing."""
    aws.faults.add(Fault(BULK, account=account.id, times=None, **fault))
    outcome, _, singly = calls(delete_policy())
    assert singly == 2 * USERS
    assert set(outcome.by_key().values()) == {"deleted"}
    assert not account.inactive_keys


def test_users_gone_since_the_report_are_left_out(account, calls):
    """The report still names them; neither way of describing them finds them."""
    calls(REPORT)
    account.users["User-07"].delete()
    outcome, bulk, singly = calls(REPORT)
    assert (bulk, singly) == (1, 1)
    assert sorted(described(outcome)) == [f"User-{n:02d}" for n in range(USERS) if n != 7]


def test_a_user_whose_row_is_odd_is_described_alone(aws, account, calls):
    """The report's word on a password is needed for the bulk description only."""
    calls(REPORT)
    report = account.report
    row = next(line for line in report.content.split("\n") if line.startswith("User-05,"))
    fields = row.split(",")
    fields[COLUMNS.index("password_last_used")] = "some day"
    report.content = report.content.replace(row, ",".join(fields))
    outcome, bulk, singly = calls(REPORT)
    assert (bulk, singly) == (1, 1)
    assert len(described(outcome)) == USERS


def test_a_user_exempted_after_the_bulk_description_keeps_its_key(aws, account, calls):
    """The deletion reads the tags of each user again."""
    user = account.users["User-11"]
    aws.faults.add(
        Fault("ListAccessKeys", account=account.id, call=lambda: user.tags.update({TAG: "yes"}))
    )
    outcome, bulk, _ = calls(delete_policy())
    assert bulk == 1
    assert outcome.by_user()["User-11"] == "skipped exempt"
    assert [key.user.name for key in account.inactive_keys] == ["User-11"]
