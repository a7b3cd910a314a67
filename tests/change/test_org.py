# SPDX-License-Identifier: Apache-2.0
"""Runs over an organisation, twice at once, and where something is denied."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import Counter

import pytest
import yaml

from c7n_inactive_keys.core.journal import DELETING, FILE_NAME, read_lines
from c7n_inactive_keys_sandbox import Fault
from tests.support.accounts import administrator, days_ago, recorded, report_of_today
from tests.support.commands import start
from tests.support.policies import DELETE, delete_policy, write_policies

pytest.importorskip("c7n_org", reason="extra org is not installed")
pytestmark = pytest.mark.e2e

ROLE = "Custodian"
# A second policy in the same run, to see whether it still has its turn.
AFTER = {"name": "after", "resource": "aws.iam-user", "filters": [{"UserName": "bob"}]}


class Org:
    """Stock c7n-org over accounts of the sandbox."""

    def __init__(self, sandbox, directory):
        self.sandbox = sandbox
        self.directory = directory
        self.accounts = []

    def account(self, number, name, users=2):
        """An account with so many users who have an inactive key, and bob."""
        account = self.sandbox.account(f"{number:012d}", name)
        account.user("bob").key(created=days_ago(300))
        for user in range(users):
            account.user(f"user-{user}").key(created=days_ago(500), toggles=[days_ago(200)])
        recorded(account)
        self.accounts.append(account)
        return account

    def run(self, *policies, **options):
        """Run these policies in all accounts, to the end."""
        return self.start(*policies, **options).end()

    def start(self, *policies, regions=("us-east-1",), out=None, accounts=None):
        """Start the run."""
        return start(
            "c7n-org", "run", "-c", accounts or self.write_accounts(regions),
            "-s", out or self.directory / "out", "--cache-period", "0",
            "-u", write_policies(self.directory / "policies.yml", *policies),
            cwd=self.directory,
            **administrator(self.sandbox, self.accounts[0].id, HOME=str(self.directory)),
        )  # fmt: skip

    def write_accounts(self, regions=("us-east-1",)):
        """The accounts file."""
        entries = [
            {
                "account_id": account.id,
                "name": account.name,
                "role": f"arn:aws:iam::{account.id}:role/{ROLE}",
            }
            | ({"regions": list(regions)} if regions else {})
            for account in self.accounts
        ]
        path = self.directory / "accounts.yml"
        path.write_text(yaml.safe_dump({"accounts": entries}))
        return path

    def out(self, account, region="us-east-1", policy=DELETE):
        """A policy's output directory."""
        return self.directory / "out" / account.name / region / policy

    def journal(self, account, region="us-east-1"):
        """The last word on each key."""
        path = self.out(account, region) / FILE_NAME
        entries, problems = read_lines(path.read_text() if path.exists() else "")
        assert problems == []
        return {
            entry.access_key_id: " ".join(filter(None, (entry.outcome, entry.reason)))
            for entry in entries
        }


@pytest.fixture(name="org")
def _org(sandbox, tmp_path):
    """An organisation without accounts yet."""
    return Org(sandbox, tmp_path)


def _deletions(sandbox, account):
    """How often each key's deletion succeeded and failed."""
    calls = sandbox.calls.select("DeleteAccessKey", account=account.id)
    return Counter((call.key_id, call.error) for call in calls)


def test_two_regions_at_once_are_harmless(sandbox, org):
    """Scenario 23: without `regions` c7n-org runs it twice, in parallel, on the same users."""
    account = org.account(1, "one", users=15)
    ids = {key.id for key in account.inactive_keys}
    done = org.run(delete_policy(), regions=None)
    assert done.returncode == 0, done.stderr
    assert account.inactive_keys == []
    assert len(account.keys) == 1
    words = [org.journal(account, region) for region in ("us-east-1", "us-west-2")]
    for key_id in ids:
        told = [word[key_id] for word in words if key_id in word]
        assert told.count("deleted") == 1, told
        assert set(told) <= {"deleted", "skipped already-gone"}
    assert {error for _, error in _deletions(sandbox, account)} <= {None, "NoSuchEntity"}


def test_two_runs_at_the_same_time_delete_each_key_once(sandbox, custodian):
    """Whichever comes second finds the key gone, and says so; both records are complete."""
    account = sandbox.account("111111111111")
    for number in range(15):
        account.user(f"user-{number}").key(created=days_ago(500), toggles=[days_ago(200)])
    recorded(account)
    ids = {key.id for key in account.keys}
    runs = [custodian.start(account.id, delete_policy()) for _ in range(2)]
    outcomes = [run.outcome() for run in runs]
    assert [outcome.status for outcome in outcomes] == [0, 0]
    assert account.keys == []
    for key_id in ids:
        told = [words[key_id] for words in (o.by_key() for o in outcomes) if key_id in words]
        assert told.count("deleted") == 1, told
        assert set(told) <= {"deleted", "skipped already-gone"}
    for outcome in outcomes:
        assert outcome.unfinished() == set()
        assert outcome.matched() <= set(outcome.by_key())


def test_a_killed_run_whose_output_goes_to_s3_leaves_its_journal_in_the_log(sandbox, org):
    """Nothing was uploaded yet and a container takes its disk with it: the log is what stays."""
    account = org.account(1, "one", users=6)
    ids = {key.id for key in account.inactive_keys}
    sandbox.client("s3", account.id).create_bucket(Bucket="killed")
    started = []
    known = threading.Event()

    def kill():
        known.wait(60)
        os.killpg(started[0].pid, signal.SIGKILL)  # with its workers

    sandbox.faults.add(Fault(action="DeleteAccessKey", nth=3, effect="after", call=kill))
    started.append(org.start(delete_policy(), out="s3://killed/{account_id}?region=us-east-1"))
    known.set()
    done = started[0].end()
    assert done.returncode == -signal.SIGKILL
    log = done.stderr.splitlines()
    lines = [line[line.index("{") :] for line in log if '"format_version"' in line]
    entries, problems = read_lines("\n".join(lines))
    assert problems == []
    gone = ids - {key.id for key in account.keys}
    assert gone
    assert gone <= {entry.access_key_id for entry in entries if entry.outcome == DELETING}
    assert "Contents" not in sandbox.client("s3", account.id).list_objects_v2(Bucket="killed")


def test_one_accounts_trouble_stays_its_own_and_shows_in_the_exit_status(sandbox, org):
    """Scenario 28: denied here, no role there; all others are done, later policies run."""
    good = org.account(1, "good")
    unread = org.account(2, "unread")
    kept = org.account(3, "kept")
    no_role = org.account(4, "no-role")
    no_report = org.account(5, "no-report")
    last = org.account(6, "last")
    for account, action in (
        (unread, "ListAccessKeys"), (kept, "DeleteAccessKey"), (no_role, "AssumeRole"),
        (no_report, "GenerateCredentialReport"),
    ):  # fmt: skip
        sandbox.faults.add(
            Fault(action=action, account=account.id, times=None, error="AccessDenied")
        )
    done = org.run(delete_policy(), AFTER)
    assert done.returncode != 0
    assert good.inactive_keys == last.inactive_keys == []
    for account in (unread, kept, no_role, no_report):
        assert len(account.inactive_keys) == 2
    for account in (good, unread, kept, no_report, last):
        users = json.loads((org.out(account, policy="after") / "resources.json").read_text())
        assert [user["UserName"] for user in users] == ["bob"], account.name
    assert set(org.journal(kept).values()) == {"failed"}
    assert org.journal(unread) == {None: "failed unreadable"}
    assert set(org.journal(good).values()) == {"deleted"}
    assert "no-role" in done.stderr
    assert "iam:GenerateCredentialReport is denied" in done.stderr


@pytest.mark.parametrize("source", ["credential-report", None])
def test_users_of_another_account_than_the_accounts_file_says_are_refused(sandbox, org, source):
    """A wrong account id beside a role: nobody knows what the run would be about."""
    account = org.account(1, "one")
    path = org.write_accounts()
    path.write_text(
        path.read_text().replace("account_id: '000000000001'", "account_id: '000000000002'")
    )
    done = org.run({**delete_policy(), "source": source or "describe"}, accounts=path)
    assert done.returncode != 0
    assert "000000000002" in done.stderr
    assert len(account.inactive_keys) == 2


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (
            {"filters": [{"type": "inactive-access-key", "day": 300}]},
            "unknown option 'day' (did you mean 'days'?)",
        ),
        ({"filters": ["inactive-access-key"], "days": 300}, "the unknown key 'days'"),
        ({"filters": ["inactive-access-key"]}, "state days there"),
        ({"exempt-tag": "{keep_tag}"}, "a variable that was not expanded"),
        ({"max-key": 1}, "unknown option 'max-key'"),
        ({"max-keys": "1"}, "max-keys must be a whole number, 1 or more, not '1'"),
        ({"exempt-tags": "keep-keys"}, "unknown option 'exempt-tags'"),
    ],
)
def test_a_misspelt_option_deletes_nothing(sandbox, org, mistake, sentence):
    """c7n-org checks no schema, so the plugin itself must refuse what it does not know."""
    account = org.account(1, "one")
    options = {name: value for name, value in mistake.items() if name != "days"}
    beside = {"days": mistake["days"]} if "days" in mistake else {}
    done = org.run({**delete_policy(**options), **beside})
    assert len(account.inactive_keys) == 2
    assert sentence in done.stderr


def test_a_session_that_expires_in_mid_run_loses_no_record(sandbox, org):
    """The rest fails and is on record; the next run, with a new session, completes the work."""
    account = org.account(1, "one", users=12)
    ids = {key.id for key in account.inactive_keys}
    sandbox.faults.add(Fault(action="DeleteAccessKey", nth=5, call="expire-sessions"))
    done = org.run(delete_policy())
    assert done.returncode != 0
    words = org.journal(account)
    assert words.keys() - {None} == ids  # and lines of users whose ledger tags stayed
    there = {key.id for key in account.inactive_keys}
    assert there != set()
    for key_id in ids:
        word = words[key_id]
        assert (word == "deleted") == (key_id not in there)
    assert "ExpiredToken" in done.stderr
    assert org.run(delete_policy()).returncode == 0
    assert account.inactive_keys == []


def test_a_report_that_is_not_ready_is_polled_for(sandbox, custodian):
    """Scenario 22: not present, then in progress, and the run goes on when it is there."""
    sandbox.report_polls = 2
    account = sandbox.account("111111111111")
    account.user("eve").key(created=days_ago(500), toggles=[days_ago(200)])
    recorded(account)
    outcome = custodian.run(account.id, delete_policy(), report_made=False)
    assert outcome.status == 0
    assert account.keys == []
    assert sandbox.calls.count("GetCredentialReport") > 1


def test_a_report_that_begins_with_a_byte_order_mark_is_read(sandbox, custodian):
    """The mark is no part of the first column's name."""
    account = sandbox.account("111111111111")
    account.user("eve").key(created=days_ago(500), toggles=[days_ago(200)])
    report_of_today(sandbox, account.id)
    account.report.content = "\ufeff" + account.report.content
    outcome = custodian.run(account.id, delete_policy())
    assert outcome.status == 0, outcome.log
    assert account.keys == []


def test_a_user_on_the_second_page_of_the_listing_is_found(sandbox, custodian):
    """Scenario 20: 150 users are two pages, and the key belongs to number 130."""
    account = sandbox.account("111111111111")
    for number in range(150):
        account.user(f"user-{number:03d}")
    account.users["user-130"].key(created=days_ago(500), toggles=[days_ago(200)])
    recorded(account)
    policy = delete_policy()
    del policy["source"]
    outcome = custodian.run(account.id, policy)
    assert outcome.status == 0
    assert account.keys == []


def test_two_policies_that_find_the_same_keys_delete_them_once(sandbox, custodian):
    """The second policy of the run reads the keys anew and matches nothing."""
    account = sandbox.account("111111111111")
    account.user("eve").key(created=days_ago(500), toggles=[days_ago(200)])
    again = delete_policy() | {"name": "again"}
    outcome = custodian.run(account.id, delete_policy(), again)
    assert outcome.status == 0
    assert account.keys == []
    assert sandbox.calls.count("DeleteAccessKey") == 1
    assert outcome.journal("again") == []
