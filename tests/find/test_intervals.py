# SPDX-License-Identifier: Apache-2.0
"""Every interval that stock Custodian reports, compared with the truth: 320 random histories.

Events arrive after random delays of up to two hours, those of keys deactivated seconds ago too.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from c7n_inactive_keys.core.ledger import LedgerEntry, render_value, tag_key
from c7n_inactive_keys_sandbox import Sandbox
from c7n_inactive_keys_sandbox.events import RandomDelays
from tests.support.accounts import ACCOUNT, days_ago, report_of_today, since
from tests.support.custodian import custodian
from tests.support.policies import REPORT

pytestmark = pytest.mark.e2e

SEED = 20261124
USERS = 160  # of two keys each, as many as AWS allows
WINDOW = 90.0
# No toggle comes this close to the far end of event history, where the run's own time decides.
BORDER = 0.05
SETTLING = 2 / 24


@dataclass(frozen=True)
class Case:
    """A key that is off: what is true of it, what its ledger tag says, what the run reported."""

    truth: datetime
    created: datetime
    off_days: float
    ledger: str
    entry: dict


def toggles(draw: random.Random, age: float) -> list[float]:
    """Days ago of an odd number of changes of a key of that age, oldest first: it ends off."""
    latest = draw.choice((0.0001, 0.01, 0.05, 0.3, 5.0, 40.0, 80.0, 91.0, 200.0, 200.0))
    latest = min(latest * draw.uniform(1.0, 1.6), age * 0.9)
    number = 2 * draw.choice((0, 0, 1, 2, 4))
    # Reactivated and deactivated again within two hours: that is what no evidence shows.
    earlier = max(latest, 1.1 * SETTLING)
    days = {round(draw.uniform(earlier, max(age, earlier)), 4) for _ in range(number)}
    moments = sorted({*days, round(latest, 5)}, reverse=True)
    return moments[(len(moments) + 1) % 2 :]


def ledger_tag(draw: random.Random, kind: str, off: float, created: float) -> str:
    """A tag that an earlier run could have left, or one that cannot be true or cannot be read."""
    if kind == "malformed":
        return "since=yesterday verified="
    if kind == "stale":  # written when the key was off before, and not seen to since
        before = draw.uniform(off + 1, max(created, off + 1.1))
        after, moment, verified = before + 1, before, before - 0.5
    else:
        after = min(off + draw.uniform(0, 3), created)
        moment = off - draw.uniform(0, off / 4)
        verified = draw.uniform(0, min(moment, 80))
    return render_value(LedgerEntry(days_ago(after), days_ago(moment), days_ago(verified)))


def fill(sandbox: Sandbox) -> dict[str, str]:
    """Random lives of 320 keys; the kind of ledger tag by access key id."""
    draw = random.Random(SEED)
    account = sandbox.account(ACCOUNT)
    kinds = {}
    for number in range(USERS):
        user = account.user(f"user-{number:03}", created=days_ago(2000))
        for _ in range(2):
            age = draw.choice((1.0, 30.0, 120.0, 700.0, 1500.0)) * draw.uniform(0.7, 1.2)
            moments = [days for days in toggles(draw, age) if abs(days - WINDOW) > BORDER]
            moments = moments[(len(moments) + 1) % 2 :] or [age / 2]
            key = user.key(created=days_ago(age), toggles=[days_ago(days) for days in moments])
            assert key.status == "Inactive"
            if draw.random() < 0.5:
                on_since = moments[-2] if len(moments) > 1 else age
                key.use(days_ago(draw.uniform(moments[-1], on_since)), "s3", "eu-west-1")
            kinds[key.id] = draw.choice(("none", "none", "true", "stale", "malformed"))
            if kinds[key.id] == "stale" and moments[-1] + 1 > age - 1:
                kinds[key.id] = "none"
            if kinds[key.id] != "none":
                user.tags[tag_key(key.id)] = ledger_tag(draw, kinds[key.id], moments[-1], age)
    return kinds


@pytest.fixture(scope="module", name="kinds")
def _kinds(aws) -> dict[str, str]:
    """The account: a credential report from before the latest changes, and events on their way."""
    kinds = fill(aws)
    aws.event_delay = RandomDelays(timedelta(days=SETTLING), SEED)
    report_before_the_latest_changes(aws)
    return kinds


def report_before_the_latest_changes(aws: Sandbox) -> None:
    """The report of three hours ago, true of that moment."""
    made = days_ago(3 / 24)
    keys = [key for key in aws.account(ACCOUNT).keys if key.changes and key.changes[-1][0] > made]
    for key in keys:
        key.status = "Active"
    report_of_today(aws, ACCOUNT)
    for key in keys:
        key.status = "Inactive"


@pytest.fixture(scope="module", name="cases", params=["credential-report", "describe"])
def _cases(request, aws, kinds, tmp_path_factory) -> dict[str, Case]:
    policy = {**REPORT, "source": request.param}
    home = tmp_path_factory.mktemp("intervals")
    run = custodian(aws, home, policies=[policy])
    assert run.status == 0, run.log
    found = run.keys(REPORT["name"])
    now = days_ago(0)
    truth = {str(row["access_key_id"]): row for row in aws.truth()}
    # A key that the report has as active shows up in a later run, unless its user has another.
    missing = truth.keys() - found.keys()
    assert all(now - truth[key_id]["deactivated"] < timedelta(hours=4) for key_id in missing)
    assert request.param == "credential-report" or not missing
    truth = {key_id: row for key_id, row in truth.items() if key_id in found}
    return {
        key_id: Case(
            row["deactivated"],
            row["created"],
            (now - row["deactivated"]) / timedelta(days=1),
            kinds[key_id],
            found[key_id],
        )
        for key_id, row in truth.items()
    }


def wrong(cases: dict[str, Case], is_right) -> dict[str, Case]:
    """The cases for which something does not hold; empty when all is well."""
    return {key_id: case for key_id, case in cases.items() if not is_right(case)}


def test_the_histories_cover_each_kind_often_enough(cases):
    """At least 300 keys, of which many were deactivated within and many before event history."""
    assert len(cases) >= 250
    assert sum(case.off_days < WINDOW for case in cases.values()) >= 80
    assert sum(case.off_days > WINDOW for case in cases.values()) >= 60
    assert {case.ledger for case in cases.values()} == {"none", "true", "stale", "malformed"}


def test_the_truth_lies_in_every_interval(cases):
    """NotBefore <= the moment of the last deactivation <= NotAfter, for each of the keys."""

    def holds(case: Case) -> bool:
        not_before, not_after = since(case.entry)
        return not_before <= case.truth <= not_after

    assert not wrong(cases, holds)


def test_a_deactivation_within_event_history_is_known_to_the_second(cases):
    """The event is in a complete record, whatever the ledger says."""
    recent = {
        key_id: case for key_id, case in cases.items() if SETTLING < case.off_days < WINDOW - BORDER
    }
    assert not wrong(recent, lambda case: since(case.entry) == (case.truth, case.truth))


def test_of_a_key_deactivated_a_moment_ago_nothing_is_claimed(cases):
    """Whether its event has arrived or not."""
    new = {key_id: case for key_id, case in cases.items() if case.off_days < SETTLING}
    assert len(new) > 20
    assert not wrong(new, lambda case: case.entry["InactiveDays"]["AtLeast"] <= 0.1)


def test_a_key_that_was_inactive_throughout_event_history_is_proven_or_settling(cases):
    """90 days, now if somebody has seen it so, and otherwise two hours after this run."""
    old = {key_id: case for key_id, case in cases.items() if case.off_days > WINDOW + BORDER}

    def days(case: Case) -> float:
        found = case.entry["InactiveDays"]
        return max(found["AtLeast"], found.get("Unsettled", {"AtLeast": 0})["AtLeast"])

    assert not wrong(old, lambda case: days(case) >= 89.9)


def test_a_true_ledger_tag_proves_more_than_event_history(cases):
    """The tag's `since` is where NotAfter lies, days before event history begins."""
    told = {
        key_id: case
        for key_id, case in cases.items()
        if case.ledger == "true" and case.off_days > WINDOW * 4 / 3
    }
    assert len(told) >= 10
    assert not wrong(told, lambda case: case.entry["InactiveDays"]["AtLeast"] > WINDOW + 0.5)
    assert not wrong(
        told, lambda case: case.entry["InactiveDays"]["AtLeast"] >= case.off_days * 0.75 - 0.1
    )


def test_no_other_tag_adds_a_day(cases):
    """Without a ledger that can be believed, nothing is proven beyond event history."""
    others = {key_id: case for key_id, case in cases.items() if case.ledger != "true"}
    assert not wrong(others, lambda case: case.entry["InactiveDays"]["AtLeast"] <= WINDOW)


def test_the_interval_and_the_days_say_the_same(cases):
    """AtLeast counts from NotAfter, AtMost from NotBefore, and neither precedes the creation."""

    def agree(case: Case) -> bool:
        not_before, not_after = since(case.entry)
        days = case.entry["InactiveDays"]
        spread = (not_after - not_before) / timedelta(days=1)
        return (
            case.created <= not_before
            and days["AtLeast"] <= days["AtMost"]
            and abs(days["AtMost"] - days["AtLeast"] - spread) <= 0.11
        )

    assert not wrong(cases, agree)
