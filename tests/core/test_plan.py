# SPDX-License-Identifier: Apache-2.0
"""Approved plans: what they do not approve, then what they do."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from c7n_inactive_keys.core.errors import PlanError
from c7n_inactive_keys.core.keys import AccessKey
from c7n_inactive_keys.core.plan import COLUMNS, read_plan

ID = "AKIAEXAMPLE000000001"
ACCOUNT = "012345678901"
KEY = AccessKey(ID, "alice", "Inactive", datetime(2026, 1, 3, 10, tzinfo=timezone.utc))
ROW = {
    "AccountId": ACCOUNT,
    "UserName": "alice",
    "AccessKeyId": ID,
    "CreateDate": "2026-01-03T10:00:00Z",
    "AtLeast": "97.2",
}


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({**ROW, "AccessKeyId": "AKIAEXAMPLE000000002"}, id="another key"),
        pytest.param({**ROW, "AccessKeyId": ID.lower()}, id="ids have case"),
        pytest.param({**ROW, "AccountId": "123456789012"}, id="another account"),
        pytest.param({**ROW, "UserName": "bob"}, id="another user"),
        pytest.param({**ROW, "UserName": "Alice"}, id="another case"),
        pytest.param({**ROW, "CreateDate": "2026-01-03T10:00:01Z"}, id="created at another time"),
    ],
)
def test_a_row_that_says_something_else_approves_nothing(row):
    assert not read_plan([row]).approves(KEY, ACCOUNT)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(ROW, id="as the report writes it"),
        pytest.param(ID, id="a bare id"),
        pytest.param({"AccessKeyId": f" {ID} "}, id="an id alone, with spaces"),
        pytest.param({**ROW, "AccountId": "12345678901"}, id="spreadsheet ate the zero"),
        pytest.param(
            {**ROW, "CreateDate": "2026-01-03T10:00:00.5+00:00".replace(".5", "")}, id="offset"
        ),
        pytest.param({**ROW, "CreateDate": "", "AccountId": "", "UserName": ""}, id="empty cells"),
        pytest.param({**ROW, "CreateDate": None, "AccountId": None, "UserName": None}, id="nulls"),
        pytest.param(
            {**ROW, "AtLeast": "0", "AtMost": "", "AccountName": "x", "evidence": "y"},
            id="what the reader is told does not matter",
        ),
    ],
)
def test_a_row_about_the_key_approves_it(row):
    assert read_plan([row]).approves(KEY, ACCOUNT)


def test_one_fitting_row_of_several_is_enough():
    """Two accounts' plans may be put together, duplicates included."""
    plan = read_plan([{**ROW, "AccountId": "123456789012"}, ROW, ROW])
    assert plan.approves(KEY, ACCOUNT)
    assert plan.approves(KEY, "123456789012")
    assert not plan.approves(KEY, "999999999999")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"UserName": "alice"}, "it has no column AccessKeyId"),
        ({**ROW, "Approved": "no"}, "unknown column Approved"),
        ({"AccessKeyId": ""}, "'' is not an access key id"),
        ("AccessKeyId", "'AccessKeyId' is not an access key id"),
        ({"AccessKeyId": "AKIA-EXAMPLE-00001"}, "is not an access key id"),
        ({"AccessKeyId": None}, "NoneType"),
        ({**ROW, "CreateDate": "last year"}, "last year"),
        ({**ROW, "CreateDate": "0001-01-01T00:00:00+05:00"}, "row 2"),
        ({**ROW, "AccountId": 12345678901}, "int"),
        (None, "NoneType"),
        (7, "int"),
    ],
)
def test_an_unreadable_row_fails_the_plan(row, problem):
    """The error names the row; nobody deletes by half a plan."""
    with pytest.raises(PlanError, match=r"row 2 of the plan cannot be read") as caught:
        read_plan([ROW, row])
    assert problem in str(caught.value)


def test_an_empty_plan_is_an_error():
    """More likely the wrong file than the wish to delete nothing."""
    with pytest.raises(PlanError, match="lists no access key"):
        read_plan([])


def test_columns_are_the_documented_ones():
    assert tuple(ROW) == COLUMNS
