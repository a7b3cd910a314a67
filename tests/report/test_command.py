# SPDX-License-Identifier: Apache-2.0
"""The command: exit status, files, one sentence for mistakes."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import pty
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from click.testing import CliRunner

from c7n_inactive_keys.cli import main
from c7n_inactive_keys.report import progress

from .output_tree import DELETE, DENIED, NOW, POLICIES, OutputTree, accounts_file, entry, key, user

A, B, C = "111111111111", "222222222222", "333333333333"
START = [sys.executable, "-c", "from c7n_inactive_keys.cli import main; main()"]


@pytest.fixture
def run(tree):
    """Run `report` over the tree in this process."""

    def call(*arguments):
        return CliRunner().invoke(
            main, ["report", "-s", str(tree.root), *map(str, arguments)], catch_exceptions=False
        )

    return call


def test_exit_status_0_if_every_account_was_read(tree, run, tmp_path):
    tree.run(A, [user(A, "ci", key(1))], name="one")
    result = run("-c", accounts_file(tmp_path / "a.yml", one=A))
    assert (result.exit_code, result.stderr) == (0, "")
    assert key(1)["AccessKeyId"] in result.stdout


def test_exit_status_3_and_a_sentence_if_some_account_was_not(tree, run, tmp_path):
    tree.run(A, [], name="one")
    tree.run(B, None, name="two")
    result = run("-c", accounts_file(tmp_path / "a.yml", one=A, two=B, three=C))
    assert result.exit_code == 3
    assert result.stderr.startswith("2 accounts of 3 are not covered: three (missing: ")
    assert len(result.stderr.splitlines()) == 1


def test_the_reports_of_a_gap_are_written_nevertheless(tree, run, tmp_path):
    tree.run(A, None, name="one")
    output = tmp_path / "report.json"
    assert run("--format", "json", "-o", output).exit_code == 3
    assert json.loads(output.read_text())["accounts"][0]["status"] == "failed"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["-p", "nonsense"], "no output of a policy named 'nonsense'", id="policy"),
        pytest.param(["-c", "{tmp}/none.yml"], "none.yml cannot be read", id="no accounts file"),
        pytest.param(["-c", "{tmp}/list.yml"], "has no list 'accounts'", id="other YAML"),
        pytest.param(["-c", "{tmp}/bad.yml"], "is not YAML", id="no YAML"),
        pytest.param(["-c", "{tmp}/id.yml"], "without a 12-digit account_id", id="account id"),
        pytest.param(["-o", "{tmp}/no/such/file"], "cannot be written", id="output"),
        pytest.param(["--log", "{tmp}/none.log"], "cannot be read", id="log"),
        pytest.param(["-s", "{tmp}/nowhere"], "there is no directory", id="tree"),
        pytest.param(["--format", "pdf"], "'pdf' is not one of", id="format"),
        pytest.param(["--plan", "{tmp}/plan.csv"], "no policy in the output has", id="plan"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_status_2(tree, run, tmp_path, arguments, sentence):
    tree.run(A, [user(A, "ci", key(1))], name="one")
    (tmp_path / "list.yml").write_text("- a\n")
    (tmp_path / "bad.yml").write_text("a: [\n")
    (tmp_path / "id.yml").write_text("accounts: [{name: x, account_id: '12'}]\n")
    result = run(*(argument.format(tmp=tmp_path) for argument in arguments))
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


def test_a_tree_without_our_policies_is_a_mistake(tree, run):
    tree.run(A, [], policy="other", data={"name": "other", "resource": "aws.iam-user"})
    result = run()
    assert result.exit_code == 2
    assert "no output of a policy that looks for access keys" in result.stderr


def test_an_account_id_that_yaml_took_for_a_number_keeps_its_zeros(tree, run, tmp_path):
    tree.run("012345678901", [], name="one")
    accounts = tmp_path / "a.yml"
    accounts.write_text("accounts:\n- {name: one, account_id: 12345678901}\n")
    assert run("-c", accounts).exit_code == 0


def test_what_c7n_org_printed_tells_why_accounts_left_nothing(tree, run, tmp_path):
    tree.run(A, [], name="one")
    log = tmp_path / "c7n-org.log"
    log.write_text(
        "2026-11-20 04:00:00,1: c7n_org:WARNING Error running policy in two @ us-east-1 "
        "exception: user.filters Invalid filter type {'type': 'inactive-access-key'}\n"
        "2026-11-20 04:00:00,1: c7n_org:ERROR Exception running policy:inactive-keys-report "
        "account:three region:us-east-1 error:An error occurred (AccessDenied) when calling the "
        "AssumeRole operation\n"
    )
    result = run(
        "-c",
        accounts_file(tmp_path / "a.yml", one=A, two=B, three=C),
        "--log",
        log,
        "--format",
        "json",
    )
    reasons = {a["name"]: a["reason"] for a in json.loads(result.stdout)["accounts"]}
    assert reasons["two"].startswith("plugin not loaded: user.filters Invalid filter type")
    assert "AssumeRole" in reasons["three"]


def test_with_its_log_even_a_run_that_made_no_directory_can_be_reported(run, tmp_path):
    log = tmp_path / "c7n-org.log"
    log.write_text("WARNING Error running policy in one @ us-east-1 exception: boom\n")
    result = run("-c", accounts_file(tmp_path / "a.yml", one=A), "--log", log)
    assert result.exit_code == 3
    assert "one (missing: boom)" in result.stderr


def test_the_plan_holds_the_keys_of_policies_that_delete(tree, run, tmp_path):
    found = user(A, "ci", key(1, off=(97.2, 412)))
    tree.run(A, [found, user(A, "new", key(2, off=(3, 3)))], name="one")
    tree.run(
        A,
        [
            found,
            user(A, "keeper", key(3), tags={"keep-keys": "yes"}),
            user(A, "done", key(4)),
        ],
        name="one",
        policy=DELETE,
        journal=[entry(A, "done", key(4), "deleted")],
    )
    plan = tmp_path / "plan.csv"
    assert run("--plan", plan, "-o", tmp_path / "report.txt").exit_code == 0
    (row,) = csv.DictReader(plan.open())
    assert row.pop("Evidence").startswith("created 2024-02-24T04:00:00Z; cloudtrail: ")
    assert row == {
        "AccountId": A,
        "UserName": "ci",
        "AccessKeyId": key(1)["AccessKeyId"],
        "CreateDate": key(1)["CreateDate"],
        "AtLeast": "97.2",
        "AccountName": "one",
        "LastUsedDate": "",
        "AtMost": "412.0",
    }


def test_what_was_written_as_the_plan_is_said_on_stderr(tree, run, tmp_path):
    """With the digest that the journal will name."""
    tree.run(A, [user(A, "ci", key(1))], policy=DELETE)
    plan = tmp_path / "plan.csv"
    said = run("--plan", plan).stderr
    assert said == f"wrote {plan}: 1 key, sha256 {hashlib.sha256(plan.read_bytes()).hexdigest()}\n"


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("r.html", "<!DOCTYPE html>"),
        ("r.HTM", "<!DOCTYPE html>"),
        ("r.csv", "account_id,"),
        ("r.json", '{"format_version"'),
        ("r.jsonl", '{"generated"'),
        ("r.md", "# Inactive access keys"),
        ("r.asff.json", '[\n{"SchemaVersion"'),
        ("r.txt", "Inactive access keys, 2"),
    ],
)
def test_the_ending_of_the_file_decides_the_format(tree, run, tmp_path, name, start):
    """Where none is given."""
    tree.run(A, [user(A, "ci", key(1))], name="one")
    assert run("-o", tmp_path / name).exit_code == 0
    assert (tmp_path / name).read_text().startswith(start)


@pytest.mark.parametrize(
    ("since", "found"),
    [("2026-11-20", {1, 2}), ("2026-11-25T00:00:00Z", {2})],
)
def test_since_leaves_out_earlier_runs(tree, run, tmp_path, since, found):
    """By when they began."""
    tree.run(A, [user(A, "ci", key(1))], name="one")
    tree.run(B, [user(B, "ci", key(2))], name="two", started=NOW + timedelta(days=6))
    document = json.loads(run("--since", since, "--format", "json").stdout)
    ids = {item["access_key_id"] for item in document["keys"]}
    assert ids == {key(number)["AccessKeyId"] for number in found}


def test_json_reports_of_parts_add_up(tree, run, tmp_path):
    """Each stands for the output that it was made of, with what it knows of each key."""
    other = OutputTree(tmp_path / "other")
    tree.run(A, [user(A, "ci", key(1), key(2))], name="one", policy=DELETE)
    line = entry(B, "ci", key(3), "failed", error=DENIED)
    other.run(B, [user(B, "ci", key(3))], name="two", policy=DELETE, journal=[line])
    part = tmp_path / "part.json"
    CliRunner().invoke(main, ["report", "-s", str(other.root), "-o", str(part)])
    with_tree, with_part = (
        json.loads(run("-s", source, "--format", "json").stdout) for source in (other.root, part)
    )
    for name in ("totals", "coverage", "keys", "failures", "outcomes", "ages"):
        assert with_part[name] == with_tree[name], name


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[]", "is no json report of c7n-inactive-keys"),
        ('{"format_version": 2}', "is a report of format_version 2, of which only 1 can be read"),
        ('{"format_version": 1}', "is no json report of c7n-inactive-keys"),
    ],
)
def test_a_file_that_is_no_json_report_is_refused(run, tree, tmp_path, text, sentence):
    """In a sentence."""
    tree.run(A, [])
    (tmp_path / "part.json").write_text(text)
    done = run("-s", tmp_path / "part.json")
    assert done.exit_code == 2
    assert sentence in done.stderr


def test_the_plan_names_users_as_iam_does_but_bears_no_formula(tree, run, tmp_path):
    """`=1+1` is a legal user name, with which the action compares; `=cmd()` is none."""
    names = ["=1+1", "=cmd()|' /C calc'!A0"]
    tree.run(A, [user(A, name, key(number)) for number, name in enumerate(names)], policy=DELETE)
    plan = tmp_path / "plan.csv"
    run("--plan", plan)
    assert [row["UserName"] for row in csv.DictReader(plan.open())] == [names[0], f"'{names[1]}"]


def test_the_plan_leaves_out_accounts_whose_last_run_failed(tree, run, tmp_path):
    found = [user(A, "ci", key(1))]
    tree.run(A, found, name="one", policy=DELETE)
    tree.run(A, None, name="one", policy=DELETE, started=NOW + timedelta(days=1))
    tree.run(B, [], name="two", policy=DELETE)
    plan = tmp_path / "plan.csv"
    assert run("--plan", plan).exit_code == 3
    assert len(list(csv.reader(plan.open()))) == 1


def test_actions_given_by_their_bare_name_are_understood(tree, run, tmp_path):
    bare = {**POLICIES[DELETE], "actions": ["record-inactive-keys", "delete-inactive-keys"]}
    tree.run(A, [user(A, "ci", key(1))], policy=DELETE, data=bare)
    plan = tmp_path / "plan.csv"
    assert run("--plan", plan).exit_code == 0
    assert len(list(csv.reader(plan.open()))) == 2


def test_the_plan_of_one_policy(tree, run, tmp_path):
    other = {**POLICIES[DELETE], "name": "delete-all"}
    tree.run(A, [user(A, "ci", key(1))], policy=DELETE)
    tree.run(A, [user(A, "ci", key(1), key(2))], policy="delete-all", data=other)
    plan = tmp_path / "plan.csv"
    run("--plan", plan, "-p", DELETE)
    assert len(list(csv.reader(plan.open()))) == 2
    run("--plan", plan, "-p", "delete-all")
    assert len(list(csv.reader(plan.open()))) == 3


def test_piped_output_is_plain_and_stderr_silent(tree):
    tree.run(A, [user(A, "ci", key(1))])
    done = subprocess.run([*START, "report", "-s", str(tree.root)], capture_output=True, check=True)
    assert b"\x1b" not in done.stdout
    assert done.stderr == b""


def test_on_a_terminal_the_report_is_coloured(tree):
    tree.run(A, [user(A, "ci", key(1))])
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*START, "report", "-s", str(tree.root)],
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "110"},
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert process.wait() == 0
    assert b"\x1b[1m" in shown
    assert key(1)["AccessKeyId"].encode() in shown


def test_progress_shows_up_on_a_terminal_once_it_takes_too_long(monkeypatch, capsys):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert list(progress.progress(range(3), "reading out")) == [0, 1, 2]
    assert "reading out: 3" in capsys.readouterr().err


def test_progress_is_silent_when_piped(capsys):
    assert list(progress.progress(range(3), "reading out")) == [0, 1, 2]
    assert capsys.readouterr().err == ""


def test_report_reads_s3_trees_as_custodian_uploads_them(sandbox, tree, monkeypatch, tmp_path):
    """Keys end in the hour of the run, and everything is gzipped."""
    sandbox.account(A)
    for name, value in sandbox.environ(A).items():
        monkeypatch.setenv(name, value)
    client = sandbox.client("s3", A)
    client.create_bucket(Bucket="reports")
    tree.run(A, [user(A, "ci", key(1))], name="one", stamp="2026/11/20/04", gz=True)
    for path in tree.root.rglob("*.gz"):
        client.upload_file(str(path), "reports", f"c7n/{path.relative_to(tree.root).as_posix()}")
    result = CliRunner().invoke(
        main, ["report", "-s", "s3://reports/c7n", "--format", "json"], catch_exceptions=False
    )
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["accounts"][0]["name"] == "one"
    assert [item["access_key_id"] for item in document["keys"]] == [key(1)["AccessKeyId"]]


def test_of_a_tree_in_s3_the_latest_run_is_read_by_default(sandbox, tree, monkeypatch):
    """A tree that holds many runs is read in the time of one; a deployment is no run."""
    sandbox.account(A)
    for name, value in sandbox.environ(A).items():
        monkeypatch.setenv(name, value)
    client = sandbox.client("s3", A)
    client.create_bucket(Bucket="reports")
    for day in range(1, 4):
        stamp, started = f"2026/11/{day:02d}/04", datetime(2026, 11, day, 4, tzinfo=timezone.utc)
        found = [user(A, "ci", key(day))]
        tree.run(A, found, name="one", stamp=stamp, gz=True, started=started)
    mode = {"type": "periodic", "schedule": "rate(1 day)"}
    deployed = {**POLICIES["inactive-keys-report"], "mode": mode}
    deployment = tree.run(A, name="one", stamp="2026/11/04/04", data=deployed)
    metadata = json.loads((deployment / "metadata.json").read_text())
    (deployment / "metadata.json").write_text(json.dumps({**metadata, "metrics": []}))
    for path in filter(Path.is_file, tree.root.rglob("*")):
        client.upload_file(str(path), "reports", f"c7n/{path.relative_to(tree.root).as_posix()}")
    command = ["report", "-s", "s3://reports/c7n", "--format", "json"]
    sandbox.calls.clear()
    latest = CliRunner().invoke(main, command, catch_exceptions=False)
    read = [call.action for call in sandbox.calls if "2026" in call.action]
    assert read
    assert not [action for action in read if "2026/11/01" in action or "2026/11/02" in action]
    assert "to read earlier runs in S3 as well: --since TIME" in latest.stderr
    found = [item["access_key_id"] for item in json.loads(latest.stdout)["keys"]]
    assert found == [key(3)["AccessKeyId"]]
    all_runs = CliRunner().invoke(main, [*command, "--since", "2026-01-01"])
    assert "earlier" not in all_runs.stderr
    assert json.loads(all_runs.stdout)["trend"][0]["started"] < "2026-11-02"


def test_a_bucket_that_is_not_there_is_a_sentence(sandbox, monkeypatch):
    sandbox.account(A)
    for name, value in sandbox.environ(A).items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(main, ["report", "-s", "s3://nowhere/c7n"])
    assert result.exit_code == 2
    assert "s3://nowhere/c7n cannot be read" in result.stderr
