# SPDX-License-Identifier: Apache-2.0
"""The sweep of event history over HTTP: all of it or nothing."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from c7n_inactive_keys.core.cloudtrail import KeyEvents
from c7n_inactive_keys.core.keys import Unavailable
from c7n_inactive_keys.find import event_history
from c7n_inactive_keys.find.event_history import read_event_history, sweep
from c7n_inactive_keys_sandbox import Fault


@pytest.fixture
def now():
    return datetime.now(timezone.utc).replace(microsecond=0)


@pytest.fixture
def account(sandbox, monkeypatch):
    """An account; the pause between pages is CloudTrail's business, not the sandbox's."""
    monkeypatch.setattr(event_history, "PAGE_INTERVAL", 0)
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
    # As far back as it still reached when the last page was read.
    began = now - timedelta(days=90) + timedelta(minutes=5)
    assert began <= history.record.since <= began + timedelta(minutes=1)
    assert (history.record.source, history.record.until) == ("cloudtrail", now - timedelta(hours=2))
    assert set(history.events.by_key) == {key.id for key in keys}
    for number, key in enumerate(keys):
        assert [(change.time, change.status) for change in history.events.of(key.id)] == [
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
    assert sweep(sandbox.client("cloudtrail", account.id), now).events == KeyEvents()


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

    clock = SimpleNamespace(monotonic=lambda: 0.0, sleep=waits.append)
    monkeypatch.setattr(event_history, "time", clock)
    sweep(Pages(), now)
    assert waits == [0.5, 0.5]


def test_the_history_of_a_partition_that_nobody_knows_is_no_evidence():
    """Asked in a wrong region it would be silent, and silence is proof."""
    found = read_event_history(None, "aws-nowhere")
    assert isinstance(found, Unavailable)
    assert (
        found.reason == "the region that holds the IAM events of partition aws-nowhere is unknown"
    )
