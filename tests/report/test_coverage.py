# SPDX-License-Identifier: Apache-2.0
"""Accounts that were not read are never counted as clean."""

from __future__ import annotations

from datetime import timedelta

import pytest

from c7n_inactive_keys.report.model import ListedAccount

from .output_tree import DELETE, NOW, POLICIES, REPORT, OutputTree, entry, key, user

A, B, C = "111111111111", "222222222222", "333333333333"
LISTED = (ListedAccount(A, "one"), ListedAccount(B, "two"))


def statuses(result):
    return {account.name: account.status for account in result.accounts}


def reason(result, name):
    return next(account.reason for account in result.accounts if account.name == name)


def test_an_account_with_resources_is_read_even_if_it_has_no_inactive_key(tree, report):
    tree.run(A, [], name="one")
    tree.run(B, [user(B, "ci", key(1))], name="two")
    result = report(tree, listed=LISTED)
    assert statuses(result) == {"one": "read", "two": "read"}
    assert result.complete


def test_an_account_without_output_is_missing(tree, report):
    tree.run(A, [], name="one")
    result = report(tree, listed=LISTED)
    assert statuses(result) == {"one": "read", "two": "missing"}
    assert not result.complete
    assert "role cannot be assumed" in reason(result, "two")


def test_without_an_accounts_file_the_accounts_are_those_of_the_trees(tree, report):
    tree.run(A, [], name="one")
    tree.run(B, None, name="two")
    assert statuses(report(tree)) == {"one": "read", "two": "failed"}


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        pytest.param(
            "2026-11-20 04:00:01,123 - custodian.policy - ERROR - policy:x exceeded "
            "resource-limit:1 found:2 total: 3\n",
            "exceeded resource-limit:1 found:2 total: 3",
            id="error line",
        ),
        pytest.param(
            "2026-11-20 04:00:01,123 - custodian.output - ERROR - Error while executing policy\n"
            "Traceback (most recent call last):\n"
            '  File "x.py", line 1, in <module>\n'
            "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling\n",
            "An error occurred (AccessDenied) when calling",
            id="traceback",
        ),
        pytest.param(
            "2026-11-19 04:00:01,123 - custodian.output - ERROR - an older trouble\n"
            "2026-11-20 04:00:01,123 - custodian.policy - INFO - policy:x resource:aws.iam-user "
            "region:us-east-1 count:2 time:0.10\n",
            "the run ended before it had read the users",
            id="older run's error",
        ),
        pytest.param("", "the run ended before it had read the users", id="empty log"),
        pytest.param(
            "2026-11-20 04:00:01,1 - custodian.x - WARNING - \x1b[2Jblink\x07\n",
            "\N{REPLACEMENT CHARACTER}[2Jblink\N{REPLACEMENT CHARACTER}",
            id="control characters",
        ),
    ],
)
def test_the_reason_of_a_failure_comes_from_the_runs_own_log(tree, report, log, expected):
    tree.run(A, None, name="one", log=log)
    result = report(tree, listed=LISTED[:1])
    assert statuses(result) == {"one": "failed"}
    assert expected in reason(result, "one")


def test_an_earlier_runs_resources_do_not_make_a_failed_run_a_read_one(tree, report):
    """Custodian leaves an old resources.json in place when a later run fails."""
    tree.run(A, [user(A, "ci", key(1))], name="one")
    tree.run(A, None, name="one", started=NOW + timedelta(days=7))
    result = report(tree)
    assert statuses(result) == {"one": "failed"}
    assert [(row.key.id, row.last_seen) for row in result.keys] == [(key(1)["AccessKeyId"], None)]


def test_a_failed_action_does_not_make_the_account_unread(tree, report):
    tree.run(A, [user(A, "ci", key(1))], name="one", policy=DELETE, failed=True)
    result = report(tree)
    assert statuses(result) == {"one": "read"}
    assert result.complete
    assert [(failure.account_name, failure.policy) for failure in result.failures] == [
        ("one", DELETE)
    ]


def test_users_whose_keys_could_not_be_listed_make_the_account_failed(tree, report):
    line = entry(
        A,
        "bob",
        key(2),
        "failed",
        reason="unreadable",
        error={"code": "AccessDenied", "message": "no"},
    )
    line["access_key_id"] = None
    tree.run(A, [user(A, "ci", key(1))], name="one", journal=[line])
    result = report(tree)
    assert statuses(result) == {"one": "failed"}
    assert "1 user could not be read (bob): AccessDenied: no" in reason(result, "one")
    assert result.totals.keys == 1


def test_an_older_runs_unreadable_users_do_not_count(tree, report):
    line = entry(A, "bob", key(2), "failed", reason="unreadable", time=NOW - timedelta(days=7))
    line["access_key_id"] = None
    tree.run(A, [], name="one", journal=[line])
    assert statuses(report(tree)) == {"one": "read"}


def test_a_killed_run_leaves_no_metadata_and_its_account_is_failed(tree, report):
    tree.run(A, None, name="one", metadata=False)
    tree.run(B, [], name="two")
    result = report(tree, listed=LISTED)
    assert [(a.account_id, a.status) for a in result.accounts] == [(A, "failed"), (B, "read")]


def test_a_round_in_which_every_run_was_killed_is_not_taken_for_an_old_one(tmp_path, report):
    week, next_week = OutputTree(tmp_path / "1"), OutputTree(tmp_path / "2")
    week.run(A, [], name="one")
    next_week.run(A, None, name="one", metadata=False)
    assert statuses(report(next_week, week)) == {"one": "failed"}


def test_a_directory_used_again_does_not_keep_accounts_read_that_the_last_run_left_out(
    tree, report
):
    """Where a role cannot be assumed, c7n-org leaves last week's files as they were."""
    tree.run(A, [], name="one", started=NOW + timedelta(days=7))
    tree.run(B, [user(B, "ci", key(1))], name="two")
    result = report(tree)
    assert statuses(result) == {"one": "read", "two": "missing"}
    assert result.totals.keys == 1


def test_hourly_runs_of_one_bucket_miss_an_account_that_was_left_out_of_the_last(tree, report):
    for day, name, account in ((19, "one", A), (20, "two", B)):
        tree.run(
            account,
            [],
            name=name,
            stamp=f"2026/11/{day}/04",
            gz=True,
            started=NOW - timedelta(days=20 - day),
        )
    assert statuses(report(tree)) == {"one": "missing", "two": "read"}


def test_torn_resources_make_the_account_failed(tree, report):
    place = tree.run(A, [user(A, "ci", key(1))], name="one")
    text = (place / "resources.json").read_text()
    (place / "resources.json").write_text(text[: len(text) // 2])
    result = report(tree)
    assert statuses(result) == {"one": "failed"}
    assert "no JSON" in reason(result, "one")


def test_resources_of_another_form_are_reported_not_fatal(tree, report):
    place = tree.run(A, [], name="one")
    (place / "resources.json").write_text('[{"c7n:InactiveAccessKeys": [{"AccessKeyId": 1}]}]')
    result = report(tree)
    assert statuses(result) == {"one": "failed"}
    assert any("does not have the form" in problem for problem in result.problems)


def test_one_policy_that_failed_makes_the_account_failed_and_is_named(tree, report):
    tree.run(A, [], name="one")
    tree.run(A, None, name="one", policy=DELETE)
    result = report(tree)
    assert statuses(result) == {"one": "failed"}
    assert reason(result, "one").startswith(f"{DELETE}: ")


def test_a_policy_that_other_accounts_ran_is_expected_of_all(tree, report):
    tree.run(A, [], name="one")
    tree.run(B, [], name="two")
    tree.run(B, [], name="two", policy=DELETE)
    assert statuses(report(tree)) == {"one": "failed", "two": "read"}
    assert statuses(report(tree, policies=[REPORT])) == {"one": "read", "two": "read"}


def test_one_of_two_regions_is_enough(tree, report):
    tree.run(A, [user(A, "ci", key(1))], name="one", region="us-east-1")
    tree.run(A, None, name="one", region="eu-west-1")
    result = report(tree)
    assert statuses(result) == {"one": "read"}
    assert result.totals.keys == 1


def test_policies_without_our_filter_do_not_cover_an_account(tree, report):
    other = {"name": "mfa", "resource": "aws.iam-user", "filters": [{"type": "mfa-device"}]}
    tree.run(A, [{"UserName": "x"}], name="one", policy="mfa", data=other)
    tree.run(B, [], name="two")
    assert statuses(report(tree, listed=LISTED)) == {"one": "missing", "two": "read"}


def test_a_look_at_one_event_does_not_cover_an_account(tree, report):
    data = {**POLICIES[REPORT], "mode": {"type": "cloudtrail"}}
    tree.run(A, [user(A, "ci", key(1))], name="one", data=data)
    assert report(tree).accounts == ()
    tree.run(A, [user(A, "ci", key(1))], name="one", data=data, dryrun=True)
    assert statuses(report(tree)) == {"one": "read"}


def test_a_run_with_the_wrong_credentials_is_not_taken_for_its_account(tree, report):
    """The role led into another account than the accounts file says."""
    tree.run(A, [user(B, "ci", key(1))], name="one")
    result = report(tree, listed=LISTED)
    assert statuses(result) == {"one": "failed", "two": "missing"}
    assert result.keys[0].user.account_id == B


def test_an_account_that_left_the_weekly_run_is_missing_although_it_was_read_before(
    tmp_path, report
):
    monday, next_monday = OutputTree(tmp_path / "1"), OutputTree(tmp_path / "2")
    for name, account in (("one", A), ("two", B)):
        monday.run(account, [user(account, "ci", key(int(account[0])))], name=name)
    next_monday.run(A, [], name="one", started=NOW + timedelta(days=7))
    result = report(monday, next_monday)
    assert statuses(result) == {"one": "read", "two": "missing"}
    assert "last read 2026-11-20T04:00:00Z" in reason(result, "two")
    assert [row.user.account_id for row in result.keys] == [B]


def test_an_account_that_was_run_again_by_itself_completes_the_round(tmp_path, report):
    first, again = OutputTree(tmp_path / "1"), OutputTree(tmp_path / "2")
    first.run(A, [], name="one")
    first.run(B, None, name="two")
    again.run(B, [], name="two", started=NOW + timedelta(hours=1))
    assert statuses(report(first, again)) == {"one": "read", "two": "read"}
    assert statuses(report(again, first)) == {"one": "read", "two": "read"}


def test_accounts_in_trees_of_their_own_make_one_round(tmp_path, report):
    trees = [OutputTree(tmp_path / name) for name in "ab"]
    trees[0].run(A, [])
    trees[1].run(B, [], started=NOW + timedelta(hours=3))
    result = report(*trees)
    assert [account.status for account in result.accounts] == ["read", "read"]
    assert len(result.trend) == 1


def test_output_of_an_account_that_is_not_listed_is_shown_and_mentioned(tree, report):
    tree.run(C, [user(C, "ci", key(1))], name="three")
    result = report(tree, listed=LISTED)
    assert statuses(result)["three"] == "read"
    assert any("not in the accounts file" in problem for problem in result.problems)
