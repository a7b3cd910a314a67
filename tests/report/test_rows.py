# SPDX-License-Identifier: Apache-2.0
"""One row a key: merging, outcomes, totals, ages."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from c7n_inactive_keys.report.evidence_words import sentences

from .output_tree import DELETE, NOW, OutputTree, entry, iso, key, user

A, B = "111111111111", "222222222222"


def words_of(result):
    """The evidence of the first key."""
    return sentences(result.keys[0].found)


def outcomes(result):
    return {row.key.id[-2:]: (row.outcome, row.reason) for row in result.keys}


def test_duplicates_of_regions_and_policies_are_one_row(tree, report):
    for region in ("us-east-1", "eu-west-1"):
        tree.run(A, [user(A, "ci", key(1), key(2))], name="one", region=region)
    tree.run(A, [user(A, "ci", key(2))], name="one", policy=DELETE)
    result = report(tree)
    assert [row.key.id for row in result.keys] == [
        key(1)["AccessKeyId"],
        key(2)["AccessKeyId"],
    ]
    assert result.keys[1].policies == (DELETE, "inactive-keys-report")


def test_of_two_sightings_in_one_round_the_one_that_proves_more_is_shown(tree, report):
    tree.run(A, [user(A, "ci", key(1, off=(0, 400)))], name="one", region="eu-west-1")
    tree.run(A, [user(A, "ci", key(1, off=(89.9, 400)))], name="one", region="us-east-1")
    assert report(tree).keys[0].found.at_least_days == 89.9


def test_a_later_sighting_replaces_an_earlier_one(tmp_path, report):
    old, new = OutputTree(tmp_path / "1"), OutputTree(tmp_path / "2")
    old.run(A, [user(A, "ci", key(1, off=(300, 300)))])
    new.run(A, [user(A, "ci", key(1, off=(3, 3)))], started=NOW + timedelta(days=7))
    row = report(new, old).keys[0]
    assert (row.found.at_least_days, row.first_seen, row.last_seen) == (
        3.0,
        iso(NOW),
        iso(NOW + timedelta(days=7)),
    )


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(["deleting", "deleted"], ("deleted", None), id="deleted"),
        pytest.param(["deleting"], ("failed", "interrupted"), id="killed before the outcome"),
        pytest.param(["skipped"], ("skipped", "exempt"), id="skipped"),
        pytest.param(["deleting", "failed"], ("failed", "Throttling: slow down"), id="failed"),
        pytest.param(["failed", "deleting", "deleted"], ("deleted", None), id="a later run did it"),
        pytest.param(["deleting", "skipped"], ("skipped", "exempt"), id="the next run knew better"),
        pytest.param(["deleting", "gone"], ("skipped", "already-gone"), id="another was faster"),
    ],
)
def test_the_journals_last_word_is_the_outcome(tree, report, lines, expected):
    found = key(1)
    journal = [
        entry(
            A,
            "ci",
            found,
            "skipped" if line == "gone" else line,
            time=NOW + timedelta(seconds=number),
            reason={"skipped": "exempt", "gone": "already-gone"}.get(line),
            error={"code": "Throttling", "message": "slow down"} if line == "failed" else None,
        )
        for number, line in enumerate(lines)
    ]
    tree.run(A, [user(A, "ci", found)], policy=DELETE, journal=journal)
    result = report(tree)
    assert outcomes(result) == {"01": expected}


def test_a_torn_last_line_is_a_problem_and_the_lines_before_it_count(tree, report):
    place = tree.run(
        A,
        [user(A, "ci", key(1))],
        policy=DELETE,
        journal=[
            entry(A, "ci", key(1), "deleting"),
            entry(A, "ci", key(1), "deleted"),
        ],
    )
    with (place / "inactive-keys.jsonl").open("a") as journal:
        journal.write('{"format_version": 1, "outco')
    result = report(tree)
    assert outcomes(result) == {"01": ("deleted", None)}
    assert any("line 3" in problem for problem in result.problems)


GONE = ("failed", "interrupted: the policy's next run no longer found it")
UNKNOWN = ("failed", "interrupted")


@pytest.mark.parametrize(
    ("users", "later", "expected"),
    [
        pytest.param([user(A, "db", key(2))], {}, GONE, id="no longer found"),
        pytest.param([], {}, GONE, id="nothing is found any more"),
        pytest.param([user(A, "ci", key(1))], {}, (None, None), id="still there"),
        pytest.param(
            [user(A, "ci", key(1))],
            {"policy": "inactive-keys-report"},
            UNKNOWN,
            id="still there, and the policy has not run again",
        ),
        pytest.param(
            [user(A, "ci", key(2), active=(key(1)["AccessKeyId"],))],
            {},
            ("skipped", "reactivated"),
            id="reactivated",
        ),
        pytest.param(None, {}, UNKNOWN, id="the next run failed"),
        pytest.param([], {"policy": "other"}, UNKNOWN, id="another policy, which may not list it"),
        pytest.param([], {"started": NOW - timedelta(days=1)}, UNKNOWN, id="read before"),
        pytest.param([], {"account_id": B}, UNKNOWN, id="another account"),
    ],
)
def test_a_key_that_was_in_hand_when_a_run_was_killed_keeps_its_row(
    tmp_path, report, users, later, expected
):
    """The policy's next run tells what became of it; until then it is failed."""
    killed, after = OutputTree(tmp_path / "1"), OutputTree(tmp_path / "2")
    killed.run(
        A,
        [user(A, "ci", key(1))],
        policy=DELETE,
        started=NOW - timedelta(days=2),
        journal=[entry(A, "ci", key(1), "deleting")],
    )
    options = {"account_id": A, "policy": DELETE, "started": NOW + timedelta(days=7), **later}
    after.run(options.pop("account_id"), users, **options)
    found = outcomes(report(killed, after))
    assert found["01"] == expected


def test_a_kill_and_a_second_run_into_the_same_directory_lose_no_key(tree, report):
    """The journal holds both runs, resources.json only what the second one found."""
    later = NOW + timedelta(minutes=5)
    tree.run(
        A,
        [user(A, "db", key(3))],
        policy=DELETE,
        started=later,
        journal=[
            entry(A, "ci", key(1), "deleting"),
            entry(A, "ci", key(1), "deleted"),
            entry(A, "ci", key(2), "deleting"),
            entry(A, "db", key(3), "deleting", time=later, run_id="run-2"),
            entry(A, "db", key(3), "deleted", time=later, run_id="run-2"),
        ],
    )
    result = report(tree)
    assert outcomes(result) == {"01": ("deleted", None), "02": GONE, "03": ("deleted", None)}
    assert (result.totals.deleted, result.totals.failed) == (2, 1)


def test_a_key_that_the_next_run_found_gone_at_its_turn_was_deleted_by_the_killed_one(tree, report):
    """The call was on its way when the run was killed; a third run lists the key no longer."""
    later = NOW + timedelta(minutes=5)
    tree.run(
        A,
        [],
        policy=DELETE,
        started=NOW + timedelta(days=1),
        journal=[
            entry(A, "ci", key(1), "deleting"),
            entry(A, "ci", key(1), "skipped", reason="already-gone", time=later, run_id="run-2"),
        ],
    )
    assert outcomes(report(tree)) == {"01": ("deleted", "interrupted: already-gone")}


def test_a_key_that_an_earlier_run_deleted_keeps_its_row(tree, report):
    """The next run overwrites resources.json; the journal stays."""
    gone = key(1, used=200)
    tree.run(
        A,
        [user(A, "ci", key(2))],
        policy=DELETE,
        started=NOW + timedelta(days=7),
        journal=[entry(A, "ci", gone, "deleting"), entry(A, "ci", gone, "deleted")],
    )
    result = report(tree)
    assert outcomes(result) == {"01": ("deleted", None), "02": (None, None)}
    assert (result.totals.keys, result.totals.remaining, result.totals.never_used) == (2, 1, 1)


def test_a_key_that_an_earlier_run_skipped_and_that_is_gone_now_has_no_row(tree, report):
    tree.run(
        A,
        [],
        policy=DELETE,
        started=NOW + timedelta(days=7),
        journal=[entry(A, "ci", key(1), "skipped", reason="reactivated")],
    )
    assert report(tree).keys == ()


def test_a_key_that_was_found_after_its_deletion_is_not_called_deleted(tree, report):
    tree.run(
        A,
        [user(A, "ci", key(1))],
        policy=DELETE,
        started=NOW + timedelta(days=7),
        journal=[entry(A, "ci", key(1), "deleted")],
    )
    result = report(tree)
    assert outcomes(result) == {"01": (None, None)}
    assert any("but found at" in problem for problem in result.problems)


def test_a_deletion_in_one_region_beats_already_gone_in_the_other(tree, report):
    found = [user(A, "ci", key(1))]
    later = NOW + timedelta(seconds=5)
    tree.run(A, found, name="one", policy=DELETE, journal=[entry(A, "ci", key(1), "deleted")])
    tree.run(
        A,
        found,
        name="one",
        policy=DELETE,
        region="eu-west-1",
        journal=[
            entry(A, "ci", key(1), "skipped", reason="already-gone", time=later),
        ],
    )
    assert outcomes(report(tree)) == {"01": ("deleted", None)}


def test_totals_count_keys_users_accounts_and_outcomes(tree, report):
    tree.run(
        A,
        [user(A, "ci", key(1), key(2, used=200)), user(A, "db", key(3))],
        name="one",
        policy=DELETE,
        journal=[
            entry(A, "ci", key(1), "deleted"),
            entry(A, "ci", key(2), "skipped", reason="reactivated"),
            entry(A, "db", key(3), "failed", error={"code": "AccessDenied", "message": "key 3"}),
        ],
    )
    tree.run(B, [user(B, "ci", key(4, used=300))], name="two", policy=DELETE)
    result = report(tree)
    totals = result.totals
    assert (totals.keys, totals.users, totals.accounts) == (4, 3, 2)
    assert (totals.deleted, totals.skipped, totals.failed, totals.remaining) == (1, 1, 1, 2)
    assert totals.never_used == 2
    assert result.reasons == (
        ("deleted", "", 1),
        ("failed", "AccessDenied", 1),
        ("skipped", "reactivated", 1),
    )


@pytest.mark.parametrize(
    ("keys", "active", "deleted", "blocked"),
    [
        pytest.param([key(1)], (), [], 0, id="one inactive key"),
        pytest.param([key(1)], ("AKIAACTIVE",), [], 1, id="an inactive and an active key"),
        pytest.param([key(1), key(2)], (), [], 1, id="two inactive keys"),
        pytest.param([key(1), key(2)], (), [1], 0, id="two, of which one was deleted"),
        pytest.param([key(1)], ("AKIAACTIVE",), [1], 0, id="the inactive one was deleted"),
    ],
)
def test_users_whose_second_slot_is_blocked(tree, report, keys, active, deleted, blocked):
    journal = [entry(A, "ci", key(number), "deleted") for number in deleted]
    tree.run(A, [user(A, "ci", *keys, active=active)], policy=DELETE, journal=journal)
    assert report(tree).totals.slot_blocked == blocked


def test_the_histogram_shows_what_is_proven_beside_what_is_possible(tree, report):
    tree.run(
        A,
        [
            user(A, "a", key(1, off=(0.1, 2000))),
            user(A, "b", key(2, off=(89.9, 400))),
            user(A, "c", key(3, off=(90, 90))),
        ],
    )
    ages = {age.label: (age.proven, age.possible) for age in report(tree).ages}
    assert ages["under 1 week"] == (1, 0)
    assert ages["30 to 90 days"] == (1, 0)
    assert ages["90 to 180 days"] == (1, 1)
    assert ages["1 to 2 years"] == (0, 1)
    assert ages["over 5 years"] == (0, 1)
    assert sum(proven for proven, _ in ages.values()) == 3


def test_evidence_is_put_in_words(tree, report):
    found = key(1, off=(100, 100), used=150)
    found["Evidence"] += [
        {
            "Source": "ledger",
            "Kind": "inactive-throughout",
            "From": "2026-01-01T00:00:00Z",
            "To": "2026-02-01T00:00:00Z",
            "Discarded": "the key was used after it",
        },
        {"Source": "cloudtrail", "Kind": "unavailable", "Reason": "AccessDenied: no"},
    ]
    tree.run(A, [user(A, "ci", found)])
    assert words_of(report(tree)) == [
        "created 2024-02-24T04:00:00Z",
        "last used 2026-06-23T04:00:00Z",
        (
            "cloudtrail: deactivated 2026-08-12T04:00:00Z by "
            "arn:aws:iam::111111111111:user/admin (event event-1)"
        ),
        (
            "ledger: inactive throughout 2026-01-01T00:00:00Z to 2026-02-01T00:00:00Z; "
            "not believed: the key was used after it"
        ),
        "cloudtrail: not available: AccessDenied: no",
    ]


def test_gzip_and_hourly_s3_layout_are_read_like_plain_directories(tree, report):
    tree.run(
        A,
        [user(A, "ci", key(1))],
        name="one",
        stamp="2026/11/19/04",
        gz=True,
        started=NOW - timedelta(days=1),
    )
    tree.run(A, [user(A, "ci", key(2))], name="one", stamp="2026/11/20/04", gz=True)
    result = report(tree)
    assert outcomes(result) == {"02": (None, None)}
    assert (result.accounts[0].name, result.accounts[0].account_id) == ("one", A)
    assert [(point.new, point.gone) for point in result.trend] == [(0, 0), (1, 1)]


def test_damaged_gzip_is_a_failed_account(tree, report):
    place = tree.run(A, [user(A, "ci", key(1))], name="one", gz=True)
    packed = place / "resources.json.gz"
    packed.write_bytes(packed.read_bytes()[:-20])
    result = report(tree)
    assert result.accounts[0].status == "failed"
    assert json.dumps(result.problems)


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (
            {
                "Source": "cloudtrail",
                "Kind": "inactive-throughout",
                "From": "2026-08-22T04:00:00Z",
                "To": "2026-11-20T02:00:00Z",
                "Waiting": "until 2026-11-20T06:00:00Z",
            },
            (
                "cloudtrail: inactive throughout 2026-08-22T04:00:00Z to 2026-11-20T02:00:00Z; "
                "waits until 2026-11-20T06:00:00Z"
            ),
        ),
        (
            {"Source": "credential-report", "Kind": "inactive", "Time": "2026-11-20T01:00:00Z"},
            "credential-report: seen inactive 2026-11-20T01:00:00Z",
        ),
        (
            {
                "Source": "cloudtrail",
                "Kind": "unclear",
                "Time": "2026-11-20T01:00:00Z",
                "Reason": "the call ended in ServiceFailure",
            },
            (
                "cloudtrail: perhaps changed 2026-11-20T01:00:00Z because the call ended in "
                "ServiceFailure"
            ),
        ),
    ],
    ids=["waiting", "observation", "unclear"],
)
def test_evidence_that_is_not_yet_or_never_clear_has_its_words(tree, report, item, words):
    found = key(1)
    found["Evidence"].append(item)
    tree.run(A, [user(A, "ci", found)])
    assert words_of(report(tree))[-1] == words
