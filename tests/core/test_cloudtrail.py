# SPDX-License-Identifier: Apache-2.0
"""CloudTrail's events, and the sweep of event history over HTTP."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError

from c7n_inactive_keys.evidence import cloudtrail
from c7n_inactive_keys.evidence.cloudtrail import home_region, read_details, read_event, sweep
from c7n_inactive_keys.sandbox import Fault
from c7n_inactive_keys.timeline import CompleteRecord, StatusChange

KEY = "AKIAEXAMPLE000000001"
MOMENT = datetime(2026, 9, 11, 13, 14, 51, tzinfo=timezone.utc)


def details(**changed):
    """The JSON of a successful event as CloudTrail writes it."""
    return {
        "eventSource": "iam.amazonaws.com",
        "eventName": "UpdateAccessKey",
        "awsRegion": "us-east-1",
        "eventTime": "2026-09-11T13:14:51Z",
        "eventID": "0d1c6d3e",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/admin"},
        "requestParameters": {"userName": "alice", "accessKeyId": KEY, "status": "Inactive"},
        "responseElements": None,
        **changed,
    }


CHANGE = StatusChange(
    MOMENT, "Inactive", "cloudtrail", "0d1c6d3e", "arn:aws:iam::123456789012:user/admin"
)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(details(errorCode="AccessDenied", requestParameters=None), id="denied"),
        pytest.param(details(errorCode="NoSuchEntityException"), id="failed, with parameters"),
        pytest.param(details(requestParameters=None), id="no parameters"),
        pytest.param(details(requestParameters={"status": "Inactive"}), id="no key id"),
        pytest.param(
            details(requestParameters={"accessKeyId": KEY, "status": "Expired"}), id="other status"
        ),
        pytest.param(details(eventName="CreateAccessKey"), id="another call"),
        pytest.param(details(eventSource="example.amazonaws.com"), id="another service"),
    ],
)
def test_what_changed_no_status_is_no_event(event):
    assert read_details(event) is None


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(details(), id="as it is documented"),
        pytest.param(
            details(requestParameters={"accessKeyId": KEY, "status": "Inactive"}),
            id="by the user itself, without user name",
        ),
        pytest.param(
            details(requestParameters=json.dumps(details()["requestParameters"])),
            id="Athena's text",
        ),
        pytest.param(details(eventTime=MOMENT), id="time read already"),
        pytest.param(details(errorCode=""), id="empty error code"),
    ],
)
def test_reads_the_change(event):
    """Key, time, status, event and actor."""
    assert read_details(event) == (KEY, CHANGE)


@pytest.mark.parametrize(
    ("identity", "actor"),
    [({"type": "Root", "principalId": "123456789012"}, "123456789012"), ({}, None), (None, None)],
)
def test_the_actor_may_have_no_arn(identity, actor):
    found = read_details(details(userIdentity=identity), source="events-from")
    assert found
    assert (found[1].actor, found[1].source) == (actor, "events-from")


def test_reads_a_looked_up_event():
    """LookupEvents gives the event's JSON as text."""
    assert read_event({"CloudTrailEvent": json.dumps(details())}) == (KEY, CHANGE)


# -- home region -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("partition", "region"),
    [
        ("aws", "us-east-1"),
        ("aws-cn", "cn-north-1"),
        ("aws-us-gov", "us-gov-west-1"),
        ("aws-iso", "us-iso-east-1"),
        ("aws-iso-b", "us-isob-east-1"),
        ("aws-nowhere", None),
    ],
)
def test_home_region_is_that_of_the_partition(partition, region, monkeypatch):
    """Neither the region in use nor a custom endpoint changes it; unknown is None."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert home_region(partition) == region


# -- the sweep -------------------------------------------------------------------------------------


@pytest.fixture
def now():
    return datetime.now(timezone.utc).replace(microsecond=0)


@pytest.fixture
def account(sandbox, monkeypatch):
    """An account; the pause between pages is CloudTrail's business, not the sandbox's."""
    monkeypatch.setattr(cloudtrail, "PAGE_INTERVAL", 0)
    return sandbox.account("123456789012", name="payments")


def test_sweep_reads_all_pages(sandbox, account, now):
    """Every change of 90 days by key, newest first, over pages of fifty; older ones have gone."""
    keys = []
    for number in range(60):
        key = account.user(f"user-{number}").key(created=now - timedelta(days=200))
        key.deactivate(now - timedelta(days=100))
        key.activate(now - timedelta(days=50, minutes=number))
        key.deactivate(now - timedelta(days=10, minutes=number))
        keys.append(key)
    history = sweep(sandbox.client("cloudtrail", account.id), now)
    assert history.record == CompleteRecord(
        "cloudtrail", now - timedelta(days=90) + timedelta(minutes=5)
    )
    assert set(history.changes) == {key.id for key in keys}
    for number, key in enumerate(keys):
        assert [(change.time, change.status) for change in history.changes[key.id]] == [
            (now - timedelta(days=10, minutes=number), "Inactive"),
            (now - timedelta(days=50, minutes=number), "Active"),
        ]
    assert sandbox.calls.count(action="LookupEvents") == 3


def test_sweep_passes_over_failed_calls(sandbox, account, now):
    """A refused attempt is an event in history and no change."""
    key = account.user("alice").key(created=now - timedelta(days=200))
    sandbox.faults.add(Fault(action="UpdateAccessKey", error="AccessDenied"))
    with pytest.raises(ClientError):
        sandbox.client("iam", account.id).update_access_key(
            UserName="alice", AccessKeyId=key.id, Status="Inactive"
        )
    assert sweep(sandbox.client("cloudtrail", account.id), now).changes == {}


def test_a_page_that_fails_fails_the_sweep(sandbox, account, now):
    """Half a history is none."""
    for number in range(60):
        key = account.user(f"user-{number}").key(created=now - timedelta(days=200))
        key.deactivate(now - timedelta(days=10))
    sandbox.faults.add(Fault(action="LookupEvents", error="AccessDenied", nth=2, times=None))
    with pytest.raises(ClientError, match="AccessDenied"):
        sweep(sandbox.client("cloudtrail", account.id), now)


def test_pages_wait_for_the_rate_that_cloudtrail_admits(monkeypatch, now):
    """Two requests a second, and no wait behind the last page."""
    waits = []

    class Pages:
        def get_paginator(self, name):
            return self

        def paginate(self, **parameters):
            return [
                {"Events": [], "NextToken": "t"},
                {"Events": [], "NextToken": "t"},
                {"Events": []},
            ]

    monkeypatch.setattr(cloudtrail.time, "sleep", waits.append)
    sweep(Pages(), now)
    assert len(waits) == 2
    assert all(0.4 < seconds <= 0.5 for seconds in waits)
