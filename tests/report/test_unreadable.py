# SPDX-License-Identifier: Apache-2.0
"""Files and directories that cannot be read or hold nonsense: named, and the rest is reported."""

from __future__ import annotations

import json
import os

import pytest
from click.testing import CliRunner

from c7n_inactive_keys.cli import main

from .output_tree import DELETE, POLICIES, REPORT, entry, key, too_deep, user

A, B = "111111111111", "222222222222"
FORMATS = ("text", "csv", "json", "html", "asff")


def statuses(result):
    return {account.name: account.status for account in result.accounts}


def reason(result, name):
    return next(account.reason for account in result.accounts if account.name == name)


@pytest.fixture
def every_format(tree):
    """The command over the tree in every format, in this process; any traceback is an error."""

    def call():
        command = ["report", "-s", str(tree.root), "--format"]
        done = [CliRunner().invoke(main, [*command, name]) for name in FORMATS]
        assert {repr(item.exception) for item in done} <= {"None", "SystemExit(3)", "SystemExit(4)"}
        return done[FORMATS.index("json")]

    return call


def test_a_directory_that_cannot_be_read_is_named_and_the_rest_is_reported(tree, report):
    tree.run(A, [user(A, "ci", key(1))], name="one")
    too_deep(tree.root / "lost")
    tree.run(B, [], name="two")
    result = report(tree)
    assert statuses(result) == {"one": "read", "two": "read", "lost": "failed"}
    (problem,) = result.problems
    assert problem.startswith(str(tree.root / "lost"))
    assert problem.endswith(" cannot be read: File name too long")


def test_a_directory_without_permission_is_named_and_the_rest_is_reported(tree, report):
    tree.run(A, [user(A, "ci", key(1))], name="one")
    for name, mode in (("lost+found", 0), ("listed", 0o400)):
        (tree.root / name).mkdir()
        (tree.root / name / "resources.json").write_text("[]")
        (tree.root / name).chmod(mode)
    if os.access(tree.root / "lost+found", os.R_OK, effective_ids=True):
        pytest.skip("this user may read everything")
    result = report(tree)
    for name in ("lost+found", "listed"):
        (tree.root / name).chmod(0o700)
    assert statuses(result) == {"one": "read", "lost+found": "failed", "unknown": "failed"}
    assert f"{tree.root}/lost+found cannot be read: Permission denied" in result.problems
    assert f"{tree.root}/listed/resources.json cannot be read: Permission denied" in result.problems


def test_a_file_that_cannot_be_read_says_why(tree, report):
    """A link in a circle is a file that nobody can open."""
    place = tree.run(A, [user(A, "ci", key(1))], name="one")
    (place / "resources.json").unlink()
    (place / "resources.json").symlink_to("resources.json")
    result = report(tree)
    why = "resources.json cannot be read: Too many levels of symbolic links"
    assert reason(result, "one") == why
    assert result.problems == (f"{place}/{why}",)


def test_a_link_to_nothing_is_named(tree, report):
    """An account's directory was moved away from where its link leads."""
    tree.run(A, [], name="one")
    (tree.root / "two").symlink_to("elsewhere")
    result = report(tree)
    assert statuses(result) == {"one": "read", "two": "failed"}
    assert result.problems == (f"{tree.root}/two cannot be read: No such file or directory",)


def test_a_directory_that_two_links_lead_to_is_read_once(tree, report):
    """Else its run would be taken for two, one after the other."""
    tree.run(A, [user(A, "ci", key(1))], name="one")
    (tree.root / "latest").symlink_to(tree.root / "one")
    (tree.root / "one" / "up").symlink_to("..")
    result = report(tree)
    assert statuses(result) == {"one": "read"}
    assert [point.first for point in result.trend] == [1]


def test_users_of_an_unknown_policy_do_not_make_an_account_read(tree, report):
    """EC2 instances, say, of a run that left no metadata."""
    place = tree.run(A, [], name="one", policy="ec2", metadata=False)
    (place / "resources.json").write_text('[{"InstanceId": "i-1"}]')
    result = report(tree)
    assert statuses(result) == {"one": "failed"}
    assert "metadata.json" in reason(result, "one")


def test_without_metadata_the_policy_is_what_it_is_in_other_accounts(tree, report):
    """A run that was killed at its actions had read the users."""
    tree.run(A, [], name="one", metadata=False)
    tree.run(B, [], name="two")
    assert statuses(report(tree)) == {"one": "read", "two": "read"}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param([], "which policy", id="list"),
        pytest.param({"policy": "x"}, "which policy", id="policy"),
        pytest.param({"policy": {"filters": 5}}, "filters of a wrong type (int)", id="filters"),
        pytest.param({"policy": {"actions": "x"}}, "actions of a wrong type (str)", id="actions"),
        pytest.param({"config": []}, "config of a wrong type (list)", id="config"),
        pytest.param({"config": {"region": 5}}, "region of a wrong type (int)", id="region"),
        pytest.param({"metrics": {}}, "metrics of a wrong type (dict)", id="metrics"),
        pytest.param({"execution": {"start": 1e20}}, "no time (1e+20)", id="far future"),
        pytest.param({"execution": {"start": -1e12}}, "no time", id="before 1970"),
        pytest.param({"execution": {"start": "x"}}, "no time (x)", id="no number"),
        pytest.param({"execution": {"start": float("nan")}}, "no time (nan)", id="nan"),
    ],
)
def test_metadata_of_wrong_types_fails_its_account(tree, report, every_format, content, why):
    place = tree.run(A, [user(A, "ci", key(1))], name="one")
    if isinstance(content, dict):
        whole = json.loads((place / "metadata.json").read_text())
        policy = content.get("policy")
        if isinstance(policy, dict):
            content = {"policy": POLICIES[REPORT] | policy}
        content = whole | content
    (place / "metadata.json").write_text(json.dumps(content))
    result = report(tree)
    assert statuses(result) == {"one": "failed"}
    assert why in reason(result, "one")
    assert any(f"{place}/metadata.json" in problem for problem in result.problems)
    assert every_format().exit_code == 3


@pytest.mark.parametrize(
    "text",
    [
        '[{"UserName": "u", "c7n:AccessKeys": [{"Status": "Active"}]}]',
        '[{"UserName": "u", "c7n:AccessKeys": 5}]',
        "[NaN]",
        "[" * 100_000,
    ],
    ids=["no id", "no list", "NaN", "nested"],
)
def test_resources_of_another_form_fail_their_account(tree, report, text):
    place = tree.run(A, [], name="one")
    (place / "resources.json").write_text(text)
    result = report(tree)
    assert statuses(result) == {"one": "failed"}
    assert len(result.problems) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"InactiveDays": {"AtLeast": float("nan"), "AtMost": 5}},
        {"InactiveDays": {"AtLeast": 1, "AtMost": float("inf")}},
        {"CreateDate": "0001-01-01T00:00:00Z"},
    ],
    ids=["NaN", "infinite", "year 1"],
)
def test_numbers_and_times_that_could_not_be_written_fail_their_account(tree, every_format, change):
    tree.run(A, [user(A, "ci", key(1) | change)], name="one")
    assert every_format().exit_code == 3


@pytest.mark.parametrize(
    "change",
    [
        {"time": "yesterday"},
        {"evidence": 5},
        {"evidence": [{"Source": "last-used", "Kind": "used", "Time": 5}]},
        {"created": 5},
        {"not_before": "x"},
        {"at_least_days": "x"},
        {"at_most_days": float("inf")},
        {"policy": ["x"]},
        {"reason": ["x"]},
        {"reason": 5, "access_key_id": None},
    ],
    ids=str,
)
def test_journal_lines_of_wrong_types_are_a_problem_of_their_own(tree, every_format, change):
    """What they would have said is not made up, and the account is not taken for covered."""
    line = entry(A, "ci", key(1), "deleted") | change
    tree.run(A, [user(A, "ci", key(1))], name="one", policy=DELETE, journal=[line])
    done = every_format()
    document = json.loads(done.stdout)
    assert done.exit_code == 3
    assert [item["outcome"] for item in document["keys"]] == [None]
    assert "line 1: it is not in the form of a journal" in " ".join(document["problems"])


def test_a_journal_nested_too_deeply_is_a_problem(tree, every_format):
    place = tree.run(A, [user(A, "ci", key(1))], name="one", policy=DELETE)
    (place / "inactive-keys.jsonl").write_text("[" * 100_000)
    assert "inactive-keys.jsonl" in " ".join(json.loads(every_format().stdout)["problems"])


def test_half_characters_anywhere_are_replaced_and_whole_ones_kept(tree, every_format):
    r"""JSON can hold half of a surrogate pair, which nothing can print; `\\ud800` is plain text."""
    names = ["half \ud83d", "whole \U0001f511", r"text \ud83d"]
    found = [key(number) for number in range(3)]
    lines = [entry(A, f"log {name}", key(9), "failed", reason=name) for name in names[:1]]
    users = [user(A, name, item) for name, item in zip(names, found, strict=True)]
    tree.run(A, users, name="one", policy=DELETE, journal=lines)
    document = json.loads(every_format().stdout)
    shown = {item["user_name"] for item in document["keys"]}
    assert shown == {"half \N{REPLACEMENT CHARACTER}", *names[1:]}


def test_names_of_directories_that_are_no_utf_8_are_printed_as_well(tree, every_format):
    place = tree.run(A, [], name="one")
    (tree.root / "one").rename(os.fsdecode(os.fsencode(tree.root) + b"/\xff"))
    assert place.name == REPORT
    (account,) = json.loads(every_format().stdout)["accounts"]
    assert account["name"] == "\N{REPLACEMENT CHARACTER}"
