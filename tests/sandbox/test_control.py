# SPDX-License-Identifier: Apache-2.0
"""The sandbox as a process: its command and its control over HTTP."""

import json
import re
import signal
import subprocess
import sys
import urllib.error
from contextlib import contextmanager

import boto3
import pytest
import yaml

from c7n_inactive_keys_sandbox.organisation import MANAGEMENT

from .conftest import control, refused

COMMAND = [sys.executable, "-m", "c7n_inactive_keys_sandbox"]


@contextmanager
def running(*options):
    """The running command's URL and the variables that it prints; SIGTERM ends it well."""
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True) as process:
        said = ""
        while not said.rstrip().endswith("/sandbox"):
            line = process.stdout.readline()
            assert line, "it ended by itself"
            said += line
        yield dict(re.findall(r"export (\w+)='?([^'\n]+)", said))
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_the_command_runs_the_organisation_until_it_is_ended(tmp_path):
    """Its variables lead boto3 there, and its accounts file lists the accounts."""
    accounts = tmp_path / "accounts.yml"
    with running("--accounts", str(accounts)) as variables:
        url = variables["AWS_ENDPOINT_URL"]
        sts = boto3.client(
            "sts",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=variables["AWS_SESSION_TOKEN"],
        )
        assert sts.get_caller_identity()["Account"] == MANAGEMENT
        there = [account["id"] for account in control(url)["accounts"]]
    listed = yaml.safe_load(accounts.read_text())["accounts"]
    assert [entry["account_id"] for entry in listed] == there
    assert all(entry["regions"] == ["us-east-1"] for entry in listed)


def test_an_empty_aws_may_be_had_too():
    """For what somebody wants to fill alone."""
    with running("--empty") as variables:
        assert control(variables["AWS_ENDPOINT_URL"], "/truth") == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--accounts", "no/such/accounts.yml"], "accounts.yml cannot be written: No such file"),
        (["--accounts", "accounts.yml", "--empty"], "--empty makes none"),
        (["--port", "{port}"], "port {port} cannot be used"),
    ],
)
def test_a_mistake_is_a_sentence_before_anything_is_made(sandbox, tmp_path, options, said):
    """And status 2."""
    port = sandbox.url.rpartition(":")[2]
    done = subprocess.run(
        [*COMMAND, *(option.format(port=port) for option in options)],
        capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert said.format(port=port) in done.stderr
    assert "Traceback" not in done.stderr


def test_other_processes_can_see_and_change_everything(sandbox, account, iam):
    """Truth, calls, faults, settings, permissions, time and reset are there over HTTP."""
    url = sandbox.url
    key = account.user("alice").key()
    key.deactivate()
    [row] = control(url, "/truth")
    assert row["access_key_id"] == key.id
    control(url, "/faults", "POST", {"action": "GetUser", "error": "AccessDenied"})
    assert refused(iam.get_user, UserName="alice") == "AccessDenied"
    assert control(url, "/faults")[0]["hits"] == 1
    control(url, "/faults", "DELETE")
    assert control(url, "/faults") == []
    assert control(url, "/calls?action=GetUser")["count"] == 1
    control(url, "/calls", "DELETE")
    assert control(url, "/calls")["by_action"] == {}
    assert control(url, "/settings", "PUT", {"latency": 0.001})["latency"] == 0.001
    control(url, "/allow", "POST", {"who": account.id, "actions": []})
    assert refused(iam.list_users) == "AccessDenied"
    created = key.created
    control(url, "/age", "POST", {"days": 7})
    assert (created - key.created).days == 7
    assert control(url, f"/environ?account={account.id}")["AWS_ENDPOINT_URL"] == sandbox.url
    control(url, "/reset", "POST")
    assert control(url, "/truth") == []
    assert control(url, "/settings")["latency"] == 0
    assert len(control(url, "/seed", "POST")["accounts"]) >= 12
    assert len(control(url, "/reset", "POST", {"organisation": True})["accounts"]) >= 12


@pytest.mark.parametrize(
    ("path", "method", "document", "status", "says"),
    [
        ("/faults", "POST", {"acton": "GetUser"}, 400, "a fault has no acton"),
        ("/faults", "POST", {"kind": "flood"}, 400, "not 'flood'"),
        ("/faults", "POST", [1], 400, "json object"),
        ("/settings", "PUT", {"speed": 1}, 400, "no setting speed"),
        ("/settings", "PUT", {"event_delay": {"seed": 1}}, 400, "up_to"),
        ("/age", "POST", {"moons": 1}, 400, "moons"),
        ("/allow", "POST", {"actions": []}, 400, "who (account id or role name) is missing"),
        ("/environ", "GET", None, 400, "account is missing"),
        ("/nowhere", "GET", None, 404, "no such thing"),
    ],
)
def test_wrong_control_calls_are_told_in_a_sentence(sandbox, path, method, document, status, says):
    """A mistake is answered by its reason."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        control(sandbox.url, path, method, document)
    assert caught.value.code == status
    assert says in json.load(caught.value)["error"]
