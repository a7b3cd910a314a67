# SPDX-License-Identifier: Apache-2.0
"""The roles of deploy/: enough for their jobs, and not one action more."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping

import pytest

from c7n_inactive_keys.core.ledger import tag_key
from tests.serverless import roles
from tests.serverless.conftest import rename_after_each_report
from tests.serverless.functions import as_role
from tests.support.accounts import ACCOUNT, days_ago, recorded
from tests.support.commands import run
from tests.support.custodian import custodian
from tests.support.paths import BIN, ROOT
from tests.support.policies import POLICIES

pytestmark = pytest.mark.e2e

TEMPLATES = ("roles.yml", "lambda-roles.yml", "scheduler.yml", "organisation.yml")
AUDIT, CLEANUP = "CustodianInactiveKeysAudit", "CustodianInactiveKeys"
NOTIFY = ROOT / "policies" / "notify-owners.yml"
LIFECYCLE = ROOT / "policies" / "key-lifecycle.yml"
# The policies that each role of roles.yml is for.
JOBS = {
    AUDIT: ([POLICIES], "-p", "inactive-keys-re*"),
    CLEANUP: ([POLICIES, NOTIFY, LIFECYCLE],),
}
# Without these a key's inactivity is not proven: the run says so, and deletes less.
NO_EVIDENCE = ("cloudtrail:LookupEvents", "iam:GetAccessKeyLastUsed")
# Without it the same work takes more calls.
BULK = "iam:GetAccountAuthorizationDetails"
ROLES = roles.roles("roles.yml")
LEDGER_ENTRY = "after=2026-01-03T10:00:00Z since=2026-01-03T10:00:00Z verified=2026-01-03T10:00:00Z"


def is_audits(role: str, action: str) -> bool:
    """Whether the smaller role shows as well what a run is like without an action."""
    return role == CLEANUP and action in roles.allowed(ROLES[AUDIT])


def seed(aws) -> None:
    """Users that make every action of the roles necessary."""
    account = aws.account(ACCOUNT)
    for user in list(account.users.values()):
        user.delete()
    account.events.clear()
    proven = account.user("proven", created=days_ago(900))
    proven.key(created=days_ago(800), toggles=[days_ago(95)], trace=False)
    # The credential report cannot tell keys of the same second apart: their last use is asked for.
    twins = account.user("twins", created=days_ago(900))
    for _ in range(2):
        twins.key(created=days_ago(500), toggles=[days_ago(15)])
    account.user("to-be-told", created=days_ago(900)).key(
        created=days_ago(800), toggles=[days_ago(70)]
    )
    twins.tags[tag_key("AKIAVANISHED00000000")] = LEDGER_ENTRY
    account.user("unused", created=days_ago(900)).key(created=days_ago(800))
    # So many users are described in bulk.
    for number in range(25):
        crowd = account.user(f"crowd-{number:02d}", created=days_ago(900))
        crowd.key(created=days_ago(800), toggles=[days_ago(10)])
    recorded(account)
    rename_after_each_report(aws, account.users["crowd-00"])


@pytest.fixture(name="work")
def _work(aws, tmp_path):
    """Runs the jobs of a role under its permissions, or without one of them."""
    sqs = aws.client("sqs", ACCOUNT)
    sqs.create_queue(QueueName="c7n-mailer")

    def work(role: str, without: str | None = None) -> tuple[int, str]:
        seed(aws)
        environ = as_role(aws, role, ROLES[role], without)
        aws.calls.clear()
        files, *options = JOBS[role]
        done = custodian(aws, tmp_path, *options, policies=files, environ=environ)
        return done.status, done.log

    return work


@pytest.mark.parametrize("role", JOBS)
def test_role_is_exactly_what_its_job_calls(aws, work, role):
    """Under its own permissions the job works, and it calls each action that the role allows."""
    status, log = work(role)
    assert status == 0, log[-3000:]
    made = {f"{call.service}:{call.action}" for call in aws.calls} - {"sts:GetCallerIdentity"}
    assert made == roles.allowed(ROLES[role])


@pytest.mark.parametrize(
    ("role", "action"),
    [
        pytest.param(role, action, marks=pytest.mark.release if is_audits(role, action) else ())
        for role in JOBS
        for action in sorted(roles.allowed(ROLES[role]))
    ],
)
def test_missing_action_is_named(work, role, action):
    """Without any one of its actions the job does not look complete: it says which is missing."""
    status, log = work(role, without=action)
    assert action in log or action.partition(":")[2] in log
    assert status == (0 if action in (*NO_EVIDENCE, BULK) else 2), log[-3000:]
    if action in NO_EVIDENCE:
        assert "WARNING" in log


def test_policies_declare_what_they_call(aws):
    """The shipped policies' own get_permissions() are what the roles allow."""
    files = ("inactive-keys.yml", "notify-owners.yml", "key-lifecycle.yml")
    declared = set().union(*map(permissions_of, files))
    assert permissions_of("undo-deactivation.yml") <= declared
    # Custodian's notify looks up the account's alias and does not declare it.
    assert declared | {"iam:ListAccountAliases"} == roles.allowed(ROLES[CLEANUP])
    log = {"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}
    lambda_roles = roles.roles("lambda-roles.yml")
    event = permissions_of("record-deactivations.yml")
    assert roles.allowed(lambda_roles["CustodianInactiveKeysRecordLambda"]) <= event | log
    watch = permissions_of("watch-reactivations.yml") | {"iam:ListAccountAliases"}
    assert roles.allowed(lambda_roles["CustodianInactiveKeysWatchLambda"]) <= watch | log


def test_who_only_deletes_may_not_change_the_status_of_keys():
    """That permission is asked for by a parameter of its own."""
    cleanup = roles.template("roles.yml")["Resources"]["CleanupRole"]["Properties"]["Policies"]
    asked = [policy["If"][0] for policy in cleanup if "iam:UpdateAccessKey" in str(policy)]
    assert asked == ["ChangesStatus"]
    assert roles.template("roles.yml")["Parameters"]["ChangesStatus"]["Default"] == "false"
    assert "iam:UpdateAccessKey" not in roles.allowed(ROLES[AUDIT])


def permissions_of(policies: str) -> set[str]:
    """What Custodian says that the policies of a file need."""
    from c7n.config import Config
    from c7n.loader import DirectoryLoader
    from c7n.resources import load_resources

    load_resources(("aws.iam-user",))
    loader = DirectoryLoader(Config.empty())
    found: set[str] = set()
    for policy in loader.load_file(str(ROOT / "policies" / policies)):
        found |= set(policy.get_permissions())
    return found


@pytest.mark.parametrize("name", TEMPLATES)
def test_template_is_clean(name):
    """cfn-lint has nothing to say."""
    done = run(BIN / "cfn-lint", ROOT / "deploy" / name)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_allows_wildcard_actions(name):
    """Every action is spelled out."""
    actions = {action for role in roles.roles(name).values() for action in roles.allowed(role)}
    assert not {action for action in actions if "*" in action}


@pytest.mark.parametrize(
    ("name", "role"),
    [
        (name, role)
        for name in TEMPLATES
        for role, statements in roles.roles(name).items()
        if "iam:DeleteAccessKey" in roles.allowed(statements)
    ],
)
def test_exempt_users_are_denied_wherever_deletion_is_allowed(name, role):
    """A role that may delete keys may not delete those of users with the exemption tag."""
    denials = [s for s in roles.roles(name)[role] if s["Effect"] == "Deny"]
    assert [(s["Action"], s["Resource"], s["Condition"]) for s in denials] == [
        ("iam:DeleteAccessKey", "*", {"Null": {"iam:ResourceTag/keep-keys": "false"}})
    ]


@pytest.mark.parametrize("name", TEMPLATES)
def test_tagging_is_limited_to_ledger_tags(name):
    """Wherever users may be tagged, only with tags of the ledger."""
    for statements in roles.roles(name).values():
        for statement in statements:
            if {"iam:TagUser", "iam:UntagUser"} & set(roles.as_list(statement["Action"])):
                assert statement["Condition"] == {
                    "ForAllValues:StringLike": {"aws:TagKeys": "c7n-inactive-key:*"},
                    "Null": {"aws:TagKeys": "false"},
                }


@pytest.mark.parametrize("key", ["c7n-inactive-key:AKIAX", "C7N-Inactive-KEY:AKIAX"])
def test_fence_covers_ledger_tags_in_any_case(key):
    """IAM's tag keys ignore case, so the fence does too; other tags are free."""
    (tags, _) = scp()["Statement"]
    pattern = tags["Condition"]["ForAnyValue:StringLike"]["aws:TagKeys"]
    assert fnmatch.fnmatchcase(key, pattern)
    for other in ("OwnerContact", "AKIAIOSFODNN7EXAMPLE", "keep-keys"):
        assert not fnmatch.fnmatchcase(other, pattern)


def test_fence_lets_in_just_our_roles():
    """The roles that keep the ledger pass the fence; it is small enough for an SCP."""
    (tags, _) = scp()["Statement"]
    pattern = tags["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
    for name in TEMPLATES[:2]:
        for role, statements in roles.roles(name).items():
            if "iam:TagUser" in roles.allowed(statements):
                assert fnmatch.fnmatchcase(f"arn:aws:iam::{ACCOUNT}:role/{role}", pattern)
    assert not fnmatch.fnmatchcase(f"arn:aws:iam::{ACCOUNT}:role/Developer", pattern)
    assert len(json.dumps(scp())) < 5120


def scp() -> Mapping:
    """The service control policy."""
    return json.loads((ROOT / "deploy" / "ledger-scp.json").read_text())
