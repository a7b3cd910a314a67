# SPDX-License-Identifier: Apache-2.0
"""CloudTrail's LookupEvents over HTTP."""

from datetime import timedelta

import pytest

from c7n_inactive_keys_sandbox import RandomDelays, Sandbox

from .conftest import CHANGES, UNCHECKED, changes, record, refused


def test_an_event_has_the_real_shape(account, trail, ago):
    """A change of status names key and user, its actor, time and resources."""
    key = account.user("alice").key(toggles=[ago(5)])
    [event] = changes(trail)
    shown = record(event)
    assert event["EventName"] == "UpdateAccessKey"
    assert event["EventSource"] == "iam.amazonaws.com"
    assert event["EventTime"] == ago(5)
    assert event["ReadOnly"] == "false"
    assert event["Username"] == "sandbox"
    assert event["Resources"] == [
        {"ResourceType": "AWS::IAM::AccessKey", "ResourceName": key.id},
        {"ResourceType": "AWS::IAM::User", "ResourceName": "alice"},
    ]
    assert shown["eventID"] == event["EventId"]
    assert shown["eventTime"] == f"{ago(5):%Y-%m-%dT%H:%M:%SZ}"
    asked = {"userName": "alice", "accessKeyId": key.id, "status": "Inactive"}
    assert (shown["requestParameters"], shown["responseElements"]) == (asked, None)
    assert (shown["awsRegion"], shown["recipientAccountId"]) == ("us-east-1", account.id)
    assert shown["userIdentity"]["type"] == "AssumedRole"
    assert shown["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"] == "Administrator"
    assert "errorCode" not in shown


def test_reaches_back_ninety_days_newest_first(sandbox, account, trail, ago):
    """What is older has gone, and the order is from now to then."""
    account.user("alice").key(created=ago(200), toggles=[ago(120), ago(91), ago(89), ago(10)])
    account.user("bob").key(created=ago(200), toggles=[ago(40)])
    assert [event["EventTime"] for event in changes(trail)] == [ago(10), ago(40), ago(89)]
    sandbox.age(timedelta(days=2))
    assert [event["EventTime"] for event in changes(trail)] == [ago(12), ago(42)]


def test_pages_hold_fifty_and_miss_nothing(account, trail, ago):
    """120 events come in three pages, each once, also where many share a second."""
    for number in range(120):
        account.user(f"user-{number}").key(created=ago(90), toggles=[ago(number // 40 + 1)])
    pages = list(trail.get_paginator("lookup_events").paginate(LookupAttributes=CHANGES))
    assert [len(page["Events"]) for page in pages] == [50, 50, 20]
    assert len({event["EventId"] for page in pages for event in page["Events"]}) == 120


def test_other_regions_are_silent(sandbox, account, trail, ago):
    """IAM's events are in the home region only, and elsewhere nothing says so."""
    account.user("alice").key(toggles=[ago(5)])
    assert len(changes(trail)) == 1
    assert changes(sandbox.client("cloudtrail", account.id, "eu-west-1")) == []


def test_other_partitions_have_other_homes(ago):
    """In GovCloud the events are in us-gov-west-1, and ARNs say so."""
    with Sandbox(partition="aws-us-gov") as gov:
        account = gov.account("123456789012")
        account.user("alice").key(toggles=[ago(5)])
        assert changes(gov.client("cloudtrail", account.id, "us-east-1")) == []
        assert len(changes(gov.client("cloudtrail", account.id, "us-gov-west-1"))) == 1
        arn = gov.client("iam", account.id).get_user(UserName="alice")["User"]["Arn"]
        assert arn.startswith("arn:aws-us-gov:")


def test_accounts_do_not_see_each_other(sandbox, account, trail, ago):
    """History belongs to the account."""
    sandbox.account("222222222222").user("bob").key(toggles=[ago(5)])
    assert changes(trail) == []


def test_start_and_end_time_are_kept_to(account, trail, ago):
    """Only what lies between the two comes."""
    account.user("alice").key(created=ago(90), toggles=[ago(30), ago(20), ago(10)])
    found = changes(trail, StartTime=ago(25), EndTime=ago(15))
    assert [event["EventTime"] for event in found] == [ago(20)]


@pytest.mark.parametrize(
    "attribute",
    [
        "EventName",
        "Username",
        "ResourceName",
        "ResourceType",
        "EventId",
        "EventSource",
        "AccessKeyId",
        "ReadOnly",
    ],
)
def test_each_attribute_selects(account, trail, ago, attribute):
    """An attribute finds its event, and finds nothing by another value."""
    key = account.user("alice").key(toggles=[ago(5)])
    [event] = changes(trail)
    value = {"ResourceName": key.id, "ResourceType": "AWS::IAM::AccessKey"}.get(
        attribute, event.get(attribute)
    )
    for wanted, count in ((value, 1), ("other", 0)):
        found = trail.lookup_events(
            LookupAttributes=[{"AttributeKey": attribute, "AttributeValue": wanted}]
        )
        assert len(found["Events"]) == count


def test_calls_over_the_api_are_recorded(account, iam, trail, now):
    """Changes through IAM leave events with their parameters; reads leave none."""
    account.user("alice")
    key_id = iam.create_access_key(UserName="alice")["AccessKey"]["AccessKeyId"]
    iam.update_access_key(UserName="alice", AccessKeyId=key_id, Status="Inactive")
    iam.list_access_keys(UserName="alice")
    iam.tag_user(UserName="alice", Tags=[{"Key": "a", "Value": "b"}])
    iam.untag_user(UserName="alice", TagKeys=["a"])
    iam.update_user(UserName="alice", NewUserName="bob")
    iam.delete_access_key(UserName="bob", AccessKeyId=key_id)
    events = trail.lookup_events()["Events"][::-1]
    of_alice = {"userName": "alice"}
    assert [(event["EventName"], record(event)["requestParameters"]) for event in events] == [
        ("CreateAccessKey", of_alice),
        ("UpdateAccessKey", of_alice | {"accessKeyId": key_id, "status": "Inactive"}),
        ("TagUser", of_alice | {"tags": [{"key": "a", "value": "b"}]}),
        ("UntagUser", of_alice | {"tagKeys": ["a"]}),
        ("UpdateUser", of_alice | {"newUserName": "bob"}),
        ("DeleteAccessKey", {"userName": "bob", "accessKeyId": key_id}),
    ]
    assert record(events[0])["responseElements"]["accessKey"]["accessKeyId"] == key_id
    assert events[0]["Resources"][0]["ResourceName"] == key_id
    assert abs(events[-1]["EventTime"] - now) < timedelta(minutes=1)


def test_a_users_own_call_need_not_name_it(account, trail, ago):
    """The event of a self-service change holds the key alone; its user is the caller."""
    key = account.user("alice", path="/ci/").key()
    key.deactivate(ago(3), by_user=True)
    [event] = changes(trail)
    assert record(event)["requestParameters"] == {"accessKeyId": key.id, "status": "Inactive"}
    assert record(event)["userIdentity"]["userName"] == event["Username"] == "alice"


def test_a_denied_change_has_an_error_and_no_parameters(sandbox, account, iam, trail):
    """Of a denied call only the message names the target."""
    key = account.user("alice").key()
    key.deny_change()
    sandbox.allow(account.id, ["cloudtrail:*"])
    change = {"UserName": "alice", "AccessKeyId": key.id, "Status": "Inactive"}
    assert refused(iam.update_access_key, **change) == "AccessDenied"
    for event in changes(trail):
        assert record(event)["errorCode"] == "AccessDenied"
        assert "user alice" in record(event)["errorMessage"]
        assert record(event)["requestParameters"] is None
        assert event["Resources"] == []
    assert (len(changes(trail)), key.status) == (2, "Active")


@pytest.mark.parametrize(
    ("fields", "without", "source"),
    [
        pytest.param({"errorCode": "ServiceFailure"}, [], "iam.amazonaws.com", id="server error"),
        pytest.param(
            {"errorCode": "InternalFailure", "requestParameters": None},
            [],
            "iam.amazonaws.com",
            id="server error, no parameters",
        ),
        pytest.param({"eventSource": "sso.amazonaws.com"}, [], "sso.amazonaws.com", id="source"),
        pytest.param({}, ["eventSource"], None, id="no source"),
        pytest.param({}, ["userIdentity", "readOnly"], "iam.amazonaws.com", id="no actor"),
        pytest.param(
            {"requestParameters": {"accessKeyId": "AKIA", "status": "Expired"}},
            [],
            "iam.amazonaws.com",
            id="status that there is not",
        ),
    ],
)
def test_any_event_can_be_put_into_the_history(account, trail, ago, fields, without, source):
    """With fields of its own, or without those that every record has; no key changes by it."""
    key = account.user("alice").key()
    asked = {"userName": "alice", "accessKeyId": key.id, "status": "Inactive"}
    fields = {"requestParameters": asked} | fields
    account.add_event("UpdateAccessKey", at=ago(2), without=without, **fields)
    [event] = changes(trail)
    assert (event["EventTime"], event.get("EventSource")) == (ago(2), source)
    assert fields.items() <= record(event).items()
    assert not set(without) & set(record(event))
    assert key.status == "Active"


def test_events_come_as_eventbridge_sends_them(account, ago):
    """The envelope holds the record as its detail."""
    account.user("alice").key(toggles=[ago(5)])
    envelope = account.events[0].envelope()
    assert envelope["source"] == "aws.iam"
    assert envelope["account"] == account.id
    assert envelope["detail"]["eventName"] == "UpdateAccessKey"


# -- late events -----------------------------------------------------------------------------------


def test_events_may_be_late(sandbox, account, trail):
    """With a delay an event shows only when it is old enough."""
    account.user("alice").key().deactivate()
    sandbox.event_delay = timedelta(hours=2)
    sandbox.age(timedelta(minutes=119))
    assert changes(trail) == []
    sandbox.age(timedelta(minutes=1))
    assert len(changes(trail)) == 1


def test_each_event_may_have_a_delay_of_its_own(sandbox, account, trail):
    """So a later event can be in the history before an earlier one."""
    key = account.user("alice").key()
    key.deactivate()
    key.activate()
    first, second = account.events
    sandbox.event_delay = lambda event: timedelta(hours=1 if event.id == first.id else 0)
    assert [event["EventId"] for event in changes(trail)] == [second.id]
    sandbox.age(timedelta(hours=1))
    assert [event["EventId"] for event in changes(trail)] == [second.id, first.id]


def test_random_delays_depend_on_the_seed_and_end_with_the_maximum(sandbox, account, trail):
    """The same seed shows the same events after the same time; after the maximum all are there."""
    for number in range(30):
        account.user(f"user-{number}").key().deactivate()

    def shown(seed):
        sandbox.event_delay = RandomDelays(timedelta(hours=2), seed)
        return {event["EventId"] for event in changes(trail)}

    sandbox.age(timedelta(hours=1))
    assert shown(7) == shown(7)
    assert shown(7) != shown(8)
    assert 0 < len(shown(7)) < 30
    sandbox.age(timedelta(hours=1))
    assert len(shown(7)) == 30


# -- refusals --------------------------------------------------------------------------------------


def test_two_a_second_is_all_that_is_allowed(sandbox, trail):
    """Beyond the rate LookupEvents is throttled."""
    sandbox.rates = {"LookupEvents": 2}
    trail.lookup_events()
    trail.lookup_events()
    assert refused(trail.lookup_events) == "ThrottlingException"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        pytest.param({"MaxResults": 51}, "InvalidMaxResultsException", id="long pages"),
        pytest.param({"NextToken": "x"}, "InvalidNextTokenException", id="no token of its own"),
        pytest.param(
            {"LookupAttributes": CHANGES * 2}, "InvalidLookupAttributesException", id="two"
        ),
        pytest.param(
            {"LookupAttributes": [{"AttributeKey": "Colour", "AttributeValue": "red"}]},
            "InvalidLookupAttributesException",
            id="unknown attribute",
        ),
        pytest.param(
            {"StartTime": 2000000000, "EndTime": 1000000000},
            "InvalidTimeRangeException",
            id="ends before it starts",
        ),
    ],
)
def test_event_history_refuses(sandbox, account, parameters, code):
    """What LookupEvents cannot answer is an error, not an empty page."""
    trail = sandbox.client("cloudtrail", account.id, config=UNCHECKED)
    assert refused(trail.lookup_events, **parameters) == code


@pytest.mark.parametrize("why", ["of another question", "of an event that is gone"])
def test_a_token_is_refused_that_leads_nowhere(account, trail, ago, why):
    """A page begins behind an event that was found before by the same question."""
    for number in range(3):
        account.user(f"user-{number}").key(created=ago(90), toggles=[ago(1)])
    token = trail.lookup_events(MaxResults=1)["NextToken"]
    question = {"LookupAttributes": CHANGES} if why == "of another question" else {}
    if not question:
        account.events.clear()
    assert refused(trail.lookup_events, MaxResults=1, NextToken=token, **question) == (
        "InvalidNextTokenException"
    )
