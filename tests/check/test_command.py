# SPDX-License-Identifier: Apache-2.0
"""`c7n-inactive-keys check` against the sandbox, through the real command."""

from __future__ import annotations

import os
import subprocess

import pytest
import yaml

from tests.support.commands import clean_environ, run
from tests.support.paths import BIN, ROOT

pytestmark = pytest.mark.e2e

MANAGEMENT, PAYMENTS = "100000000001", "100000000002"
ROLE = "CustodianInactiveKeys"
COMMAND = "c7n-inactive-keys"


@pytest.fixture(name="check")
def _check(sandbox, tmp_path):
    """Runs the command as the management account of two accounts, in an empty directory."""
    entries = [
        {
            "account_id": account_id,
            "name": name,
            "role": f"arn:aws:iam::{account_id}:role/{ROLE}",
            "regions": ["us-east-1"],
        }
        for account_id, name in ((MANAGEMENT, "management"), (PAYMENTS, "\u0142"))
    ]
    for entry in entries:
        sandbox.account(entry["account_id"], name=entry["name"])
    config = tmp_path / "accounts.yml"
    config.write_text(yaml.safe_dump({"accounts": entries}), encoding="utf-8")

    def start(*arguments: object, **environ: str):
        base = clean_environ(PATH=f"{BIN}:/usr/bin:/bin")
        environ = sandbox.environ(MANAGEMENT, base) | environ
        return run(COMMAND, "check", *arguments, cwd=tmp_path, **environ)

    return start


def line(done, subject: str) -> str:
    """The one line that is about the subject."""
    (found,) = (text for text in done.stdout.splitlines() if f" {subject}:" in text)
    return found


def test_all_is_well(check, sandbox):
    """Everything is allowed: all lines ok, status 0; no call changes anything in an account.

    Each account is a line, by a name that stdout can show.
    """
    sandbox.calls.clear()
    policy = ROOT / "policies" / "record-deactivations.yml"
    done = check("-c", "accounts.yml", "-u", policy, PYTHONIOENCODING="latin-1", PYTHONUTF8="0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {text.split()[0] for text in done.stdout.splitlines()} == {"ok"}
    found = line(done, f"{PAYMENTS} \\u0142")
    assert "event history can be read" in found
    assert "may delete" in found
    assert f"assumed-role/{ROLE}" in found
    assert {call.action for call in sandbox.calls} <= {
        "AssumeRole", "GetCallerIdentity", "GetRole", "SimulatePrincipalPolicy", "LookupEvents",
    }  # fmt: skip


def test_a_problem_of_the_own_account_is_a_line_and_a_status(check):
    """Without an accounts file it is the account checked; no traceback, whatever is wrong."""
    done = check(AWS_ENDPOINT_URL_CLOUDTRAIL="localhost")
    assert done.returncode == 1
    assert MANAGEMENT in line(done, "AWS account")
    assert "Invalid endpoint: localhost" in line(done, "AWS account")
    assert "Traceback" not in done.stderr


def test_the_opt_out_is_found_by_custodian_and_by_the_workers(check):
    """A plugin that is turned off is a problem, though c7n-org itself would end with status 0."""
    done = check("--no-aws", C7N_INACTIVE_KEYS_AUTOLOAD="0")
    assert done.returncode == 1
    for subject, command in (("custodian", "custodian"), ("c7n-org workers", "c7n-org")):
        found = line(done, subject)
        assert found.startswith("problem")
        assert "C7N_INACTIVE_KEYS_AUTOLOAD=0 turns it off" in found
        assert f"`c7n-inactive-keys {command} ...` runs it with the plugin" in found
    assert "status 0" in line(done, "c7n-org workers")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["-c", "nowhere.yml"], id="no accounts file"),
        pytest.param(["-u", "nowhere.yml"], id="no policy file"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(check, arguments):
    """Exit status 2, and no traceback."""
    done = check("--no-aws", *arguments)
    assert done.returncode == 2
    assert "nowhere.yml cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_disk_is_one_sentence(tmp_path):
    """Stdout cannot be written: status 2."""
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device, no path to work with
        done = subprocess.run(
            [BIN / COMMAND, "check", "--no-aws"], stdout=full, stderr=subprocess.PIPE, text=True,
            cwd=tmp_path, env=clean_environ(), check=False, timeout=120,
        )  # fmt: skip
    assert done.returncode == 2
    assert "stdout cannot be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_gone_is_no_failure(tmp_path):
    """As `head` has after the first line."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [BIN / COMMAND, "check", "--no-aws"], stdout=writing, stderr=subprocess.PIPE, text=True,
        cwd=tmp_path, env=clean_environ(), check=False, timeout=120,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unknown_subcommand_is_wrong_usage():
    """The command names what it does not know."""
    done = run(COMMAND, "nowhere")
    assert done.returncode == 2
    assert "No such command 'nowhere'" in done.stderr
