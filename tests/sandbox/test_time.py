# SPDX-License-Identifier: Apache-2.0
"""The passing of time, and a clock that differs from the machine's."""

from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest

from .conftest import changes, client, control, refused


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


@pytest.mark.parametrize("minutes", [14, -14])
def test_awss_clock_may_differ_from_the_machines(sandbox, account, iam, trail, now, minutes):
    """All that AWS says of time goes by its own clock; what the machine signs is good enough."""
    account.user("alice")
    sandbox.clock_offset = timedelta(minutes=minutes)
    answer = iam.create_access_key(UserName="alice")
    key_id = answer["AccessKey"]["AccessKeyId"]
    iam.update_access_key(UserName="alice", AccessKeyId=key_id, Status="Inactive")
    iam.generate_credential_report()
    [event] = changes(trail)
    date = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
    for said in (
        parsedate_to_datetime(date),
        answer["AccessKey"]["CreateDate"],
        event["EventTime"],
        iam.get_credential_report()["GeneratedTime"],
        sandbox.now(),
        account.users["alice"].keys[0].deactivated,
    ):
        assert abs(said - now - timedelta(minutes=minutes)) < timedelta(seconds=30)


def test_a_use_is_recorded_by_awss_clock(sandbox, account, now):
    """As is the report's time of it."""
    key = account.user("alice").key()
    sandbox.clock_offset = timedelta(minutes=10)
    client(sandbox, "sts", key.id, key.secret).get_caller_identity()
    assert timedelta(minutes=10) <= key.last_used.time - now < timedelta(minutes=11)


@pytest.mark.parametrize("minutes", [16, -16])
def test_more_than_a_quarter_of_an_hour_is_refused(sandbox, account, minutes):
    """In the words of each protocol, whoever signed; nothing was done, and no key was used."""
    key = account.user("alice").key()
    sandbox.clock_offset = timedelta(minutes=minutes)
    own = client(sandbox, "iam", key.id, key.secret)
    assert refused(own.create_access_key) == "SignatureDoesNotMatch"
    trail = sandbox.client("cloudtrail", account.id)
    assert refused(trail.lookup_events) == "InvalidSignatureException"
    assert (account.keys, key.last_used) == ([key], None)


def test_clock_and_delays_are_set_from_another_process(sandbox, account, trail):
    """Seconds, and for delays that are drawn a maximum and a seed."""
    for number in range(30):
        account.user(f"user-{number}").key().deactivate()
    given = {"clock_offset": 600, "event_delay": {"up_to": 7200, "seed": 7}}
    assert given.items() <= control(sandbox.url, "/settings", "PUT", given).items()
    control(sandbox.url, "/age", "POST", {"minutes": 60})
    assert 0 < len(changes(trail)) < 30
    control(sandbox.url, "/settings", "PUT", {"event_delay": 3600})
    assert len(changes(trail)) == 30
    assert sandbox.clock_offset == timedelta(minutes=10)
