# SPDX-License-Identifier: Apache-2.0
"""Which of CloudTrail's events changed the status of a key."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from c7n_inactive_keys.core.cloudtrail import by_key, read_details, read_event
from c7n_inactive_keys.core.evidence import UNCLEAR, StatusChange

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
    MOMENT,
    "Inactive",
    "cloudtrail",
    "0d1c6d3e",
    "arn:aws:iam::123456789012:user/admin",
    user_name="alice",
)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(details(errorCode="AccessDenied", requestParameters=None), id="denied"),
        pytest.param(details(errorCode="NoSuchEntityException"), id="failed, with parameters"),
        pytest.param(details(errorCode="Client.UnauthorizedOperation"), id="EC2's way to say so"),
        pytest.param(details(errorCode="ThrottlingException"), id="throttled"),
        pytest.param(details(errorCode="ValidationError"), id="not valid"),
        pytest.param(details(eventName="CreateAccessKey"), id="another call"),
    ],
)
def test_what_changed_no_status_is_no_event(event):
    assert read_details(event) is None


@pytest.mark.parametrize(
    ("changed", "access_key_id", "reason"),
    [
        pytest.param(
            {"errorCode": "InternalFailure"}, KEY, "ended in InternalFailure", id="server's error"
        ),
        pytest.param(
            {"errorCode": "ServiceFailureException", "requestParameters": None},
            None,
            "and may have worked",
            id="server's error that hides the key",
        ),
        pytest.param({"errorCode": "Whatever"}, KEY, "ended in Whatever", id="unknown error"),
        pytest.param(
            {"eventSource": "example.amazonaws.com"}, KEY, "source is example", id="other service"
        ),
        pytest.param({"eventSource": None}, KEY, "event source is missing", id="no service"),
        pytest.param(
            {"requestParameters": {"accessKeyId": KEY, "status": "Expired"}},
            KEY,
            "set the status 'Expired'",
            id="other status",
        ),
        pytest.param(
            {"requestParameters": {"accessKeyId": KEY, "status": "inactive"}},
            KEY,
            "set the status 'inactive'",
            id="status in another spelling",
        ),
    ],
)
def test_what_may_have_changed_the_status_is_unclear(changed, access_key_id, reason):
    """It is neither an event nor silence, of its key or, where that is hidden, of any."""
    found = read_details(details(**changed))
    assert found
    assert found[0] == access_key_id
    assert (found[1].status, found[1].time) == (UNCLEAR, MOMENT)
    assert reason in (found[1].reason or "")


def test_an_event_that_hides_its_key_is_every_keys():
    hidden = details(errorCode="InternalFailure", requestParameters=None)
    events = by_key(filter(None, map(read_details, (details(), hidden))))
    assert [change.status for change in events.of(KEY)] == ["Inactive", UNCLEAR]
    assert [change.status for change in events.of("AKIAEXAMPLE000000002")] == [UNCLEAR]


@pytest.mark.parametrize(
    "parameters",
    [
        None, [], "null", "{", "{accesskeyid=AKIA, status=Inactive}", {"status": "Inactive"},
        {"accessKeyId": "", "status": "Inactive"}, {"accessKeyId": KEY},
    ],
)  # fmt: skip
def test_a_success_that_cannot_be_read_is_an_error(parameters):
    """It changed some key's status: taken for nothing, it would be silence, and so proof."""
    with pytest.raises(ValueError, match=r"."):
        read_details(details(requestParameters=parameters))


@pytest.mark.parametrize("changed", [{"eventTime": None}, {"userIdentity": "root"}])
def test_so_is_one_without_a_time_or_with_a_text_for_an_identity(changed):
    with pytest.raises(ValueError, match=r"an UpdateAccessKey without what each has"):
        read_details(details(**changed))


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(details(), id="as it is documented"),
        pytest.param(
            details(
                requestParameters={"accessKeyId": KEY, "status": "Inactive"},
                userIdentity=details()["userIdentity"] | {"userName": "alice"},
            ),
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
