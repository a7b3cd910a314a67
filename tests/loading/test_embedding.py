# SPDX-License-Identifier: Apache-2.0
"""Programs that have Custodian as a library, and Lambda functions with the plugin in a layer."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from c7n_inactive_keys.check.archive import make_runtime
from c7n_inactive_keys.core.ledger import tag_key
from tests.docs.pages import examples
from tests.loading import engine
from tests.serverless import lambda_runtime
from tests.support.commands import clean_environ, run
from tests.support.paths import BIN, ROOT

pytestmark = pytest.mark.e2e

ACCOUNTS = ("100000000001", "100000000002")
OFF = {"C7N_INACTIVE_KEYS_AUTOLOAD": "0"}
PROGRAM, HANDLER = (
    example.text
    for example in examples(ROOT / "docs" / "loading.md")
    if example.language == "python"
)


@pytest.fixture(name="environ")
def _environ(sandbox) -> dict[str, str]:
    """Two accounts with a key each, deactivated 60 and 10 days ago, both told by event history."""
    now = sandbox.now()
    for account_id, days in zip(ACCOUNTS, (60, 10), strict=True):
        user = sandbox.account(account_id).user(f"off-{days}", created=now - timedelta(days=300))
        user.key(created=now - timedelta(days=300), toggles=[now - timedelta(days=days)])
    return sandbox.environ(ACCOUNTS[0], clean_environ()) | OFF


def keys(sandbox) -> list[str]:
    """The users that still have a key."""
    users = [user for name in ACCOUNTS for user in sandbox.account(name).users.items()]
    return [name for name, user in users if user.keys]


def test_the_program_of_the_page_finds_records_and_can_be_reported(sandbox, environ, tmp_path):
    """It runs as it stands there, with the start-up files turned off."""
    done = run(sys.executable, "-c", PROGRAM, cwd=tmp_path, **environ)
    assert done.returncode == 0, done.stderr
    ((name, key_id, at_least),) = (line.split() for line in done.stdout.splitlines())
    user = sandbox.account(ACCOUNTS[0]).users["off-60"]
    assert (name, key_id, float(at_least)) == ("off-60", user.keys[0].id, 60.0)
    assert tag_key(key_id) in user.tags
    report = run(BIN / "c7n-inactive-keys", "report", "-s", "out", "--format", "json", cwd=tmp_path)
    assert report.returncode == 0, report.stderr
    (row,) = json.loads(report.stdout)["keys"]
    assert (row["account_id"], row["access_key_id"]) == (ACCOUNTS[0], key_id)


@pytest.mark.parametrize("way", ["run", "direct"])
def test_an_engine_of_its_own_making_deletes_what_is_proven_account_by_account(
    sandbox, environ, tmp_path, way
):
    """What was read in one account proves nothing in the next; the journal names the account."""
    done = run(sys.executable, engine.__file__, way, tmp_path, *ACCOUNTS, **environ)
    assert done.returncode == 0, done.stderr
    assert keys(sandbox) == ["off-10"]
    assert sandbox.calls.count("LookupEvents") == len(ACCOUNTS)
    text = (tmp_path / "inactive-keys" / "inactive-keys.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["outcome"], line["account_id"]) for line in lines] == [
        ("deleting", ACCOUNTS[0]), ("deleted", ACCOUNTS[0]),
    ]  # fmt: skip


def test_where_nobody_uploads_the_journal_its_lines_are_on_stderr(sandbox, environ):
    """Actions that are called by themselves, output to S3, no logging: nothing is lost."""
    done = run(sys.executable, engine.__file__, "direct", "s3://no-such", ACCOUNTS[0], **environ)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert [line["outcome"] for line in lines] == ["deleting", "deleted"]


# -- a Lambda layer --------------------------------------------------------------------------------


@pytest.mark.parametrize("handler", ["c7n_inactive_keys.lambda_handler.run", "own.run"])
def test_a_function_whose_layer_has_the_plugin_records_a_deactivation(
    sandbox, environ, tmp_path, handler
):
    """A path without site directory: the plugin's handler, or one as on the page, registers it."""
    layer = make_runtime(tmp_path / "layer")
    for name in ("c7n", "c7n_inactive_keys"):
        (layer / name).symlink_to(Path(find_spec(name).origin).parent)
    task = tmp_path / "task"
    task.mkdir()
    (task / "own.py").write_text(HANDLER, encoding="utf-8")
    text = (ROOT / "policies" / "record-deactivations.yml").read_text(encoding="utf-8")
    policies = yaml.safe_load(text)["policies"]
    policies[0]["mode"]["execution-options"] = {"output_dir": str(tmp_path / "out")}
    (task / "config.json").write_text(json.dumps({"policies": policies}), encoding="utf-8")
    user = sandbox.account(ACCOUNTS[0]).users["off-60"]
    user.keys[0].activate(sandbox.now() - timedelta(days=1))
    user.keys[0].deactivate(sandbox.now() - timedelta(minutes=5))
    event = sandbox.account(ACCOUNTS[0]).events[-1].envelope()
    done = run_function(task, layer, handler, json.dumps(event), environ)
    assert done["error"] is None
    assert tag_key(user.keys[0].id) in user.tags


def run_function(task: Path, layer: Path, handler: str, event: str, environ: dict) -> dict:
    """What a function answers to an event, in a process that sees task and layer only."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", lambda_runtime.__file__, task, layer, handler],
        input=event + "\n", env=environ | {"AWS_LAMBDA_FUNCTION_NAME": "custodian"},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
