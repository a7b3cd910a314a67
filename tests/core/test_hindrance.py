# SPDX-License-Identifier: Apache-2.0
"""Keys that must not be deleted, from what is read again just before the deletion."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from c7n_inactive_keys.core.evidence import Evidence, LedgerEntry
from c7n_inactive_keys.core.found_key import FoundKey
from c7n_inactive_keys.core.hindrance import Reading, Rules, Selection, hindrance
from c7n_inactive_keys.core.keys import AccessKey, LastUse
from c7n_inactive_keys.core.ledger import render_value, tag_key
from c7n_inactive_keys.core.plan import read_plan

NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
ID, SIBLING = "AKIAEXAMPLE000000001", "AKIAEXAMPLE000000002"


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


KEY = AccessKey(ID, "alice", "Inactive", ago(400))
FOUND = FoundKey(KEY, LastUse(), ago(120), ago(100), 100.0, 120.0)
BY_LEDGER = replace(FOUND, evidence=(Evidence("ledger", "inactive-throughout", ago(100), ago(1)),))
TOLD = replace(FOUND, notified=ago(20))


def ledger(after: float, since: float, notified: float | None = None) -> dict[str, str]:
    entry = LedgerEntry(ago(after), ago(since), ago(0), None if notified is None else ago(notified))
    return {"Key": tag_key(ID), "Value": render_value(entry)}


def tag(key: str) -> dict[str, str]:
    return {"Key": key, "Value": ""}


def reading(*tags, keys=(KEY,), selection=None) -> Reading:
    return Reading(NOW, tags, keys, selection)


def rules(**more) -> Rules:
    return Rules("123456789012", **more)


def plan(**row):
    return read_plan([{"AccessKeyId": ID, **row}])


def case(name, now, reason, found=FOUND, policy=None):
    return pytest.param(found, now, policy or rules(), reason, id=name)


MUST_STAY = [
    case("gone", reading(keys=()), "already-gone"),
    case(
        "another key of the user is there",
        reading(keys=(replace(KEY, access_key_id=SIBLING),)),
        "already-gone",
    ),
    case("another creation date", reading(keys=(replace(KEY, created=ago(399)),)), "changed"),
    case("reactivated", reading(keys=(replace(KEY, status="Active"),)), "reactivated"),
    case("a status that nobody knows", reading(keys=(replace(KEY, status="Expired"),)), "changed"),
    case("exempt", reading(tag("keep")), "exempt", policy=rules(exempt_tag="keep")),
    case(
        "exempt, in other letters", reading(tag("KEEP")), "exempt", policy=rules(exempt_tag="Keep")
    ),
    case(
        "exempt and reactivated",
        reading(tag("keep"), keys=(replace(KEY, status="Active"),)),
        "exempt",
        policy=rules(exempt_tag="keep"),
    ),
    case("the ledger has it as active since", reading(ledger(50, 40)), "changed"),
    case("the ledger was written by an event a minute ago", reading(ledger(0, 0)), "changed"),
    case("the ledger says so in the future", reading(ledger(-0.01, -0.01)), "changed"),
    case("the ledger that proved it is gone", reading(), "changed", BY_LEDGER),
    case(
        "that ledger cannot be read any more",
        reading({**ledger(120, 100), "Value": "?"}),
        "changed",
        BY_LEDGER,
    ),
    case("that ledger's since has moved on", reading(ledger(120, 90)), "changed", BY_LEDGER),
    case(
        "the notice was taken back", reading(ledger(120, 100)), "changed", TOLD, rules(notice=True)
    ),
    case(
        "the notice is another one",
        reading(ledger(120, 100, 10)),
        "changed",
        TOLD,
        rules(notice=True),
    ),
    case("the notice went with its tag", reading(), "changed", TOLD, rules(notice=True)),
    case(
        "the policy's filters mean the sibling",
        reading(selection=Selection(frozenset([SIBLING]))),
        "not-matched",
    ),
    case(
        "they cannot tell it from the sibling",
        reading(selection=Selection(frozenset(), frozenset([ID]))),
        "ambiguous",
    ),
    case("not in the plan", reading(), "not-in-plan", policy=rules(plan=read_plan([SIBLING]))),
    case(
        "in the plan of another account",
        reading(),
        "not-in-plan",
        policy=rules(plan=plan(AccountId="999999999999")),
    ),
    case(
        "in the plan as another user's",
        reading(),
        "not-in-plan",
        policy=rules(plan=plan(UserName="bob")),
    ),
    case(
        "in the plan with another creation date",
        reading(),
        "not-in-plan",
        policy=rules(plan=plan(CreateDate="2020-01-01T00:00:00Z")),
    ),
]

MAY_GO = [
    case("unchanged", reading(), None),
    case("a sibling beside it", reading(keys=(replace(KEY, access_key_id=SIBLING), KEY)), None),
    case(
        "another tag", reading(tag("owner"), tag("keep-not")), None, policy=rules(exempt_tag="keep")
    ),
    case("the ledger agrees", reading(ledger(120, 100)), None, BY_LEDGER),
    case("the ledger knows better since", reading(ledger(150, 140)), None, BY_LEDGER),
    case("a younger mark of the ledger", reading(ledger(120, 1)), None),
    case("told as before", reading(ledger(120, 100, 20)), None, TOLD, rules(notice=True)),
    case("told, and nobody asks", reading(), None, TOLD),
    case("the filters mean it", reading(selection=Selection(frozenset([ID]))), None),
    case("in the plan", reading(), None, policy=rules(plan=plan(UserName="alice"))),
]


@pytest.mark.parametrize(("found", "now", "policy", "reason"), MUST_STAY)
def test_must_stay(found, now, policy, reason):
    """Each with the reason that its record gives."""
    assert hindrance(found, now, policy) == reason


@pytest.mark.parametrize(("found", "now", "policy", "reason"), MAY_GO)
def test_may_go(found, now, policy, reason):
    assert hindrance(found, now, policy) is reason
