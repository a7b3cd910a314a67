# SPDX-License-Identifier: Apache-2.0
"""The passing of time."""

from datetime import timedelta

from .conftest import changes, control


def test_everything_stored_gets_older(sandbox, account, iam, trail, ago):
    """Users, passwords, keys, uses, changes, events and ledger tags; no other tags."""
    user = account.user(
        "alice",
        created=ago(500),
        tags={
            "c7n-inactive-key:AKIA": "after=2026-01-03T09:59:59Z since=2026-01-03T10:00:00+00:00",
            "Seen": "2026-01-03T10:00:00Z",
        },
    )
    user.password_last_used = ago(3)
    key = user.key(created=ago(400), toggles=[ago(30)], last_used=(ago(40), "s3", "us-east-1"))
    sandbox.age(timedelta(days=7))
    assert iam.get_user(UserName="alice")["User"]["CreateDate"] == ago(507)
    assert user.password_last_used == ago(10)
    assert key.created == ago(407)
    assert key.deactivated == ago(37)
    assert key.last_used.time == ago(47)
    assert trail.lookup_events()["Events"][0]["EventTime"] == ago(37)
    assert user.tags == {
        "c7n-inactive-key:AKIA": "after=2025-12-27T09:59:59Z since=2025-12-27T10:00:00Z",
        "Seen": "2026-01-03T10:00:00Z",
    }


def test_delays_are_set_from_another_process(sandbox, account, trail):
    """Seconds for all, or a maximum and a seed."""
    for number in range(30):
        account.user(f"user-{number}").key().deactivate()
    given = {"event_delay": {"up_to": 7200, "seed": 7}}
    assert given.items() <= control(sandbox.url, "/settings", "PUT", given).items()
    control(sandbox.url, "/age", "POST", {"minutes": 60})
    assert 0 < len(changes(trail)) < 30
    control(sandbox.url, "/settings", "PUT", {"event_delay": 3600})
    assert len(changes(trail)) == 30
