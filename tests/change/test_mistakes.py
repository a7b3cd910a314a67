# SPDX-License-Identifier: Apache-2.0
"""Mistakes in policies, plans, exports and accounts that would have deleted a wrong key."""

from __future__ import annotations

import gzip
import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys_sandbox import Fault
from tests.support.accounts import days_ago, inactive_key, key_ids, recorded, report_of_today
from tests.support.policies import INACTIVE_90, delete_policy

pytestmark = pytest.mark.e2e

HEADER = "AccessKeyId,Time,Status,Actor\n"


# -- what a policy must say ------------------------------------------------------------------------

REFUSED = [
    pytest.param(
        {"exempt-tag": "{keep_tag}"}, "holds a variable that was not expanded", id="a variable"
    ),
    pytest.param({"exempt-tag": "tag:keep-keys"}, "leave out 'tag:'", id="as filters spell it"),
    pytest.param({"exempt-tag": "keep-keys "}, "can be the key of no tag", id="a space behind"),
    pytest.param(
        {"filters": ["inactive-access-key"]}, "state days there (0 asks for no", id="no days"
    ),
    pytest.param(
        {"filters": [{"or": [INACTIVE_90, {"type": "inactive-access-key"}]}]},
        "state days there",
        id="no days in one branch",
    ),
    pytest.param(
        {"filters": [{**INACTIVE_90, "certainty": "possible"}]},
        "add a plan of approved keys",
        id="possible, and nobody approved",
    ),
    pytest.param(
        {"filters": [{"or": [INACTIVE_90, {**INACTIVE_90, "certainty": "possible"}]}]},
        "add a plan of approved keys",
        id="possible in one branch",
    ),
]
ALLOWED = [
    pytest.param({"filters": [{**INACTIVE_90, "days": 0}]}, id="0 days"),
    pytest.param(
        {"filters": [{"and": [INACTIVE_90, {"type": "inactive-access-key", "days": 10}]}]},
        id="days twice",
    ),
    pytest.param(
        {"filters": [INACTIVE_90, {**INACTIVE_90, "days": 200, "certainty": "possible"}]},
        id="possible, and proven for fewer days",
    ),
    pytest.param({"filters": [INACTIVE_90, {"not": [{"tag:x": "present"}]}]}, id="beside a not"),
]


@pytest.mark.parametrize(("mistake", "sentence"), REFUSED)
def test_a_policy_that_does_not_say_what_may_go_deletes_nothing(
    sandbox, custodian, account, mistake, sentence
):
    """One sentence instead of a run; nothing was asked of AWS but who is calling."""
    key = inactive_key(account, created=900, off=400)
    recorded(account)
    sandbox.calls.clear()
    outcome = custodian.run(account.id, delete_policy(**mistake), report_made=False)
    assert outcome.status != 0
    assert sentence in outcome.log
    assert set(sandbox.calls.by_action()) <= {"GetCallerIdentity"}
    assert key_ids(account) == {key.id}


@pytest.mark.parametrize("options", ALLOWED)
def test_a_policy_that_says_it_goes_on(custodian, account, options):
    """What is demanded is no more than what is needed."""
    inactive_key(account, created=900, off=400)
    recorded(account)
    outcome = custodian.run(account.id, delete_policy(**options))
    assert outcome.status == 0, outcome.log
    assert key_ids(account) == set()


def test_a_repeated_key_of_the_policy_file_is_refused(sandbox, custodian, account, tmp_path):
    """YAML takes the second `filters:` and forgets the first, which spared somebody."""
    key = inactive_key(account)
    recorded(account)
    path = tmp_path / "twice.yml"
    path.write_text(
        "policies:\n"
        "  - name: twice\n"
        "    resource: aws.iam-user\n"
        "    filters:\n"
        "      - 'tag:keep': absent\n"
        "    filters:\n"
        "      - {type: inactive-access-key, days: 90}\n"
        "    actions:\n"
        "      - delete-inactive-keys\n"
    )
    outcome = custodian.run(account.id, delete_policy(), arguments=(str(path),))
    assert outcome.status != 0
    assert "has the key 'filters' twice in one mapping, the second time in line 6" in outcome.log
    assert key.id in key_ids(account) or outcome.by_key() == {key.id: "deleted"}


@pytest.mark.parametrize(
    ("options", "warning"),
    [
        ({"evidence": []}, "No key matches, ever: without cloudtrail in evidence"),
        ({"evidence": ["ledger"]}, "No key matches, ever: without cloudtrail in evidence"),
        ({"evidence": ["cloudtrail"], "days": 365}, "event history reaches back 90 days"),
    ],
)
def test_evidence_that_can_never_suffice_is_warned_of(custodian, account, options, warning):
    """The run goes on, and finds nothing."""
    inactive_key(account)
    policy = delete_policy(filters=[{**INACTIVE_90, **options}])
    outcome = custodian.run(account.id, policy)
    assert (outcome.status, outcome.resources()) == (0, [])
    (said,) = [line for line in outcome.log.splitlines() if "evidence-too-short" in line]
    assert warning in said


def test_a_plan_with_a_column_that_is_not_understood_is_refused(custodian, account, tmp_path):
    """`Approved: no` would have been passed over."""
    key = inactive_key(account)
    plan = tmp_path / "plan.csv"
    plan.write_text(f"AccessKeyId,Approved\n{key.id},no\n")
    policy = delete_policy(plan={"url": f"file://{plan}", "format": "csv2dict"})
    outcome = custodian.run(account.id, policy)
    assert outcome.status == 2
    assert "unknown column Approved" in outcome.log
    assert key_ids(account) == {key.id}


# -- exports ---------------------------------------------------------------------------------------


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a line for each on standard error."""

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture(name="served")
def _served(tmp_path):
    """The url of a directory, over HTTP."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(name="silent")
def _silent(account):
    """A key of which event history and ledger say that it has long been inactive."""
    key = account.user("bob").key(created=days_ago(2500), toggles=[days_ago(400)], trace=False)
    recorded(account)
    return key


def exported(url: str, **more) -> dict:
    """A deletion that believes an export."""
    export = {"url": url, "format": "csv2dict", "covers-since": "2021-01-01", **more}
    return delete_policy(filters=[{**INACTIVE_90, "days": 365, "events-from": export}])


@pytest.mark.parametrize("place", ["file", "http", "s3"])
@pytest.mark.parametrize("name", ["export.csv.gz", "export.csv"], ids=["named", "not named gz"])
def test_all_members_of_a_gzip_file_are_read(
    sandbox, custodian, account, silent, tmp_path, served, place, name
):
    """`cat a.gz b.gz`: the second member says that the key was active thirty days ago."""
    moments = [(30, "Active"), (20, "Inactive")]
    rows = "".join(
        f"{silent.id},{format_time(days_ago(days))},{status},jo\n" for days, status in moments
    )
    body = gzip.compress(HEADER.encode()) + gzip.compress(rows.encode())
    (tmp_path / name).write_bytes(body)
    url = {"file": f"file://{tmp_path}/{name}", "http": f"{served}/{name}"}.get(place)
    if url is None:
        s3 = sandbox.client("s3", account.id)
        s3.create_bucket(Bucket="exports")
        s3.put_object(Bucket="exports", Key=name, Body=body)
        url = f"s3://exports/{name}"
    outcome = custodian.run(account.id, exported(url))
    assert (outcome.status, outcome.resources()) == (0, []), outcome.log
    assert key_ids(account) == {silent.id}


@pytest.mark.parametrize("damage", ["cut", "trailing bytes"])
def test_a_gzip_file_that_is_not_whole_fails_the_policy(
    custodian, account, silent, tmp_path, damage
):
    body = gzip.compress(HEADER.encode()) + gzip.compress(b"x" * 100)
    body = body[:-9] if damage == "cut" else body + b"more"
    (tmp_path / "export.gz").write_bytes(body)
    outcome = custodian.run(account.id, exported(f"file://{tmp_path}/export.gz"))
    assert outcome.status == 2
    assert "events-from: file://" in outcome.log
    assert "cannot be read" in outcome.log
    assert key_ids(account) == {silent.id}


def test_an_export_counts_up_to_the_time_of_its_file(custodian, account, tmp_path):
    """Exported half a year ago, it is silent over nothing since; event history reaches 90 days."""
    key = account.user("bob").key(created=days_ago(2500), toggles=[days_ago(400)], trace=False)
    recorded(account)
    path = tmp_path / "export.csv"
    path.write_text(HEADER)
    policy = exported(f"file://{path}")
    for days, deleted in ((180, False), (80, True)):
        os.utime(path, (days_ago(days).timestamp(),) * 2)
        outcome = custodian.run(account.id, policy)
        assert outcome.status == 0, outcome.log
        assert (key.id not in key_ids(account)) == deleted


@pytest.mark.parametrize("covers", ["2026-11-01", "2099-01-01"], ids=["stated", "in the future"])
def test_no_statement_makes_a_file_younger_than_it_is(custodian, account, tmp_path, covers):
    key = account.user("bob").key(created=days_ago(2500), toggles=[days_ago(400)], trace=False)
    recorded(account)
    path = tmp_path / "export.csv"
    path.write_text(HEADER)
    os.utime(path, (days_ago(180).timestamp(),) * 2)
    outcome = custodian.run(account.id, exported(f"file://{path}", **{"covers-until": covers}))
    assert outcome.status == 0, outcome.log
    assert key_ids(account) == {key.id}


def test_an_http_server_that_hangs_up_fails_the_policy_in_one_sentence(
    sandbox, custodian, account, silent
):
    """Half an export is none, and no stack trace is needed to say so."""

    class HangsUp(Quiet):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(HEADER.encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), HangsUp)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    outcome = custodian.run(account.id, exported(f"http://127.0.0.1:{server.server_port}/x.csv"))
    server.shutdown()
    server.server_close()
    assert outcome.status == 2
    assert "cannot be read: IncompleteRead" in outcome.log
    assert key_ids(account) == {silent.id}


@pytest.mark.parametrize(
    ("columns", "deleted"),
    [
        pytest.param({"errorCode": "AccessDenied"}, True, id="a refused reactivation"),
        pytest.param({"errorCode": ""}, False, id="a reactivation"),
        pytest.param({"errorCode": "ServiceFailure"}, False, id="one that may have worked"),
        pytest.param({"eventName": "GetAccessKeyLastUsed"}, True, id="another call"),
    ],
)
def test_columns_of_cloudtrail_beside_the_simple_form_are_understood(
    custodian, account, silent, tmp_path, columns, deleted
):
    name, value = next(iter(columns.items()))
    (tmp_path / "export.csv").write_text(
        f"AccessKeyId,Time,Status,{name}\n{silent.id},{format_time(days_ago(30))},Active,{value}\n"
    )
    outcome = custodian.run(account.id, exported(f"file://{tmp_path}/export.csv"))
    assert outcome.status == 0, outcome.log
    assert (key_ids(account) == set()) == deleted


# -- events that may have changed the status -------------------------------------------------------


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({"errorCode": "ServiceFailureException"}, id="server's error"),
        pytest.param(
            {"errorCode": "InternalFailure", "requestParameters": None}, id="of a hidden key"
        ),
        pytest.param({"eventSource": "example.amazonaws.com"}, id="another event source"),
        pytest.param({"without": ["eventSource"]}, id="no event source"),
        pytest.param({"status": "Expired"}, id="another status"),
    ],
)
@pytest.mark.parametrize("policy", ["shipped", "default source"])
def test_what_may_have_changed_the_status_is_no_silence(
    sandbox, custodian, account, silent, event, policy
):
    """The key may have been reactivated twenty days ago, and have been seen inactive since."""
    event = dict(event)
    status = event.pop("status", "Active")
    asked = {"userName": "bob", "accessKeyId": silent.id, "status": status}
    fields = {"requestParameters": asked, **event}
    account.add_event("UpdateAccessKey", days_ago(20), **fields)
    chosen = delete_policy()
    if policy == "default source":
        del chosen["source"]
    report = {**chosen, "name": "report", "filters": ["inactive-access-key"], "actions": []}
    for _ in range(2):
        outcome = custodian.run(account.id, report, chosen)
        assert outcome.status == 0, outcome.log
        assert key_ids(account) == {silent.id}
        ((found,),) = (user["c7n:InactiveAccessKeys"] for user in outcome.resources("report"))
        assert found["InactiveDays"]["AtLeast"] <= 20
        assert "unclear" in {item["Kind"] for item in found["Evidence"]}


# -- the account -----------------------------------------------------------------------------------


def test_a_user_renamed_since_the_credential_report_was_made_is_found(sandbox, custodian, account):
    """For up to four hours the report knows it by a name that is gone."""
    key = inactive_key(account)
    other = inactive_key(account, "eve")
    recorded(account)
    report_of_today(sandbox, account.id)
    account.users["bob"].rename("robert")
    outcome = custodian.run(account.id, delete_policy())
    assert outcome.status == 0, outcome.log
    assert outcome.by_user() == {"robert": "deleted", "eve": "deleted"}
    assert outcome.matched() == {key.id, other.id}


def test_a_user_that_is_gone_is_no_renamed_one(sandbox, custodian, account):
    key = inactive_key(account)
    account.user("eve").delete()
    inactive_key(account, "eve")
    report_of_today(sandbox, account.id)
    account.users["eve"].delete()
    outcome = custodian.run(account.id, delete_policy())
    assert (outcome.status, outcome.matched()) == (0, {key.id})


def test_a_user_that_cannot_be_looked_for_makes_the_account_not_whole(sandbox, custodian, account):
    """Gone or renamed: without ListUsers nobody can tell."""
    inactive_key(account)
    report_of_today(sandbox, account.id)
    account.users["bob"].rename("robert")
    sandbox.faults.add(Fault(action="ListUsers", times=None, error="AccessDenied"))
    outcome = custodian.run(account.id, delete_policy())
    assert outcome.status == 2
    assert outcome.by_user() == {"bob": "failed unreadable"}
    assert "it may have been renamed, and iam:ListUsers failed" in outcome.log


@pytest.mark.parametrize("report", ["without its first row", "of another account"])
def test_a_credential_report_that_is_not_this_accounts_whole_one_fails_the_policy(
    sandbox, custodian, account, report
):
    """It would call an account clean of which it says nothing."""
    inactive_key(account)
    if report == "of another account":
        sandbox.report_edit = lambda text: text.replace(account.id, "999999999999")
    else:
        sandbox.report_root = False
    outcome = custodian.run(account.id, delete_policy())
    assert outcome.status == 2
    assert not (outcome.out / "inactive-keys-delete" / "resources.json").exists()
    sentence = "of another account" if "another" in report else "no row <root_account>"
    assert sentence in outcome.log


def test_evidence_that_could_not_be_read_is_in_the_journal(sandbox, custodian, account):
    """So that the report does not call an account read of which nothing can be proven."""
    inactive_key(account)
    eve = inactive_key(account, "eve")
    policy = delete_policy()
    del policy["source"]
    faults = (
        Fault(action="LookupEvents", times=None, error="AccessDeniedException", message="no"),
        Fault(action="GetAccessKeyLastUsed", key_id=eve.id, times=None, error="AccessDenied"),
    )
    for fault in faults:
        sandbox.faults.add(fault)
    outcome = custodian.run(account.id, policy)
    assert (outcome.status, outcome.resources()) == (0, [])
    lines = {
        (line.user_name, line.access_key_id): (line.outcome, line.reason)
        for line in outcome.journal()
    }
    assert lines == {
        (None, None): ("unread", "event-history"),
        ("eve", eve.id): ("unread", "last-used"),
    }
    (line,) = (line for line in outcome.journal() if line.user_name is None)
    assert line.error == ("AccessDeniedException", "no")
    assert f"account:{account.id} event history could not be read" in outcome.log


def test_event_history_that_could_change_nothing_is_not_missed(sandbox, custodian, account):
    """A young key can match in no case, so nobody asks, and nothing is unread."""
    inactive_key(account, created=30, off=20)
    sandbox.faults.add(Fault(action="LookupEvents", times=None, error="AccessDenied"))
    outcome = custodian.run(account.id, delete_policy())
    assert (outcome.status, outcome.journal()) == (0, [])


def test_policies_around_our_elements_are_read_as_custodian_reads_them():
    """The properties of a policy that we know are those of Custodian's own schema."""
    from c7n import schema
    from c7n.resources import load_resources

    from c7n_inactive_keys.custodian.policy_check import POLICY_KEYS

    load_resources(("aws.iam-user",))
    assert set(schema.generate()["definitions"]["policy"]["properties"]) == POLICY_KEYS
