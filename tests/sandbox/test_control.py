# SPDX-License-Identifier: Apache-2.0
"""The sandbox as a process: its command and its control over HTTP."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import boto3
import pytest
import yaml

from c7n_inactive_keys_sandbox.organisation import MANAGEMENT


def call(url, method="GET", document=None):
    """Call the control interface."""
    body = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(url, body, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


@pytest.fixture
def process(tmp_path):
    """The running command, with the variables that it prints."""
    command = [
        sys.executable,
        "-m",
        "c7n_inactive_keys_sandbox",
        "--accounts",
        str(tmp_path / "accounts.yml"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        variables = {}
        for line in running.stdout:
            if match := re.match(r"export (\w+)=(\S+)", line):
                variables[match[1]] = match[2].strip("'")
            if line.rstrip().endswith("/sandbox"):
                break
        yield variables, tmp_path / "accounts.yml", running
        running.send_signal(signal.SIGTERM)


def test_the_command_runs_the_organisation_until_it_is_ended(process):
    """Its variables lead boto3 there, its accounts file lists the accounts, and it ends well."""
    variables, accounts, running = process
    sts = boto3.client(
        "sts",
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        region_name="us-east-1",
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables["AWS_SESSION_TOKEN"],
    )
    assert sts.get_caller_identity()["Account"] == MANAGEMENT
    listed = yaml.safe_load(accounts.read_text())["accounts"]
    info = call(variables["AWS_ENDPOINT_URL"] + "/sandbox")
    assert [entry["account_id"] for entry in listed] == [
        account["id"] for account in info["accounts"]
    ]
    assert all(entry["regions"] == ["us-east-1"] for entry in listed)
    running.send_signal(signal.SIGTERM)
    assert running.wait(10) == 0


def test_a_taken_port_is_one_sentence(sandbox):
    """No traceback for a port that somebody else has."""
    port = sandbox.url.rpartition(":")[2]
    done = subprocess.run(
        [sys.executable, "-m", "c7n_inactive_keys_sandbox", "--port", port],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"port {port} cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def test_other_processes_can_see_and_change_everything(sandbox, account, iam, refused):
    """Truth, calls, faults, settings, permissions, time and reset are there over HTTP."""
    url = sandbox.url + "/sandbox"
    key = account.user("alice").key()
    key.deactivate()
    [row] = call(url + "/truth")
    assert row["access_key_id"] == key.id
    call(url + "/faults", "POST", {"action": "GetUser", "error": "AccessDenied"})
    assert refused(iam.get_user, UserName="alice") == "AccessDenied"
    assert call(url + "/faults")[0]["hits"] == 1
    call(url + "/faults", "DELETE")
    assert call(url + "/calls?action=GetUser")["count"] == 1
    call(url + "/calls", "DELETE")
    assert call(url + "/calls")["by_action"] == {}
    assert call(url + "/settings", "PUT", {"latency": 0.001, "event_delay": 5})["latency"] == 0.001
    call(url + "/allow", "POST", {"who": account.id, "actions": []})
    assert refused(iam.list_users) == "AccessDenied"
    created = key.created
    call(url + "/age", "POST", {"days": 7})
    assert (created - key.created).days == 7
    assert call(f"{url}/environ?account={account.id}")["AWS_ENDPOINT_URL"] == sandbox.url
    call(url + "/reset", "POST")
    assert call(url + "/truth") == []
    assert len(call(url + "/seed", "POST")["accounts"]) >= 12
    assert len(call(url + "/reset", "POST", {"organisation": True})["accounts"]) >= 12


def test_an_empty_aws_may_be_had_too():
    """Without an organisation, its accounts file makes no sense and is refused."""
    command = [sys.executable, "-m", "c7n_inactive_keys_sandbox", "--empty"]
    done = subprocess.run(
        [*command, "--accounts", "accounts.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "--empty makes none" in done.stderr
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        url = next(
            match[0] for line in running.stdout if (match := re.search(r"http\S+/sandbox$", line))
        )
        assert call(url + "/truth") == []
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0


@pytest.mark.parametrize(
    ("path", "method", "document", "status", "says"),
    [
        ("/faults", "POST", {"acton": "GetUser"}, 400, "a fault has no acton"),
        ("/faults", "POST", {"kind": "flood"}, 400, "not 'flood'"),
        ("/faults", "POST", [1], 400, "json object"),
        ("/settings", "PUT", {"speed": 1}, 400, "no setting speed"),
        ("/age", "POST", {"moons": 1}, 400, "moons"),
        ("/allow", "POST", {"actions": []}, 400, "who (account id or role name) is missing"),
        ("/environ", "GET", None, 400, "account is missing"),
        ("/nowhere", "GET", None, 404, "no such thing"),
    ],
)
def test_wrong_control_calls_are_told_in_a_sentence(sandbox, path, method, document, status, says):
    """A mistake is answered by its reason."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        call(f"{sandbox.url}/sandbox{path}", method, document)
    assert caught.value.code == status
    assert says in json.load(caught.value)["error"]


def test_the_environment_leads_nowhere_else(sandbox, account, monkeypatch):
    """Profiles, proxies and other endpoints of the machine do not reach a subprocess."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", "https://iam.amazonaws.com")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    environ = sandbox.environ(account.id)
    assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL_IAM", "HTTPS_PROXY"} & set(environ)
    assert environ["AWS_ENDPOINT_URL"] == sandbox.url
    assert environ["PATH"] == os.environ["PATH"]
