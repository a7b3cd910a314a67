# SPDX-License-Identifier: Apache-2.0
"""The numbers of a report: each says of what it is, and what is unknown is no small number."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from click.testing import CliRunner

from c7n_inactive_keys.cli import main

from .output_tree import DELETE, NOW, OutputTree, entry, iso, key, user

A, B = "111111111111", "222222222222"
K1 = key(1)["AccessKeyId"]


def unknown(number, now=NOW):
    """A key of which nothing is proven: it may have been active until a moment ago."""
    found = key(number, off=(0, 400), now=now)
    found["Evidence"] = found["Evidence"][:1]
    return found


def ages(told):
    return {
        age["label"]: (age["proven"], age["possible"])
        for age in told.document["ages"]
        if age["proven"] or age["possible"]
    }


def test_keys_of_which_nothing_is_proven_are_a_row_and_a_number_of_their_own(tree, command):
    """Beside one that was deactivated in the last minutes, by its event."""
    fresh = key(3, off=(0, 0), now=NOW - timedelta(minutes=2))
    tree.run(A, [user(A, "ci", unknown(1), unknown(2)), user(A, "db", fresh)], name="one")
    told = command(tree)
    assert ages(told) == {"nothing proven": (2, 0), "under 1 week": (1, 1), "1 to 2 years": (0, 2)}
    assert told.totals["unproven"] == 2
    assert [told.keys[item]["proven"] for item in sorted(told.keys)] == [False, False, True]


def test_a_deleted_key_is_none_of_those_of_which_nothing_is_proven(tree, command):
    """`days: 0` deletes without a proof; what is gone is in no row of the ages."""
    gone = entry(A, "ci", unknown(1), "deleted", time=NOW + timedelta(seconds=5))
    tree.run(A, [user(A, "ci", unknown(1))], name="one", policy=DELETE, journal=[gone])
    told = command(tree)
    assert (told.totals["unproven"], ages(told)) == (0, {})


def test_a_key_that_only_a_journal_knows_and_whose_days_it_does_not_say_is_unproven(tree, command):
    """An interrupted deletion without an assessment."""
    line = entry(A, "ci", key(1), "deleting")
    for name in ("not_before", "not_after", "at_least_days", "at_most_days"):
        line[name] = None
    tree.run(A, [], name="one", policy=DELETE, journal=[line])
    told = command(tree)
    assert told.totals["unproven"] == 1
    assert not told.keys[K1]["proven"]


def test_a_key_that_a_killed_run_found_is_not_taken_for_proven(tree, command):
    """When that run began is not known: only when its files were last written."""
    tree.run(A, [user(A, "ci", unknown(1))], name="one", metadata=False)
    tree.run(B, [], name="two")
    told = command(tree)
    assert (told.status, told.totals["unproven"]) == (4, 1)


@pytest.mark.parametrize("format_", ["text", "html"])
def test_people_are_shown_the_keys_of_which_nothing_is_proven(tree, format_):
    """In words, not as an age."""
    tree.run(A, [user(A, "ci", unknown(1))], name="one")
    said = CliRunner().invoke(main, ["report", "-s", str(tree.root), "--format", format_]).stdout
    assert "nothing proven" in said


def test_what_still_waits_for_an_observation_is_in_the_row(tree, command):
    """Silence proves it if the key is found inactive again at that time."""
    waiting = unknown(1)
    until = iso(NOW + timedelta(hours=2))
    waiting["InactiveDays"]["Unsettled"] = {"AtLeast": 90.0, "Until": until}
    tree.run(A, [user(A, "ci", waiting), user(A, "db", key(2))], name="one")
    told = command(tree)
    found = [
        (item["at_least_days"], item["unsettled_at_least_days"], item["unsettled_until"])
        for item in told.document["keys"]
    ]
    assert found == [(0.0, 90.0, until), (100.0, None, None)]


@pytest.mark.parametrize(
    "word",
    [5, {"AtLeast": "x", "Until": iso(NOW)}, {"AtLeast": 90.0, "Until": "soon"}, {"AtLeast": 9.0}],
)
def test_an_unsettled_that_is_none_makes_the_file_unreadable(tree, command, word):
    """As everything else in the annotation does that has not the form that we write."""
    waiting = unknown(1)
    waiting["InactiveDays"]["Unsettled"] = word
    tree.run(A, [user(A, "ci", waiting)], name="one")
    assert command(tree).status == 3


@pytest.fixture(name="mixed")
def _mixed(tree):
    """Of five keys that were found, two are deleted and one is active again."""
    tree.run(
        A,
        [user(A, "ci", key(1), key(2)), user(A, "db", key(3)), user(A, "web", key(4, used=200))],
        name="one",
        policy=DELETE,
        journal=[
            entry(A, "ci", key(1), "deleted"),
            entry(A, "db", key(3), "deleted"),
            entry(A, "web", key(4), "skipped", reason="reactivated"),
        ],
    )
    tree.run(B, [user(B, "ci", key(5))], name="two", policy=DELETE)
    return tree


def test_numbers_of_what_was_found_and_of_what_remains_are_apart(mixed, command):
    """Users and accounts are counted in both."""
    totals = command(mixed).totals
    found = [totals[name] for name in ("keys", "users", "accounts", "never_used")]
    remaining = [
        totals[name]
        for name in ("remaining", "remaining_users", "remaining_accounts", "remaining_never_used")
    ]
    assert found == [5, 4, 2, 4]
    assert remaining == [2, 2, 2, 2]


def test_the_headline_says_what_was_found_what_went_and_what_goes_next(mixed):
    """In one scope: 5 are 3 and 2."""
    said = CliRunner().invoke(main, ["report", "-s", str(mixed.root)]).stdout.splitlines()
    at = said.index(
        "5 inactive access keys of 4 users in 2 of 2 accounts. There may be others: no policy here "
        "lists all of them."
    )
    assert said[at + 1 : at + 4] == [
        "3 are gone: 2 deleted, 1 reactivated.",
        "The next run would delete 2.",
        "All 2 accounts were read.",
    ]


def test_the_numbers_of_the_page_add_up_to_what_was_found(mixed):
    """`11 inactive keys, 37 users, 12 accounts` counted what remains and what was found."""
    page = CliRunner().invoke(main, ["report", "-s", str(mixed.root), "--format", "html"]).stdout
    numbers = {
        text: int(number) for number, text in re.findall(r"<b>([\d,]+)</b> ([^<]+)</button>", page)
    }
    assert numbers == {"found": 5, "would be deleted": 2, "gone": 3}


def test_what_remains_after_two_runs_is_counted_once(tmp_path, command):
    """A deletion of the first run, a key that both found, and one that only the second found."""
    trees = [OutputTree(tmp_path / name) for name in "ab"]
    first, second = [user(A, "ci", key(1), key(2))], [user(A, "ci", key(2)), user(A, "db", key(3))]
    trees[0].run(A, first, policy=DELETE, journal=[entry(A, "ci", key(1), "deleted")])
    trees[1].run(A, second, policy=DELETE, started=NOW + timedelta(days=7))
    totals = command(*trees).totals
    assert (totals["keys"], totals["deleted"], totals["remaining"]) == (3, 1, 2)
    assert (totals["users"], totals["remaining_users"]) == (2, 2)
