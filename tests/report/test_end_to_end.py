# SPDX-License-Identifier: Apache-2.0
"""The real commands on the sandbox's organisation: report, plan, deletion, report again."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timezone

import pytest
import yaml

from c7n_inactive_keys_sandbox import Fault
from c7n_inactive_keys_sandbox.organisation import seed_organisation

from .office import POLICIES, Office

pytest.importorskip("c7n_org", reason="extra org is not installed")
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("report-e2e")]


@pytest.fixture
def office(sandbox, tmp_path):
    """The organisation, and a directory to work in."""
    return Office(sandbox, seed_organisation(sandbox, datetime.now(timezone.utc)), tmp_path)


def found(document):
    return {(item["account_id"], item["access_key_id"]) for item in document["keys"]}


def test_every_format_equals_the_truth_and_the_others(office):
    assert office.org("out", "--dryrun").returncode == 0
    truth = office.inactive()
    document = office.json("out")
    assert found(document) == truth.keys()
    totals = document["totals"]
    assert totals["keys"] == totals["remaining"] == len(truth)
    assert totals["users"] == len({(a, item["user_name"]) for (a, _), item in truth.items()})
    assert totals["accounts"] == len({account for account, _ in truth})
    assert totals["never_used"] == sum(item["last_used"] is None for item in truth.values())
    assert document["coverage"] == {
        "read": len(office.organisation.accounts),
        "failed": 0,
        "missing": 0,
    }
    for item in document["keys"]:
        deactivated = truth[item["account_id"], item["access_key_id"]]["deactivated"]
        if not isinstance(deactivated, str):
            deactivated = deactivated.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert item["not_before"] <= deactivated <= item["not_after"]
    ids = sorted(key_id for _, key_id in truth)
    rows = csv.DictReader(office.report("out", "--format", "csv").stdout.splitlines())
    assert sorted(row["access_key_id"] for row in rows) == ids
    findings = json.loads(office.report("out", "--format", "asff").stdout)
    assert (
        sorted(f["Resources"][0]["Details"]["AwsIamAccessKey"]["AccessKeyId"] for f in findings)
        == ids
    )
    plain = office.report("out").stdout
    assert f"{len(ids)} inactive access keys of {totals['users']} users in 12 of 14" in plain
    assert all(key_id in plain for key_id in ids)
    page = office.report("out", "--format", "html").stdout
    assert all(page.count(f'"{key_id}"') == 1 for key_id in ids)


def test_users_with_a_blocked_second_slot_are_those_of_the_truth(office):
    office.org("out", "--dryrun")
    held: dict[tuple, list[str]] = {}
    for item in office.sandbox.truth():
        held.setdefault((item["account_id"], item["user_name"]), []).append(item["status"])
    blocked = [
        user
        for user, statuses in held.items()
        if len(statuses) > 1 and "Inactive" in statuses and user[1] != "<root_account>"
    ]
    assert office.json("out")["totals"]["slot_blocked"] == len(blocked)


def test_gaps_are_named_nothing_is_counted_twice_and_the_status_is_3(office):
    """A role that cannot be assumed, a denied call, an account left out, one in two regions."""
    named = {account.name: account.id for account in office.organisation.accounts}
    config = yaml.safe_load(office.accounts.read_text())
    for account in config["accounts"]:
        if account["name"] == "payments":
            account["regions"] = ["us-east-1", "eu-west-1"]
    run_config = office.directory / "run.yml"
    run_config.write_text(yaml.safe_dump(config))
    for action, name in (("AssumeRole", "web-shop"), ("ListAccessKeys", "data-platform")):
        office.sandbox.faults.add(
            Fault(action=action, account=named[name], times=None, error="AccessDenied")
        )
    office.org("out", "--dryrun", "--not-accounts", "legacy", accounts=run_config)
    document = office.json("out", "--log", "out.log", status=3)
    unread = {a["name"]: a for a in document["accounts"] if a["status"] != "read"}
    assert {name: a["status"] for name, a in unread.items()} == {
        "web-shop": "failed",
        "data-platform": "failed",
        "legacy": "missing",
    }
    assert "AssumeRole" in unread["web-shop"]["reason"]
    assert "analyst-130" in unread["data-platform"]["reason"]
    assert "AccessDenied" in unread["data-platform"]["reason"]
    read = {
        key for key in office.inactive() if key[0] not in {a["account_id"] for a in unread.values()}
    }
    assert found(document) == read
    assert len(document["keys"]) == len(read)
    done = office.report("out", "-c", office.accounts)
    assert done.returncode == 3
    assert done.stderr.startswith("3 accounts of 14 are not covered: ")
    for name in unread:
        assert name in done.stdout
        assert name in office.report("out", "-c", office.accounts, "--format", "html").stdout


def with_plan(office, plan):
    """The shipped policies, whose deletion obeys a plan."""
    content = yaml.safe_load(POLICIES.read_text())
    for policy in content["policies"]:
        for action in policy.get("actions", ()):
            if isinstance(action, dict) and action["type"] == "delete-inactive-keys":
                action["plan"] = {"url": f"file://{plan}", "format": "csv2dict"}
    office.policies.write_text(yaml.safe_dump(content))


def test_an_edited_plan_is_what_is_deleted_and_what_is_reported(office):
    office.record()
    before = office.inactive()
    office.org("dry", "--dryrun")
    plan = office.directory / "plan.csv"
    office.json("dry", "--plan", plan)
    header, *lines = list(csv.reader(plan.open()))
    assert header[:5] == ["AccountId", "UserName", "AccessKeyId", "CreateDate", "AtLeast"]
    assert all(float(line[4]) >= 90 for line in lines)
    assert not [line for line in lines if line[1] == "break-glass"]
    struck, approved = lines[0], lines[1:]
    with plan.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *approved])
    with_plan(office, plan)
    assert office.org("real").returncode == 0
    gone = before.keys() - office.inactive().keys()
    assert gone == {(line[0], line[2]) for line in approved}
    document = office.json("real")
    outcome = {
        (i["account_id"], i["access_key_id"]): (i["outcome"], i["reason"]) for i in document["keys"]
    }
    assert {key for key, value in outcome.items() if value == ("deleted", None)} == gone
    assert outcome[struck[0], struck[2]] == ("skipped", "not-in-plan")
    assert document["totals"]["deleted"] == len(approved)
    assert document["totals"]["skipped"] == 1
    assert document["totals"]["remaining"] == len(office.inactive())


def test_the_trend_over_a_dry_run_a_real_run_and_the_run_after_it(office):
    office.sandbox.report_snapshots = False  # else the credential report is up to 4 hours behind
    office.org("1", "--dryrun")
    office.org("2")
    deleted = office.json("2")["totals"]["deleted"]
    assert deleted
    # The owner of a key that was left alone switches it on again; a colleague switches one off.
    identity = office.organisation.account("identity")
    again = next(key for key in identity.inactive_keys if key.user.name == "toggled")
    again.activate()
    office.organisation.account("development").keys[0].deactivate()
    office.org("3", "--dryrun")
    document = office.json("1", "-s", "2", "-s", "3")
    last = document["trend"][-1]
    assert len(document["trend"]) == 3
    assert [point["deleted"] for point in document["trend"]] == [0, deleted, 0]
    assert (last["new"], last["gone"] + last["reactivated"]) == (1, 1)
    assert document["totals"]["remaining"] == len(office.inactive())
    assert document["totals"]["deleted"] == deleted


def test_a_plan_of_an_older_state_deletes_nothing_that_has_changed(office):
    """Reactivated, deleted by its owner, or another account's: a plan is no order to delete."""
    office.record()
    office.org("dry", "--dryrun")
    plan = office.directory / "plan.csv"
    office.json("dry", "--plan", plan)
    header, *lines = list(csv.reader(plan.open()))
    by_id = {key.id: key for account in office.organisation.accounts for key in account.keys}
    reactivated, vanished, moved = (by_id[line[2]] for line in lines[:3])
    reactivated.activate()
    vanished.delete()
    lines[2][0] = "999999999999"
    with plan.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *lines[:3]])
    with_plan(office, plan)
    kept = {(i["account_id"], i["access_key_id"]) for i in office.sandbox.truth()}
    assert office.org("real").returncode == 0
    assert {(i["account_id"], i["access_key_id"]) for i in office.sandbox.truth()} == kept
    assert moved.status == "Inactive"
    assert office.json("real")["totals"]["deleted"] == 0
