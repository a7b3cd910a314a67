# SPDX-License-Identifier: Apache-2.0
"""What evidence costs: calls of LookupEvents, which AWS limits to two a second, in runs."""

from __future__ import annotations

import pytest

from tests.support.accounts import days_ago
from tests.support.policies import RECORD, REPORT, delete_policy, ours, policy

pytestmark = pytest.mark.e2e

NO_KEY_OFF, SOME, YOUNG, EVENTFUL = "111111111111", "222222222222", "333333333333", "444444444444"


@pytest.fixture(scope="module", name="lookups")
def _lookups(aws, custodian):
    """A run of policies in an account; how often it called LookupEvents."""

    def lookups(account_id, *policies, status=0):
        before = aws.calls.count("LookupEvents", account_id)
        outcome = custodian.run(account_id, *policies)
        assert outcome.status == status, outcome.log
        return aws.calls.count("LookupEvents", account_id) - before

    for number in range(3):
        aws.account(NO_KEY_OFF).user(f"user-{number}").key(created=days_ago(500))
        for account_id, born, off in ((SOME, 500, 50), (YOUNG, 10, 5)):
            user = aws.account(account_id).user(f"user-{number}")
            user.key(created=days_ago(born), toggles=[days_ago(off)])
    return lookups


@pytest.mark.parametrize("source", ["credential-report", "describe"])
def test_an_account_without_inactive_keys_is_not_asked_for_events(lookups, source):
    """Whichever way its users are found, by all three shipped jobs."""
    policies = ({**REPORT, "source": source}, {**RECORD, "source": source}, delete_policy())
    assert lookups(NO_KEY_OFF, *policies) == 0


def test_three_policies_of_a_run_share_one_sweep(lookups):
    """The report, the ledger and the deletion of one `custodian run`."""
    assert lookups(SOME, REPORT, RECORD, delete_policy()) == 1


def test_several_filters_of_a_policy_share_one_sweep(lookups):
    """Each of them looks at the same keys."""
    both = policy("both", {"or": [ours(days=10), ours(certainty="possible", days=100)]}, ours())
    assert lookups(SOME, both) == 1


def test_two_runs_are_two_sweeps(lookups):
    """Nothing is remembered from one run to the next."""
    assert lookups(SOME, REPORT) + lookups(SOME, REPORT) == 2


def test_no_events_are_asked_for_if_no_key_can_be_old_enough(lookups):
    """Keys created 10 days ago have not been inactive for 365 days, whatever the events are."""
    assert lookups(YOUNG, policy("year", ours(days=365))) == 0
    assert lookups(YOUNG, policy("year", ours(days=365, certainty="possible"))) == 0


def test_one_key_that_may_be_old_enough_is_worth_the_sweep(lookups):
    """The same policy asks where a verdict could change."""
    assert lookups(SOME, policy("year", ours(days=365))) == 1


@pytest.mark.parametrize("evidence", [[], ["ledger"]])
def test_no_events_are_asked_for_if_the_policy_does_not_want_them(lookups, evidence):
    """`evidence` without cloudtrail."""
    assert lookups(SOME, policy("without", ours(evidence=evidence))) == 0


def test_no_events_are_asked_for_if_other_filters_left_nobody(lookups):
    """Filters before ours cost nothing more."""
    assert lookups(SOME, policy("nobody", {"UserName": "user-9"}, ours())) == 0


def test_a_sweep_costs_a_call_for_each_50_events(lookups, aws):
    """However many users and keys there are."""
    account = aws.account(EVENTFUL)
    for number in range(30):
        toggles = [days_ago(days) for days in (50, 40, 30)]
        account.user(f"user-{number}").key(created=days_ago(500), toggles=toggles)
    assert lookups(EVENTFUL, REPORT) == 2
    assert {call.region for call in aws.calls.select("LookupEvents", EVENTFUL)} == {"us-east-1"}
