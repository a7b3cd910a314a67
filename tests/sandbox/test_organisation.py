# SPDX-License-Identifier: Apache-2.0
"""The seeded organisation."""

from datetime import timedelta

from c7n_inactive_keys_sandbox.organisation import seed_organisation


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
    assert sum(len(account.root.keys) for account in accounts) >= 1
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
    # Nothing was used after it was deactivated, and nothing happened before it was created.
    for row in inactive:
        assert row["created"] <= row["deactivated"]
        assert row["last_used"] is None or row["last_used"] <= row["deactivated"]
