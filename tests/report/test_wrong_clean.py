# SPDX-License-Identifier: Apache-2.0
"""Ways in which a report could call something clean that is not, each through the command."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from c7n_inactive_keys.cli import main

from .output_tree import (
    DELETE,
    DENIED,
    NOW,
    REPORT,
    OutputTree,
    accounts_file,
    entry,
    iso,
    key,
    too_deep,
    unread,
    user,
)

A, B, C = "111111111111", "222222222222", "333333333333"
RECORD = "inactive-keys-record"
WEEK = timedelta(days=7)
K1, K2 = key(1)["AccessKeyId"], key(2)["AccessKeyId"]


def finding(tree):
    """The ASFF finding of the tree's only key: record state and compliance."""
    result = CliRunner().invoke(main, ["report", "-s", str(tree.root), "--format", "asff"])
    (item,) = json.loads(result.stdout)
    return item["RecordState"], item["Compliance"]["Status"]


# -- an outcome that is older than a sighting -----------------------------------------------------


@pytest.mark.parametrize("reason", ["reactivated", "already-gone", "user-gone"])
def test_a_key_that_is_found_inactive_again_is_still_there(tree, command, reason):
    """A week ago it was skipped; the same directory is used again, so the journal stays."""
    skipped = entry(A, "ci", key(1), "skipped", reason=reason)
    tree.run(A, [user(A, "ci", key(1))], policy=DELETE, started=NOW + WEEK, journal=[skipped])
    told = command(tree)
    assert told.totals["remaining"] == 1
    assert told.keys[K1]["outcome"] is None
    assert finding(tree) == ("ACTIVE", "FAILED")


@pytest.mark.parametrize("reason", ["reactivated", "already-gone"])
def test_what_a_run_learns_after_it_has_found_a_key_settles_it(tree, command, reason):
    """The status is read again just before the deletion, and that is later than the listing."""
    skipped = entry(A, "ci", key(1), "skipped", reason=reason, time=NOW + timedelta(seconds=5))
    tree.run(A, [user(A, "ci", key(1))], policy=DELETE, journal=[skipped])
    assert command(tree).totals["remaining"] == 0
    assert finding(tree) == ("ARCHIVED", "PASSED")


def test_the_keys_of_a_user_that_was_not_found_remain(tree, command):
    """A user that was renamed in mid-run keeps its keys."""
    gone = entry(A, "ci", key(1), "skipped", reason="user-gone", time=NOW + timedelta(seconds=5))
    tree.run(A, [user(A, "ci", key(1))], policy=DELETE, journal=[gone])
    told = command(tree)
    assert (told.totals["remaining"], told.totals["skipped"]) == (1, 1)
    assert finding(tree) == ("ACTIVE", "FAILED")


def test_a_deletion_that_was_cut_off_is_not_done_because_the_user_was_renamed(tree, command):
    """The next run does not find the user, which says nothing of its keys."""
    later = NOW + timedelta(minutes=5)
    tree.run(
        A,
        [user(A, "ci", key(1))],
        policy=DELETE,
        started=later,
        journal=[
            entry(A, "ci", key(1), "deleting"),
            entry(A, "ci", key(1), "skipped", reason="user-gone", time=later, run_id="run-2"),
        ],
    )
    told = command(tree)
    assert (told.totals["deleted"], told.totals["remaining"]) == (0, 1)


def test_a_proof_from_before_the_key_was_reactivated_is_void(tmp_path, command):
    """Found in the morning, active at noon, found again in the evening: nothing is proven then."""
    morning, evening = OutputTree(tmp_path / "1"), OutputTree(tmp_path / "2")
    noon = NOW + timedelta(hours=8)
    skipped = entry(A, "ci", key(1), "skipped", reason="reactivated", time=noon)
    morning.run(A, [user(A, "ci", key(1, off=(90, 400)))], policy=DELETE, journal=[skipped])
    late = NOW + timedelta(hours=16)
    evening.run(A, [user(A, "ci", key(1, off=(0, 400), now=late))], started=late)
    told = command(morning, evening)
    assert told.totals["remaining"] == 1
    assert told.keys[K1]["at_least_days"] == 0
    assert told.keys[K1]["last_seen"] == iso(late)


# -- policies that never came to reading ----------------------------------------------------------


def only_a_log(place):
    """What a run that was killed at once leaves."""
    (place / "metadata.json").unlink()


def cut_metadata(place):
    """What a full disk leaves."""
    path = place / "metadata.json"
    path.write_text(path.read_text()[:40])


@pytest.mark.parametrize("damage", [only_a_log, cut_metadata])
def test_a_policy_that_was_killed_before_it_read_anything_is_a_gap(tree, command, damage):
    """The policies before it read the account; what this one was to do is not even known."""
    tree.run(A, [user(A, "ci", key(1))])
    damage(tree.run(A, None, policy=RECORD))
    told = command(tree)
    assert told.status == 3
    (account,) = told.document["accounts"]
    assert (account["account_id"], account["status"]) == (A, "failed")
    assert RECORD in account["reason"]


def test_a_killed_policy_is_a_gap_of_its_own_account_only(tree, command):
    """In other accounts c7n-org did not get as far as this policy, or it is not theirs."""
    tree.run(A, [], name="one")
    tree.run(B, [], name="two")
    tree.run(B, None, name="two", policy=RECORD, metadata=False)
    told = command(tree)
    assert told.status == 3
    assert told.statuses == {"one": "read", "two": "failed"}


def test_a_killed_policy_that_looks_for_no_keys_elsewhere_is_no_gap(tree, command):
    """Another account's output says what the policy is."""
    for account, name in ((A, "one"), (B, "two")):
        tree.run(account, [], name=name)
    tree.run(A, [], name="one", policy="ec2", data={"name": "ec2", "resource": "aws.ec2"})
    tree.run(B, None, name="two", policy="ec2", metadata=False)
    assert command(tree).status == 0


# -- a deletion is final --------------------------------------------------------------------------


def test_two_runs_at_once_into_one_directory_lose_no_deletion(tree, command):
    """Each finds gone what the other one has deleted, and both write to the same journal."""
    found = [key(number) for number in range(6)]
    lines = []
    for number, item in enumerate(found):
        ours, theirs = ("run-1", "run-2") if number % 2 else ("run-2", "run-1")
        lines.append(entry(A, "ci", item, "deleting", run_id=ours))
        lines.append(entry(A, "ci", item, "deleted", run_id=ours))
        lines.append(entry(A, "ci", item, "skipped", reason="already-gone", run_id=theirs))
    tree.run(A, [user(A, "ci", *found)], policy=DELETE, journal=lines)
    told = command(tree)
    assert (told.totals["deleted"], told.totals["skipped"]) == (6, 0)


def test_two_delete_actions_in_one_policy_lose_no_deletion(tree, command):
    """The second action finds the keys gone that the first one has deleted."""
    lines = [
        entry(A, "ci", key(1), outcome, reason=reason)
        for outcome, reason in (("deleting", None), ("deleted", None), ("skipped", "already-gone"))
    ]
    tree.run(A, [user(A, "ci", key(1))], policy=DELETE, journal=lines)
    assert command(tree).keys[K1]["outcome"] == "deleted"


def test_of_two_runs_at_once_both_must_have_read_all_users(tree, command):
    """The one that ended first could not list a user; the other one had the last word."""
    lost = entry(A, "bob", key(9), "failed", reason="unreadable", error=DENIED)
    lost["access_key_id"] = None
    lines = [
        entry(A, "ci", key(1), "deleting", run_id="run-2"),
        lost,
        entry(A, "ci", key(1), "deleted", run_id="run-2"),
    ]
    tree.run(A, [user(A, "ci", key(1))], policy=DELETE, journal=lines, failed=True)
    told = command(tree)
    assert told.status == 3
    assert "(bob): AccessDenied: not authorized" in told.stderr


# -- evidence that could not be read --------------------------------------------------------------

SAID = "AccessDenied: not authorized"
UNREAD = [
    pytest.param(
        [unread(A, "event-history")],
        "event history could not be read: AccessDenied: not authorized",
        id="event history",
    ),
    pytest.param(
        [unread(A, "last-used", "ci", key(number)) for number in (1, 2)],
        f"the last use of 2 access keys could not be read ({K1}, {K2}): {SAID}",
        id="last use",
    ),
    pytest.param(
        [unread(A, "user", "bob", error=None)],
        "1 user of the credential report could not be found (bob)",
        id="a user who was renamed",
    ),
]


@pytest.mark.parametrize(("lines", "sentence"), UNREAD)
def test_evidence_that_could_not_be_read_makes_an_account_a_gap(tree, command, lines, sentence):
    """With `days: 90` no key can match then, which looks like an account without any."""
    tree.run(A, [], name="one", policy=DELETE, journal=lines)
    tree.run(B, [], name="two", policy=DELETE)
    told = command(tree)
    assert told.status == 3
    assert told.statuses == {"one": "failed", "two": "read"}
    assert told.accounts["one"]["reason"] == sentence
    assert sentence in told.stderr


def test_what_is_said_of_evidence_is_no_outcome_of_a_key(tree, command):
    """The keys that were found nevertheless have their rows, without an outcome."""
    lines = [unread(A, "event-history"), unread(A, "last-used", "ci", key(1))]
    tree.run(A, [user(A, "ci", key(1, off=(0, 400)))], name="one", journal=lines)
    told = command(tree)
    assert told.keys[K1]["outcome"] is None
    assert told.keys[K1]["last_seen"] == iso(NOW)
    assert (told.totals["failed"], told.document["outcomes"]) == (0, [])


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("cloudtrail", "event history could not be read: AccessDenied: not authorized"),
        (
            "last-used",
            f"the last use of 1 access key could not be read ({K1}): AccessDenied: not authorized",
        ),
    ],
)
def test_evidence_that_a_found_key_lacks_makes_its_account_a_gap(tree, command, source, sentence):
    """The annotation tells it without a journal as well."""
    found = key(1, off=(0, 400))
    lacking = {"Source": source, "Kind": "unavailable", "Reason": "AccessDenied: not authorized"}
    found["Evidence"] = [found["Evidence"][0], lacking]
    tree.run(A, [user(A, "ci", found)], name="one")
    told = command(tree)
    assert told.status == 3
    assert told.accounts["one"]["reason"] == sentence
    assert told.totals["remaining"] == 1


def test_the_same_cause_in_all_policies_is_said_once(tree, command):
    """As c7n-org leaves it where LookupEvents is denied; the journal and the keys both tell it."""
    found = key(1, off=(0, 400))
    reason = "AccessDenied: not authorized"
    found["Evidence"].append({"Source": "cloudtrail", "Kind": "unavailable", "Reason": reason})
    for policy in (REPORT, DELETE):
        lines = [{**unread(A, "event-history"), "policy": policy}]
        tree.run(A, [user(A, "ci", found)], name="one", policy=policy, journal=lines)
    told = command(tree)
    assert told.accounts["one"]["reason"] == f"event history could not be read: {reason}"


def test_one_region_whose_evidence_was_read_is_enough(tree, command):
    """IAM is global: what one run could not read, the other one did."""
    tree.run(A, [], name="one", policy=DELETE, journal=[unread(A, "event-history")])
    tree.run(A, [user(A, "ci", key(1))], name="one", policy=DELETE, region="eu-west-1")
    assert command(tree).status == 0


def test_what_an_earlier_run_could_not_read_is_past(tree, command):
    """The directory was used again, and this time event history was there."""
    lines = [unread(A, "event-history", time=NOW - WEEK)]
    tree.run(A, [], name="one", policy=DELETE, journal=lines)
    assert command(tree).status == 0


def test_keys_that_a_run_found_without_all_evidence_count_beside_an_earlier_whole_run(
    tmp_path, command
):
    """What it found is there; what it did not find may be there as well."""
    before, after = OutputTree(tmp_path / "1"), OutputTree(tmp_path / "2")
    before.run(A, [user(A, "ci", key(1)), user(A, "db", key(3))], name="one")
    after.run(
        A,
        [user(A, "ci", key(1, off=(0, 400))), user(A, "ci", key(2, off=(0, 400)))],
        name="one",
        started=NOW + WEEK,
        journal=[unread(A, "event-history", time=NOW + WEEK)],
    )
    told = command(before, after)
    assert told.status == 3
    assert {key_id: item["last_seen"] for key_id, item in told.keys.items()} == {
        K1: iso(NOW + WEEK),
        K2: iso(NOW + WEEK),
        key(3)["AccessKeyId"]: iso(NOW),
    }


# -- readings that are too old --------------------------------------------------------------------


def july(root, *, apart):
    """Two accounts, of which one was last read half a year before the other."""
    trees = [OutputTree(root / name) for name in (("january", "july") if apart else ("all",) * 2)]
    trees[0].run(A, [user(A, "ci", key(1))], name="one", started=NOW - timedelta(days=180))
    trees[1].run(B, [], name="two")
    return dict.fromkeys(trees) if apart else trees[:1]


@pytest.mark.parametrize("apart", [True, False], ids=["a tree each", "one tree"])
def test_an_account_that_was_last_read_half_a_year_ago_is_missing(tmp_path, command, apart):
    """However the trees are put together."""
    told = command(*july(tmp_path, apart=apart))
    assert told.status == 3
    assert told.statuses == {"one": "missing", "two": "read"}


def test_accounts_of_one_day_in_trees_of_their_own_are_all_read(tmp_path, command):
    """Jobs that share an organisation between them begin at about the same time."""
    trees = [OutputTree(tmp_path / name) for name in "ab"]
    trees[0].run(A, [], name="one")
    trees[1].run(B, [], name="two", started=NOW + timedelta(hours=3))
    assert command(*trees).status == 0


def test_an_account_that_was_renamed_leaves_no_old_findings_current(tree, tmp_path, command):
    """The directory of its old name is still there, with the keys of last week."""
    tree.run(A, [user(A, "ci", key(1), key(2))], name="old-name", started=NOW - WEEK)
    tree.run(A, [user(A, "ci", key(2))], name="new-name")
    tree.run(B, [], name="two", started=NOW + timedelta(seconds=30))
    accounts = accounts_file(tmp_path / "accounts.yml", **{"new-name": A, "two": B})
    for arguments in ((), ("-c", accounts)):
        told = command(tree, arguments=arguments)
        assert told.statuses == {"new-name": "read", "two": "read"}
        assert told.keys.keys() == {K2}
        assert told.status == 0


def test_a_region_that_is_no_longer_visited_leaves_no_old_findings_current(tree, command):
    """The directory was used before by runs in two regions."""
    tree.run(A, [user(A, "ci", key(1))], name="one", region="eu-west-1", started=NOW - WEEK)
    tree.run(A, [user(A, "ci", key(2))], name="one")
    told = command(tree)
    assert told.keys.keys() == {K2}


# -- what cannot be read --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "statuses"),
    [
        pytest.param(["lost"], {"one": "read", "lost": "failed"}, id="another account's"),
        pytest.param(["one", "eu-west-1"], {"one": "failed"}, id="a region of an account"),
    ],
)
def test_a_directory_that_cannot_be_read_is_a_gap(tree, command, parts, statuses):
    """Without an accounts file nobody would miss what is in it."""
    tree.run(A, [user(A, "ci", key(1))], name="one")
    too_deep(tree.root.joinpath(*parts))
    told = command(tree)
    assert told.status == 3
    assert told.statuses == statuses
    assert "cannot be read: File name too long" in told.stderr
    assert told.keys.keys() == {K1}


def test_one_bad_byte_in_a_journal_is_a_gap_and_its_other_lines_count(tree, command):
    """All outcomes were lost by it before."""
    lines = [entry(A, "ci", key(number), "deleted") for number in range(3)]
    users = [user(A, "ci", *(key(number) for number in range(3)))]
    place = tree.run(A, users, name="one", policy=DELETE, journal=lines)
    journal = place / "inactive-keys.jsonl"
    first, second, third = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(first + second.replace(b'"ci"', b'"c\xff"') + third)
    told = command(tree)
    assert told.status == 3
    assert "inactive-keys.jsonl: line 2: it is not UTF-8" in told.accounts["one"]["reason"]
    outcomes = [told.keys[key(number)["AccessKeyId"]]["outcome"] for number in range(3)]
    assert outcomes == ["deleted", None, "deleted"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param("[" * 100_000, "it is nested too deeply", id="nested"),
        pytest.param('{"outcome": "vanished"}', "it is not a line of this journal", id="foreign"),
        pytest.param('{"outcome": "deleted"', "it is not JSON", id="cut"),
    ],
)
def test_a_line_that_cannot_be_read_is_a_gap(tree, command, line, why):
    """It may have said of any key what nobody else says."""
    place = tree.run(
        A, [user(A, "ci", key(1))], name="one", policy=DELETE,
        journal=[entry(A, "ci", key(1), "deleted")],
    )  # fmt: skip
    with (place / "inactive-keys.jsonl").open("a") as journal:
        journal.write(f"{line}\n")
    told = command(tree)
    assert told.status == 3
    assert f"line 2: {why}" in told.accounts["one"]["reason"]
    assert told.keys[K1]["outcome"] == "deleted"


@pytest.mark.parametrize("says_when", [True, False], ids=["its own time", "the next line's time"])
def test_a_line_that_an_earlier_run_left_torn_is_no_gap(tree, command, says_when):
    """A run was killed a week ago; the one after it read everything."""
    before, after = (entry(A, "ci", key(1), "deleting", time=NOW - age) for age in (2 * WEEK, WEEK))
    place = tree.run(A, [user(A, "ci", key(1))], name="one", policy=DELETE)
    torn = json.dumps(before)[: 120 if says_when else 20]
    following = "" if says_when else json.dumps(after | {"outcome": "failed"}) + "\n"
    (place / "inactive-keys.jsonl").write_text(f"{torn}\n{following}")
    told = command(tree)
    assert told.status == 0
    assert any("line 1" in problem for problem in told.document["problems"])


def test_an_account_name_in_json_escapes_makes_no_format_crash(tree, tmp_path):
    """YAML takes each half of an emoji's escape for a character of its own."""
    pytest.importorskip("py_ocsf_models", reason="extra ocsf is not installed")
    tree.run(A, [user(A, "ci", key(1))])
    accounts = tmp_path / "accounts.yml"
    content = {"accounts": [{"name": "key \N{KEY}", "account_id": A}]}
    accounts.write_text(json.dumps(content) + "\n")
    for name in ("ocsf", "text", "json", "csv", "html", "asff"):
        result = CliRunner().invoke(
            main,
            ["report", "-s", str(tree.root), "-c", str(accounts), "--format", name],
            catch_exceptions=False,
        )
        assert result.exit_code == 0
        assert "key \N{KEY}" in result.stdout, name
