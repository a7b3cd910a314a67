# SPDX-License-Identifier: Apache-2.0
"""Laws that hold for any set of runs."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import replace
from datetime import datetime, timezone

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c7n_inactive_keys.core.evidence import Evidence
from c7n_inactive_keys.core.found_key import FoundKey
from c7n_inactive_keys.core.keys import AccessKey, LastUse
from c7n_inactive_keys.core.reactivated_key import ReactivatedKey
from c7n_inactive_keys.report.formats import csv_format, json_format, jsonl_format
from c7n_inactive_keys.report.formats.key_fields import table
from c7n_inactive_keys.report.model import (
    GROUPS,
    ActionRules,
    ActiveKey,
    ActiveOutcome,
    Collection,
    KeyOutcome,
    ListedAccount,
    PastRun,
    SeenKey,
    SeenUser,
)
from c7n_inactive_keys.report.read.report_file import read_report
from c7n_inactive_keys.report.summary import summarise
from c7n_inactive_keys.report.words import clean

GENERATED = datetime(2026, 12, 1, tzinfo=timezone.utc)
ACCOUNTS = [f"{number:012d}" for number in range(1, 4)]
POLICIES = ["all", "old"]
RULES = {"all": None, "old": ActionRules(days=90.0, exempt_tags=frozenset({"keep"}))}
PLANNED = {"all": ActionRules(plan="file://plan.csv"), "old": None}
TEXT = st.sampled_from(["", "=1+1", 'a,b;"c"', "<b>", "\x1b[2J\n", "ünï", "'"]).map(clean)
# Nothing here may depend on how fast a machine is.
law = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
DAYS = st.integers(0, 30_000).map(lambda tenths: tenths / 10)
LISTED = tuple(ListedAccount(account, f"name-{account}") for account in ACCOUNTS)


def year(number):
    return datetime(number, 1, 1, tzinfo=timezone.utc)


@st.composite
def keys(draw, account_id):
    number = draw(st.integers(0, 8))
    days = sorted((draw(DAYS), draw(DAYS)))
    name = f"user-{number // 2}"
    found = FoundKey(
        AccessKey(f"AKIA{account_id[-2:]}{number:014d}", name, "Inactive", year(2020)),
        LastUse(draw(st.sampled_from([None, year(2024)]))),
        not_before=year(2024),
        not_after=year(2025),
        at_least_days=days[0],
        at_most_days=days[1],
        evidence=(Evidence("cloudtrail", "unavailable", reason=draw(TEXT)),),
    )
    held = draw(st.sampled_from([1, 2]))
    return SeenKey(found, SeenUser(account_id, name, keys=held), proven=days[0] > 0)


@st.composite
def active_keys(draw, account_id):
    """Unused, woken, or both; the ids are those of inactive keys of other runs."""
    number = draw(st.integers(0, 8))
    name = f"user-{number // 2}"
    key = AccessKey(f"AKIA{account_id[-2:]}{number:014d}", name, "Active", year(2020))
    use = LastUse(draw(st.sampled_from([None, year(2024)])))
    days = sorted((draw(DAYS), draw(DAYS)))
    woken = ReactivatedKey(key, use, *days, draw(st.sampled_from([None, year(2025)])))
    return ActiveKey(
        key=key,
        last_use=use,
        user=SeenUser(account_id, name),
        unused_days=draw(st.sampled_from([None, 100.0])),
        woken=draw(st.sampled_from([None, woken])),
    )


@st.composite
def active_outcomes(draw, keys, policy, day):
    """What became of some of them."""
    found = []
    for key in keys:
        if draw(st.booleans()):
            aim = draw(st.sampled_from(["deactivated", "reactivated"]))
            outcome = draw(st.sampled_from([aim, "skipped", "failed"]))
            reason = draw(st.sampled_from([None, "used", "reactivated", "already-inactive"]))
            time = f"2026-11-0{day}T04:00:05Z"
            found.append(ActiveOutcome(key, aim, policy, time, outcome, reason))
    return tuple(found)


def id_of(key):
    return key.id


def as_listed(found):
    """The keys of a run, which listed each user once."""
    users = {key.user.name: key.user for key in found}
    return tuple(replace(key, user=users[key.user.name]) for key in found)


@st.composite
def policy_runs(draw):
    account_id, policy = draw(st.sampled_from(ACCOUNTS)), draw(st.sampled_from(POLICIES))
    day = draw(st.integers(1, 9))
    read = draw(st.booleans())
    found = as_listed(draw(st.lists(keys(account_id), max_size=5, unique_by=id_of)) if read else ())
    outcomes = tuple(
        KeyOutcome(
            key=key,
            policy=policy,
            time=f"2026-11-0{day}T04:00:05Z",
            outcome=draw(st.sampled_from(["deleted", "skipped", "failed"])),
            reason=draw(st.sampled_from([None, "reactivated", "exempt"])),
        )
        for key in found
        if draw(st.booleans())
    )
    active = draw(st.lists(active_keys(account_id), max_size=3, unique_by=id_of)) if read else ()
    inactive = {key.id for key in found}
    active = tuple(key for key in active if key.id not in inactive)
    return PastRun(
        source=f"out-{draw(st.integers(1, 4))}",
        root="",
        place="x",
        stamp="",
        account_id=account_id,
        account_name=None,
        region=draw(st.sampled_from(["us-east-1", "eu-west-1"])),
        policy=policy,
        started=f"2026-11-0{day}T04:00:00Z",
        start_known=True,
        dryrun=False,
        ours=True,
        finds_keys=True,
        deletion=RULES[policy],
        state="read" if read else "failed",
        reason=None if read else "because",
        fresh=read,
        keys=found,
        outcomes=outcomes,
        stages=frozenset({"unused"}),
        deactivation=PLANNED[policy],
        active_key_ids=frozenset(key.id for key in active),  # as the filters list them
        active_keys=active,
        active_outcomes=draw(active_outcomes(active, policy, day)),
    )


def covered(result):
    return {item.account_id: item.status == "read" for item in result.accounts}


RUNS = st.lists(policy_runs(), max_size=8)


def possible(runs):
    """Within one tree a policy has one directory for each account and region."""
    unique = list({(r.source, r.account_id, r.policy): r for r in runs}.values())
    starts = {
        source: f"2026-11-0{number}T04:00:00Z"
        for number, source in enumerate(sorted({run.source for run in unique}), 1)
    }
    begun_then = [begun(run, starts[run.source]) for run in unique]
    return [without_ended(run, found_after(run, begun_then)) for run in begun_then]


def found_after(run, runs):
    """The keys that runs at the same time or later found."""
    later = (other for other in runs if other.started >= run.started and other is not run)
    return {key.identity for other in later for key in (*other.keys, *other.active_keys)}


def without_ended(run, there):
    """The run, in which no key was deleted or reactivated that another run found as well."""
    return replace(
        run,
        outcomes=tuple(
            replace(item, outcome="skipped", reason="exempt")
            if item.key.identity in there
            else item
            for item in run.outcomes
        ),
    )


def begun(run, started):
    """The run and what it did, at another time."""
    then = started.replace(":00Z", ":05Z")
    return replace(
        run,
        started=started,
        outcomes=tuple(replace(outcome, time=then) for outcome in run.outcomes),
        active_outcomes=tuple(replace(outcome, time=then) for outcome in run.active_outcomes),
    )


def summary(runs, **options):
    return summarise(Collection(tuple(runs)), GENERATED, **options)


@law
@given(RUNS)
def test_the_numbers_of_a_report_add_up(runs):
    result = summary(runs, listed=LISTED)
    totals = result.totals
    assert totals.keys == len(result.keys)
    assert sum(account.keys for account in result.accounts) == totals.keys
    assert sum(age.proven for age in result.ages) == totals.remaining
    groups = Counter(row.group for row in result.rows)
    assert [groups[name] for name in GROUPS] == [
        *(totals.needs_somebody, totals.would_be_deleted, totals.would_be_deactivated),
        *(totals.not_yet, totals.exempt, totals.only_found, totals.deactivated),
        *(totals.reactivated, totals.in_use, totals.gone),
    ]
    assert sum(row.settled for row in result.keys) + totals.remaining == totals.keys
    assert sum(age.possible for age in result.ages) == totals.remaining
    told = Counter()
    for outcome, _, number in result.reasons:
        told[outcome] += number
    assert [told[name] for name in ("deleted", "skipped", "failed")] == [
        *(totals.deleted, totals.skipped, totals.failed),
    ]
    assert totals.slot_blocked <= totals.users <= totals.keys
    assert totals.woken <= totals.needs_somebody


@law
@given(RUNS)
def test_every_key_has_exactly_one_row(runs):
    result = summary(runs)
    identities = [row.key.identity for row in result.rows]
    assert len(set(identities)) == len(identities)
    found = {key.identity for run in runs for key in (*run.keys, *run.active_keys)}
    assert set(identities) <= found


@law
@given(RUNS)
def test_no_key_is_called_unused_or_deactivated_that_was_seen_otherwise_after_that(runs):
    """Later readings win: a key that was found inactive is told as that."""
    result = summary(runs)
    inactive = {row.key.identity: row for row in result.keys if not row.settled}
    for row in result.active_keys:
        later = [run for run in runs if run.account_id == row.user.account_id and run.fresh]
        seen = {run.started for run in later if row.key.id in {key.id for key in run.active_keys}}
        if row.group == "deactivated":
            assert max(seen, default="") <= row.outcome_time
        elif row.key.identity in inactive:
            assert (inactive[row.key.identity].last_seen or "") <= max(
                *seen, row.outcome_time or ""
            )


@law
@given(RUNS)
def test_no_key_is_settled_by_what_was_known_before_it_was_last_found(runs):
    """It would be called clean although somebody saw it inactive after that."""
    for row in summary(runs).keys:
        assert not row.settled or (row.last_seen or "") <= row.outcome_time


@law
@given(RUNS)
def test_every_account_is_read_failed_or_missing_and_none_is_forgotten(runs):
    result = summary(runs, listed=LISTED)
    assert {account.account_id for account in result.accounts} == set(ACCOUNTS)
    read_once = {run.account_id for run in runs if run.state == "read"}
    assert {a.account_id for a in result.accounts if a.status == "read"} <= read_once


@law
@given(RUNS, st.randoms(use_true_random=False))
def test_the_order_of_the_trees_does_not_matter(runs, random):
    unique = possible(runs)
    shuffled = list(unique)
    random.shuffle(shuffled)
    one, other = summary(unique), summary(shuffled)
    assert one.totals == other.totals
    assert one.trend == other.trend
    assert {a.account_id: a.status for a in one.accounts} == {
        a.account_id: a.status for a in other.accounts
    }


@law
@given(RUNS)
def test_what_is_written_as_json_lines_and_csv_can_be_read_again(runs):
    """Each names the same keys in the same order."""
    result = summary(runs)
    ids = [row.key.id for row in result.rows]
    document = json.loads("".join(json_format.render(result)))
    for name, keys in (("keys", result.keys), ("active_keys", result.active_keys)):
        assert [item["access_key_id"] for item in document[name]] == [row.key.id for row in keys]
    lines = [json.loads(line) for line in jsonl_format.render(result)]
    generated = {"generated": result.generated}
    assert lines == json.loads(json.dumps([generated | record for record in table(result)]))
    rows = list(csv.DictReader(io.StringIO("".join(csv_format.render(result)), newline="")))
    assert [row["access_key_id"] for row in rows] == ids


# The same runs each time: of a user whose keys policies of one run saw in different states, the
# slots that inactive keys block are not told again, and a search for new examples finds such users.
@settings(law, derandomize=True)
@given(RUNS)
def test_a_report_of_a_json_report_says_the_same(runs):
    """So reports of parts of an organisation stand for the output that they were made of."""
    whole = summary(possible(runs), listed=LISTED)
    again = summarise(read_report("".join(json_format.render(whole)), "part.json"), GENERATED)
    assert again.totals == whole.totals
    assert [(row.key.identity, row.group, row.outcome) for row in again.rows] == [
        (row.key.identity, row.group, row.outcome) for row in whole.rows
    ]
    assert covered(again) == covered(whole)
