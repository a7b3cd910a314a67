# SPDX-License-Identifier: Apache-2.0
"""The passing of time, and the seeded organisation."""

from datetime import timedelta

from c7n_inactive_keys_sandbox.organisation import seed_organisation


def test_everything_stored_gets_older(sandbox, account, iam, trail, ago):
    """Users, keys, uses, changes, events and ledger tags move; other tags do not."""
    user = account.user(
        "alice",
        created=ago(500),
        tags={
            "c7n-inactive-key:AKIA": "after=2026-01-03T09:59:59Z since=2026-01-03T10:00:00+00:00",
            "Seen": "2026-01-03T10:00:00Z",
        },
    )
    key = user.key(created=ago(400), toggles=[ago(30)], last_used=(ago(40), "s3", "us-east-1"))
    sandbox.age(timedelta(days=7))
    assert iam.get_user(UserName="alice")["User"]["CreateDate"] == ago(507)
    assert key.created == ago(407)
    assert key.deactivated == ago(37)
    assert key.last_used.time == ago(47)
    assert trail.lookup_events()["Events"][0]["EventTime"] == ago(37)
    assert user.tags == {
        "c7n-inactive-key:AKIA": "after=2025-12-27T09:59:59Z since=2025-12-27T10:00:00Z",
        "Seen": "2026-01-03T10:00:00Z",
    }


def test_events_fall_out_of_the_history(sandbox, account, trail, ago):
    """What passes ninety days is seen no longer."""
    account.user("alice").key(created=ago(100), toggles=[ago(80)])
    assert len(trail.lookup_events()["Events"]) == 1
    sandbox.age(timedelta(days=11))
    assert trail.lookup_events()["Events"] == []


def test_the_organisation_is_the_same_in_every_run(sandbox, now):
    """Seeding twice gives the same truth."""
    seed_organisation(sandbox, now)
    first = sandbox.truth()
    sandbox.reset()
    seed_organisation(sandbox, now)
    assert sandbox.truth() == first


def test_the_organisation_has_every_kind_of_key(sandbox, now):
    """The cases that a clean-up meets are all there."""
    organisation = seed_organisation(sandbox, now)
    accounts = organisation.accounts
    rows = sandbox.truth()
    inactive = [row for row in rows if row["status"] == "Inactive"]
    off = {row["user_name"]: (now - row["deactivated"]) / timedelta(days=1) for row in inactive}
    assert len(accounts) >= 12
    assert any(not account.users for account in accounts)
    assert any(account.users and not account.inactive_keys for account in accounts)
    assert any(len(account.users) > 100 for account in accounts)
    assert sum(len(account.root_keys) for account in accounts) >= 1
    assert off["deploy"] == 1
    assert organisation.account("web-shop").user("deploy").keys[0].created < now - timedelta(1825)
    assert off["batch-2019"] > 365
    assert any("keep-keys" in user.tags for account in accounts for user in account.users.values())
    twins = [
        user.keys
        for account in accounts
        for user in account.users.values()
        if len(user.keys) == 2 and user.keys[0].created == user.keys[1].created
    ]
    assert {frozenset(key.status for key in keys) for keys in twins} == {
        frozenset({"Active", "Inactive"})
    }
    names = sorted(organisation.account("data-platform").users)
    assert names.index("analyst-130") >= 100
    assert off["analyst-130"] == 140
    # Nothing was used after it was switched off, and nothing happened before it was created.
    for row in inactive:
        assert row["created"] <= row["deactivated"]
        assert row["last_used"] is None or row["last_used"] <= row["deactivated"]


def test_many_users_are_seeded_and_listed(account, iam, ago):
    """5,000 users, AWS's limit, are there with their keys."""
    for number in range(5000):
        account.user(f"user-{number}").key(toggles=[ago(100)] if number % 100 == 0 else ())
    pages = iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 1000})
    assert sum(len(page["Users"]) for page in pages) == 5000
    iam.generate_credential_report()
    assert iam.get_credential_report()["Content"].count(b"\n") == 5001
