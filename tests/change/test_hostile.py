# SPDX-License-Identifier: Apache-2.0
"""What a hostile test found through the stock commands: what must not go, nor be claimed."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from c7n_inactive_keys.core.times import parse_time
from c7n_inactive_keys_sandbox import Fault
from tests.support.accounts import (
    administrator,
    days_ago,
    inactive_key,
    key_ids,
    recorded,
    report_of_today,
)
from tests.support.commands import run
from tests.support.handler import EVENT_MODE, handle
from tests.support.policies import INACTIVE_90, delete_policy, record_policy

pytestmark = pytest.mark.e2e

REPORT = {"name": "report", "resource": "aws.iam-user", "filters": ["inactive-access-key"]}
MINUTE = 1 / 1440


def listed(policy: dict) -> dict:
    """The policy on Custodian's default source."""
    return {name: value for name, value in policy.items() if name != "source"}


def interval(outcome, policy="report"):
    """NotBefore, NotAfter and InactiveDays of the only key that was found."""
    ((found,),) = (user["c7n:InactiveAccessKeys"] for user in outcome.resources(policy))
    since = found["InactiveSince"]
    return parse_time(since["NotBefore"]), parse_time(since["NotAfter"]), found["InactiveDays"]


def stamp(days: float) -> str:
    return f"{days_ago(days):%Y-%m-%dT%H:%M:%SZ}"


def unclear_activation(account, key, at):
    """A call that ended in a server's error, and worked."""
    key.set_status("Active", at)
    asked = {"userName": key.user.name, "accessKeyId": key.id, "status": "Active"}
    account.add_event("UpdateAccessKey", at, requestParameters=asked, errorCode="ServiceFailure")


# -- 1. wrong deletions ----------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["credential-report", None])
def test_an_unclear_reactivation_within_a_minute_of_the_deactivation_counts(
    custodian, account, source
):
    """Off 60 days ago; a reactivation half a minute later that ended in ServiceFailure, but worked,
    and was used at once; off again 5 days ago. `days: 30` deletes it as "off for exactly 60".
    """
    key = account.user("bob").key(created=days_ago(400))
    first = days_ago(60)
    key.deactivate(first)
    unclear_activation(account, key, first + timedelta(seconds=29))
    key.use(first + timedelta(seconds=36))
    key.deactivate(days_ago(5))
    policy = delete_policy(filters=[{"type": "inactive-access-key", "days": 30}])
    if source is None:
        policy = listed(policy)
    outcome = custodian.run(account.id, listed(REPORT), policy)
    not_before, not_after, _ = interval(outcome)
    assert key_ids(account) == {key.id}
    assert not_before <= key.deactivated <= not_after


def test_the_event_that_calls_a_lambda_function_is_evidence(sandbox, custodian, account):
    """A deletion in event mode: event history does not hold the change yet that the event tells."""
    sandbox.event_delay = timedelta(minutes=90)
    key = inactive_key(account)
    recorded(account)
    key.activate(days_ago(20 * MINUTE))
    key.deactivate(days_ago(10 * MINUTE))
    errors, outcome = handle(
        sandbox,
        custodian.directory,
        [{**delete_policy(), "mode": EVENT_MODE}],
        [account.events[-1].envelope()],
        account.id,
    )
    assert errors == [None], outcome.log
    assert key_ids(account) == {key.id}


def test_record_does_not_write_over_what_an_event_function_has_just_written(
    sandbox, custodian, account
):
    """Between record's reading of the tags and its writing, the exact moment was recorded."""
    sandbox.event_delay = timedelta(hours=1)
    key = inactive_key(account)
    recorded(account)

    def switched():
        key.activate()
        key.deactivate()
        just = f"{key.deactivated:%Y-%m-%dT%H:%M:%SZ}"
        key.user.tags[f"c7n-inactive-key:{key.id}"] = f"after={just} since={just} verified={just}"

    sandbox.faults.add(Fault("LookupEvents", call=switched))
    outcome = custodian.run(
        account.id, listed(record_policy()), listed(delete_policy()), report_made=False
    )
    assert outcome.status == 0, outcome.log
    assert key_ids(account) == {key.id}


@pytest.mark.parametrize(
    ("verified", "denied"),
    [(-7 * MINUTE, False), (-7 * MINUTE, True), (25, False), (25, True)],
    ids=["future", "future, history denied", "out of order", "out of order, history denied"],
)
def test_record_keeps_the_later_activity_of_an_entry_that_proves_nothing(
    sandbox, custodian, account, verified, denied
):
    """Active 20 days ago, says the ledger; its `verified` cannot be. That word must not go while
    nothing is proven: history denied, or silence that nobody has observed yet.
    """
    key = account.user("bob").key(created=days_ago(500), toggles=[days_ago(200)], trace=False)
    key.user.tags[f"c7n-inactive-key:{key.id}"] = (
        f"after={stamp(20)} since={stamp(19)} verified={stamp(verified)}"
    )
    if denied:
        sandbox.faults.add(Fault("LookupEvents", times=None, error="AccessDeniedException"))
    custodian.run(account.id, listed(record_policy()), report_made=False)
    sandbox.faults.clear()
    sandbox.age(timedelta(days=1))
    outcome = custodian.run(account.id, listed(delete_policy()), report_made=False)
    assert outcome.status == 0, outcome.log
    assert key_ids(account) == {key.id}


EVENT_HEADER = "eventName,eventTime,eventSource,requestParameters\n"
ASKED = '"{{""accessKeyId"":""{key}"",""status"":""Inactive""}}"'


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            EVENT_HEADER
            + "UpdateAccessKey,{time},iam.amazonaws.com,"
            + ASKED.replace("{key}", "{lower}"),
            id="ids in lower case",
        ),
        pytest.param(
            EVENT_HEADER + "updateaccesskey,{time},iam.amazonaws.com," + ASKED,
            id="name in lower case",
        ),
        pytest.param(
            EVENT_HEADER + "UpdateAccessKey ,{time},iam.amazonaws.com," + ASKED, id="a space behind"
        ),
        pytest.param(EVENT_HEADER + ",{time},iam.amazonaws.com," + ASKED, id="no name"),
        pytest.param(
            "AccessKeyId,Time,Status,eventName\n{key},{time},Inactive,updateaccesskey\n",
            id="simple form, name in lower case",
        ),
    ],
)
def test_a_row_of_an_export_is_understood_or_fails_the_policy(custodian, account, tmp_path, text):
    """Log collectors put values into lower case; such rows are passed over, and silence counts."""
    key = account.user("bob").key(created=days_ago(2000), toggles=[days_ago(200)])
    recorded(account)
    path = tmp_path / "export.csv"
    path.write_text(
        text.format(key=key.id, lower=key.id.lower(), time=f"{key.deactivated:%Y-%m-%dT%H:%M:%SZ}")
    )
    export = {"url": f"file://{path}", "format": "csv2dict", "covers-since": "2022-01-01"}
    found = {"type": "inactive-access-key", "days": 365, "events-from": export}
    custodian.run(account.id, delete_policy(filters=[found]))
    assert key_ids(account) == {key.id}


@pytest.mark.parametrize("change", ["swapped", "renamed into its place"])
def test_a_row_of_the_credential_report_is_of_the_user_that_has_its_name_now(
    sandbox, custodian, account, change
):
    """Two users whose keys a script created in one second change names after the report was made:
    the one's row passes for an observation of the other's key, deactivated a second ago.
    """
    sandbox.event_delay = timedelta(minutes=5)
    born = days_ago(400)
    bob = account.user("bob", created=days_ago(401))
    alice = account.user("alice", created=days_ago(402))
    bob.key(created=born, toggles=[days_ago(200)])
    key = alice.key(created=born)
    report_of_today(sandbox, account.id)
    bob.rename("bob-old")
    alice.rename("bob")
    if change == "swapped":
        bob.rename("alice")
    key.deactivate()
    outcome = custodian.run(account.id, delete_policy(), report_made=False)
    assert outcome.status == 0, outcome.log
    assert key.id in key_ids(account)


def test_with_c7n_org_a_key_that_stands_twice_in_the_policy_file_is_refused(
    sandbox, account, tmp_path
):
    """`custodian run` refuses it, c7n-org takes the second one: a break-glass user's key goes."""
    key = inactive_key(account)
    account.user("bob").tags["keep-keys"] = "x"
    recorded(account)
    text = (
        "policies:\n"
        "  - name: twice\n"
        "    resource: aws.iam-user\n"
        "    filters: [{type: inactive-access-key, days: 90}]\n"
        "    actions:\n"
        "      - type: delete-inactive-keys\n"
        "        exempt-tag: keep-keys\n"
        "        exempt-tag: owner\n"
    )
    (tmp_path / "policies.yml").write_text(text)
    role = f"arn:aws:iam::{account.id}:role/Custodian"
    accounts = {"account_id": account.id, "name": "one", "role": role, "regions": ["us-east-1"]}
    (tmp_path / "accounts.yml").write_text(json.dumps({"accounts": [accounts]}))
    done = run(
        *("c7n-org", "run", "-c", "accounts.yml", "-u", "policies.yml", "-s", "out"),
        cwd=tmp_path,
        **administrator(sandbox, account.id),
    )
    assert "has the key 'exempt-tag' twice" in done.stderr
    assert key_ids(account) == {key.id}


# -- 2. more than was agreed to --------------------------------------------------------------------


def test_no_more_keys_go_than_the_cap_whatever_happens_meanwhile(sandbox, custodian, account):
    """A twin of the same second is deleted by somebody: what was ambiguous, and so not counted for
    max-keys, is certain at the deletion.
    """
    born = days_ago(500)
    for name in ("a", "b"):
        account.user(name).key(created=born, toggles=[days_ago(200)])
    twin = account.user("b").key(created=born)
    recorded(account)
    report_of_today(sandbox, account.id)
    sandbox.faults.add(Fault("GetUser", user="b", nth=2, call=twin.delete))
    age = {"type": "credential", "key": "access_keys.last_rotated", "value_type": "age"}
    policy = delete_policy(
        filters=[{**age, "op": "gte", "value": 100}, INACTIVE_90], **{"max-keys": 1}
    )
    outcome = custodian.run(account.id, policy, report_made=False)
    assert list(outcome.by_key().values()).count("deleted") <= 1


def test_a_notice_from_before_a_possible_reactivation_does_not_count(custodian, account):
    """Told 40 days ago; 30 days ago a call that may have reactivated it; off 20 days ago."""
    key = account.user("bob").key(created=days_ago(400), toggles=[days_ago(60)])
    key.user.tags[f"c7n-inactive-key:{key.id}"] = (
        f"after={stamp(60)} since={stamp(60)} verified={stamp(41)} notified={stamp(40)}"
    )
    unclear_activation(account, key, days_ago(30))
    key.deactivate(days_ago(20))
    told = {"type": "inactive-access-key", "days": 10, "notified-days": 14}
    outcome = custodian.run(account.id, record_policy(), delete_policy(filters=[told]))
    assert outcome.status == 0, outcome.log
    assert key_ids(account) == {key.id}


# -- 3. intervals that do not hold the true moment, and promises that are not kept -----------------


def test_a_clock_that_is_half_a_minute_behind_puts_no_deactivation_into_the_future(
    sandbox, custodian, account
):
    """Up to 30 seconds are not corrected: NotAfter, which is now, lies before the truth."""
    sandbox.event_delay = timedelta(minutes=5)
    sandbox.clock_offset = timedelta(seconds=28)
    key = account.user("bob").key(created=days_ago(400))
    key.deactivate()
    outcome = custodian.run(account.id, REPORT, report_made=False)
    not_before, not_after, _ = interval(outcome)
    assert not_before <= key.deactivated <= not_after


def test_what_dropped_out_of_event_history_while_it_was_read_is_no_silence(
    sandbox, custodian, account
):
    """A sweep of more than FAR_END: at its end, AWS no longer shows what its beginning covers."""
    key = inactive_key(account)
    recorded(account)
    for number in range(60):  # more than one page
        account.user(f"user-{number}").key(created=days_ago(400), toggles=[days_ago(80)])
    key.activate(days_ago(90 - 9 * MINUTE))
    key.deactivate(days_ago(90 - 12 * MINUTE))

    def slowly():
        sandbox.clock_offset = timedelta(minutes=14)

    sandbox.faults.add(Fault("LookupEvents", nth=2, call=slowly))
    policy = {**REPORT, "filters": [{"UserName": "bob"}, "inactive-access-key"]}
    outcome = custodian.run(account.id, policy, report_made=False)
    not_before, not_after, _ = interval(outcome)
    assert not_before <= key.deactivated <= not_after


def test_an_event_of_the_same_second_as_the_ledgers_since_contradicts_it(
    sandbox, custodian, account
):
    """Off and on in one second, off again half a minute later; the reactivation has arrived."""
    key = account.user("bob").key(created=days_ago(400))
    moment = days_ago(60 * MINUTE)
    key.deactivate(moment)
    key.activate(moment)
    key.deactivate(moment + timedelta(seconds=32))
    off, on, _ = account.events[-3:]
    sandbox.event_delay = lambda event: timedelta(hours=0 if event.id == on.id else 2)
    record = {
        "name": "r",
        "resource": "aws.iam-user",
        "mode": EVENT_MODE,
        "actions": ["record-inactive-keys"],
    }
    events = [off.envelope(), on.envelope()]
    errors, outcome = handle(sandbox, custodian.directory, [record], events, account.id)
    assert errors == [None, None], outcome.log
    outcome = custodian.run(account.id, REPORT, report_made=False)
    not_before, not_after, _ = interval(outcome)
    assert not_before <= key.deactivated <= not_after


@pytest.mark.parametrize("written", ["{:%Y-%m-%d}", "{:%Y-%m-%d %H:%M}"], ids=["a date", "minutes"])
def test_an_event_time_without_seconds_is_not_taken_for_exact(
    custodian, account, tmp_path, written
):
    """In the simple form such a time fails the policy; in CloudTrail's form it is midnight."""
    key = account.user("bob").key(created=days_ago(2000), toggles=[days_ago(200)])
    recorded(account)
    path = tmp_path / "export.csv"
    asked = ASKED.format(key=key.id)
    time = written.format(key.deactivated)
    path.write_text(f"{EVENT_HEADER}UpdateAccessKey,{time},iam.amazonaws.com,{asked}\n")
    export = {"url": f"file://{path}", "format": "csv2dict", "covers-since": "2022-01-01"}
    policy = {**REPORT, "filters": [{"type": "inactive-access-key", "events-from": export}]}
    outcome = custodian.run(account.id, policy)
    if outcome.resources("report"):
        not_before, not_after, _ = interval(outcome)
        assert not_before <= key.deactivated <= not_after


def test_unsettled_silence_that_was_recorded_is_proven_at_until(sandbox, custodian, account):
    """A call that may have worked lies between the ledger's `verified` and now: today's sighting is
    written down all the same.
    """
    key = inactive_key(account)
    recorded(account, days=30)
    asked = {"userName": "bob", "accessKeyId": key.id, "status": "Active"}
    account.add_event(
        "UpdateAccessKey", days_ago(10), requestParameters=asked, errorCode="ServiceFailure"
    )
    outcome = custodian.run(account.id, REPORT, listed(record_policy()), report_made=False)
    _, _, days = interval(outcome)
    promised = days["Unsettled"]
    sandbox.age(parse_time(promised["Until"]) - days_ago(0) + timedelta(seconds=1))
    outcome = custodian.run(account.id, REPORT, report_made=False)
    _, _, days = interval(outcome)
    assert days["AtLeast"] >= promised["AtLeast"]


@pytest.mark.parametrize("verified", [-7 * MINUTE, 25], ids=["future", "out of order"])
def test_nothing_is_promised_against_the_later_activity_of_an_entry_that_proves_nothing(
    custodian, account, verified
):
    """The ledger has the key as active 20 days ago, and that word stands after it is recorded."""
    key = account.user("bob").key(created=days_ago(500), toggles=[days_ago(200)], trace=False)
    key.user.tags[f"c7n-inactive-key:{key.id}"] = (
        f"after={stamp(20)} since={stamp(19)} verified={stamp(verified)}"
    )
    outcome = custodian.run(account.id, REPORT, listed(record_policy()), report_made=False)
    assert "Unsettled" not in interval(outcome)[2]
    outcome = custodian.run(account.id, REPORT)
    assert interval(outcome)[2]["AtLeast"] < 20.1


# -- exports, caches, clocks -----------------------------------------------------------------------


def test_an_expression_that_finds_nothing_in_a_full_export_fails_the_policy(
    custodian, account, tmp_path
):
    """JMESPath answers a misspelt field with an empty list; with it, all is silent since 2022."""
    key = account.user("bob").key(created=days_ago(2000), toggles=[days_ago(200)])
    recorded(account)
    path = tmp_path / "export.json"
    path.write_text(json.dumps({"Records": [event.record() for event in account.events]}))
    export = {
        "url": f"file://{path}",
        "format": "json",
        "expr": "Records[?eventname=='UpdateAccessKey']",
        "covers-since": "2022-01-01",
    }
    found = {"type": "inactive-access-key", "days": 365, "events-from": export}
    custodian.run(account.id, delete_policy(filters=[found]))
    assert key_ids(account) == {key.id}


def test_a_user_of_custodians_cache_is_the_user_whose_keys_are_listed(
    sandbox, custodian, account, tmp_path
):
    """Names are swapped between two runs within a quarter of an hour, with Custodian's cache."""
    sandbox.event_delay = timedelta(minutes=5)
    born = days_ago(400)
    bob = account.user("bob", created=days_ago(401))
    alice = account.user("alice", created=days_ago(401))
    bob.key(created=born, toggles=[days_ago(200)])
    key = alice.key(created=born)
    report_of_today(sandbox, account.id)
    arguments = ("--cache-period", "15", "--cache", str(tmp_path / "cache"))
    custodian.run(
        account.id, delete_policy(), arguments=(*arguments, "--dryrun"), report_made=False
    )
    bob.rename("bob-old")
    alice.rename("bob")
    key.deactivate()
    custodian.run(account.id, delete_policy(), arguments=arguments, report_made=False)
    assert key.id in key_ids(account)


def test_a_key_was_seen_inactive_when_it_was_listed_not_when_all_were(sandbox, custodian, account):
    """Reactivated just after record listed it, deactivated an hour later: the reactivation has
    arrived, but `since` is the moment at which the last of all users had been read.
    """
    key = inactive_key(account)
    sandbox.faults.add(Fault("GetUser", nth=2, call=key.activate))
    custodian.run(account.id, listed(record_policy()), report_made=False)
    assert key.status == "Active"
    assert key.user.tags
    on = account.events[-1].id
    sandbox.age(timedelta(hours=1))
    sandbox.event_delay = lambda event: timedelta(hours=0 if event.id == on else 1)
    key.deactivate()
    sandbox.age(timedelta(minutes=30))
    outcome = custodian.run(account.id, REPORT, report_made=False)
    not_before, not_after, _ = interval(outcome)
    assert not_before <= key.deactivated <= not_after
