# SPDX-License-Identifier: Apache-2.0
"""The state machine of deploy/organisation.yml, run by moto's interpreter with our handlers."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from fnmatch import fnmatchcase
from hashlib import sha256

import pytest

from c7n_inactive_keys_sandbox import Fault
from tests.organisation.stack import BUCKET
from tests.serverless import roles
from tests.support.accounts import ACCOUNT

pytestmark = pytest.mark.e2e

KILLED = "Runtime.ExitError: RequestId: 1 Error: Runtime exited with error: signal: killed"


def old_key(aws, account_id):
    """The key that can be deleted, while it is there."""
    return next(iter(aws.account(account_id).users["old"].keys), None)


def test_every_account_is_in_the_report_once_and_says_why(aws, organisation, stack, whole):
    """Accounts are denied, throttled, lost with their batch; the others go on, and are cleaned."""
    number, size = (200, 10) if whole else (7, 3)
    ids = organisation(number)
    made = stack(BatchSize=size, Concurrency=2, Delete="true", MaxKeys=number)
    entry, call, slow, throttled, deadly = *ids[1:2], *ids[3:6], ids[-1]
    lost = ids[(number - 1) // size * size :]
    # Custodian itself waits for minutes where STS says `Throttling`.
    passes = Fault(action="AssumeRole", account=slow, error="ThrottlingException", times=None)
    visit = made.functions["Visit"]
    for fault in (
        Fault(action="AssumeRole", account=entry, error="AccessDenied", times=None),
        Fault(action="GenerateCredentialReport", account=call, error="AccessDenied", times=None),
        Fault(action="AssumeRole", account=throttled, error="ThrottlingException", times=None),
        Fault(action="GetCredentialReport", account=deadly, call=lambda: visit.kill(deadly),
              times=None),
        passes,
    ):  # fmt: skip
        aws.faults.add(fault)
    tries = Counter()

    def before(event):
        tries[event["phase"], event["batch"]] += 1
        if slow in str(event) and tries[event["phase"], event["batch"]] == 2:
            aws.faults.remove(passes)

    visit.before = before
    before_run = {account: old_key(aws, account) for account in ids}
    ended = made.execute("run")

    assert ended.status == "FAILED"
    report = made.report(ended)
    assert sorted(item["account_id"] for item in report["accounts"]) == sorted(ids)
    reasons = {item["account_id"]: item["reason"] for item in report["accounts"]}
    bad = {entry, call, throttled, *lost}
    assert {account for account, reason in reasons.items() if reason} == bad
    assert "Access denied api:AssumeRole" in reasons[entry]
    assert "GenerateCredentialReport" in reasons[call]
    assert "ThrottlingException" in reasons[throttled]
    batch = f"{(number - 1) // size + 1:05d}"
    assert {reasons[account] for account in lost} == {f"batch {batch} (look) failed: {KILLED}"}
    # What is throttled is tried three times, a batch that dies twice, all else once.
    look = {number: count for (phase, number), count in tries.items() if phase == "look"}
    index = {account: f"{place // size + 1:05d}" for place, account in enumerate(ids)}
    asked = {index[slow]: 2, index[deadly]: 2} | {index[throttled]: 3}
    assert {round(wait) for wait in made.waits} <= set(range(121))
    assert {number: count for number, count in look.items() if count > 1} == asked
    # Only keys of accounts that were read and counted are gone.
    assert {account for account in ids if old_key(aws, account) is None} == set(ids) - bad
    deleted = {key["access_key_id"] for key in report["keys"] if key["outcome"] == "deleted"}
    assert deleted == {before_run[account].id for account in set(ids) - bad}
    assert len(visited(visit, "delete")) == len(ids) - len(bad)
    ((subject, text),) = [message.split("\n", 1) for message in made.messages()]
    assert f"{len(deleted)} deleted, {len(bad)} accounts not covered" in subject
    assert "not covered: " in text
    assert f"s3://{BUCKET}/reports/" in text
    assert_roles_are_exact(made)
    assert_within_resources(made)


# Of other services the sandbox sees no call: Lambda writes the logs, and moto starts functions and
# batches itself.
SEEN = ("organizations", "s3", "sns", "sts")
OBJECT_ACTIONS = {"GET": "s3:GetObject", "PUT": "s3:PutObject", "POST": "s3:PutObject"}


def calls_of_roles(made):
    """Role, action and object of each call that a role of the stack made itself."""
    for call in made.aws.calls:
        role = "/".join((call.caller or "").split("/")[1:2])
        if role in made.roles:
            method, _, path = call.action.partition(" ")
            key = path.removeprefix(f"/{BUCKET}").strip("/")
            if call.service == "s3":
                yield role, OBJECT_ACTIONS[method] if key else "s3:ListBucket", key
            else:
                yield role, f"{call.service}:{call.action}", ""


def assert_roles_are_exact(made):
    """Each role is allowed what its task calls, and nothing else."""
    seen = {(role, action) for role, action, _ in calls_of_roles(made)}
    allowed = {
        (role, action)
        for role, statements in made.roles.items()
        for action in roles.allowed(statements)
        if action.startswith(SEEN)
    }
    # Without it S3 says of an object that is not there that it is denied.
    assert allowed - seen == {("InactiveKeysVisit", "s3:ListBucket")}
    assert seen <= allowed


def assert_within_resources(made):
    """Each object that a task read or wrote is among those that its role names for it."""
    for role, action, key in calls_of_roles(made):
        if key:
            patterns = [
                resource["Sub"].partition("/")[2]
                for statement in made.roles[role]
                if action in roles.as_list(statement["Action"])
                for resource in roles.as_list(statement["Resource"])
                if "Sub" in resource
            ]
            assert any(fnmatchcase(key, pattern) for pattern in patterns), (role, action, key)


def visited(visit, phase):
    """The accounts of all events of a phase, each once."""
    return {
        account["account_id"]
        for event in visit.events
        if event["phase"] == phase
        for account in event["accounts"]
    }


def test_by_default_nothing_is_deleted(aws, organisation, stack):
    """The machine looks, keeps the ledger, and leaves a plan that can be approved."""
    ids = organisation(1)
    made = stack()
    ended = made.execute("run")
    assert ended.status == "SUCCEEDED"
    assert all(old_key(aws, account) for account in ids)
    assert not [call for call in aws.calls if call.action == "DeleteAccessKey"]
    assert [event["phase"] for event in made.functions["Visit"].events] == ["look"]
    (key,) = [key for key in made.keys("runs/") if key.endswith("plan.csv")]
    rows = list(csv.DictReader(io.StringIO(made.object(key).decode())))
    assert {row["AccountId"] for row in rows} == set(ids)
    (place,) = made.keys("keys/")
    lines = [json.loads(line) for line in made.object(place).splitlines()]
    assert len(lines) == 2 * len(ids)


def test_more_keys_than_the_cap_of_the_organisation(aws, organisation, stack):
    """None is deleted in any account; the run has failed, and there is a report of all."""
    ids = organisation(2)
    made = stack(Delete="true", MaxKeys=1)
    ended = made.execute("run")
    assert ended.status == "FAILED"
    assert all(old_key(aws, account) for account in ids)
    assert "2 keys in 2 accounts would be deleted, more than MaxKeys (1)" in made.messages()[0]
    assert made.report(ended)["coverage"] == {"read": 2, "failed": 0, "missing": 0}


def test_approved_plan_and_accounts_file(aws, organisation, stack):
    """Of the accounts of a file, only keys that an approved plan lists are deleted."""
    ids = organisation(3)
    made = stack(Delete="true", Plan="input/plan.csv", AccountsFile="input/accounts.yml")
    accounts = [
        {"account_id": account, "name": f"a-{account}", "regions": ["us-east-1"],
         "role": f"arn:aws:iam::{account}:role/CustodianInactiveKeysAudit"}
        for account in ids[:2]
    ]  # fmt: skip
    approved = old_key(aws, ids[0])
    put(made, "input/accounts.yml", json.dumps({"accounts": accounts}))
    put(made, "input/plan.csv", f"AccountId,UserName,AccessKeyId\n{ids[0]},old,{approved.id}\n")
    ended = made.execute("run")
    assert ended.status == "SUCCEEDED"
    assert old_key(aws, ids[0]) is None
    assert old_key(aws, ids[1])
    assert visited(made.functions["Visit"], "look") == set(ids[:2])
    assert visited(made.functions["Visit"], "delete") == {ids[0]}
    # Looking and deleting have a role each.
    entered = Counter(
        (call.account, call.user) for call in aws.calls if call.action == "AssumeRole"
    )
    assert (ids[1], "CustodianInactiveKeys") not in entered
    assert (ids[0], "CustodianInactiveKeys") in entered
    (journal,) = made.keys("journals/")
    outcomes = [json.loads(text)["outcome"] for text in made.object(journal).splitlines()]
    assert outcomes == ["deleting", "deleted"]
    plan = made.object(next(key for key in made.keys("runs/") if key.endswith("plan.csv")))
    shas = {key["plan_sha256"] for key in made.report(ended)["keys"] if key["outcome"]}
    assert shas == {sha256(plan).hexdigest()}
    assert_within_resources(made)


def put(made, key, text):
    """An object of the bucket, as its owner puts it there."""
    made.s3.put_object(Bucket=BUCKET, Key=key, Body=text.encode())


def test_function_killed_while_deleting(aws, organisation, stack, whole):
    """What it did before it was killed is in its log, and the next try does the rest."""
    if not whole:
        pytest.skip("a function killed while it looks is in every run of the suite")
    (account,) = organisation(1)
    key = old_key(aws, account)
    made = stack(Delete="true", MaxKeys=1)
    visit = made.functions["Visit"]
    aws.faults.add(
        Fault(action="DeleteAccessKey", call=lambda: visit.kill(account), effect="after")
    )
    ended = made.execute("run")
    assert old_key(aws, account) is None
    assert [event["phase"] for event in visit.events] == ["look", "delete", "delete"]
    (line,) = [text for text in visit.log.read_text().splitlines() if '"deleting"' in text]
    assert key.id in line
    assert ended.status == "SUCCEEDED"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        pytest.param(
            {"Delete": "true"}, "Delete needs a limit over the whole organisation", id="no-limit"
        ),
        pytest.param(
            {"Policies": "policies/key-lifecycle.yml"}, "has the action", id="other-actions"
        ),
    ],
)
def test_run_that_cannot_begin_says_so(aws, organisation, stack, parameters, said):
    """Nothing is visited; the execution has failed, and people are told why."""
    made = stack(**parameters)
    ended = made.execute("run")
    assert ended.status == "FAILED"
    (message,) = made.messages()
    assert "the run broke off" in message
    assert said in message
    assert not made.functions["Visit"].events
    assert ACCOUNT not in message
