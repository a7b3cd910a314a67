# SPDX-License-Identifier: Apache-2.0
"""What limits a deletion: the cap on the number of keys, and a plan that somebody approved."""

from __future__ import annotations

import pytest

from c7n_inactive_keys_sandbox import Fault
from tests.support.accounts import inactive_key, key_ids
from tests.support.policies import TAG, delete_policy

pytestmark = pytest.mark.e2e


# -- max-keys -------------------------------------------------------------------------------------


def test_more_keys_than_the_cap_and_none_is_deleted(sandbox, custodian, account):
    """Scenario 24: two users with three keys are over a cap of two; the policy fails."""
    keys = [inactive_key(account), inactive_key(account, created=499), inactive_key(account, "eve")]
    outcome = custodian.run(account.id, delete_policy(**{"max-keys": 2}))
    assert key_ids(account) == {key.id for key in keys}
    assert outcome.status == 2
    assert set(outcome.by_key().values()) == {"failed max-keys"}
    assert "3 access keys qualify, more than max-keys: 2" in outcome.log
    assert len(outcome.action_file()) == 3


def test_as_many_keys_as_the_cap_are_deleted(sandbox, custodian, account):
    """The cap itself is allowed."""
    inactive_key(account)
    inactive_key(account, created=499)
    assert custodian.run(account.id, delete_policy(**{"max-keys": 2})).status == 0
    assert account.keys == []


def test_keys_of_exempt_users_do_not_count(sandbox, custodian, account):
    """They would not be deleted; nor are they if the tag goes after they were not counted."""
    key, exempt = inactive_key(account), inactive_key(account, "eve")
    tags = account.user("eve").tags
    tags[TAG.upper()] = ""
    sandbox.faults.add(Fault(action="LookupEvents", call=lambda: tags.clear()))
    outcome = custodian.run(account.id, delete_policy(**{"max-keys": 1}))
    assert outcome.by_key() == {key.id: "deleted", exempt.id: "skipped exempt"}
    assert outcome.status == 0
    assert key_ids(account) == {exempt.id}


def test_a_dry_run_reports_whatever_the_cap(sandbox, custodian, account):
    """Scenario 24: the cap must not hide from a dry run what is over it."""
    keys = [inactive_key(account), inactive_key(account, created=499)]
    outcome = custodian.run(account.id, delete_policy(**{"max-keys": 1}), arguments=("--dryrun",))
    assert outcome.status == 0
    assert outcome.matched() == {key.id for key in keys}
    assert key_ids(account) == outcome.matched()


# -- plan -----------------------------------------------------------------------------------------


@pytest.fixture(name="planned")
def _planned(sandbox, custodian, account, tmp_path):
    """A run with a plan of these rows."""

    def run(text, **options):
        path = tmp_path / "plan.csv"
        path.write_text(text)
        plan = {"url": path.as_uri(), "format": "csv2dict", **options}
        return custodian.run(account.id, delete_policy(plan=plan))

    return run


def _row(key, **changes):
    row = {
        "AccountId": key.user.account.id,
        "UserName": key.user.name,
        "AccessKeyId": key.id,
        "CreateDate": f"{key.created:%Y-%m-%dT%H:%M:%SZ}",
        "AtLeast": "90.0",
    } | changes
    return ",".join(row) + "\n" + ",".join(row.values()) + "\n"


def test_only_keys_of_the_plan_are_deleted(account, planned):
    """An inactive key that nobody approved stays."""
    key, other = inactive_key(account), inactive_key(account, "eve")
    outcome = planned(_row(key))
    assert key_ids(account) == {other.id}
    assert outcome.by_key() == {key.id: "deleted", other.id: "skipped not-in-plan"}
    assert outcome.status == 0


@pytest.mark.parametrize("name", ["\ufeffAccountId", "accountid", " AccountId ", '"AccountId"'])
def test_a_column_counts_however_a_spreadsheet_writes_its_name(account, planned, name):
    """A check that nobody recognises would not be made."""
    key = inactive_key(account)
    text = _row(key, AccountId="999999999999")
    assert planned(text.replace("AccountId", name, 1)).by_key() == {key.id: "skipped not-in-plan"}


@pytest.mark.parametrize(
    "change",
    [
        {"AccountId": "222222222222"},
        {"CreateDate": "2020-01-01T00:00:00Z"},
        {"UserName": "eve"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_row_that_says_otherwise_approves_nothing(account, planned, change):
    """What a row says must be true of the key, or it is about another one."""
    key = inactive_key(account)
    outcome = planned(_row(key, **change))
    assert key_ids(account) == {key.id}
    assert outcome.by_key() == {key.id: "skipped not-in-plan"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AccountId,UserName,AccessKeyId,CreateDate,AtLeast\n",
        "AccountId,UserName,AccessKeyId,CreateDate,AtLeast\n111111111111,bob\n",
        "UserName,Key\nbob,AKIA0000000000000000\n",
        "AccessKeyId\nnonsense!\n",
        "AccessKeyId,CreateDate\nAKIA0000000000000000,yesterday\n",
    ],
    ids=["empty", "only a header", "short row", "other columns", "no id", "no date"],
)
def test_a_plan_that_cannot_be_read_deletes_nothing(sandbox, account, planned, text):
    """It fails before the first deletion, in one sentence."""
    key = inactive_key(account)
    outcome = planned(text)
    assert key_ids(account) == {key.id}
    assert outcome.status == 2
    assert "nothing was deleted" in outcome.log
    assert sandbox.calls.count("DeleteAccessKey") == 0


@pytest.mark.parametrize("url", ["file:///no/such/plan.csv", "s3://no-such-bucket/plan.csv"])
def test_a_plan_that_is_not_there_deletes_nothing(sandbox, custodian, account, url):
    """No plan is not an approval of everything."""
    key = inactive_key(account)
    outcome = custodian.run(account.id, delete_policy(plan={"url": url, "format": "csv2dict"}))
    assert key_ids(account) == {key.id}
    assert outcome.status == 2
    assert "nothing was deleted: the plan" in outcome.log
