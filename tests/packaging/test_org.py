# SPDX-License-Identifier: Apache-2.0
"""Stock c7n-org on the sandbox: its workers have the plugin, however Python starts them."""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import pytest
import yaml

from .conftest import clean_environ, run

pytestmark = pytest.mark.e2e

ACCOUNTS = {"100000000001": "management", "100000000002": "payments"}
# The stock command, except for the way in which its workers are started; 3.14 and macOS differ.
C7N_ORG = (
    "import multiprocessing, sys; multiprocessing.set_start_method(sys.argv.pop(1)); "
    "from c7n_org.cli import cli; cli()"
)
POLICIES = {
    "policies": [
        {
            "name": "inactive",
            "resource": "aws.iam-user",
            "source": "credential-report",
            "filters": [{"type": "inactive-access-key", "days": 90}],
        }
    ]
}


@pytest.fixture(name="c7n_org")
def _c7n_org(sandbox, tmp_path):
    """Runs c7n-org over two accounts with one key each that was switched off 100 days ago."""
    now = sandbox.now()
    for account_id, name in ACCOUNTS.items():
        user = sandbox.account(account_id, name=name).user("ci", created=now - timedelta(days=300))
        user.key(created=now - timedelta(days=300), toggles=[now - timedelta(days=100)])
    accounts = [
        {
            "account_id": account_id,
            "name": name,
            "role": f"arn:aws:iam::{account_id}:role/custodian",
            "regions": ["us-east-1"],
        }
        for account_id, name in ACCOUNTS.items()
    ]
    (tmp_path / "accounts.yml").write_text(yaml.safe_dump({"accounts": accounts}), "utf-8")
    (tmp_path / "policies.yml").write_text(yaml.safe_dump(POLICIES), "utf-8")

    def start(method: str, **environ: str):
        return run(
            sys.executable, "-c", C7N_ORG, method, "run", "-c", "accounts.yml",
            "-u", "policies.yml", "-s", "out", "--cache-period", "0", cwd=tmp_path,
            **sandbox.environ("100000000001", clean_environ()) | environ,
        )  # fmt: skip

    return start


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_c7n_org_finds_the_keys_with_workers_of_every_kind(c7n_org, tmp_path, method):
    """Each account's key is found by a worker, whether forked, spawned or from a fork server."""
    done = c7n_org(method)
    assert done.returncode == 0, done.stderr
    for name in ACCOUNTS.values():
        output = tmp_path / "out" / name / "us-east-1" / "inactive" / "resources.json"
        (user,) = json.loads(output.read_text(encoding="utf-8"))
        (key,) = user["c7n:InactiveAccessKeys"]
        assert key["UserName"] == "ci"


def test_c7n_org_without_the_plugin_finds_nothing_whatever_its_status_says(c7n_org, tmp_path):
    """Turned off, no account has output, so the report cannot mistake it for a clean one."""
    done = c7n_org("fork", C7N_INACTIVE_KEYS_AUTOLOAD="0")
    assert "inactive-access-key" in done.stderr
    assert not list((tmp_path / "out").rglob("resources.json"))
