# SPDX-License-Identifier: Apache-2.0
"""The trend compares a policy's keys in an account with what it found there before."""

from __future__ import annotations

from datetime import timedelta

from .output_tree import DELETE, NOW, OutputTree, entry, key, user

A, B = "111111111111", "222222222222"


def counts(point):
    return {
        name: getattr(point, name)
        for name in ("keys", "first", "new", "still", "reactivated", "deleted", "gone")
        if getattr(point, name)
    }


def weekly(tmp_path, number):
    return OutputTree(tmp_path / str(number)), NOW + timedelta(days=7 * number)


def test_new_still_there_reactivated_deleted_and_gone(tmp_path, report):
    first, start = weekly(tmp_path, 0)
    first.run(
        A,
        [user(A, "ci", key(1), key(2)), user(A, "db", key(3)), user(A, "x", key(4))],
        name="one",
        policy=DELETE,
        started=start,
        journal=[entry(A, "ci", key(1), "deleted")],
    )
    second, start = weekly(tmp_path, 1)
    second.run(
        A,
        [user(A, "ci", key(2)), user(A, "db", key(5), active=(key(3)["AccessKeyId"],))],
        name="one",
        policy=DELETE,
        started=start,
    )
    trend = report(second, first).trend
    assert counts(trend[0]) == {"keys": 4, "first": 4, "deleted": 1}
    assert counts(trend[1]) == {"keys": 2, "new": 1, "still": 1, "reactivated": 1, "gone": 1}


def test_an_account_that_was_not_read_loses_no_keys(tmp_path, report):
    first, start = weekly(tmp_path, 0)
    first.run(A, [user(A, "ci", key(1))], name="one", started=start)
    second, start = weekly(tmp_path, 1)
    second.run(A, None, name="one", started=start)
    third, start = weekly(tmp_path, 2)
    third.run(A, [user(A, "ci", key(1))], name="one", started=start)
    trend = report(first, second, third).trend
    assert [counts(point) for point in trend] == [
        {"keys": 1, "first": 1},
        {},
        {"keys": 1, "still": 1},
    ]


def test_another_policy_is_not_compared_with_the_one_before(tmp_path, report):
    """A policy for 90 days finds fewer keys than one for all; none of them is gone for that."""
    first, start = weekly(tmp_path, 0)
    first.run(A, [user(A, "ci", key(1), key(2))], name="one", started=start)
    second, start = weekly(tmp_path, 1)
    second.run(A, None, name="one", started=start)
    second.run(A, [user(A, "ci", key(2))], name="one", policy=DELETE, started=start)
    assert counts(report(first, second).trend[1]) == {"keys": 1, "first": 1}
