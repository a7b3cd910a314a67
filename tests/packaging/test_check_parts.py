# SPDX-License-Identifier: Apache-2.0
"""What `c7n-inactive-keys check` says of unusual machines, accounts files and identities."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from c7n_inactive_keys.check import loading, permissions
from c7n_inactive_keys.check.result import NOTE, OK, PROBLEM
from c7n_inactive_keys.sandbox import Fault, gateway
from c7n_inactive_keys.sandbox.protocol import Answer

from .conftest import run

pytestmark = pytest.mark.e2e

ACCOUNT, OTHER = "100000000001", "100000000002"
COMMAND = Path(sys.executable).parent / "c7n-inactive-keys"


# -- this machine ----------------------------------------------------------------------------------


@pytest.fixture(name="machine")
def _machine(tmp_path, monkeypatch):
    """A directory that is the whole PATH, on a machine without any other Custodian."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    return tmp_path


def command(machine: Path, name: str, script: str) -> None:
    """Put a command on the PATH."""
    path = machine / name
    path.write_text(script, encoding="utf-8")
    path.chmod(0o755)


def test_a_machine_without_custodian(machine):
    """No custodian is a problem; no c7n-org is not, since a single account does without."""
    assert loading.custodian().state == PROBLEM
    assert "there is no such command on the PATH" in loading.custodian().text
    assert loading.workers().state == NOTE
    assert "c7n-org is not installed" in loading.workers().text


def test_a_command_beside_the_python_is_found_without_a_path(machine):
    """As in an environment that nobody has activated."""
    command(machine, "beside", "#!/bin/sh\n")
    (machine / "elsewhere").mkdir()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PATH", str(machine / "elsewhere"))
        assert loading.find_command("beside") == machine / "beside"
        assert loading.find_command("nowhere") is None


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        pytest.param(
            "#!/bin/sh\nexit 1\n",
            "the plugin is not installed in the environment of that command",
            id="it says nothing",
        ),
        pytest.param(
            "#!/bin/sh\necho 'inactive-access-key is not in the filters list' >&2\nexit 1\n",
            "the plugin is not installed in the environment of that command",
            id="it does not know the filter",
        ),
        pytest.param(
            "#!/bin/sh\necho first >&2\necho 'no module named c7n' >&2\nexit 1\n",
            "does not know the plugin: no module named c7n",
            id="it does not start",
        ),
        pytest.param(
            "#!/bin/sh\necho 'c7n-inactive-keys: not loaded: why' >&2\necho more >&2\nexit 1\n",
            "does not know the plugin: c7n-inactive-keys: not loaded: why",
            id="our own warning",
        ),
        pytest.param("#!/nowhere/python\n", "No such file or directory", id="its Python is gone"),
    ],
)
def test_the_reason_is_what_the_command_says(machine, script, reason):
    """The sentence that helps, not just a status."""
    command(machine, "custodian", script)
    found = loading.custodian()
    assert found.state == PROBLEM
    assert reason in found.text


def test_a_command_that_hangs_is_given_up(machine, monkeypatch):
    """With the time that it was given."""
    monkeypatch.setattr(loading, "PATIENCE", 0.05)
    command(machine, "custodian", "#!/bin/sh\nread line < fifo\n")
    monkeypatch.chdir(machine)
    os.mkfifo("fifo")
    assert "no answer in 0.05 seconds" in loading.custodian().text


@pytest.mark.parametrize(
    ("script", "python"),
    [
        ("#!/usr/bin/env some-python\n", "some-python"),
        ("#!/usr/bin/env no-python\n", "python"),
        ("", "python"),
    ],
)
def test_the_python_of_a_script_that_does_not_name_a_path(machine, script, python):
    """What env finds on the PATH, else our own."""
    command(machine, "some-python", "#!/bin/sh\n")
    command(machine, "c7n-org", script)
    assert loading.interpreter_of(machine / "c7n-org") == machine / python


def test_an_unknown_subcommand_is_wrong_usage():
    """The command names what it does not know."""
    done = run(COMMAND, "nowhere")
    assert done.returncode == 2
    assert "No such command 'nowhere'" in done.stderr


# -- accounts files --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("accounts: [", "is not YAML"),
        ("accounts: {}", "has no list 'accounts'"),
        ("accounts: []", "has no list 'accounts'"),
        ("accounts: [payments]", "has no list 'accounts'"),
        ("- payments", "has no list 'accounts'"),
        ("accounts: [{name: payments}]", "has an account without an account_id"),
        ("accounts: [{account_id: '100000000001'}]", "100000000001 has no role or profile"),
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
    target = permissions.Target("payments", {"account_id": OTHER, "profile": "payments"})
    found = permissions.account(target)
    assert found.state == OK, found.text
    assert f"::{OTHER}:" in found.text


def test_an_account_is_entered_by_a_chain_of_roles(identity):
    """The last role of the chain is who we are there."""
    chain = [f"arn:aws:iam::{ACCOUNT}:role/Hub", f"arn:aws:iam::{OTHER}:role/Spoke"]
    target = permissions.Target("payments", {"account_id": OTHER, "role": chain})
    found = permissions.account(target)
    assert found.state == OK, found.text
    assert f"{OTHER}:assumed-role/Spoke" in found.text


def test_without_credentials_nothing_can_be_entered(identity, monkeypatch):
    """The client's own words, in one line."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    found = permissions.account(permissions.Target("AWS account"))
    assert found.state == PROBLEM
    assert "cannot be entered: Unable to locate credentials" in found.text


def test_a_user_is_asked_about_by_its_own_arn(identity, monkeypatch):
    """IAM's simulator takes a user's ARN as it is."""
    identity.account(ACCOUNT).user("alice")
    created = identity.client("iam", ACCOUNT).create_access_key(UserName="alice")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", created["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", created["SecretAccessKey"])
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    found = permissions.account(permissions.Target("AWS account"))
    assert f"arn:aws:iam::{ACCOUNT}:user/alice" in found.text
    assert found.state == OK, found.text


def test_a_role_that_may_not_be_read_is_asked_about_without_its_path(identity):
    """GetRole refused: the session's ARN tells the role's name, and that has to do."""
    identity.faults.add(Fault("GetRole", error="AccessDenied", status=403, times=None))
    target = permissions.Target("x", {"role": f"arn:aws:iam::{OTHER}:role/Spoke"})
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


@pytest.fixture(name="page")
def _page(identity, monkeypatch):
    """Put something between us and AWS that answers calls of an action with a page of its own."""
    page = "<!DOCTYPE html>\n<html><body>Bad\ngateway<br></body></html>" + "\n" * 2000

    def answer(_request, error, _request_id):
        return Answer(error.status, page.encode(), {"Content-Type": "text/html"})

    def add(action: str) -> None:
        monkeypatch.setattr(gateway, "error_answer", answer)
        identity.faults.add(Fault(action, error="InternalFailure", status=500, times=None))

    return add


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
    target = permissions.Target("x", {"role": f"arn:aws:iam::{OTHER}:role/Spoke"})
    found = permissions.account(target)
    assert found.state == state, found.text
    assert said in found.text
    assert "\n" not in found.text
    assert len(found.text) < 1000


def test_the_command_goes_on_after_a_page_instead_of_an_answer(page, identity, tmp_path):
    """The command prints its line on the account and ends with a status, not with a traceback."""
    page("SimulatePrincipalPolicy")
    environ = identity.environ(ACCOUNT, {}) | {"AWS_MAX_ATTEMPTS": "1"}
    done = run(COMMAND, "check", cwd=tmp_path, **environ)
    assert "Traceback" not in done.stderr
    assert "AWS account: arn:aws:" in done.stdout
    assert "event history is readable; what else it may do is not known" in done.stdout
