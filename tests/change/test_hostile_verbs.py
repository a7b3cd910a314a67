# SPDX-License-Identifier: Apache-2.0
"""What a hostile test of all verbs found through the stock commands, most harmful first."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from c7n_inactive_keys.core.evidence import LedgerEntry
from c7n_inactive_keys.core.ledger import parse_value, render_value, tag_key
from c7n_inactive_keys.core.times import parse_time
from c7n_inactive_keys_sandbox import Fault
from tests.change.test_deactivation import DEACTIVATE, UNUSED_90, active_key, deactivate_policy
from tests.change.test_reactivation import UNDO, undo_policy
from tests.support.accounts import days_ago, inactive_key, key_ids, recorded, report_of_today
from tests.support.handler import EVENT_MODE
from tests.support.policies import delete_policy, record_policy

pytestmark = pytest.mark.e2e

MINUTE = 1 / 1440
WATCH = "watch"


def listed(policy):
    """The policy on Custodian's default source."""
    return {name: value for name, value in policy.items() if name != "source"}


def watch_policy(days=30):
    """A policy that looks for keys that were woken after so many days."""
    return {
        "name": WATCH,
        "resource": "aws.iam-user",
        "filters": [{"type": "reactivated-access-key", "after-days": days}],
    }


def woken(outcome):
    """The ids of the keys that the watch found; an event function writes nothing if it is none."""
    there = (outcome.out / WATCH / "resources.json").exists()
    return {
        key["AccessKeyId"]
        for user in (outcome.resources(WATCH) if there else ())
        for key in user["c7n:ReactivatedAccessKeys"]
    }


def journal_of(*outcomes, age=timedelta()):
    """The url of the journals of runs that deactivated keys, as old as the sandbox has become."""
    paths = [outcome.out / DEACTIVATE / "inactive-keys.jsonl" for outcome in outcomes]
    lines = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    for line in lines:
        for name in ("created", "time"):
            line[name] = f"{parse_time(line[name]) - age:%Y-%m-%dT%H:%M:%SZ}"
    together = paths[0].with_name("together.jsonl")
    together.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return f"file://{together}"


def dormant_key(account, days=200):
    """A key that the ledger saw inactive from so many days ago until yesterday."""
    key = inactive_key(account, off=days)
    key.user.tags[tag_key(key.id)] = render_value(
        LedgerEntry(days_ago(days), days_ago(days), days_ago(1))
    )
    return key


def unclear_activation(account, key, at):
    """A call that ended in a server's error, and worked."""
    key.set_status("Active", at)
    asked = {"userName": key.user.name, "accessKeyId": key.id, "status": "Active"}
    account.add_event("UpdateAccessKey", at, requestParameters=asked, errorCode="ServiceFailure")


# -- 1. a key deleted that was in use --------------------------------------------------------------


@pytest.mark.parametrize("source", ["credential-report", None])
def test_a_key_used_an_hour_ago_is_not_deleted_whatever_the_credential_report_says(
    sandbox, custodian, account, source
):
    """Reactivated, used and deactivated again with the events on the way: IAM tells of the use."""
    key = inactive_key(account)
    recorded(account)
    report_of_today(sandbox, account.id)
    sandbox.event_delay = timedelta(hours=2)
    key.activate(days_ago(100 * MINUTE))
    key.use(days_ago(95 * MINUTE))
    key.deactivate(days_ago(90 * MINUTE))
    policy = delete_policy() if source else listed(delete_policy())
    outcome = custodian.run(account.id, policy, report_made=False)
    assert outcome.status == 0, outcome.log
    assert key_ids(account) == {key.id}


def test_a_later_block_of_filters_of_several_kinds_has_its_say_in_a_deletion(custodian, account):
    """Off for 50 days; the second block asks for 200, and only the user's other key passes it."""
    key = inactive_key(account, off=50)
    active_key(account, used=100)
    recorded(account)
    first = {"or": [{"type": "inactive-access-key", "days": 10}, {**UNUSED_90, "days": 10}]}
    second = {"or": [UNUSED_90, {"type": "inactive-access-key", "days": 200}]}
    outcome = custodian.run(account.id, delete_policy(filters=[first, second]))
    assert outcome.status == 0, outcome.log
    assert key.id in key_ids(account)


# -- 2. a key in use deactivated, or one that the policy does not mean -----------------------------


def test_a_filter_of_another_kind_narrows_what_is_deactivated(custodian, account):
    """Unused and woken is the one key; the other is only unused."""
    dormant = account.user("bob").key(created=days_ago(500), toggles=[days_ago(85), days_ago(20)])
    other = active_key(account, used=10)
    wanted = ({**UNUSED_90, "days": 5}, {"type": "reactivated-access-key", "after-days": 30})
    outcome = custodian.run(account.id, deactivate_policy(*wanted))
    assert outcome.status == 0, outcome.log
    assert dormant.id in outcome.by_key(DEACTIVATE)
    assert other.status == "Active"


def test_a_key_reactivated_and_used_since_the_report_is_not_unused(sandbox, custodian, account):
    """The report has it inactive with an old use; the user's other key brings it into view."""
    active_key(account)
    key = account.user("bob").key(
        created=days_ago(450), toggles=[days_ago(200)], last_used=(days_ago(210), "s3", "us-east-1")
    )
    report_of_today(sandbox, account.id)
    key.activate(days_ago(2 / 24))
    key.use(days_ago(1 / 24))
    disable = {"type": "remove-keys", "matched": True, "disable": True}
    policy = {**deactivate_policy(), "actions": [disable]}
    outcome = custodian.run(account.id, policy, report_made=False)
    assert outcome.status == 0, outcome.log
    assert key.status == "Active"


def test_a_woken_key_is_left_alone_if_record_runs_first(sandbox, custodian, account):
    """Policies in another order, event history late: record takes away the ledger's word."""
    key = active_key(account)
    custodian.run(account.id, deactivate_policy())
    sandbox.age(timedelta(days=5))
    sandbox.event_delay = timedelta(hours=2)
    key.activate(days_ago(60 * MINUTE))
    outcome = custodian.run(account.id, listed(record_policy()), listed(deactivate_policy()))
    assert outcome.status == 0, outcome.log
    assert key.status == "Active"


def test_a_woken_key_is_left_alone_in_a_second_run_of_the_hour(sandbox, custodian, account):
    """The first run skips it and records; the second one has neither ledger nor event."""
    key = active_key(account)
    custodian.run(account.id, deactivate_policy())
    sandbox.age(timedelta(days=5))
    sandbox.event_delay = timedelta(hours=2)
    key.activate(days_ago(10 * MINUTE))
    policies = listed(deactivate_policy()), listed(record_policy())
    first = custodian.run(account.id, *policies)
    assert first.by_key(DEACTIVATE) == {key.id: "skipped reactivated"}
    custodian.run(account.id, *policies)
    assert key.status == "Active"


def test_a_reactivation_of_weeks_ago_is_not_taken_for_one_of_now(sandbox, custodian, account):
    """The credential report named no reason to look at the user before; event history knows."""
    key = active_key(account)
    custodian.run(account.id, deactivate_policy())
    sandbox.age(timedelta(days=5))
    key.activate()
    sandbox.age(timedelta(days=60))
    outcome = custodian.run(account.id, listed(record_policy()))
    assert outcome.status == 0, outcome.log
    assert tag_key(key.id) not in key.user.tags
    sandbox.age(timedelta(days=31))
    custodian.run(account.id, listed(deactivate_policy()))
    assert key.status == "Inactive"


def test_what_was_taken_back_is_left_alone_within_the_hour(sandbox, custodian, account):
    """The undo removed the ledger's word, and its event is on the way."""
    key = active_key(account)
    outcome = custodian.run(account.id, deactivate_policy())
    sandbox.event_delay = timedelta(hours=2)
    assert custodian.run(account.id, undo_policy(journal_of(outcome))).by_key(UNDO) == {
        key.id: "reactivated"
    }
    custodian.run(account.id, listed(deactivate_policy()))
    assert key.status == "Active"


def test_a_call_that_may_have_reactivated_a_key_lets_it_rest(sandbox, custodian, account):
    """Its owner's call ended in ServiceFailure, and worked."""
    key = active_key(account)
    custodian.run(account.id, deactivate_policy())
    sandbox.age(timedelta(days=5))
    unclear_activation(account, key, days_ago(1))
    custodian.run(account.id, listed(record_policy()))
    custodian.run(account.id, listed(deactivate_policy()))
    assert key.status == "Active"


def test_nothing_is_deactivated_in_event_mode(custodian, account):
    """A reactivation that calls the function is not in event history yet."""
    key = active_key(account)
    outcome = custodian.run(account.id, {**deactivate_policy(), "mode": EVENT_MODE})
    assert outcome.status == 1
    assert (
        "it needs pull or periodic or schedule as the policy's mode, not cloudtrail" in outcome.log
    )
    assert key.status == "Active"


# -- 3. a managed key is changed all the same ------------------------------------------------------


def plan_of_terraform(key_id):
    resource = {"type": "aws_iam_access_key", "address": "a.b", "values": {"id": key_id}}
    values = {"root_module": {"resources": [resource]}}
    return {
        "format_version": "1.2",
        "planned_values": values,
        "prior_state": {"format_version": "1.0", "values": values},
    }


def state_of_terraform(key_id):
    instance = {"attributes": {"id": key_id, "user": "bob"}}
    resource = {"mode": "managed", "type": "aws_iam_access_key", "instances": [instance]}
    return {"version": 4, "terraform_version": "1.9.0", "resources": [resource]}


@pytest.mark.parametrize(
    ("write", "more"),
    [
        pytest.param(plan_of_terraform, {}, id="terraform show -json of a plan"),
        pytest.param(state_of_terraform, {}, id="terraform state pull"),
        pytest.param(lambda key_id: {"Keys": [key_id]}, {}, id="a mapping of its own"),
        pytest.param(lambda key_id: {"Records": [key_id]}, {}, id="records"),
        pytest.param(lambda key_id: [key_id.lower()], {}, id="lower case"),
        pytest.param(
            lambda key_id: {"keys": [{"id": key_id}]},
            {"expr": "keys[].AccessKeyId"},
            id="an expression that finds nothing",
        ),
        pytest.param(lambda key_id: f"{key_id}\n", {"format": "csv"}, id="csv without a header"),
        pytest.param(lambda _: "", {"format": "txt"}, id="an empty file"),
        pytest.param(lambda _: "", {"format": "csv"}, id="an empty csv"),
    ],
)
def test_a_list_of_managed_keys_is_understood_or_stops_the_policy(
    custodian, account, tmp_path, write, more
):
    """What is not understood counts as an empty list, and the key that it names is deactivated."""
    key = active_key(account)
    path = tmp_path / "keys.json"
    content = write(key.id)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    option = {"url": f"file://{path}", **more}
    custodian.run(account.id, deactivate_policy(**{"managed-keys": option}))
    assert key.status == "Active"


def test_only_that_there_is_no_such_stack_means_that_no_stack_has_the_key(
    sandbox, custodian, account
):
    """CloudFormation's ValidationError has many reasons; any of them counts as "not managed"."""
    key = active_key(account)
    account.stacks["us-east-1", "payments"] = {"Key": key}
    message = "1 validation error detected: Value at 'physicalResourceId' failed"
    sandbox.faults.add(
        Fault("DescribeStackResources", error="ValidationError", message=message, times=None)
    )
    custodian.run(account.id, deactivate_policy())
    assert key.status == "Active"


# -- 4. undo ---------------------------------------------------------------------------------------


def test_an_undo_of_a_journal_older_than_event_history_takes_back_nothing_unproven(
    sandbox, custodian, account
):
    """Reactivated and deactivated by its owner 95 days ago, which event history no longer tells."""
    key = active_key(account)
    outcome = custodian.run(account.id, deactivate_policy())
    sandbox.age(timedelta(days=100))
    key.activate(days_ago(96))
    key.deactivate(days_ago(95))
    journal = journal_of(outcome, age=timedelta(days=100))
    undone = custodian.run(account.id, undo_policy(journal))
    assert (undone.by_key(UNDO)[key.id], key.status) == ("skipped changed", "Inactive")


def test_somebody_s_deactivation_that_passed_for_ours_is_not_taken_back(
    sandbox, custodian, account
):
    """Our call got lost; before the next try somebody else deactivated the key."""
    key = active_key(account)
    sandbox.faults.add(Fault("UpdateAccessKey", kind="reset"))
    sandbox.faults.add(Fault("GetUser", user="bob", nth=3, call=key.deactivate))
    outcome = custodian.run(account.id, deactivate_policy())
    custodian.run(account.id, undo_policy(journal_of(outcome)))
    assert key.status == "Inactive"


def test_the_first_key_is_in_the_ledger_if_the_second_cannot_be_read_again(
    sandbox, custodian, account
):
    """Else it cannot be taken back, and no line says so."""
    first, second = active_key(account), active_key(account, created=400)
    sandbox.faults.add(
        Fault("GetAccessKeyLastUsed", key_id=second.id, nth=2, error="AccessDenied", times=None)
    )
    outcome = custodian.run(account.id, deactivate_policy())
    assert (first.status, second.status) == ("Inactive", "Active")
    assert parse_value(first.user.tags[tag_key(first.id)]).by == "c7n"
    custodian.run(account.id, undo_policy(journal_of(outcome)))
    assert first.status == "Active"


def test_a_deactivation_without_an_answer_is_in_the_ledger(sandbox, custodian, account):
    """It worked, and the reading before the next try fails: the journal says deactivated."""
    key = active_key(account)
    sandbox.faults.add(Fault("UpdateAccessKey", kind="reset", effect="after"))
    sandbox.faults.add(Fault("GetUser", user="bob", nth=3, error="AccessDenied", times=None))
    outcome = custodian.run(account.id, deactivate_policy())
    assert (key.status, outcome.by_key(DEACTIVATE)[key.id]) == ("Inactive", "deactivated")
    assert tag_key(key.id) in key.user.tags or outcome.status == 2


@pytest.mark.parametrize("offset", [5, 25, 60])
def test_an_undo_works_where_the_clock_is_behind(sandbox, custodian, account, offset):
    """The journal bears this machine's time and the ledger AWS's."""
    sandbox.clock_offset = timedelta(seconds=offset)
    key = active_key(account)
    outcome = custodian.run(account.id, deactivate_policy())
    undone = custodian.run(account.id, undo_policy(journal_of(outcome)))
    assert (undone.by_key(UNDO), key.status) == ({key.id: "reactivated"}, "Active")


def test_an_undo_with_a_key_filter_means_its_keys(sandbox, custodian, account):
    """Only what was inactive for 10 days is to come back, not the user's other key."""
    old, young = active_key(account), active_key(account, used=85)
    days = timedelta(days=20)
    first = custodian.run(account.id, deactivate_policy())
    first = journal_of(first, age=days)
    sandbox.age(days)
    second = custodian.run(account.id, deactivate_policy())
    assert (old.status, young.status) == ("Inactive", "Inactive")
    both = Path(journal_of(second)[7:])
    both.write_text(Path(first[7:]).read_text() + both.read_text())
    found = {"type": "inactive-access-key", "days": 10}
    custodian.run(account.id, undo_policy(f"file://{both}", found))
    assert (old.status, young.status) == ("Active", "Inactive")


@pytest.mark.parametrize("text", ["", "<html>moved</html>\n"], ids=["empty", "no journal"])
def test_an_undo_without_a_line_to_go_by_is_not_clean(custodian, account, tmp_path, text):
    """A wrong url, or a page of a proxy: nothing is taken back, and the run ends well."""
    active_key(account)
    custodian.run(account.id, deactivate_policy())
    path = tmp_path / "journal.jsonl"
    path.write_text(text)
    outcome = custodian.run(account.id, undo_policy(f"file://{path}"))
    assert outcome.status == 2


# -- 5. a dead key that woke is not told of --------------------------------------------------------


def test_a_dead_key_that_is_toggled_twice_is_told_of(custodian, account):
    """Woken after 60 days, off for a minute and on again: still a dead key that woke."""
    minutes = (days_ago(n * MINUTE) for n in (300, 299, 298))
    key = account.user("bob").key(created=days_ago(500), toggles=[days_ago(60), *minutes])
    assert woken(custodian.run(account.id, watch_policy())) == {key.id}


def test_a_dead_key_that_an_unclear_call_woke_is_told_of(custodian, account):
    """The call ended in ServiceFailure, and worked; the ledger saw the key off until yesterday."""
    key = dormant_key(account)
    unclear_activation(account, key, days_ago(0.2))
    assert woken(custodian.run(account.id, watch_policy())) == {key.id}


def test_a_woken_key_whose_user_gave_its_name_away_is_told_of(custodian, account):
    """The event names bob, who is bob-old now; another bob has taken the name."""
    key = account.user("bob").key(created=days_ago(500), toggles=[days_ago(60), days_ago(5)])
    account.users["bob"].rename("bob-old")
    account.user("bob", created=days_ago(3)).key(created=days_ago(2))
    assert woken(custodian.run(account.id, watch_policy())) == {key.id}


def test_a_call_that_changed_nothing_is_not_who_woke_a_key(custodian, account):
    """Active again for 95 days, which event history does not tell; today's call did nothing."""
    key = account.user("bob").key(
        created=days_ago(500), toggles=[days_ago(200), days_ago(95)], trace=False
    )
    key.user.tags[tag_key(key.id)] = render_value(
        LedgerEntry(days_ago(200), days_ago(200), days_ago(100))
    )
    key.activate(days_ago(0.2))
    outcome = custodian.run(account.id, watch_policy())
    told = [
        entry for user in outcome.resources(WATCH) for entry in user["c7n:ReactivatedAccessKeys"]
    ]
    assert [entry["Actor"] for entry in told] in ([], [None])
