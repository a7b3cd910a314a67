# SPDX-License-Identifier: Apache-2.0
"""What `c7n-inactive-keys check` says of unusual accounts files and identities."""

from __future__ import annotations

import os
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from c7n_inactive_keys.check import permissions
from c7n_inactive_keys.check.result import NOTE, OK, PROBLEM
from c7n_inactive_keys.check.targets import Target
from c7n_inactive_keys_sandbox import Fault
from tests.support.fresh import run

pytestmark = pytest.mark.e2e

ACCOUNT, OTHER = "100000000001", "100000000002"
COMMAND = Path(sys.executable).parent / "c7n-inactive-keys"


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
        ("accounts: [{name: payments}]", "there is an account without an account_id"),
        ("accounts: [{account_id: '100000000001'}]", "100000000001 has no role or profile"),
        ("accounts: [{account_id: 100000000001, role: Cust}]", "12 digits in quotes"),
        ("accounts: [{account_id: '100000000001', role: Cust}]", "100000000001 has no name"),
        (account("regions: us-east-1"), "takes a list of names as regions, not 'us-east-1'"),
        (account("role: [Cust, 5]"), "takes a list of names as role, not ['Cust', 5]"),
        (account("external_id: 5"), "takes text as external_id, not 5"),
    ],
)
def test_an_accounts_file_that_cannot_be_used_is_one_sentence(tmp_path, text, sentence):
    """Exit status 2, and what to look at."""
    path = tmp_path / "accounts.yml"
    path.write_text(text, encoding="utf-8")
    done = run(COMMAND, "check", "-c", path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


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
        ("LookupEvents", PROBLEM, "event history is NOT readable"),
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


def test_the_command_goes_on_after_a_page_instead_of_an_answer(page, identity, tmp_path):
    """The command prints its line on the account and ends with a status, not with a traceback."""
    page("SimulatePrincipalPolicy")
    environ = identity.environ(ACCOUNT, {}) | {"AWS_MAX_ATTEMPTS": "1"}
    environ["AWS_ENDPOINT_URL"] = os.environ["AWS_ENDPOINT_URL"]
    done = run(COMMAND, "check", cwd=tmp_path, **environ)
    assert "Traceback" not in done.stderr
    assert "AWS account: arn:aws:" in done.stdout
    assert "event history is readable; what else it may do is not known" in done.stdout


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


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("AWS_ENDPOINT_URL", "cannot be entered: Invalid endpoint: localhost"),
        ("AWS_ENDPOINT_URL_CLOUDTRAIL", "history is NOT readable, so nothing is proven by it: Inv"),
    ],
)
def test_an_endpoint_that_is_no_url_is_a_sentence(identity, tmp_path, variable, said):
    """It names the variable, and what the URL lacks."""
    environ = identity.environ(ACCOUNT, {}) | {variable: "localhost"}
    done = run(COMMAND, "check", cwd=tmp_path, **environ)
    assert done.returncode == 1
    assert said in done.stdout
    assert "(AWS_ENDPOINT_URL and its like begin with http:// or https://)" in done.stdout
    assert "Traceback" not in done.stderr


def test_names_that_stdout_cannot_show_are_shown_otherwise(identity, tmp_path):
    config = tmp_path / "accounts.yml"
    config.write_text(account("regions: [us-east-1]").replace("one", "\u0142"), "utf-8")
    environ = identity.environ(ACCOUNT, {}) | {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    done = run(COMMAND, "check", "-c", config, cwd=tmp_path, **environ)
    assert done.returncode == 1
    assert f"{OTHER} \\u0142: cannot be entered" in done.stdout
