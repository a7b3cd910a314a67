# SPDX-License-Identifier: Apache-2.0
"""Keys that must not be changed, from what is read again just before: deletion first."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from c7n_inactive_keys.core.evidence import Evidence, LedgerEntry, StatusChange
from c7n_inactive_keys.core.found_key import FoundKey
from c7n_inactive_keys.core.hindrance import (
    Reading,
    Rules,
    Selection,
    to_deactivate,
    to_delete,
    to_reactivate,
)
from c7n_inactive_keys.core.journal import DeactivatedKey
from c7n_inactive_keys.core.keys import AccessKey, LastUse
from c7n_inactive_keys.core.ledger import BY_US, render_value, tag_key
from c7n_inactive_keys.core.plan import read_plan
from c7n_inactive_keys.core.unused_key import UnusedKey

NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
ID, SIBLING = "AKIAEXAMPLE000000001", "AKIAEXAMPLE000000002"


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


KEY = AccessKey(ID, "alice", "Inactive", ago(400))
FOUND = FoundKey(KEY, LastUse(), ago(120), ago(100), 100.0, 120.0)
BY_LEDGER = replace(FOUND, evidence=(Evidence("ledger", "inactive-throughout", ago(100), ago(1)),))
TOLD = replace(FOUND, notified=ago(20))


def entry_tag(entry: LedgerEntry) -> dict[str, str]:
    return {"Key": tag_key(ID), "Value": render_value(entry)}


def ledger(after: float, since: float, notified: float | None = None) -> dict[str, str]:
    notice = None if notified is None else ago(notified)
    return entry_tag(LedgerEntry(ago(after), ago(since), ago(0), notice))


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
    case(
        "the ledger has heard that it was reactivated",
        reading(entry_tag(LedgerEntry(ago(120), ago(100), ago(50), reactivated=ago(40)))),
        "changed",
    ),
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
    case("managed", reading(), "managed", policy=rules(managed={ID: "Terraform"})),
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
def test_must_not_be_deleted(found, now, policy, reason):
    """Each with the reason that its record gives."""
    assert to_delete(found, now, policy) == reason


@pytest.mark.parametrize(("found", "now", "policy", "reason"), MAY_GO)
def test_may_be_deleted(found, now, policy, reason):
    assert to_delete(found, now, policy) is reason


# -- deactivation ---------------------------------------------------------------------------------

REST = timedelta(days=90)
IN_USE = replace(KEY, status="Active")
UNUSED = UnusedKey(IN_USE, LastUse(ago(100)), 100.0)
NEVER_USED = UnusedKey(IN_USE, LastUse(), 400.0)


def active(*tags, key=IN_USE, used=100.0, selection=None, changes=()) -> Reading:
    return Reading(
        NOW,
        tags,
        () if key is None else (key,),
        selection,
        LastUse(None if used is None else ago(used)),
        changes,
    )


def changed(days: float, status: str) -> StatusChange:
    return StatusChange(ago(days), status, "cloudtrail")


MUST_STAY_ACTIVE = [
    case("gone", active(key=None), "already-gone", UNUSED),
    case("another creation date", active(key=replace(IN_USE, created=ago(9))), "changed", UNUSED),
    case("inactive already", active(key=KEY), "already-inactive", UNUSED),
    case("exempt in mid-run", active(tag("keep")), "exempt", UNUSED, rules(exempt_tag="keep")),
    case("used in mid-run", active(used=0), "used", UNUSED),
    case("used a day ago, which IAM tells now", active(used=1), "used", UNUSED),
    case("used for the first time", active(used=0), "used", NEVER_USED),
    case("IAM has forgotten the use", active(used=None), "used", UNUSED),
    case("its last use was not read", replace(active(), last_use=None), "used", UNUSED),
    case("reactivated lately", active(changes=(changed(5, "Active"),)), "reactivated", UNUSED),
    case(
        "reactivated lately, after its last use and a deactivation",
        active(changes=(changed(50, "Inactive"), changed(5, "Active"))),
        "reactivated",
        UNUSED,
    ),
    case(
        "the ledger saw it inactive yesterday",
        active(entry_tag(LedgerEntry(ago(50), ago(50), ago(1)))),
        "reactivated",
        UNUSED,
    ),
    case(
        "the ledger heard last week that it was reactivated",
        active(entry_tag(LedgerEntry(ago(200), ago(200), ago(100), reactivated=ago(7)))),
        "reactivated",
        UNUSED,
    ),
    case(
        "the policy's filters mean the sibling",
        active(selection=Selection(frozenset([SIBLING]))),
        "not-matched",
        UNUSED,
    ),
    case(
        "created in the same second as its sibling",
        active(selection=Selection(frozenset(), frozenset([ID, SIBLING]))),
        "ambiguous",
        UNUSED,
    ),
    case("managed", active(), "managed", UNUSED, rules(managed={ID: "Terraform"})),
    case("not in the plan", active(), "not-in-plan", UNUSED, rules(plan=read_plan([SIBLING]))),
]

MAY_BE_DEACTIVATED = [
    case("unchanged", active(), None, UNUSED),
    case("never used", active(used=None), None, NEVER_USED),
    case("reactivated long ago", active(changes=(changed(91, "Active"),)), None, UNUSED),
    case("somebody's event says Inactive", active(changes=(changed(5, "Inactive"),)), None, UNUSED),
]


@pytest.mark.parametrize(("found", "now", "policy", "reason"), MUST_STAY_ACTIVE)
def test_must_not_be_deactivated(found, now, policy, reason):
    assert to_deactivate(found, now, policy, REST) == reason


@pytest.mark.parametrize(("found", "now", "policy", "reason"), MAY_BE_DEACTIVATED)
def test_may_be_deactivated(found, now, policy, reason):
    assert to_deactivate(found, now, policy, REST) is reason


# -- reactivation ---------------------------------------------------------------------------------

OURS = DeactivatedKey(replace(KEY, status="Active"), ago(2))
HISTORY_SINCE = ago(90)


def ledger_of_ours(by: str | None = BY_US, days: float = 2.0001) -> dict[str, str]:
    return entry_tag(LedgerEntry(ago(days), ago(2), ago(2), by=by))


def inactive(*tags, key=KEY, selection=None, changes=()) -> Reading:
    return Reading(NOW, tags, () if key is None else (key,), selection, changes=changes)


MUST_STAY_INACTIVE = [
    case("gone", inactive(ledger_of_ours(), key=None), "already-gone", OURS),
    case(
        "another creation date",
        inactive(ledger_of_ours(), key=replace(KEY, created=ago(1))),
        "changed",
        OURS,
    ),
    case("active already", inactive(ledger_of_ours(), key=IN_USE), "reactivated", OURS),
    case("the ledger has lost it", inactive(), "changed", OURS),
    case("the ledger says somebody else", inactive(ledger_of_ours(by=None)), "changed", OURS),
    case("the ledger says another tool", inactive(ledger_of_ours(by="tool")), "changed", OURS),
    case(
        "the ledger is of a later deactivation",
        inactive(ledger_of_ours(days=1)),
        "changed",
        OURS,
    ),
    case(
        "reactivated and deactivated by somebody since",
        inactive(ledger_of_ours(), changes=(changed(1, "Active"), changed(0.5, "Inactive"))),
        "changed",
        OURS,
    ),
    case(
        "the same in the second of our own call",
        inactive(ledger_of_ours(), changes=(changed(2, "Active"), changed(2, "Inactive"))),
        "changed",
        OURS,
    ),
    case(
        "somebody may have changed it since",
        inactive(ledger_of_ours(), changes=(changed(1, "unclear"),)),
        "changed",
        OURS,
    ),
    case(
        "somebody deactivated it in the moment of our own call",
        inactive(ledger_of_ours(), changes=(changed(2.00005, "Inactive"), changed(2, "Inactive"))),
        "changed",
        OURS,
    ),
    case(
        "the ledger has heard that it was reactivated",
        inactive(entry_tag(LedgerEntry(ago(2.0001), ago(2), ago(2), by=BY_US, reactivated=ago(1)))),
        "changed",
        OURS,
    ),
    case(
        "the policy's filters mean the sibling",
        inactive(ledger_of_ours(), selection=Selection(frozenset([SIBLING]))),
        "not-matched",
        OURS,
    ),
    case("managed", inactive(ledger_of_ours()), "managed", OURS, rules(managed={ID: "Terraform"})),
]

MAY_BE_REACTIVATED = [
    case("untouched", inactive(ledger_of_ours()), None, OURS),
    case(
        "event history holds our own call",
        inactive(ledger_of_ours(), changes=(changed(2.00005, "Inactive"),)),
        None,
        OURS,
    ),
]


@pytest.mark.parametrize(("found", "now", "policy", "reason"), MUST_STAY_INACTIVE)
def test_must_not_be_reactivated(found, now, policy, reason):
    assert to_reactivate(found, now, policy, HISTORY_SINCE) == reason


@pytest.mark.parametrize(("found", "now", "policy", "reason"), MAY_BE_REACTIVATED)
def test_may_be_reactivated(found, now, policy, reason):
    assert to_reactivate(found, now, policy, HISTORY_SINCE) is reason


def test_what_neither_ledger_nor_event_history_covers_is_not_taken_back():
    """Its owner may have reactivated it, and deactivated it again."""
    untouched = inactive(ledger_of_ours())
    assert to_reactivate(OURS, untouched, rules(), known_since=ago(2)) is None
    assert to_reactivate(OURS, untouched, rules(), known_since=ago(1)) == "changed"


@pytest.mark.parametrize(
    ("minutes", "reason"), [(0, None), (1, None), (2, "changed")], ids=["at", "spreading", "later"]
)
def test_a_key_that_was_used_after_its_deactivation_is_not_deleted(minutes, reason):
    """IAM takes seconds to spread a deactivation, not minutes."""
    used = LastUse(FOUND.not_after + timedelta(minutes=minutes))
    assert to_delete(FOUND, replace(reading(), last_use=used), rules()) == reason


@pytest.mark.parametrize(("requested", "reason"), [("Active", "reactivated"), ("Inactive", None)])
def test_a_call_that_may_have_reactivated_a_key_lets_it_rest(requested, reason):
    """One that asked for the other status has not."""
    change = replace(changed(1, "unclear"), requested=requested)
    assert to_deactivate(UNUSED, active(changes=(change,)), rules(), REST) == reason
