# SPDX-License-Identifier: Apache-2.0
"""Deactivating unused keys: those that must stay active first, then what is done to the others."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from c7n_inactive_keys.core.journal import DEACTIVATED, DEACTIVATING, FAILED, LEDGER_TAG, SKIPPED
from c7n_inactive_keys.core.ledger import parse_value, tag_key
from c7n_inactive_keys_sandbox import Fault
from tests.support.accounts import days_ago
from tests.support.policies import TAG

pytestmark = pytest.mark.e2e

DEACTIVATE = "unused-keys-deactivate"
UNUSED_90 = {"type": "unused-access-key", "days": 90}
HOUR = 1 / 24  # of a day


def deactivate_policy(*filters, source="credential-report", **options):
    """A policy that deactivates what nobody has used for 90 days; an option None is left out."""
    options = {"exempt-tag": TAG, **options}
    action = {"type": "deactivate-unused-keys"}
    return {
        "name": DEACTIVATE,
        "resource": "aws.iam-user",
        **({"source": source} if source else {}),
        "filters": [*(filters or [UNUSED_90])],
        "actions": [action | {name: value for name, value in options.items() if value is not None}],
    }


def active_key(account, name="bob", *, used=100.0, created=500.0, **options):
    """An active key that was used so many days ago; None: never."""
    last = None if used is None else (days_ago(used), "s3", "us-east-1")
    return account.user(name).key(created=days_ago(created), last_used=last, **options)


def before_reread(sandbox, change, action="GetAccessKeyLastUsed"):
    """Let something happen just before the call that reads for the second time."""
    sandbox.faults.add(Fault(action=action, nth=2, call=change))


def matched(outcome):
    return {
        key["AccessKeyId"]
        for user in outcome.resources(DEACTIVATE)
        for key in user.get("c7n:UnusedAccessKeys", ())
    }


# -- keys that must not be deactivated ------------------------------------------------------------


@pytest.mark.parametrize("source", ["credential-report", None])
@pytest.mark.parametrize(
    "key",
    [
        pytest.param({"used": HOUR}, id="used an hour ago"),
        pytest.param({"used": 89}, id="used 89 days ago"),
        pytest.param({"used": 90 + 3 * HOUR}, id="used perhaps within the lag of IAM"),
        pytest.param({"used": None, "created": 30}, id="never used but young"),
        pytest.param({"used": None, "created": 90 + 3 * HOUR}, id="never used, perhaps young"),
        pytest.param({"used": 100, "status": "Expired"}, id="expired"),
        pytest.param({"used": 100, "toggles": [days_ago(10)]}, id="inactive"),
    ],
)
def test_a_key_that_is_in_use_or_young_does_not_match(custodian, account, key, source):
    kept = active_key(account, **key)
    status = kept.status
    outcome = custodian.run(account.id, deactivate_policy(source=source))
    assert (outcome.status, matched(outcome), kept.status) == (0, set(), status)


def test_a_key_used_since_the_credential_report_is_read_live(sandbox, custodian, account):
    """The report has it as unused, and only says where to look."""
    key = active_key(account)
    sandbox.client("iam", account.id).generate_credential_report()
    key.use(days_ago(HOUR))
    outcome = custodian.run(account.id, deactivate_policy(), report_made=False)
    assert (outcome.status, matched(outcome), key.status) == (0, set(), "Active")


@pytest.mark.parametrize(
    "error",
    [
        "AccessDenied",
        *(
            pytest.param(code, marks=pytest.mark.release)
            for code in ("Throttling", "ServiceFailure")
        ),
    ],
)
def test_a_key_whose_last_use_cannot_be_read_is_not_unused(sandbox, custodian, account, error):
    key, other = active_key(account), active_key(account, "other")
    sandbox.faults.add(Fault(action="GetAccessKeyLastUsed", key_id=key.id, error=error, times=None))
    outcome = custodian.run(account.id, deactivate_policy())
    assert (key.status, other.status) == ("Active", "Inactive")
    assert matched(outcome) == {other.id}
    unread = outcome.journal(DEACTIVATE)[0]
    assert (unread.access_key_id, unread.outcome, unread.reason) == (key.id, "unread", "last-used")


def test_a_key_that_somebody_reactivated_lately_rests(custodian, account):
    """Nobody has used it yet, and no ledger has heard of it: event history tells."""
    key = active_key(account, toggles=[days_ago(20), days_ago(10)])
    old = active_key(account, "old", toggles=[days_ago(200), days_ago(150)])
    outcome = custodian.run(account.id, deactivate_policy())
    assert (key.status, old.status) == ("Active", "Inactive")
    assert outcome.by_key(DEACTIVATE)[key.id] == "skipped reactivated"


def test_its_last_use_cannot_be_read_again(sandbox, custodian, account):
    key = active_key(account)
    sandbox.faults.add(
        Fault(action="GetAccessKeyLastUsed", nth=2, error="AccessDenied", times=None)
    )
    outcome = custodian.run(account.id, deactivate_policy())
    assert (key.status, outcome.status) == ("Active", 2)
    assert outcome.by_key(DEACTIVATE) == {key.id: "failed unreadable"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(lambda key: key.use(), "used", id="used"),
        pytest.param(lambda key: key.delete(), "already-gone", id="deleted"),
        pytest.param(lambda key: key.user.delete(), "user-gone", id="with its user"),
        pytest.param(lambda key: key.user.tags.update({TAG: ""}), "exempt", id="exempt"),
        pytest.param(lambda key: key.deactivate(), "already-inactive", id="deactivated"),
    ],
)
def test_what_happens_in_mid_run_is_seen(sandbox, custodian, account, change, reason):
    """User, key and last use are read again just before."""
    key = active_key(account)
    calls = sandbox.calls.count("UpdateAccessKey")
    before_reread(sandbox, lambda: change(key), "GetUser")
    outcome = custodian.run(account.id, deactivate_policy())
    assert outcome.status == 0
    assert outcome.by_key(DEACTIVATE) == {key.id: f"skipped {reason}"}
    assert sandbox.calls.count("UpdateAccessKey") == calls


@pytest.mark.parametrize("missing", ["nothing", "the event", "the ledger's entry"])
def test_a_key_that_its_owner_reactivated_is_left_alone(sandbox, custodian, account, missing):
    """However long ago it was used: we deactivated it, and somebody wants it."""
    key = active_key(account)
    assert custodian.run(account.id, deactivate_policy()).by_key(DEACTIVATE) == {
        key.id: DEACTIVATED
    }
    sandbox.event_delay = timedelta(hours=2 if missing == "the event" else 0)
    key.activate()
    if missing == "the ledger's entry":
        key.user.tags.clear()
    outcome = custodian.run(account.id, deactivate_policy(), report_made=False)
    assert key.status == "Active"
    assert outcome.by_key(DEACTIVATE) == {key.id: "skipped reactivated"}


def test_the_key_of_another_user_and_the_sibling_of_the_same_second_stay(custodian, account):
    """A key is known by its id: neither by the second of its creation nor by its user."""
    key = active_key(account)
    sibling = active_key(account, used=1)
    other = active_key(account, "other", used=1)
    outcome = custodian.run(account.id, deactivate_policy())
    assert (key.status, sibling.status, other.status) == ("Inactive", "Active", "Active")
    assert outcome.by_key(DEACTIVATE) == {key.id: DEACTIVATED}


def test_a_sibling_that_a_built_in_filter_cannot_tell_apart_stays(custodian, account):
    active_key(account)
    active_key(account, used=1)
    built_in = {"type": "credential", "key": "access_keys.last_used_date", "value": 90}
    built_in |= {"value_type": "age", "op": "gt"}
    outcome = custodian.run(account.id, deactivate_policy(built_in, UNUSED_90))
    assert [key.status for key in account.keys] == ["Active", "Active"]
    assert set(outcome.by_key(DEACTIVATE).values()) <= {"skipped ambiguous"}


def test_more_than_max_keys_deactivates_none(custodian, account):
    keys = [active_key(account, f"user-{number}") for number in range(3)]
    outcome = custodian.run(account.id, deactivate_policy(**{"max-keys": 2}))
    assert outcome.status == 2
    assert "nothing was deactivated: 3 access keys qualify" in outcome.log
    assert {key.status for key in keys} == {"Active"}
    assert set(outcome.by_key(DEACTIVATE).values()) == {"failed max-keys"}


def test_what_a_plan_does_not_list_stays(tmp_path, custodian, account):
    listed, unlisted = active_key(account), active_key(account, "other")
    plan = tmp_path / "plan.csv"
    plan.write_text(f"AccessKeyId\n{listed.id}\n")
    option = {"url": f"file://{plan}", "format": "csv2dict"}
    outcome = custodian.run(account.id, deactivate_policy(plan=option))
    assert (listed.status, unlisted.status) == ("Inactive", "Active")
    assert outcome.by_key(DEACTIVATE)[unlisted.id] == "skipped not-in-plan"


# -- what is done ---------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["credential-report", None])
@pytest.mark.parametrize(
    "key",
    [
        pytest.param({}, id="used 100 days ago"),
        pytest.param({"used": 90 + 5 * HOUR}, id="just more than 90 days ago"),
        pytest.param({"used": None}, id="never used"),
    ],
)
def test_an_unused_key_is_deactivated_and_recorded(custodian, account, key, source):
    """The ledger has the exact moment, within a second, and that it was us."""
    unused = active_key(account, **key)
    outcome = custodian.run(account.id, deactivate_policy(source=source))
    assert (outcome.status, unused.status) == (0, "Inactive"), outcome.log
    entry = parse_value(unused.user.tags[tag_key(unused.id)])
    assert entry.after <= unused.deactivated <= entry.since
    assert entry.since - entry.after <= timedelta(seconds=3)
    assert entry.by == "c7n"
    lines = outcome.journal(DEACTIVATE)
    assert [line.outcome for line in lines] == [DEACTIVATING, DEACTIVATED]
    assert "access keys: 1 deactivated, 0 skipped, 0 failed" in outcome.log


def test_never_used_days_is_another_number_of_days(custodian, account):
    young = active_key(account, "young", used=None, created=40)
    used = active_key(account, "used", used=40)
    wanted = {**UNUSED_90, "never-used-days": 30}
    custodian.run(account.id, deactivate_policy(wanted))
    assert (young.status, used.status) == ("Inactive", "Active")


def test_an_annotation_says_what_is_known(custodian, account):
    key = active_key(account, used=100)
    outcome = custodian.run(account.id, deactivate_policy(), arguments=("--dryrun",))
    ((entry,),) = [user["c7n:UnusedAccessKeys"] for user in outcome.resources(DEACTIVATE)]
    (user,) = outcome.resources(DEACTIVATE)
    assert set(entry) == {
        "AccessKeyId", "UserName", "Status", "CreateDate", "LastUsedDate", "LastUsedService",
        "LastUsedRegion", "UnusedDays",
    }  # fmt: skip
    assert (entry["AccessKeyId"], entry["Status"], entry["UnusedDays"]) == (key.id, "Active", 100.0)
    assert [item["AccessKeyId"] for item in user["c7n:matched-keys"]] == [key.id]
    assert key.status == "Active"


def test_throttling_and_lost_answers_are_borne(sandbox, custodian, account):
    """An answer that is lost after the effect is found out by reading."""
    first, second = active_key(account, "first"), active_key(account, "second")
    for fault in (
        Fault(action="UpdateAccessKey", key_id=first.id, error="Throttling", times=2),
        Fault(action="UpdateAccessKey", key_id=second.id, kind="reset", effect="after"),
    ):
        sandbox.faults.add(fault)
    outcome = custodian.run(account.id, deactivate_policy())
    assert (outcome.status, first.status, second.status) == (0, "Inactive", "Inactive")
    assert set(outcome.by_key(DEACTIVATE).values()) == {DEACTIVATED}
    entry = parse_value(second.user.tags[tag_key(second.id)])
    assert entry.after <= second.deactivated <= entry.since


def test_one_users_failure_stops_nobody_else(sandbox, custodian, account):
    keys = [active_key(account, name) for name in ("denied", "other")]
    sandbox.faults.add(
        Fault(action="UpdateAccessKey", user="denied", error="AccessDenied", times=None)
    )
    outcome = custodian.run(account.id, deactivate_policy())
    assert outcome.status == 2
    assert [key.status for key in keys] == ["Active", "Inactive"]
    assert outcome.by_key(DEACTIVATE) == {keys[0].id: FAILED, keys[1].id: DEACTIVATED}


def test_a_ledger_that_cannot_be_written_is_a_failure(sandbox, custodian, account):
    """The key is inactive all the same, and the journal has the moment."""
    key = active_key(account)
    sandbox.faults.add(Fault(action="TagUser", error="LimitExceeded", times=None))
    outcome = custodian.run(account.id, deactivate_policy())
    assert (outcome.status, key.status) == (2, "Inactive")
    lines = [(line.outcome, line.reason) for line in outcome.journal(DEACTIVATE)]
    assert lines[1:] == [(DEACTIVATED, None), (FAILED, LEDGER_TAG)]


# -- infrastructure as code -----------------------------------------------------------------------


@pytest.mark.parametrize("managed", [False, True])
def test_a_key_of_a_stack_is_left_to_it(custodian, account, managed):
    """Unless the policy says managed: true."""
    key = active_key(account)
    account.stacks["us-east-1", "payments"] = {"Key": key}
    outcome = custodian.run(account.id, deactivate_policy(managed=managed or None))
    assert key.status == ("Inactive" if managed else "Active")
    (line,) = outcome.journal(DEACTIVATE)[-1:]
    if not managed:
        assert (line.outcome, line.reason) == (SKIPPED, "managed")
        assert line.managed_by == "CloudFormation stack payments"


def test_who_may_not_ask_for_stacks_does_not_know_and_does_nothing(sandbox, custodian, account):
    key = active_key(account)
    sandbox.faults.add(Fault(action="DescribeStackResources", error="AccessDenied", times=None))
    outcome = custodian.run(account.id, deactivate_policy())
    assert (key.status, outcome.status) == ("Active", 2)
    (line,) = outcome.journal(DEACTIVATE)
    assert "grant cloudformation:DescribeStackResources" in line.error.message
    assert custodian.run(account.id, deactivate_policy(managed=True)).status == 0
    assert key.status == "Inactive"


def test_a_torn_answer_about_a_stack_is_not_that_there_is_none(sandbox, custodian, account):
    key = active_key(account)
    account.stacks["us-east-1", "payments"] = {"Key": key}
    torn = Fault(action="DescribeStackResources", kind="truncate", effect="after", times=None)
    sandbox.faults.add(torn)
    outcome = custodian.run(account.id, deactivate_policy())
    assert (key.status, outcome.status) == ("Active", 2)
    assert outcome.by_key(DEACTIVATE) == {key.id: "failed unreadable"}


def terraform(key_id):
    """What `terraform show -json` prints of a state with one key, in a module."""
    resource = {
        "address": "module.ci.aws_iam_access_key.this",
        "type": "aws_iam_access_key",
        "values": {"id": key_id, "user": "bob"},
    }
    modules = [{"address": "module.ci", "resources": [resource]}]
    return {"format_version": "1.0", "values": {"root_module": {"child_modules": modules}}}


@pytest.mark.parametrize(
    ("write", "by"),
    [
        (terraform, "Terraform module.ci.aws_iam_access_key.this"),
        (lambda key_id: [key_id], "the list managed-keys"),
        (lambda key_id: [{"AccessKeyId": key_id}], "the list managed-keys"),
    ],
    ids=["terraform", "ids", "records"],
)
def test_a_key_of_the_list_is_left_to_who_manages_it(tmp_path, custodian, account, write, by):
    key, other = active_key(account), active_key(account, "other")
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(write(key.id)))
    outcome = custodian.run(
        account.id, deactivate_policy(**{"managed-keys": {"url": f"file://{path}"}})
    )
    assert (outcome.status, key.status, other.status) == (0, "Active", "Inactive"), outcome.log
    (line,) = [line for line in outcome.journal(DEACTIVATE) if line.access_key_id == key.id]
    assert (line.reason, line.managed_by) == ("managed", by)


def test_a_list_that_is_none_stops_the_policy(tmp_path, custodian, account):
    key = active_key(account)
    path = tmp_path / "keys.json"
    path.write_text('["not an id"]')
    outcome = custodian.run(
        account.id, deactivate_policy(**{"managed-keys": {"url": f"file://{path}"}})
    )
    assert (outcome.status, key.status) == (2, "Active")
    assert "nothing was deactivated: managed-keys holds 'not an id'" in outcome.log


def test_a_list_that_cannot_be_read_stops_the_policy(custodian, account):
    """Which keys something else manages is unknown then."""
    key = active_key(account)
    listed = {"url": "file:///nowhere.json"}
    outcome = custodian.run(account.id, deactivate_policy(**{"managed-keys": listed}))
    assert (outcome.status, key.status) == (2, "Active")
    assert "managed-keys file:///nowhere.json cannot be read" in outcome.log


def test_an_event_that_cannot_be_read_makes_event_history_no_evidence(custodian, account):
    """The ledger alone tells then who was reactivated lately; the log says so."""
    key = active_key(account)
    account.add_event("UpdateAccessKey", days_ago(3), requestParameters={"userName": "x"})
    outcome = custodian.run(account.id, deactivate_policy())
    assert (outcome.status, key.status) == (0, "Inactive")
    assert "an event cannot be read" in outcome.log
