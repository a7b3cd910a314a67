# SPDX-License-Identifier: Apache-2.0
"""Actions that failed where every account was read: exit status 4, and why, in one sentence."""

from __future__ import annotations

from datetime import timedelta

import pytest

from .output_tree import DELETE, NOW, REPORT, OutputTree, accounts_file, entry, key, unread, user

A, B = "111111111111", "222222222222"
K1, K2 = key(1)["AccessKeyId"], key(2)["AccessKeyId"]
LATER = NOW + timedelta(seconds=5)
DENIED = {"code": "AccessDenied", "message": "User: x may not DeleteAccessKey on resource: ci"}
EXCEEDED = "nothing was deleted: 2 access keys qualify, more than max-keys: 1"
CAPPED = {"code": "MaxKeysExceeded", "message": f"policy:{DELETE} {EXCEEDED}"}
UNREAD_PLAN = "nothing was deleted: the plan file://plan.csv cannot be read: no such file"
# What Custodian's own log ends with when an action raises; c7n-org keeps it out of the file.
TRACEBACK = (
    "2026-11-20 04:00:05,001 - custodian.output - ERROR - Error while executing policy\n"
    "Traceback (most recent call last):\n"
    '  File "x.py", line 1, in <module>\n'
    "c7n_inactive_keys.core.errors.{error}\n"
)


def failed_lines(error, reason=None, numbers=(1, 2)):
    return [
        entry(A, "ci", key(number), "failed", reason=reason, error=error, time=LATER)
        for number in numbers
    ]


def run_failed(tree, journal=None, log="", **options):
    """A run of the deletion that found two keys and then failed."""
    users = [user(A, "ci", key(1), key(2))]
    return tree.run(
        A, users, name="one", policy=DELETE, failed=True, journal=journal, log=log, **options
    )


@pytest.mark.parametrize(
    ("journal", "log", "keys", "reason"),
    [
        pytest.param(
            failed_lines(DENIED),
            "",
            2,
            "AccessDenied: User: x may not DeleteAccessKey on resource: ci",
            id="denied, with c7n-org",
        ),
        pytest.param(
            failed_lines(DENIED),
            TRACEBACK.format(error=f"DeletionError: policy:{DELETE} 2 failure(s): ci ..."),
            2,
            "AccessDenied: User: x may not DeleteAccessKey on resource: ci",
            id="denied, with custodian",
        ),
        pytest.param(
            failed_lines(CAPPED, reason="max-keys"), "", 2, f"max-keys: {EXCEEDED}", id="max-keys"
        ),
        pytest.param(
            None,
            TRACEBACK.format(error=f"PlanError: policy:{DELETE} {UNREAD_PLAN}"),
            0,
            UNREAD_PLAN,
            id="plan, with custodian",
        ),
        pytest.param(
            None,
            "",
            0,
            "an action failed (c7n-org prints why: --log)",
            id="plan, with c7n-org, without its log",
        ),
    ],
)
def test_a_failed_action_is_exit_status_4_with_one_reason(
    tree, command, journal, log, keys, reason
):
    """The account was read, so it is covered; no class of ours is in the reason."""
    run_failed(tree, journal, log)
    told = command(tree)
    assert told.status == 4
    assert told.statuses == {"one": "read"}
    assert told.document["failures"] == [
        {
            "account_id": A,
            "account_name": "one",
            "policy": DELETE,
            "keys": keys,
            "reason": reason,
        }
    ]
    assert reason in told.stderr
    assert len(told.stderr.splitlines()) == 1
    assert "does not say why" not in str(told.document)
    assert told.totals["failed"] == keys


def test_what_c7n_org_printed_says_why_an_action_failed(tree, command, tmp_path):
    """Its workers keep exceptions out of the log beside the output."""
    run_failed(tree)
    log = tmp_path / "c7n-org.log"
    log.write_text(
        f"{LATER.astimezone():%Y-%m-%d %H:%M:%S},000: c7n_org:ERROR Exception running "
        f"policy:{DELETE} account:one region:us-east-1 error:policy:{DELETE} {UNREAD_PLAN}\n"
    )
    told = command(tree, arguments=["--log", log])
    assert told.status == 4
    assert [item["reason"] for item in told.document["failures"]] == [UNREAD_PLAN]


def test_an_account_that_was_not_read_outweighs_a_failed_action(tree, command, tmp_path):
    """Status 3; both are said, each on a line of its own."""
    run_failed(tree, failed_lines(DENIED))
    accounts = accounts_file(tmp_path / "accounts.yml", one=A, two=B)
    told = command(tree, arguments=["-c", accounts])
    assert told.status == 3
    assert len(told.stderr.splitlines()) == 2
    assert "AccessDenied" in told.stderr


def test_users_that_could_not_be_read_are_no_failed_action(tree, command):
    """The policy ends by an exception then, too, which is about coverage alone."""
    line = entry(A, "bob", key(9), "failed", reason="unreadable", error=DENIED, time=LATER)
    line["access_key_id"] = None
    log = f"policy:{DELETE} could not read the access keys of 1 user(s), bob"
    run_failed(tree, [line], f"2026-11-20 04:00:05,001 - custodian.inactive-keys - ERROR - {log}\n")
    told = command(tree)
    assert told.status == 3
    assert told.document["failures"] == []


def test_a_failed_plan_beside_unread_evidence_is_said_as_well(tree, command):
    """Two things went wrong, and none hides the other."""
    error = f"PlanError: policy:{DELETE} {UNREAD_PLAN}"
    run_failed(tree, [unread(A, "event-history")], TRACEBACK.format(error=error))
    told = command(tree)
    assert told.status == 3
    assert [item["reason"] for item in told.document["failures"]] == [UNREAD_PLAN]


def test_a_ledger_tag_that_could_not_be_removed_is_a_failed_action(tree, command):
    """The key is deleted, its user's tag is still there."""
    tag = entry(A, "ci", key(1), "failed", reason="ledger-tag", error=DENIED, time=LATER)
    tag["access_key_id"] = None
    run_failed(tree, [entry(A, "ci", key(1), "deleted", time=LATER), tag])
    told = command(tree)
    assert told.status == 4
    (failure,) = told.document["failures"]
    assert failure["keys"] == 0
    assert failure["reason"].startswith("user ci: ledger-tag: AccessDenied: ")


def test_a_run_that_was_killed_at_its_actions_failed(tree, command):
    """It had read the users, so the account is covered; what it was to do was not done."""
    tree.run(
        A,
        [user(A, "ci", key(1))],
        name="one",
        policy=DELETE,
        metadata=False,
        journal=[entry(A, "ci", key(2), "skipped", reason="exempt")],
    )
    told = command(tree)
    assert told.status == 4
    (failure,) = told.document["failures"]
    assert "killed" in failure["reason"]


def test_a_deletion_that_a_kill_interrupted_is_a_failure_until_the_next_run(tmp_path, command):
    """Then the policy has read the account again, and has had its turn."""
    killed, after = OutputTree(tmp_path / "1"), OutputTree(tmp_path / "2")
    lines = [entry(A, "ci", key(1), "deleting")]
    killed.run(A, [user(A, "ci", key(1))], policy=DELETE, journal=lines)
    told = command(killed)
    assert (told.status, told.keys[K1]["reason"]) == (4, "interrupted")
    after.run(A, [user(A, "ci", key(1))], policy=DELETE, started=NOW + timedelta(hours=1))
    told = command(killed, after)
    assert (told.status, told.keys[K1]["outcome"]) == (0, None)


def test_a_failure_is_past_when_its_policy_has_run_again(tree, command):
    """The directory is used again: its journal still holds last week's denial."""
    users = [user(A, "ci", key(1), key(2))]
    later = NOW + timedelta(days=7)
    tree.run(
        A, users, name="one", policy=DELETE, journal=failed_lines(DENIED), started=later,
        dryrun=True,
    )  # fmt: skip
    told = command(tree)
    assert told.status == 0
    assert told.keys[K1]["outcome"] is None
    assert (told.totals["failed"], told.totals["remaining"]) == (0, 2)


def test_a_failure_stands_while_only_other_policies_have_run_since(tree, command):
    """The report's policy comes behind the deletion's in the same run."""
    run_failed(tree, failed_lines(DENIED))
    tree.run(A, [user(A, "ci", key(1), key(2))], name="one", started=LATER + timedelta(seconds=1))
    told = command(tree)
    assert told.status == 4
    assert told.keys[K1]["outcome"] == "failed"


def test_the_causes_of_many_keys_are_counted_and_named_once(tree, command):
    """AWS names the user in its message, so no two messages are the same."""
    lines = [
        entry(A, f"user-{number}", key(number), "failed", time=LATER, error=error)
        for number, error in enumerate(
            [{"code": "AccessDenied", "message": f"not on user-{number}"} for number in range(3)]
            + [{"code": "Throttling", "message": "Rate exceeded"}]
        )
    ]
    users = [user(A, f"user-{number}", key(number)) for number in range(4)]
    tree.run(A, users, name="one", policy=DELETE, failed=True, journal=lines)
    told = command(tree)
    found = [(item["keys"], item["reason"]) for item in told.document["failures"]]
    assert found == [(3, "AccessDenied: not on user-0"), (1, "Throttling: Rate exceeded")]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            "c7n_inactive_keys.core.errors.EvidenceError: policy:{policy} a.csv cannot be read",
            "a.csv cannot be read",
        ),
        (
            "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling",
            "An error occurred (AccessDenied) when calling",
        ),
        ("KeyError: 'x'", "KeyError: 'x'"),
    ],
    ids=["ours", "botocore's", "Python's, whose message alone says little"],
)
def test_class_names_and_the_policy_leave_the_reason_of_an_unread_account(
    tree, command, error, reason
):
    """So the same cause in all policies is one reason."""
    for policy in (REPORT, DELETE):
        log = f"Traceback (most recent call last):\n{error.format(policy=policy)}\n"
        tree.run(A, None, name="one", policy=policy, log=log)
    assert command(tree).accounts["one"]["reason"] == reason


def test_a_failed_deletion_does_not_hide_what_could_not_be_read(tree, command, tmp_path):
    """c7n-org prints only the exception that ended the policy."""
    run_failed(tree, [unread(A, "event-history"), *failed_lines(DENIED)])
    log = tmp_path / "c7n-org.log"
    log.write_text(
        f"{LATER.astimezone():%Y-%m-%d %H:%M:%S},000: c7n_org:ERROR Exception running "
        f"policy:{DELETE} account:one region:us-east-1 error:policy:{DELETE} 2 failure(s): ci\n"
    )
    told = command(tree, arguments=["--log", log])
    assert told.status == 3
    assert told.accounts["one"]["reason"].startswith("event history could not be read")
    assert [item["keys"] for item in told.document["failures"]] == [2]
