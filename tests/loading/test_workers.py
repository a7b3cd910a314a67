# SPDX-License-Identifier: Apache-2.0
"""c7n-org on the sandbox: its workers have the plugin, however Python starts them."""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import pytest
import yaml

from tests.support.commands import clean_environ, run
from tests.support.paths import BIN

pytestmark = pytest.mark.e2e

ACCOUNTS = {"100000000001": "management", "100000000002": "payments"}
# A command, except for the way in which its workers are started; 3.14 and macOS differ.
START = "import multiprocessing, sys; multiprocessing.set_start_method(sys.argv.pop(1)); "
STOCK = START + "from c7n_org.cli import cli; cli()"
OURS = START + "from c7n_inactive_keys.cli import run; run()"
# Programs that load the plugin themselves; the second does it where workers do not see it.
PROGRAM = """
import multiprocessing, sys
import c7n_inactive_keys.entry
from c7n_org.cli import cli

c7n_inactive_keys.entry.initialize()

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv.pop(1))
    cli()
"""
MISTAKEN = """
import multiprocessing, sys
import c7n_inactive_keys.entry
from c7n_org.cli import cli

if __name__ == "__main__":
    c7n_inactive_keys.entry.initialize()
    multiprocessing.set_start_method(sys.argv.pop(1))
    cli()
"""
METHODS = ["fork", "spawn", "forkserver"]


def whole(method):
    """A way that is enough to try before a release, since the other test tries it."""
    return pytest.param(method, marks=pytest.mark.release)


OFF = {"C7N_INACTIVE_KEYS_AUTOLOAD": "0"}
POLICIES = {
    "policies": [
        {
            "name": "inactive",
            "resource": "aws.iam-user",
            "source": "credential-report",
            "filters": [{"type": "inactive-access-key", "days": 30}],
        }
    ]
}


@pytest.fixture(name="c7n_org")
def _c7n_org(sandbox, tmp_path):
    """Runs c7n-org over two accounts with one key each, deactivated 60 days ago."""
    now = sandbox.now()
    for account_id, name in ACCOUNTS.items():
        user = sandbox.account(account_id, name=name).user("ci", created=now - timedelta(days=300))
        user.key(created=now - timedelta(days=300), toggles=[now - timedelta(days=60)])
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

    def start(*command: object, **environ: str):
        return run(
            *command, "run", "-c", "accounts.yml", "-u", "policies.yml", "-s", "out",
            "--cache-period", "0", cwd=tmp_path,
            **sandbox.environ("100000000001", clean_environ()) | environ,
        )  # fmt: skip

    return start


def found(directory) -> list[str]:
    """The users with matched keys in the output of each account."""
    return [
        key["UserName"]
        for output in (directory / "out").glob("*/us-east-1/inactive/resources.json")
        for user in json.loads(output.read_text(encoding="utf-8"))
        for key in user["c7n:InactiveAccessKeys"]
    ]


@pytest.mark.parametrize("method", [*METHODS[:-1], whole(METHODS[-1])])
def test_c7n_org_finds_the_keys_with_workers_of_every_kind(c7n_org, tmp_path, method):
    """Each account's key is found by a worker, whether forked, spawned or from a fork server."""
    done = c7n_org(sys.executable, "-c", STOCK, method)
    assert (done.returncode, found(tmp_path)) == (0, ["ci", "ci"]), done.stderr


@pytest.mark.parametrize("method", [*map(whole, METHODS[:-1]), METHODS[-1]])
def test_our_command_gives_c7n_org_and_its_workers_the_plugin(c7n_org, tmp_path, method):
    """Without start-up files, as the opt-out has it."""
    done = c7n_org(sys.executable, "-c", OURS, method, "c7n-org", **OFF)
    assert (done.returncode, found(tmp_path)) == (0, ["ci", "ci"]), done.stderr


def test_a_program_registers_at_the_top_level_of_its_main_script(c7n_org, tmp_path):
    """Which is what workers import again that are not forked."""
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    done = c7n_org(sys.executable, "program.py", "forkserver", **OFF)
    assert (done.returncode, found(tmp_path)) == (0, ["ci", "ci"]), done.stderr


def test_a_program_that_registers_elsewhere_is_noticed(c7n_org, tmp_path):
    """c7n-org does nothing and ends with status 0; the report's status is 3, without output 2."""
    (tmp_path / "program.py").write_text(MISTAKEN, encoding="utf-8")
    done = c7n_org(sys.executable, "program.py", "forkserver", **OFF)
    assert (done.returncode, found(tmp_path)) == (0, [])
    (tmp_path / "c7n-org.log").write_text(done.stderr, encoding="utf-8")
    ours = BIN / "c7n-inactive-keys"
    report = run(ours, "report", "-s", "out", "-c", "accounts.yml", "--log", "c7n-org.log",
                 cwd=tmp_path)  # fmt: skip
    assert report.returncode == 3
    assert report.stdout.count("plugin not loaded") == len(ACCOUNTS)
    bare = run(ours, "report", "-s", "out", "-c", "accounts.yml", cwd=tmp_path)
    assert bare.returncode == 2
    assert "there is no directory out" in bare.stderr


def test_c7n_org_without_the_plugin_finds_nothing_whatever_its_status_says(c7n_org, tmp_path):
    """Turned off, no account has output, so the report cannot mistake it for a clean one."""
    done = c7n_org(BIN / "c7n-org", **OFF)
    assert "inactive-access-key" in done.stderr
    assert not list((tmp_path / "out").rglob("resources.json"))
