# SPDX-License-Identifier: Apache-2.0
"""`c7n-inactive-keys check` against the sandbox, through the real command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from c7n_inactive_keys.check import permissions
from c7n_inactive_keys.check.loading import interpreter_of
from c7n_inactive_keys_sandbox import Fault
from tests.support.fresh import ROOT, clean_environ

pytestmark = pytest.mark.e2e

MANAGEMENT, PAYMENTS = "100000000001", "100000000002"
ROLE = "CustodianInactiveKeys"
BIN = Path(sys.executable).parent
LAMBDA = {
    "name": "scheduled",
    "resource": "aws.iam-user",
    "mode": {
        "type": "periodic",
        "schedule": "rate(1 day)",
        "role": "arn:aws:iam::{account_id}:role/c7n",
        "packages": ["c7n_inactive_keys"],
        "handler": "c7n_inactive_keys.lambda_handler.run",
    },
    "filters": [{"type": "inactive-access-key", "days": 90}],
}


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
        for account_id, name in ((MANAGEMENT, "management"), (PAYMENTS, "payments"))
    ]
    for entry in entries:
        sandbox.account(entry["account_id"], name=entry["name"])
    config = tmp_path / "accounts.yml"
    config.write_text(yaml.safe_dump({"accounts": entries}), encoding="utf-8")

    def run(*arguments: object, with_accounts: bool = True, **environ: str):
        base = clean_environ(PATH=f"{BIN}:/usr/bin:/bin", **environ)
        accounts = ["-c", str(config)] if with_accounts else []
        return subprocess.run(
            [BIN / "c7n-inactive-keys", "check", *accounts, *map(str, arguments)],
            env=sandbox.environ(MANAGEMENT, base), cwd=tmp_path,
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    return run


def line(done, subject: str) -> str:
    """The one line that is about the subject."""
    (found,) = (text for text in done.stdout.splitlines() if f" {subject}:" in text)
    return found


def write_policy(path: Path, **mode: object) -> Path:
    """A policy file with one Lambda policy; a mode value of None takes that setting away."""
    merged = {k: v for k, v in {**LAMBDA["mode"], **mode}.items() if v is not None}
    path.write_text(yaml.safe_dump({"policies": [{**LAMBDA, "mode": merged}]}), encoding="utf-8")
    return path


def test_all_is_well(check, tmp_path):
    """With the plugin installed and everything allowed: all lines ok, status 0, nothing changed."""
    policy = write_policy(tmp_path / "lambda.yml")
    done = check("-u", policy)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {text.split()[0] for text in done.stdout.splitlines()} == {"ok"}
    assert "event history is readable" in line(done, f"{PAYMENTS} payments")
    assert "may delete" in line(done, f"{PAYMENTS} payments")
    assert f"assumed-role/{ROLE}" in line(done, f"{PAYMENTS} payments")


def test_the_check_only_reads(check, sandbox):
    """No call of a check changes anything in an account."""
    sandbox.calls.clear()
    check()
    assert {call.action for call in sandbox.calls} <= {
        "AssumeRole", "GetCallerIdentity", "GetRole", "SimulatePrincipalPolicy", "LookupEvents",
    }  # fmt: skip


def test_without_an_accounts_file_the_own_account_is_checked(check):
    """The identity's own account is one line."""
    done = check(with_accounts=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert MANAGEMENT in line(done, "AWS account")


def test_the_opt_out_is_found_by_custodian_and_by_the_workers(check):
    """A plugin that is turned off is a problem, though c7n-org itself would end with status 0."""
    done = check("--no-aws", C7N_INACTIVE_KEYS_AUTOLOAD="0")
    assert done.returncode == 1
    assert line(done, "custodian").startswith("problem")
    assert "C7N_INACTIVE_KEYS_AUTOLOAD=0" in line(done, "custodian")
    assert line(done, "c7n-org workers").startswith("problem")
    assert "status 0" in line(done, "c7n-org workers")


def test_unreadable_event_history_is_a_problem_in_that_account_alone(check, sandbox):
    """LookupEvents denied: nothing would be proven there, and the other account is fine."""
    sandbox.allow(PAYMENTS, ["iam:*", "sts:*"])
    done = check()
    assert done.returncode == 1
    assert line(done, f"{MANAGEMENT} management").startswith("ok")
    found = line(done, f"{PAYMENTS} payments")
    assert found.startswith("problem")
    assert "event history is NOT readable" in found
    assert "may NOT prove (cloudtrail:LookupEvents)" in found


def test_an_identity_that_only_reports_is_a_note(check, sandbox):
    """Without the permission to delete a report still works, so that is said but no failure."""
    reading = ["iam:Get*", "iam:List*", "iam:Gen*", "iam:Simulate*", "cloudtrail:*", "sts:*"]
    sandbox.allow(ROLE, reading)
    done = check()
    assert done.returncode == 0, done.stdout + done.stderr
    found = line(done, f"{PAYMENTS} payments")
    assert found.startswith("note")
    assert "may NOT delete (iam:DeleteAccessKey)" in found
    assert "may NOT record (iam:TagUser, iam:UntagUser)" in found
    assert "may find" in found


def test_a_missing_permission_to_find_is_a_problem(check, sandbox):
    """Without ListAccessKeys no key is found."""
    sandbox.allow(ROLE, ["iam:Get*", "iam:Gen*", "iam:Simulate*", "cloudtrail:*", "sts:*"])
    done = check()
    assert done.returncode == 1
    assert "may NOT find (iam:ListAccessKeys)" in line(done, f"{PAYMENTS} payments")


def test_permissions_that_cannot_be_asked_are_said_to_be_unknown(check, sandbox):
    """Without SimulatePrincipalPolicy nothing is claimed, and its name is said."""
    sandbox.allow(ROLE, ["iam:Get*", "iam:List*", "iam:Gen*", "cloudtrail:*", "sts:*"])
    done = check()
    assert done.returncode == 0
    found = line(done, f"{PAYMENTS} payments")
    assert found.startswith("note")
    assert "not known (iam:SimulatePrincipalPolicy would tell)" in found


def test_a_role_that_cannot_be_assumed_is_a_problem(check, sandbox):
    """The account is named with AWS's reason, and the others are checked all the same."""
    sandbox.faults.add(
        Fault("AssumeRole", account=PAYMENTS, error="AccessDenied", status=403, times=None)
    )
    done = check()
    assert done.returncode == 1
    assert "cannot be entered: AssumeRole: AccessDenied" in line(done, f"{PAYMENTS} payments")
    assert line(done, f"{MANAGEMENT} management").startswith("ok")


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        pytest.param({"packages": None}, "packages: [c7n_inactive_keys]", id="not in the archive"),
        pytest.param({"handler": None}, "handler: c7n_inactive_keys.lambda", id="not loaded"),
        pytest.param({"handler": "nowhere.run"}, "does not start", id="no such handler"),
    ],
)
def test_a_lambda_that_would_not_have_the_plugin_is_a_problem(check, tmp_path, mode, said):
    """What the policy's mode lacks is found before the function is deployed."""
    done = check("--no-aws", "-u", write_policy(tmp_path / "lambda.yml", **mode))
    assert done.returncode == 1
    found = line(done, "Lambda archive of scheduled")
    assert found.startswith("problem")
    assert said in found


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["-c", "nowhere.yml"], id="no accounts file"),
        pytest.param(["-u", "nowhere.yml"], id="no policy file"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(check, arguments):
    """Exit status 2, and no traceback."""
    done = check("--no-aws", *arguments, with_accounts=False)
    assert done.returncode == 2
    assert "nowhere.yml cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


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
            }
        ]
    }
    (policy,) = PolicyCollection.from_data(data, Config.empty())
    declared = {name for name in policy.get_permissions() if "inactive" not in name}
    checked = {
        action
        for resources in permissions.NEEDED.values()
        for actions in resources.values()
        for action in actions
    }
    assert declared <= checked
    assert checked <= declared | {"iam:GetUser"}


@pytest.mark.parametrize(
    ("script", "python"),
    [
        pytest.param("#!/opt/venv/bin/python\nimport c7n\n", "/opt/venv/bin/python", id="plain"),
        pytest.param(
            "#!/bin/sh\n'''exec' \"/a path/bin/python\" \"$0\" \"$@\"\n' '''\n",
            "/a path/bin/python",
            id="a path with spaces",
        ),
        pytest.param(
            "#!/bin/sh\n'''exec' /long/bin/python3 \"$0\" \"$@\"\n' '''\n",
            "/long/bin/python3",
            id="too long for a first line",
        ),
    ],
)
def test_the_python_of_a_console_script_is_read_from_its_first_lines(tmp_path, script, python):
    """The workers are asked with the Python that c7n-org really runs on."""
    path = tmp_path / "c7n-org"
    path.write_text(script, encoding="utf-8")
    assert str(interpreter_of(path)) == python


def test_the_shipped_lambda_policies_have_the_plugin_in_their_archives(check):
    """Every policy that we ship for Lambda comes with packages and handler."""
    done = check("--no-aws", *[x for p in sorted((ROOT / "policies").glob("*.yml"))
                               for x in ("-u", p)])  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
