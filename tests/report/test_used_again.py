# SPDX-License-Identifier: Apache-2.0
"""Output directories that c7n-org used twice: what its log says of the later run counts."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from click.testing import CliRunner

from c7n_inactive_keys.cli import main
from c7n_inactive_keys.report.read.org_log import org_failures
from c7n_inactive_keys_sandbox import Fault
from c7n_inactive_keys_sandbox.organisation import Organisation

from .office import Office
from .output_tree import DELETE, NOW, REPORT, accounts_file

pytest.importorskip("c7n_org", reason="extra org is not installed")

A, B = "111111111111", "222222222222"
NUMBERS = {"one": A, "two": B}
EAST, WEST = "us-east-1", "eu-west-1"
END = "INFO Policy resource counts Counter({})"


def died(region, name="one"):
    """What c7n-org prints if a worker ends by an exception."""
    return f"WARNING Error running policy in {name} @ {region} exception: boom"


def failed(policy, region=EAST):
    """What c7n-org prints if a policy ends by an exception, be it in an action."""
    return f"ERROR Exception running policy:{policy} account:one region:{region} error:boom"


def denied(policy, region=EAST):
    """What c7n-org prints if AWS denies a call; it goes on with the next account then."""
    return f"WARNING Access denied api:X policy:{policy} account:one region:{region}"


def ran(seconds):
    """What c7n-org prints of an account with matches."""
    return f"INFO Ran account:two region:{EAST} policy:x matched:1 time:{seconds:.2f}"


def log(*lines):
    """A log of lines, each so many minutes after the output was written."""
    return [
        f"{(NOW + timedelta(minutes=minutes)).astimezone():%Y-%m-%d %H:%M:%S},000: c7n_org:{text}"
        for minutes, text in lines
    ]


def status(report, tree, *lines, **options):
    (account,) = report(tree, org_failures=org_failures(log(*lines)), **options).accounts
    return account.status


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([(60, died(EAST))], "failed", id="later"),
        pytest.param([(-60, died(EAST))], "read", id="earlier"),
        pytest.param([(-60, died(EAST)), (-59, END), (1, END)], "read", id="appended, earlier"),
        pytest.param([(1, END), (60, died(EAST))], "failed", id="appended, later"),
        pytest.param([(60, failed(REPORT))], "failed", id="the policy"),
        pytest.param([(60, failed("ec2-tags"))], "read", id="another policy"),
        pytest.param([(60, denied("ec2-tags"))], "failed", id="denied before the policy began"),
        pytest.param([(1, ran(70)), (2, denied("z"))], "read", id="denied behind the policy"),
        pytest.param([(60, died(EAST, "three"))], "read", id="another account"),
        pytest.param([(1, ran(70)), (2, died(EAST))], "failed", id="its own worker, behind it"),
    ],
)
def test_a_failure_counts_if_it_is_later_and_stopped_the_policy(tree, report, lines, expected):
    tree.run(A, [], name="one")
    result = report(tree, org_failures=org_failures(log(*lines)))
    assert next(item.status for item in result.accounts if item.name == "one") == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([(1, died(WEST))], "read", id="one region of the same run"),
        pytest.param([(60, ran(3600)), (61, died(WEST))], "read", id="after a long run"),
        pytest.param([(60, died(WEST)), (60, died(EAST))], "failed", id="both, later"),
        pytest.param([(60, died(WEST))], "failed", id="one, and the other is of an earlier run"),
    ],
)
def test_one_region_that_was_read_in_the_same_run_is_enough(tree, report, lines, expected):
    tree.run(A, [], name="one", region=EAST)
    tree.run(A, [], name="one", region=WEST, started=NOW - timedelta(days=1))
    assert status(report, tree, *lines) == expected


def test_the_failed_action_of_a_run_does_not_take_back_that_it_read_the_account(tree, report):
    """c7n-org prints the same for both; metadata tells that the users were counted."""
    tree.run(A, [], name="one", policy=DELETE, failed=True)
    assert status(report, tree, (5, failed(DELETE))) == "read"
    assert status(report, tree, (60, failed(DELETE))) == "failed"


def test_a_failure_without_a_time_counts(tree, report):
    """Whoever cut the time stamps off cannot be told when it was."""
    tree.run(A, [], name="one")
    result = report(tree, org_failures=org_failures([died(EAST)]))
    assert [item.status for item in result.accounts] == ["failed"]


def test_an_account_that_only_the_log_names_is_no_clean_one(tree, tmp_path):
    """Without an accounts file nothing else tells of it."""
    tree.run(A, [], name="one")
    path = tmp_path / "c7n-org.log"
    path.write_text("\n".join(log((0, died(EAST, "two")))))
    done = CliRunner().invoke(main, ["report", "-s", str(tree.root), "--log", str(path)])
    assert done.exit_code == 3
    assert "two (missing: boom)" in done.stderr
    accounts = accounts_file(tmp_path / "accounts.yml", one=A)
    command = ["report", "-s", str(tree.root), "--log", str(path), "-c", str(accounts)]
    assert CliRunner().invoke(main, command).exit_code == 0


@pytest.fixture(name="office")
def _office(sandbox, tmp_path):
    """Two accounts that c7n-org has read, each with its output, and the shell to go on with."""
    accounts = tuple(sandbox.account(number, name=name) for name, number in NUMBERS.items())
    for account in accounts:
        account.user("ci").key(toggles=[datetime.now(timezone.utc) - timedelta(days=9)])
    office = Office(sandbox, Organisation(accounts, accounts[0]), tmp_path)
    done = office.org("out")
    assert done.returncode == 0, done.stderr
    assert office.json("out")["coverage"] == {"read": 2, "failed": 0, "missing": 0}
    office.an_hour_passes("out")
    return office


@pytest.mark.e2e
def test_a_second_run_without_the_plugin_leaves_no_account_read(office):
    """c7n-org ends with 0, and the first run's output is as it was."""
    office.environ["C7N_INACTIVE_KEYS_AUTOLOAD"] = "0"
    assert office.org("out").returncode == 0
    document = office.json("out", "--log", "out.log", status=3)
    assert {account["status"] for account in document["accounts"]} == {"failed"}
    assert all(a["reason"].startswith("plugin not loaded: ") for a in document["accounts"])


@pytest.mark.e2e
def test_a_second_run_whose_role_is_denied_in_an_account_leaves_it_unread(office):
    """Only the first policy is in the log: c7n-org leaves the account there."""
    first = (office.directory / "out.log").read_text()
    fault = Fault(action="AssumeRole", account=B, times=None, error="AccessDenied")
    office.sandbox.faults.add(fault)
    assert office.org("out").returncode == 1
    for policies in ([], ["-p", DELETE]):
        document = office.json("out", "--log", "out.log", *policies, status=3)
        assert {a["name"]: a["status"] for a in document["accounts"]} == {
            "one": "read",
            "two": "failed",
        }
    office.an_hour_passes("out")
    log = office.directory / "out.log"
    earlier = first + log.read_text()
    office.sandbox.faults.clear()
    assert office.org("out").returncode == 0
    log.write_text(earlier + log.read_text())
    office.json("out", "--log", "out.log")
