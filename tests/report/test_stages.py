# SPDX-License-Identifier: Apache-2.0
"""The stages of a key's life besides being inactive: unused, deactivated, taken back, woken."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
import yaml
from click.testing import CliRunner

from c7n_inactive_keys.cli import main
from c7n_inactive_keys.core.keys import AccessKey
from c7n_inactive_keys.core.plan import read_plan
from c7n_inactive_keys.core.times import parse_time
from tests.support.accounts import days_ago as before_now
from tests.support.accounts import inactive_key
from tests.support.paths import ROOT

from .output_tree import (
    DEACTIVATE,
    DELETE,
    DENIED,
    NOW,
    POLICIES,
    UNDO,
    WATCH,
    OutputTree,
    active_entry,
    entry,
    key,
    unused,
    user,
    woken,
)

A, B = "111111111111", "222222222222"
LATER = NOW + timedelta(seconds=5)
ID = "AKIA{:016d}".format


def groups(told):
    """What there is to do about each key, by its number."""
    rows = {item["access_key_id"]: item for item in told.document["active_keys"]}
    rows |= told.keys
    return {int(key_id[4:]): item["group"] for key_id, item in rows.items()}


def said(tree, *arguments):
    """The report as text."""
    return CliRunner().invoke(main, ["report", "-s", str(tree.root), *arguments]).stdout


# -- unused keys ----------------------------------------------------------------------------------


def test_a_dry_run_says_which_unused_keys_would_be_deactivated_and_which_not(tree, command):
    """By the policy's own rules, as they were found."""
    exempt = user(A, "kept", unused=(unused(3, 200),), tags={"Keep-Keys": "x"})
    found = [user(A, "ci", unused=(unused(1, 100), unused(2, 400, used=False))), exempt]
    tree.run(A, found, policy=DEACTIVATE, dryrun=True)
    told = command(tree)
    wanted = {1: "would be deactivated", 2: "would be deactivated", 3: "exempt"}
    assert (told.status, groups(told)) == (0, wanted)
    assert (told.totals["would_be_deactivated"], told.totals["exempt"]) == (2, 1)
    assert [item["next_run"] for item in told.document["active_keys"]] == [
        *("deactivated", "deactivated", "exempt")
    ]
    text = said(tree)
    assert "3 active keys are unused; a real run would deactivate 2; 1 is exempt." in text
    assert "No inactive" not in text


def test_more_unused_keys_than_max_keys_need_somebody(tree, command):
    """None would be deactivated."""
    found = [user(A, f"user-{n}", unused=(unused(n, 100),)) for n in range(6)]
    tree.run(A, found, policy=DEACTIVATE, dryrun=True)
    told = command(tree)
    assert set(groups(told).values()) == {"needs somebody"}
    assert "more keys qualify than max-keys allows in one run (6)" in said(tree)


def test_with_a_plan_the_unused_keys_go_that_it_lists(tree, command):
    """As the plan is not known to the report."""
    policy = POLICIES[DEACTIVATE]
    action = {**policy["actions"][0], "plan": {"url": "file://plan.csv", "format": "csv2dict"}}
    data = {**policy, "actions": [action]}
    tree.run(A, [user(A, "ci", unused=(unused(1, 100),))], policy=DEACTIVATE, data=data)
    (item,) = command(tree).document["active_keys"]
    assert (item["group"], item["next_run"]) == ("would be deactivated", "if-in-plan")


def test_keys_that_the_policys_own_access_key_filter_did_not_match_are_only_found(tree, command):
    """The action leaves them alone."""
    data = {**POLICIES[DEACTIVATE]}
    data["filters"] = [*data["filters"], {"type": "access-key", "key": "Status", "value": "x"}]
    tree.run(A, [user(A, "ci", unused=(unused(1, 100),))], policy=DEACTIVATE, data=data)
    assert groups(command(tree)) == {1: "only found"}


def test_unused_keys_that_no_policy_would_deactivate_are_only_found(tree, command):
    """As by a policy with the filter alone."""
    data = {**POLICIES[DEACTIVATE], "actions": []}
    tree.run(A, [user(A, "ci", unused=(unused(1, 100),))], policy=DEACTIVATE, data=data)
    assert groups(command(tree)) == {1: "only found"}
    assert "1 active key is unused." in said(tree)


OUTCOMES = {
    1: ("deactivated", None, "deactivated"),
    2: ("skipped", "used", "in use"),
    3: ("skipped", "reactivated", "in use"),
    4: ("skipped", "already-inactive", "gone"),
    5: ("skipped", "already-gone", "gone"),
    6: ("skipped", "user-gone", "gone"),
    7: ("skipped", "exempt", "exempt"),
    8: ("skipped", "not-in-plan", "not yet"),
    9: ("skipped", "not-matched", "only found"),
    10: ("skipped", "managed", "needs somebody"),
    11: ("skipped", "changed", "needs somebody"),
    12: ("skipped", "ambiguous", "needs somebody"),
    13: ("failed", None, "needs somebody"),
    14: ("deactivating", None, "needs somebody"),
}


@pytest.mark.parametrize(
    "number", OUTCOMES, ids=lambda number: "-".join(part for part in OUTCOMES[number][:2] if part)
)
def test_each_outcome_of_a_deactivation_says_what_there_is_to_do(tree, command, number):
    """A failure is told in the exit status, too."""
    outcome, reason, group = OUTCOMES[number]
    found, error = unused(number, 100), DENIED if outcome == "failed" else None
    line = active_entry(A, "ci", found, outcome, time=LATER, reason=reason, error=error)
    fails = outcome in ("failed", "deactivating")
    tree.run(A, [user(A, "ci", unused=(found,))], policy=DEACTIVATE, journal=[line], failed=fails)
    told = command(tree)
    assert (told.status, groups(told)) == (4 if fails else 0, {number: group})
    (item,) = told.document["active_keys"]
    if not fails:
        assert (item["outcome"], item["reason"]) == (outcome, reason)
    elif outcome == "failed":
        assert told.document["failures"][0]["reason"] == "AccessDenied: not authorized"
        assert told.totals["failed"] == 1
    else:
        assert (item["outcome"], item["reason"]) == ("failed", "interrupted")


def test_a_key_that_was_just_deactivated_and_found_inactive_is_one_row(tree, command):
    """Not one that waits for its proof, since somebody wants to know what this run did."""
    found = unused(1, 100)
    line = active_entry(A, "ci", found, "deactivated", time=LATER)
    tree.run(A, [user(A, "ci", unused=(found,))], policy=DEACTIVATE, journal=[line])
    after = NOW + timedelta(seconds=9)
    tree.run(A, [user(A, "ci", key(1, off=(0, 0), now=after))], started=after)
    told = command(tree)
    assert groups(told) == {1: "deactivated"}
    assert (told.totals["keys"], told.totals["deactivated"], told.totals["not_yet"]) == (1, 1, 0)
    assert said(tree).count(ID(1)) == 1
    assert "1 key was deactivated, since nobody used it." in said(tree)


def test_a_deactivation_of_an_earlier_run_is_past_when_the_key_is_found_inactive(tree, command):
    """A directory that is used again keeps its journal."""
    found = unused(1, 100)
    line = active_entry(A, "ci", found, "deactivated", time=NOW - timedelta(days=3))
    tree.run(A, [], policy=DEACTIVATE, journal=[line])
    tree.run(A, [user(A, "ci", key(1, off=(3, 3)))])
    told = command(tree)
    assert groups(told) == {1: "only found"}
    assert told.document["active_keys"] == []


def test_a_deactivation_is_past_when_the_key_is_found_active_again(tmp_path, command):
    """Somebody took it back."""
    trees = [OutputTree(tmp_path / name) for name in "ab"]
    found = unused(1, 100)
    line = active_entry(A, "ci", found, "deactivated", time=LATER)
    trees[0].run(A, [user(A, "ci", unused=(found,))], policy=DEACTIVATE, journal=[line])
    day = NOW + timedelta(days=1)
    trees[1].run(A, [user(A, "ci", active=(ID(1),))], policy=DEACTIVATE, started=day)
    assert groups(command(*trees)) == {}


def test_a_plan_of_a_policy_that_only_deactivates_lists_what_it_would_deactivate(tree, tmp_path):
    """Never together with what another one would delete."""
    found = user(A, "ci", unused=(unused(1, 100), unused(2, 400, used=False)))
    tree.run(A, [found], policy=DEACTIVATE, dryrun=True)
    tree.run(A, [user(A, "db", key(3))], policy=DELETE, dryrun=True)
    plan = tmp_path / "plan.csv"
    said(tree, "--plan", str(plan))
    assert [row["AccessKeyId"] for row in csv.DictReader(plan.open())] == [ID(3)]
    said(tree, "--plan", str(plan), "-p", DEACTIVATE)
    rows = list(csv.DictReader(plan.open()))
    assert [(row["AccessKeyId"], row["AtLeast"], row["Evidence"]) for row in rows] == [
        (ID(1), "", "unused 100 d"),
        (ID(2), "", "never used in 400 d"),
    ]
    created = parse_time(rows[0]["CreateDate"])
    assert read_plan(rows).approves(AccessKey(ID(1), "ci", "Active", created), A)


# -- taken back -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "reason", "group"),
    [
        ("reactivated", None, "reactivated"),
        ("skipped", "reactivated", "in use"),
        ("skipped", "changed", "needs somebody"),
        ("skipped", "already-gone", "gone"),
        ("failed", None, "needs somebody"),
    ],
)
def test_each_outcome_of_an_undo_says_what_there_is_to_do(tree, command, outcome, reason, group):
    """The journal alone tells of the keys; of its users the output tells all."""
    line = active_entry(
        A, "ci", unused(1, 100), outcome, policy=UNDO, days=None, time=LATER, reason=reason
    )
    tree.run(A, [user(A, "ci")], policy=UNDO, journal=[line], failed=outcome == "failed")
    told = command(tree)
    assert groups(told) == {1: group}
    assert told.status == (4 if outcome == "failed" else 0)
    assert told.statuses == {A: "read"}
    assert "no record" not in said(tree)


def test_an_undo_that_is_later_than_the_deactivation_counts(tmp_path, command):
    """Whatever the order of the trees."""
    trees = [OutputTree(tmp_path / name) for name in "ba"]
    found, day = unused(1, 100), NOW + timedelta(hours=1)
    undone = active_entry(A, "ci", found, "reactivated", policy=UNDO, days=None, time=day)
    trees[0].run(A, [user(A, "ci")], policy=UNDO, started=day, journal=[undone])
    line = active_entry(A, "ci", found, "deactivated", time=LATER)
    trees[1].run(A, [user(A, "ci", unused=(found,))], policy=DEACTIVATE, journal=[line])
    for order in (trees, trees[::-1]):
        told = command(*order)
        assert groups(told) == {1: "reactivated"}
        assert (told.totals["reactivated"], told.totals["deactivated"]) == (1, 0)


def test_an_undo_in_one_account_is_not_missed_in_the_others(tmp_path, command):
    """It takes back what was done there."""
    out, undone = OutputTree(tmp_path / "out"), OutputTree(tmp_path / "undo")
    for account, name in ((A, "one"), (B, "two")):
        out.run(account, [], name=name, policy=DEACTIVATE)
    undone.run(A, [], name="one", policy=UNDO, started=LATER)
    assert command(out, undone).statuses == {"one": "read", "two": "read"}
    undone.run(A, None, name="one", policy=UNDO, started=LATER)
    assert command(out, undone).statuses == {"one": "failed", "two": "read"}


# -- woken keys -----------------------------------------------------------------------------------


def test_a_dormant_key_that_woke_comes_first_with_who_woke_it_and_after_how_long(tree, command):
    """It is the risk that inactive keys stand for."""
    found = [
        user(A, "ci", woken=(woken(1, 77.9),)),
        user(A, "db", woken=(woken(2, 400, ago=None),)),
    ]
    tree.run(A, found, policy=WATCH)
    told = command(tree)
    assert groups(told) == {1: "needs somebody", 2: "needs somebody"}
    assert told.totals["woken"] == 2
    first, _ = told.document["active_keys"]
    assert [first[name] for name in ("stage", "dormant_at_least_days", "reactivated_by")] == [
        *("woken", 77.9, "arn:aws:iam::111111111111:user/mallory")
    ]
    lines = said(tree).splitlines()
    rows = [line for line in lines if line.startswith("needs somebody")]
    assert [ID(2) in rows[0], "off 400 d, woken" in rows[0]] == [True, True]
    assert "off 77 d, woken 18 Nov by mallory" in rows[1]
    assert (
        f"2 dormant keys were reactivated: {ID(2)} of db in {A} after 400 days; {ID(1)} of ci in "
        f"{A} after 77 days by mallory."
    ) in lines
    assert lines[lines.index("Next") + 1].startswith("1. Ask who needs the dormant key")


def test_a_woken_key_that_nobody_uses_is_one_row(tree, command):
    """It needs somebody; a deactivation leaves it alone for a while."""
    tree.run(A, [user(A, "ci", woken=(woken(1, 77),))], policy=WATCH)
    found = unused(1, 100)
    line = active_entry(A, "ci", found, "skipped", time=LATER, reason="reactivated")
    tree.run(A, [user(A, "ci", unused=(found,))], policy=DEACTIVATE, journal=[line])
    told = command(tree)
    assert groups(told) == {1: "needs somebody"}
    (item,) = told.document["active_keys"]
    assert (item["unused_days"], item["dormant_at_least_days"]) == (100.0, 77.0)
    assert item["policies"] == [DEACTIVATE, WATCH]


def test_a_key_that_woke_is_no_inactive_key(tree, command):
    """Whose deletion found it active; a key that is inactive again is told as that."""
    tree.run(
        A,
        [user(A, "ci", key(1))],
        policy=DELETE,
        started=NOW - timedelta(minutes=5),
        journal=[entry(A, "ci", key(1), "skipped", reason="reactivated")],
    )
    tree.run(A, [user(A, "ci", woken=(woken(1, 77),))], policy=WATCH)
    told = command(tree)
    assert groups(told) == {1: "needs somebody"}
    assert told.document["keys"] == []
    tree.run(A, [user(A, "ci", key(1, off=(0, 0)))], started=NOW + timedelta(hours=1))
    told = command(tree)
    assert groups(told) == {1: "not yet"}
    assert told.totals["woken"] == 0


def test_a_woken_key_is_a_finding_of_high_severity(tree):
    """With an id of its own, beside that of the inactive key."""
    tree.run(A, [user(A, "ci", key(2), woken=(woken(1, 77),))], policy=WATCH)
    findings = json.loads(said(tree, "--format", "asff"))
    assert [(item["Id"], item["Severity"]["Label"]) for item in findings] == [
        (f"c7n-inactive-keys/inactive-access-key/{A}/{ID(2)}", "MEDIUM"),
        (f"c7n-inactive-keys/reactivated-access-key/{A}/{ID(1)}", "HIGH"),
    ]
    details = findings[1]["Resources"][0]["Details"]["AwsIamAccessKey"]
    assert (details["Status"], details["PrincipalName"]) == ("Active", "ci")
    assert findings[1]["ProductFields"]["c7n-inactive-keys/DormantAtLeastDays"] == "77.0"


# -- all of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [DEACTIVATE, WATCH, UNDO])
def test_an_account_that_such_a_policy_could_not_read_is_not_covered(tree, command, policy):
    """As with any other of ours."""
    tree.run(A, [], name="one", policy=policy)
    tree.run(B, None, name="two", policy=policy)
    told = command(tree)
    assert told.status == 3
    assert told.statuses == {"one": "read", "two": "failed"}
    assert "no inactive" not in said(tree).lower()


def test_what_no_policy_looked_for_is_not_called_clean(tree):
    """A policy that leaves some out says so, too."""
    tree.run(A, [], policy=DELETE)
    assert "No inactive access key matched. There may be others: no policy here lists" in said(tree)
    tree.run(A, [])
    assert "No inactive access key was found." in said(tree)


def test_the_tables_hold_the_keys_of_all_stages(tree):
    """With a column that tells which; what does not apply is empty."""
    tree.run(A, [user(A, "ci", key(2))])
    found = [user(A, "db", unused=(unused(1, 100),)), user(A, "web", woken=(woken(3, 77),))]
    tree.run(A, found[:1], policy=DEACTIVATE)
    tree.run(A, found[1:], policy=WATCH)
    rows = list(csv.DictReader(io.StringIO(said(tree, "--format", "csv"), newline="")))
    assert [(row["access_key_id"], row["stage"]) for row in rows] == [
        *((ID(2), "inactive"), (ID(1), "unused"), (ID(3), "woken"))
    ]
    assert [row["at_least_days"] for row in rows] == ["100.0", "", ""]
    lines = map(json.loads, said(tree, "--format", "jsonl").splitlines())
    assert [line["unused_days"] for line in lines] == [None, 100.0, None]


def test_a_json_report_carries_the_stages_to_another(tree, command, tmp_path):
    """So that parts add up."""
    found = [unused(number, 100 + number) for number in range(3)]
    line = active_entry(A, "ci", found[1], "deactivated", time=LATER)
    tree.run(A, [user(A, "ci", unused=tuple(found))], policy=DEACTIVATE, journal=[line])
    tree.run(A, [user(A, "web", woken=(woken(3, 77),))], policy=WATCH)
    part = tmp_path / "part.json"
    CliRunner().invoke(main, ["report", "-s", str(tree.root), "-o", str(part)])
    again = json.loads(
        CliRunner().invoke(main, ["report", "-s", str(part), "--format", "json"]).stdout
    )
    whole = command(tree).document
    for name in ("totals", "active_keys", "outcomes"):
        assert again[name] == whole[name], name


@pytest.mark.e2e
def test_the_shipped_policies_of_the_whole_life_are_reported(custodian, aws):
    """A dry run of key-lifecycle.yml, a real one, and undo-deactivation.yml."""
    life, undo = (
        yaml.safe_load((ROOT / "policies" / name).read_text())["policies"]
        for name in ("key-lifecycle.yml", "undo-deactivation.yml")
    )
    account = aws.account(A)
    aws.client("sqs", A).create_queue(QueueName="c7n-mailer")
    idle = [account.user(f"idle-{n}").key(created=before_now(400 + n)) for n in range(3)]
    account.user("kept", tags={"keep-keys": "x"}).key(created=before_now(500))
    account.user("busy").key(created=before_now(500)).use(before_now(1))
    sleeper = account.user("sleeper").key(
        created=before_now(900), toggles=[before_now(80), before_now(3)]
    )
    old = inactive_key(account, off=20)
    dry = custodian.run(account.id, *life, arguments=("--dryrun",))
    assert _told(dry) == {
        **{key.id: "would be deactivated" for key in idle},
        sleeper.id: "needs somebody",
        old.id: "not yet",
    }
    real = custodian.run(account.id, *life)
    wanted = {key.id: "deactivated" for key in idle}
    assert _told(real) == {**wanted, sleeper.id: "needs somebody", old.id: "not yet"}
    journal = real.out / "key-lifecycle-deactivate" / "inactive-keys.jsonl"
    undo[0]["actions"][0]["journal"]["url"] = f"file://{journal}"
    assert _told(custodian.run(account.id, *undo)) == {key.id: "reactivated" for key in idle}
    assert [key.status for key in idle] == ["Active"] * 3


def _told(outcome):
    """What the report over a run says there is to do about each key."""
    assert outcome.status == 0, outcome.log
    done = CliRunner().invoke(main, ["report", "-s", str(outcome.out), "--format", "jsonl"])
    assert done.exit_code == 0, done.stderr
    return {
        item["access_key_id"]: item["group"] for item in map(json.loads, done.stdout.splitlines())
    }
