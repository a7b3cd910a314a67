# SPDX-License-Identifier: Apache-2.0
"""The shipped Lambda policies: deployed by stock Custodian, run from nothing but their archive."""

from __future__ import annotations

import base64
import json
import re
import zlib

import pytest

from c7n_inactive_keys.core.ledger import tag_key
from c7n_inactive_keys.core.times import format_time
from tests.serverless import roles
from tests.serverless.conftest import rename_after_each_report
from tests.support.accounts import ACCOUNT, administrator, days_ago, recorded
from tests.support.commands import run
from tests.support.custodian import custodian

pytestmark = pytest.mark.e2e

RECORD = "record-deactivations"
WATCH = "watch-reactivations"
DAILY = ["inactive-keys-daily-report", "inactive-keys-daily-record", "inactive-keys-daily-delete"]
BUCKET = f"inactive-keys-{ACCOUNT}"
SCHEDULED_EVENT = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
LEDGER_ENTRY = "after=2026-01-03T10:00:00Z since=2026-01-03T10:00:00Z verified=2026-01-03T10:00:00Z"
LARGEST = 1_500_000  # bytes; Custodian itself is the half of it


# -- the archive ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [RECORD, *DAILY])
def test_archive_holds_plugin_and_is_small(lambdas, name):
    """Each archive holds the plugin and stays under 1.5 MB."""
    function = lambdas.functions[name]
    assert "c7n_inactive_keys/find/inactive_filter.py" in function.names()
    assert len(function.content) < LARGEST


@pytest.mark.parametrize("name", [RECORD, WATCH, *DAILY])
def test_functions_register_the_plugin_and_assume_the_template_s_roles(lambdas, name):
    """Handler and role are the plugin's entry point and a role of deploy/lambda-roles.yml."""
    configuration = lambdas.functions[name].configuration
    assert configuration["Handler"] == "c7n_inactive_keys.lambda_handler.run"
    assert lambdas.functions[name].role in roles.roles("lambda-roles.yml")


def test_rule_of_event_policy_matches_update_access_key_only(lambdas):
    """EventBridge calls the function for UpdateAccessKey of IAM and for nothing else."""
    assert json.loads(lambdas.rules[RECORD]["EventPattern"]) == {
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {"eventSource": ["iam.amazonaws.com"], "eventName": ["UpdateAccessKey"]},
    }


def test_scheduled_functions_run_daily(lambdas):
    """Each scheduled function has a rule that calls it once a day."""
    assert {lambdas.rules[name]["ScheduleExpression"] for name in DAILY} == {"rate(1 day)"}


def test_nothing_but_archive_and_runtime_is_imported(lambdas):
    """A cold start and a run import nothing beyond archive, boto3 and standard library."""
    function = lambdas.functions[DAILY[0]]
    answers = function.invoke(lambdas.environ(function), [SCHEDULED_EVENT])
    assert [answer["modules"] for answer in answers] == [[], []]


# -- the event policy -----------------------------------------------------------------------------


def last_event(aws) -> dict:
    """The account's newest event as EventBridge hands it to a Lambda function."""
    return aws.account(ACCOUNT).events[-1].envelope()


def messages(aws) -> list[dict]:
    """What was sent to the mailer's queue, as it stays there."""
    sqs = aws.client("sqs", ACCOUNT)
    found = sqs.receive_message(
        QueueUrl=sqs.get_queue_url(QueueName="c7n-mailer")["QueueUrl"],
        VisibilityTimeout=0,
        MaxNumberOfMessages=10,
    ).get("Messages", ())
    return [json.loads(zlib.decompress(base64.b64decode(item["Body"]))) for item in found]


@pytest.fixture(name="user")
def _user(aws, request):
    """A user with one active key, its own for each test."""
    name = re.sub(r"\W", "-", request.node.name)[-60:]
    user = aws.account(ACCOUNT).user(name, created=days_ago(400))
    user.key(created=days_ago(300))
    return user


def test_deactivation_writes_the_exact_time(lambdas, aws, user):
    """The time of the event is the ledger's `since` and `after`, to the second."""
    key = user.keys[0]
    key.deactivate(days_ago(0.01))
    (answer,) = lambdas.invoke(RECORD, last_event(aws))
    assert answer["error"] is None
    words = user.tags[tag_key(key.id)].split()
    assert f"since={format_time(key.deactivated)}" in words
    assert f"after={format_time(key.deactivated)}" in words


def test_reactivation_removes_the_entry(lambdas, aws, user):
    """When the key is switched on, its entry goes; a warm function handles both events."""
    key = user.keys[0]
    key.deactivate(days_ago(0.02))
    off = last_event(aws)
    lambdas.invoke(RECORD, off)
    assert tag_key(key.id) in user.tags
    key.activate(days_ago(0.01))
    (answer,) = lambdas.invoke(RECORD, last_event(aws))
    assert answer["error"] is None
    assert user.tags == {}


def dormant(user, days=200):
    """The user's key as the ledger has it after so many days; its event is on the way."""
    key = user.keys[0]
    key.deactivate(days_ago(days))
    since, verified = format_time(key.deactivated), format_time(days_ago(0.5))
    user.tags[tag_key(key.id)] = f"after={since} since={since} verified={verified}"
    return key


@pytest.mark.parametrize("first", [RECORD, WATCH])
def test_a_dormant_key_that_wakes_is_told_of_at_once(lambdas, aws, user, first):
    """Whichever function hears of it first: the ledger's entry ends, and is still the memory."""
    key = dormant(user)
    key.activate(days_ago(0.001))
    woken, event = format_time(key.changes[-1][0]), last_event(aws)
    for name in (first, *({RECORD, WATCH} - {first})):
        (answer,) = lambdas.invoke(name, event)
        assert answer["error"] is None
    assert f"reactivated={woken}" in user.tags[tag_key(key.id)].split()
    (told,) = [one for one in messages(aws) if one["resources"][0]["UserName"] == user.name]
    ((entry,),) = [resource["c7n:ReactivatedAccessKeys"] for resource in told["resources"]]
    assert entry["AccessKeyId"] == key.id
    assert entry["ReactivatedAt"] == woken
    assert entry["Actor"] == aws.account(ACCOUNT).administrator.arn
    assert entry["InactiveDays"]["AtLeast"] >= 199


def test_a_key_that_was_inactive_for_a_day_is_no_news(lambdas, aws, user):
    key = dormant(user, days=1.5)
    key.activate(days_ago(0.001))
    (answer,) = lambdas.invoke(WATCH, last_event(aws))
    assert answer["error"] is None
    assert [one for one in messages(aws) if one["resources"][0]["UserName"] == user.name] == []


def test_an_ended_entry_proves_nothing(lambdas, aws, user):
    """Reactivated and deactivated again: the second deactivation is the one that counts."""
    key = dormant(user)
    key.activate(days_ago(0.002))
    lambdas.invoke(RECORD, last_event(aws))
    key.deactivate(days_ago(0.001))
    lambdas.invoke(RECORD, last_event(aws))
    words = user.tags[tag_key(key.id)].split()
    assert f"since={format_time(key.deactivated)}" in words
    assert "reactivated=" not in " ".join(words)


def test_late_event_of_a_key_that_is_active_again_writes_nothing(lambdas, aws, user):
    """The event says Inactive, but the key is active by now: no entry."""
    key = user.keys[0]
    key.deactivate(days_ago(0.02))
    off = last_event(aws)
    key.activate(days_ago(0.01))
    (answer,) = lambdas.invoke(RECORD, off)
    assert answer["error"] is None
    assert user.tags == {}


def test_repeated_event_changes_nothing(lambdas, aws, user):
    """EventBridge may deliver twice: the second time nothing is written."""
    user.keys[0].deactivate(days_ago(0.01))
    event = last_event(aws)
    lambdas.invoke(RECORD, event)
    before = dict(user.tags)
    aws.calls.clear()
    (answer,) = lambdas.invoke(RECORD, event)
    assert answer["error"] is None
    assert user.tags == before
    assert aws.calls.count("TagUser") == 0


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (2, 0, 1), (2, 1, 0), (1, 2, 0)])
def test_events_out_of_order_end_at_the_last_deactivation(lambdas, aws, user, order):
    """Off, on and off again: in whatever order the events come, the last one's time stands."""
    key = user.keys[0]
    events = []
    for change, days in ((key.deactivate, 0.03), (key.activate, 0.02), (key.deactivate, 0.01)):
        change(days_ago(days))
        events.append(last_event(aws))
    answers = lambdas.invoke(RECORD, *(events[number] for number in order))
    assert {answer["error"] for answer in answers} == {None}
    words = dict(word.split("=") for word in user.tags[tag_key(key.id)].split())
    assert words["after"] <= format_time(key.deactivated) <= words["since"]
    if order[0] == 2:
        assert words["since"] == format_time(key.deactivated)


def test_users_own_call_without_user_name_is_recorded(lambdas, aws, user):
    """A user who switches its own key off does not name itself; the caller's identity does."""
    key = user.keys[0]
    key.deactivate(days_ago(0.01), by_user=True)
    event = last_event(aws)
    assert "userName" not in event["detail"]["requestParameters"]
    (answer,) = lambdas.invoke(RECORD, event)
    assert answer["error"] is None
    assert f"since={format_time(key.deactivated)}" in user.tags[tag_key(key.id)].split()


def test_failed_call_is_ignored(lambdas, aws, user):
    """A denied UpdateAccessKey changes nothing and costs no call to IAM."""
    user.keys[0].deny_change(days_ago(0.01))
    event = last_event(aws)
    assert event["detail"]["errorCode"]
    aws.calls.clear()
    (answer,) = lambdas.invoke(RECORD, event)
    assert answer["error"] is None
    assert user.tags == {}
    assert aws.calls.count(service="iam") == 0


def test_roots_own_key_is_none_of_the_ledgers_business(lambdas, aws):
    """The root user has no tags: its events neither fail nor write anything."""
    key = aws.account(ACCOUNT).root.key(created=days_ago(300))
    key.deactivate(days_ago(0.01), by_user=True)
    (answer,) = lambdas.invoke(RECORD, last_event(aws))
    assert answer["error"] is None


def test_user_who_is_gone_is_no_failure(lambdas, aws, user):
    """A user deleted since the event leaves nothing to do."""
    user.keys[0].deactivate(days_ago(0.01))
    event = last_event(aws)
    user.delete()
    (answer,) = lambdas.invoke(RECORD, event)
    assert answer["error"] is None


def test_denied_tagging_fails_the_invocation(lambdas, aws, user):
    """Lambda is told of a failure, so that it retries and counts an error."""
    user.keys[0].deactivate(days_ago(0.01))
    function = lambdas.functions[RECORD]
    environ = lambdas.environ(function)
    aws.allow(function.role, ["iam:GetUser", "iam:ListAccessKeys"])
    (answer,) = function.invoke(environ, [last_event(aws)])[1:]
    assert "iam:TagUser" in answer["error"]


def test_event_role_holds_exactly_what_the_function_calls(lambdas, aws, user):
    """The role's IAM actions are the calls made when a key is switched off and on again."""
    key = user.keys[0]
    aws.calls.clear()
    key.deactivate(days_ago(0.02))
    lambdas.invoke(RECORD, last_event(aws))
    key.activate(days_ago(0.01))
    lambdas.invoke(RECORD, last_event(aws))
    made = {f"iam:{call.action}" for call in aws.calls.select(service="iam")}
    role = roles.roles("lambda-roles.yml")[lambdas.functions[RECORD].role]
    assert made == {action for action in roles.allowed(role) if action.startswith("iam:")}


def test_watch_role_holds_exactly_what_the_function_calls(lambdas, aws, user):
    """The role's actions are the calls made when a dormant key wakes, besides those of the log."""
    key = dormant(user)
    key.activate(days_ago(0.001))
    aws.calls.clear()
    (answer,) = lambdas.invoke(WATCH, last_event(aws))
    assert answer["error"] is None
    role = lambdas.functions[WATCH].role
    made = {f"{call.service}:{call.action}" for call in aws.calls if role in call.caller}
    made -= {"sts:GetCallerIdentity"}  # needs no permission; Custodian asks once a process
    allowed = roles.allowed(roles.roles("lambda-roles.yml")[role])
    assert made == {action for action in allowed if not action.startswith("logs:")}


# -- the scheduled policies -----------------------------------------------------------------------


@pytest.fixture(name="day", scope="module")
def _day(lambdas, aws, tmp_path_factory):
    """One day of scheduled functions, with what a dry run of the pull policies found before."""
    account = aws.account(ACCOUNT)
    for owner in (account.root, *account.users.values()):
        for key in list(owner.keys):
            key.delete()
    for user in list(account.users.values()):
        user.delete()
    account.events.clear()
    for name, days, tags in (
        ("proven", 95, {}), ("recent", 20, {}), ("exempt", 95, {"keep-keys": "SES"}),
    ):  # fmt: skip
        user = account.user(name, tags=tags, created=days_ago(900))
        user.key(created=days_ago(800), toggles=[days_ago(days)], trace=days < 90)
        user.key(created=days_ago(700))
    # The credential report cannot tell keys of the same second apart: their last use is asked for.
    twins = account.user("twins", created=days_ago(900))
    for _ in range(2):
        twins.key(created=days_ago(500), toggles=[days_ago(15)])
    # So many users are described in bulk.
    for number in range(25):
        crowd = account.user(f"crowd-{number:02d}", created=days_ago(900))
        crowd.key(created=days_ago(800), toggles=[days_ago(10)])
    account.users["recent"].tags[tag_key("AKIAVANISHED00000000")] = LEDGER_ENTRY
    recorded(account)
    aws.client("s3", ACCOUNT).create_bucket(Bucket=BUCKET)
    home = tmp_path_factory.mktemp("pull")
    pull = custodian(aws, home, "--dryrun")
    assert pull.status == 0, pull.log
    found = {name: pull.matched(name) for name in ("inactive-keys-report", "inactive-keys-delete")}
    before = {key.id for key in account.keys}
    aws.calls.clear()
    rename_after_each_report(aws, account.users["crowd-00"])
    answers = {name: lambdas.invoke(name, SCHEDULED_EVENT)[0] for name in DAILY}
    assert {answer["error"] for answer in answers.values()} == {None}
    gone = before - {key.id for key in account.keys}
    command = ("c7n-inactive-keys", "report", "-s", f"s3://{BUCKET}/output", "--format", "json")
    report = run(*command, **administrator(aws))
    return {"found": found, "gone": gone, "report": report, "calls": list(aws.calls)}


def test_scheduled_deletion_deletes_what_the_pull_policy_finds(day, aws):
    """The function deletes exactly the keys that inactive-keys-delete matches on a laptop."""
    assert day["gone"] == day["found"]["inactive-keys-delete"]
    assert len(day["gone"]) == 1
    assert "exempt" in aws.account(ACCOUNT).users


def test_each_function_reads_event_history_once(day):
    """Also for the filter and the action of one policy."""
    calls = [call for call in day["calls"] if call.action == "LookupEvents"]
    assert len(calls) == len(DAILY)


def test_report_command_reads_the_functions_output_from_s3(day):
    """The report over the bucket shows the keys that the pull policy finds, and the deletion."""
    report = json.loads(day["report"].stdout)
    assert day["report"].returncode == 0, day["report"].stderr
    assert {key["access_key_id"] for key in report["keys"]} == day["found"]["inactive-keys-report"]
    assert {key["access_key_id"] for key in report["keys"] if key["outcome"] == "deleted"} == (
        day["gone"]
    )


def test_journal_lines_are_in_the_functions_log(day, lambdas):
    """What is deleted stands in the log as JSON, before and after the call."""
    lines = [line for line in lambdas.functions[DAILY[2]].log if '"outcome"' in line]
    entries = [json.loads(line[line.index("{") :]) for line in lines]
    assert [entry["outcome"] for entry in entries] == ["deleting", "deleted"]
    assert {entry["access_key_id"] for entry in entries} == day["gone"]


def test_scheduled_roles_hold_exactly_what_the_functions_call(day, lambdas):
    """Each role's actions are the calls of its functions, besides the log and the uploads' ACL."""
    unseen = {  # what the sandbox cannot see
        "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents",  # Lambda's own
        "s3:PutObjectAcl",  # a header of PutObject
    }  # fmt: skip
    made_by: dict[str, set[str]] = {}
    for call in day["calls"]:
        action = {"PUT": "PutObject"}.get(call.action.split()[0], call.action)
        made_by.setdefault(call.caller, set()).add(f"{call.service}:{action}")
    for name in DAILY[1:]:
        role = lambdas.functions[name].role
        allowed = roles.allowed(roles.roles("lambda-roles.yml")[role])
        made = set().union(*(made for caller, made in made_by.items() if role in caller))
        assert made - {"sts:GetCallerIdentity"} | unseen == allowed | unseen, role
