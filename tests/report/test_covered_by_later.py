# SPDX-License-Identifier: Apache-2.0
"""What an earlier run left in a directory does not cover for a later one that failed."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from c7n_inactive_keys.cli import main

from .output_tree import NOW, POLICIES, REPORT, accounts_file, key, user

A, B = "111111111111", "222222222222"
PERIODIC = {**POLICIES[REPORT], "mode": {"type": "periodic", "schedule": "rate(1 day)"}}
LINE = "{time:%Y-%m-%d %H:%M:%S},000: c7n_org:ERROR Error running policy in one @ us-east-1 "
BOOM = "exception: boom"


@pytest.fixture(name="log")
def _log(tmp_path):
    """c7n-org's stderr with a failure of account `one`, so many hours after the run."""

    def write(hours):
        path = tmp_path / "c7n-org.log"
        local = (NOW + timedelta(hours=hours)).astimezone()
        path.write_text(LINE.format(time=local) + BOOM + "\n")
        return path

    return write


def report(tree, *arguments):
    """The command, in this process."""
    return CliRunner().invoke(main, ["report", "-s", str(tree.root), *map(str, arguments)])


@pytest.mark.parametrize(("hours", "status"), [(2, 3), (-2, 0)], ids=["later", "earlier"])
def test_a_failure_that_the_log_tells_counts_if_it_is_later(tree, tmp_path, log, hours, status):
    """The directory was used again, and the second run never got into the account."""
    tree.run(A, [user(A, "ci", key(1))], name="one")
    listed = accounts_file(tmp_path / "accounts.yml", one=A)
    result = report(tree, "-c", listed, "--log", log(hours))
    assert result.exit_code == status, result.output
    assert ("boom" in result.output) == bool(status)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"policy": {"name": "x", "filters": 5}}'])
def test_damaged_metadata_makes_no_clean_account(tree, text):
    """What it would have said is unknown: perhaps that today's run failed."""
    place = tree.run(A, [user(A, "ci", key(1))], name="one")
    (place / "metadata.json").write_text(text)
    result = report(tree)
    assert result.exit_code == 3
    assert "metadata.json" in result.stderr


def test_a_scheduled_function_that_fails_now_is_not_covered_by_its_last_success(tree):
    """A month ago it read the account; today it is denied."""
    tree.run(
        A, [user(A, "ci", key(1))], stamp="2026/10/20/04", data=PERIODIC,
        started=NOW - timedelta(days=31),
    )  # fmt: skip
    tree.run(A, None, stamp="2026/11/20/04", data=PERIODIC)
    result = report(tree)
    assert result.exit_code == 3, result.output


def test_accounts_behind_links_are_read(tree, tmp_path):
    """Whoever gathers trees by links has them all in the report; a loop ends."""
    apart = type(tree)(tmp_path / "apart")
    apart.run(B, [user(B, "ops", key(2))], name="two")
    tree.run(A, [user(A, "ci", key(1))], name="one")
    (tree.root / "two").symlink_to(apart.root / "two")
    (tree.root / "loop").symlink_to(tree.root)
    result = report(tree, "--format", "csv")
    assert result.exit_code == 0, result.output
    assert {line.split(",")[0] for line in result.stdout.splitlines()[1:]} == {A, B}


DEEP = "[" * 100_000
NO_TIME = json.dumps({"policy": POLICIES[REPORT], "execution": {"start": 1e20}})


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("resources.json", DEEP, "resources.json is nested too deeply"),
        ("resources.json", "[", "resources.json is no JSON"),
        ("metadata.json", DEEP, "metadata.json is nested too deeply"),
        ("metadata.json", b"\xff", "metadata.json cannot be read"),
        ("metadata.json", NO_TIME, "no time"),
        ("resources.json.gz", b"\x1f\x8b", "resources.json cannot be read"),
    ],
)
def test_a_file_that_makes_no_sense_is_named_and_the_account_is_not_read(tree, name, content, said):
    """The others are reported all the same."""
    tree.run(B, [user(B, "ops", key(2))], name="two")
    place = tree.run(A, [user(A, "ci", key(1))], name="one", gz=name.endswith(".gz"))
    (place / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    result = report(tree, "--format", "csv")
    assert result.exit_code == 3, result.output
    assert said in result.stderr
    assert result.stdout.splitlines()[-1].startswith(B)


def test_an_active_key_without_an_id_makes_the_users_no_clean_reading(tree):
    """It is not known which key that is."""
    users = [user(A, "ci", key(1), active=("x",))]
    users[0]["c7n:AccessKeys"][1].pop("AccessKeyId")
    tree.run(A, users, name="one")
    result = report(tree)
    assert result.exit_code == 3
    assert "AccessKeyId" in result.stderr


def test_links_that_lead_nowhere_are_named(tree):
    """One to itself, which nothing can read, and one to a file that has gone."""
    place = tree.run(A, [user(A, "ci", key(1))], name="one")
    (tree.root / "itself").symlink_to(tree.root / "itself")
    (place / "resources.json").unlink()
    (place / "resources.json").symlink_to(tree.root / "gone.json")
    result = report(tree)
    assert result.exit_code == 3, result.output
    assert "itself cannot be read" in result.stdout
    assert "resources.json cannot be read: No such file" in result.stderr


def test_half_a_character_in_a_name_is_no_end_of_the_report(tree):
    """JSON can hold what no text can: it is shown as a character that is not known."""
    place = tree.run(A, [user(A, "ci", key(1))], name="one")
    text = (
        (place / "resources.json").read_text().replace('"UserName": "ci"', '"UserName": "\\ud83d"')
    )
    (place / "resources.json").write_text(text)
    result = report(tree, "--format", "json")
    assert result.exit_code == 0, result.output
    assert "\N{REPLACEMENT CHARACTER}" in result.stdout


def test_a_function_that_could_not_be_deployed_did_not_read(tree):
    """Metadata that a failed deployment left is no run of the function."""
    log = (
        "2026-11-20 04:00:00,000 - custodian.policy - INFO - Provisioning policy lambda: x\n"
        "2026-11-20 04:00:01,000 - custodian.output - ERROR - Error while executing policy\n"
        "botocore.exceptions.ClientError: An error occurred (AccessDenied): no\n"
    )
    tree.run(B, [user(B, "ops", key(2))], name="two")
    tree.run(A, None, name="one", data=PERIODIC, log=log)
    result = report(tree)
    assert "was not deployed" in result.stdout
