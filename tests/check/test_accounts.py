# SPDX-License-Identifier: Apache-2.0
"""What `c7n-inactive-keys check` says of unusual accounts files and identities."""

from __future__ import annotations

import re
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
import yaml

from c7n_inactive_keys.check import permissions
from c7n_inactive_keys.check.result import NOTE, OK, PROBLEM, Result
from c7n_inactive_keys.check.targets import Target, read_targets
from c7n_inactive_keys.core.errors import InactiveKeysError
from c7n_inactive_keys_sandbox import Fault

pytestmark = pytest.mark.e2e

ACCOUNT, OTHER = "100000000001", "100000000002"
ROLE = "CustodianInactiveKeys"


# -- accounts files --------------------------------------------------------------------------------


def account(more: str) -> str:
    """An accounts file with one account."""
    return f"accounts: [{{name: one, account_id: '{OTHER}', profile: one, {more}}}]"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("accounts: [", "is not YAML"),
        ("accounts: {}", "has no list 'accounts'"),
        ("accounts: []", "has no list 'accounts'"),
        ("accounts: [payments]", "has no list 'accounts'"),
        ("- payments", "has no list 'accounts'"),
        ("accounts: [{name: payments}]", "an account has no account_id"),
        ("accounts: [{account_id: '100000000001'}]", "100000000001 has no role or profile"),
        ("accounts: [{account_id: 100000000001, role: Cust}]", "12 digits in quotes"),
        ("accounts: [{account_id: '100000000001', role: Cust}]", "100000000001 has no name"),
        (account("regions: us-east-1"), "regions must be a list of names, not 'us-east-1'"),
        (account("role: [Cust, 5]"), "role must be a list of names, not ['Cust', 5]"),
        (account("external_id: 5"), "external_id must be text, not 5"),
    ],
)
def test_an_accounts_file_that_cannot_be_used_is_one_sentence(tmp_path, text, sentence):
    """Which says what to look at, and in which file."""
    path = tmp_path / "accounts.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InactiveKeysError, match=re.escape(sentence)) as caught:
        read_targets(path)
    assert str(path) in str(caught.value)


# -- identities ------------------------------------------------------------------------------------


@pytest.fixture(name="identity")
def _identity(sandbox, monkeypatch):
    """This process is the administrator of one of two accounts."""
    sandbox.account(OTHER)
    sandbox.account(ACCOUNT)
    for name, value in sandbox.environ(ACCOUNT, {}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return sandbox


def test_an_account_is_entered_by_its_profile(identity, tmp_path, monkeypatch):
    """As c7n-org does where the accounts file names no role."""
    source = identity.session(OTHER).get_credentials()
    (tmp_path / "credentials").write_text(
        f"[payments]\naws_access_key_id={source.access_key}\n"
        f"aws_secret_access_key={source.secret_key}\n"
        + (f"aws_session_token={source.token}\n" if source.token else "")
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    target = Target("payments", {"account_id": OTHER, "profile": "payments"})
    found = permissions.account(target)
    assert found.state == OK, found.text
    assert f"::{OTHER}:" in found.text


def test_an_account_is_entered_by_a_chain_of_roles(identity):
    """The last role of the chain is who we are there."""
    chain = [f"arn:aws:iam::{ACCOUNT}:role/Hub", f"arn:aws:iam::{OTHER}:role/Spoke"]
    target = Target("payments", {"account_id": OTHER, "role": chain})
    found = permissions.account(target)
    assert found.state == OK, found.text
    assert f"{OTHER}:assumed-role/Spoke" in found.text


def test_without_credentials_nothing_can_be_entered(identity, monkeypatch):
    """The client's own words, in one line."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    found = permissions.account(Target("AWS account"))
    assert found.state == PROBLEM
    assert "cannot be entered: Unable to locate credentials" in found.text


def test_a_user_is_asked_about_by_its_own_arn(identity, monkeypatch):
    """IAM's simulator takes a user's ARN as it is."""
    identity.account(ACCOUNT).user("alice")
    created = identity.client("iam", ACCOUNT).create_access_key(UserName="alice")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", created["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", created["SecretAccessKey"])
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    found = permissions.account(Target("AWS account"))
    assert f"arn:aws:iam::{ACCOUNT}:user/alice" in found.text
    assert found.state == OK, found.text


def test_a_role_that_may_not_be_read_is_asked_about_without_its_path(identity):
    """GetRole refused: the session's ARN tells the role's name, and that has to do."""
    identity.faults.add(Fault("GetRole", error="AccessDenied", status=403, times=None))
    target = Target("x", {"role": f"arn:aws:iam::{OTHER}:role/Spoke"})
    iam = target.session().client("iam")
    source = permissions.policy_source(iam, f"arn:aws:sts::{OTHER}:assumed-role/Spoke/session")
    assert source == f"arn:aws:iam::{OTHER}:role/Spoke"


def test_the_root_user_is_denied_nothing(identity):
    """IAM's simulator does not take it, and no policy of IAM limits it."""
    iam = identity.client("iam", ACCOUNT)
    identity.calls.clear()
    assert permissions.denied_actions(iam, f"arn:aws:iam::{ACCOUNT}:root") == {}
    assert identity.calls.count() == 0


def test_event_history_of_an_unknown_partition_is_said_to_be_unknown(identity):
    """Where IAM's events are, is not guessed."""
    said = permissions.history_error(identity.session(ACCOUNT), "aws-moon")
    assert said == "the home region of IAM in partition 'aws-moon' is unknown"


PAGE = b"<!DOCTYPE html>\n<html><body>Bad\ngateway<br></body></html>" + b"\n" * 2000


@pytest.fixture(name="page")
def _page(identity, monkeypatch):
    """A proxy between us and AWS that answers calls of an action with a page of its own."""
    spoiled = []

    class Proxy(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            (named,) = parse_qs(body.decode()).get("Action", [self.headers.get("X-Amz-Target")])
            if named.rpartition(".")[2] in spoiled:
                self.answer(500, "text/html", PAGE)
                return
            request = urllib.request.Request(identity.url + self.path, body, dict(self.headers))
            try:
                with urllib.request.urlopen(request) as answer:
                    self.answer(answer.status, answer.headers["Content-Type"], answer.read())
            except urllib.error.HTTPError as error:
                self.answer(error.code, error.headers["Content-Type"], error.read())

        def answer(self, status, kind, body):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        yield spoiled.append
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("action", "state", "said"),
    [
        ("AssumeRole", PROBLEM, "cannot be entered"),
        ("GetCallerIdentity", PROBLEM, "cannot be entered"),
        ("GetRole", OK, "may delete"),
        ("SimulatePrincipalPolicy", NOTE, "not known (iam:SimulatePrincipalPolicy: Unable to"),
        ("LookupEvents", PROBLEM, "event history can NOT be read"),
    ],
)
def test_a_page_instead_of_an_answer_is_one_sentence(page, monkeypatch, action, state, said):
    """A proxy answers in AWS's stead, in HTML and with status 500: no traceback, whatever call."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    page(action)
    target = Target("x", {"role": f"arn:aws:iam::{OTHER}:role/Spoke"})
    found = permissions.account(target)
    assert found.state == state, found.text
    assert said in found.text
    assert "\n" not in found.text
    assert len(found.text) < 1000


def test_an_account_is_entered_by_a_bare_name_of_a_role(identity):
    """Which c7n-org makes an ARN of; and it asks for the regions where it is told all."""
    entry = {"account_id": OTHER, "name": "payments", "role": "Cust", "regions": ["all"]}
    found = permissions.account(Target("payments", entry))
    assert found.state == OK, found.text
    assert f"{OTHER}:assumed-role/Cust" in found.text
    assert identity.calls.count("DescribeRegions") == 1


def test_all_regions_take_a_permission_more(identity):
    """Without it c7n-org runs no policy in the account."""
    identity.faults.add(
        Fault("DescribeRegions", error="UnauthorizedOperation", status=403, times=None)
    )
    entry = {"account_id": OTHER, "name": "payments", "role": "Cust", "regions": ["all"]}
    found = permissions.account(Target("payments", entry))
    assert found.state == PROBLEM
    assert "c7n-org runs nothing there: `regions: [all]` takes ec2:DescribeRegions" in found.text


@pytest.mark.parametrize(
    ("regions", "first"),
    [
        (["eu-west-1"], "eu-west-1"),
        (["eu-west-1, us-east-1"], "eu-west-1"),
        (["all"], "us-east-1"),
        (["eu-west-1", "all"], "us-east-1"),
        ([], "us-east-1"),
        (None, "us-east-1"),
    ],
)
def test_regions_are_read_as_c7n_org_reads_them(regions, first):
    """Of several the first is called from."""
    from c7n_org.cli import resolve_regions

    entry = {"account_id": OTHER, "name": "payments", "role": "Cust", "regions": regions}
    target = Target("payments", entry)
    assert target.region == first
    if regions and "all" not in regions:
        assert target.regions == resolve_regions(regions, entry)


@pytest.mark.parametrize(
    "role", ["Cust", "path/Cust", "arn:aws:iam::1:role/x", "arnold", ["Hub", "Spoke"]]
)
def test_roles_are_read_as_c7n_org_reads_them(role):
    from c7n_org.cli import accounts_iterator

    entry = {"account_id": OTHER, "name": "payments", "role": role}
    (theirs,) = accounts_iterator({"accounts": [dict(entry)]})
    assert Target("payments", entry).roles == (
        [theirs["role"]] if isinstance(role, str) else theirs["role"]
    )


def test_an_endpoint_that_is_no_url_is_a_sentence(identity, monkeypatch):
    """It names the variable, and what the URL lacks."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost")
    found = permissions.account(Target("AWS account"))
    assert found.state == PROBLEM
    assert "cannot be entered: Invalid endpoint: localhost" in found.text
    assert "(AWS_ENDPOINT_URL and the like must begin with http:// or https://)" in found.text


# -- what an identity may do -----------------------------------------------------------------------


@pytest.fixture(name="check")
def _check(identity, tmp_path):
    """What is said of each of two accounts, entered by a role."""
    role = "arn:aws:iam::{account_id}:role/" + ROLE
    entries = [
        {"account_id": account_id, "name": account_id, "role": role.format(account_id=account_id)}
        for account_id in (ACCOUNT, OTHER)
    ]
    path = tmp_path / "accounts.yml"
    path.write_text(yaml.safe_dump({"accounts": entries}), encoding="utf-8")

    def check() -> dict[str, Result]:
        results = permissions.accounts(read_targets(path))
        return {result.subject.split()[0]: result for result in results}

    return check


def test_unreadable_event_history_is_a_problem_in_that_account_alone(check, identity):
    """LookupEvents denied: nothing would be proven there, and the other account is fine."""
    identity.allow(OTHER, ["iam:*", "sts:*"])
    found = check()
    assert found[ACCOUNT].state == OK
    assert found[OTHER].state == PROBLEM
    assert "event history can NOT be read" in found[OTHER].text
    assert "may NOT prove (cloudtrail:LookupEvents)" in found[OTHER].text


def test_an_identity_that_only_reports_is_a_note(check, identity):
    """Without the permission to delete a report still works, so that is said but no failure."""
    reading = ["iam:Get*", "iam:List*", "iam:Gen*", "iam:Simulate*", "cloudtrail:*", "sts:*"]
    identity.allow(ROLE, reading)
    found = check()[OTHER]
    assert found.state == NOTE
    assert "may NOT delete (iam:DeleteAccessKey)" in found.text
    assert "may NOT record (iam:TagUser, iam:UntagUser)" in found.text
    assert "may find" in found.text


def test_a_missing_permission_to_find_is_a_problem(check, identity):
    """Without ListAccessKeys no key is found."""
    identity.allow(ROLE, ["iam:Get*", "iam:Gen*", "iam:Simulate*", "cloudtrail:*", "sts:*"])
    found = check()[OTHER]
    assert found.state == PROBLEM
    assert "may NOT find (iam:ListAccessKeys)" in found.text


def test_permissions_that_cannot_be_asked_are_said_to_be_unknown(check, identity):
    """Without SimulatePrincipalPolicy nothing is claimed, and its name is said."""
    identity.allow(ROLE, ["iam:Get*", "iam:List*", "iam:Gen*", "cloudtrail:*", "sts:*"])
    found = check()[OTHER]
    assert found.state == NOTE
    assert "not known (iam:SimulatePrincipalPolicy would tell)" in found.text


def test_a_role_that_cannot_be_assumed_is_a_problem(check, identity):
    """The account is named with AWS's reason, and the others are checked all the same."""
    identity.faults.add(
        Fault("AssumeRole", account=OTHER, error="AccessDenied", status=403, times=None)
    )
    found = check()
    assert found[OTHER].state == PROBLEM
    assert "cannot be entered: AssumeRole: AccessDenied" in found[OTHER].text
    assert found[ACCOUNT].state == OK


def test_the_permissions_checked_are_those_that_the_plugin_declares():
    """What Custodian is told about permissions, and what is checked, is the same list."""
    from c7n.config import Config
    from c7n.policy import PolicyCollection
    from c7n.resources import load_resources

    load_resources(("aws.iam-user",))
    data = {
        "policies": [
            {
                "name": "all",
                "resource": "aws.iam-user",
                "source": "credential-report",
                "filters": [{"type": "inactive-access-key", "days": 90}],
                "actions": ["record-inactive-keys", "delete-inactive-keys"],
            },
            {
                "name": "first-half",
                "resource": "aws.iam-user",
                "source": "credential-report",
                "filters": [{"type": "unused-access-key", "days": 90}, "reactivated-access-key"],
                "actions": [
                    "deactivate-unused-keys",
                    {"type": "reactivate-keys", "journal": {"url": "file://journal.jsonl"}},
                ],
            },
        ]
    }
    policies = PolicyCollection.from_data(data, Config.empty())
    declared = set().union(*(policy.get_permissions() for policy in policies))
    checked = {
        action
        for resources in permissions.NEEDED.values()
        for actions in resources.values()
        for action in actions
    }
    assert declared <= checked
    assert checked <= declared | {"iam:GetUser"}
