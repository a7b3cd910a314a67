# SPDX-License-Identifier: Apache-2.0
"""What a later run knows of a key counts, and what an earlier one knew is not lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from .output_tree import DELETE, NOW, entry, key, user

A = "111111111111"
HOURS = timedelta(hours=1)
K1, K2 = key(1)["AccessKeyId"], key(2)["AccessKeyId"]


def in_partition(partition, resource):
    """The user as it is in another partition."""
    return {**resource, "Arn": resource["Arn"].replace("arn:aws:", f"arn:{partition}:")}


def test_a_later_run_of_the_same_day_ends_an_earlier_proof(tree, report):
    """It was reactivated and deactivated in between: the morning's proof is void."""
    tree.run(A, [user(A, "ci", key(1, off=(90, 400)))], policy=DELETE, started=NOW)
    evening = NOW + 11 * HOURS
    tree.run(A, [user(A, "ci", key(1, off=(0.1, 0.1), now=evening))], started=evening)
    (row,) = report(tree).keys
    assert row.found.at_least_days == 0.1


def test_a_key_that_a_later_run_saw_active_is_no_inactive_key(tree, report):
    """Another policy's run found its user by another key, and lists this one as Active."""
    tree.run(A, [user(A, "ci", key(1), active=(K2,))], started=NOW)
    tree.run(
        A, [user(A, "ci", key(2), active=(K1,))], policy=DELETE, started=NOW + timedelta(days=4)
    )
    result = report(tree)
    assert [row.key.id for row in result.keys] == [K2]
    assert result.totals.slot_blocked == 1


def test_a_key_that_an_earlier_run_saw_active_keeps_its_row(tree, report):
    """The other way round: it was deactivated since."""
    tree.run(A, [user(A, "ci", key(2), active=(K1,))], policy=DELETE, started=NOW)
    tree.run(A, [user(A, "ci", key(1), active=(K2,))], started=NOW + timedelta(days=4))
    assert [row.key.id for row in report(tree).keys] == [K1]


@pytest.mark.parametrize("known", [True, False], ids=["found before", "by its journal alone"])
def test_a_deleted_key_keeps_its_partition_and_what_is_known_of_it(tree, tmp_path, report, known):
    """Its finding must be the same one as before the deletion, to be closed where it is open."""
    found = key(1, used=300)
    ours = in_partition("aws-us-gov", user(A, "ci", found, path="/ops/"))
    journal = [entry(A, "ci", found, outcome) for outcome in ("deleting", "deleted")]
    region = "us-gov-west-1"
    if known:
        earlier = type(tree)(tmp_path / "earlier")
        earlier.run(A, [ours], policy=DELETE, region=region, started=NOW - HOURS)
    tree.run(A, [], policy=DELETE, region=region, journal=journal, started=NOW + HOURS)
    (row,) = report(tree, *([earlier] if known else [])).keys
    assert (row.outcome, row.user.partition) == ("deleted", "aws-us-gov")
    assert (row.user.path, row.found.last_use.service) == (
        ("/ops/", "s3") if known else ("/", None)
    )


LEDGER = {"Source": "ledger", "Kind": "inactive-throughout", "From": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("runs", "lost"),
    [
        pytest.param([(True, 400), (True, 401)], False, id="kept"),
        pytest.param([(False, 400), (False, 401)], False, id="never there"),
        pytest.param([(True, 400), (False, 401)], True, id="gone"),
        pytest.param([(True, 400), (False, 401), (True, 402)], False, id="there again"),
        pytest.param([(True, 400), (False, 0.5)], False, id="reactivated in between"),
    ],
)
def test_a_ledger_entry_that_vanished_is_reported(tree, tmp_path, report, runs, lost):
    """Terraform strips tags that it does not know, and then no proof grows older than 90 days."""
    trees = [type(tree)(tmp_path / f"day-{day}") for day in range(len(runs))]
    for day, (has_entry, at_most) in enumerate(runs):
        now = NOW + timedelta(days=day)
        found = key(1, off=(0.2, at_most), created=1000 + day, now=now)
        if has_entry:
            found["Evidence"].append({**LEDGER, "To": f"{now:%Y-%m-%dT%H:%M:%SZ}"})
        trees[day].run(A, [user(A, "ci", found)], started=now)
    said = [problem for problem in report(*trees).problems if "ledger entries" in problem]
    assert bool(said) == lost
    if lost:
        assert f"account {A}: the ledger entries of 1 access key(s) are gone" in said[0]
        assert K1 in said[0]
