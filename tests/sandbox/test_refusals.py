# SPDX-License-Identifier: Apache-2.0
"""What AWS refuses the sandbox refuses, with the same code; and mistakes in its use are told."""

from __future__ import annotations

import socket
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from botocore.config import Config

from c7n_inactive_keys_sandbox import Fault, Sandbox

# The client would find these mistakes itself.
UNCHECKED = Config(parameter_validation=False, retries={"total_max_attempts": 1})


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        pytest.param("list_users", {"MaxItems": 0}, "ValidationError", id="empty pages"),
        pytest.param("list_users", {"MaxItems": 1001}, "ValidationError", id="long pages"),
        pytest.param("list_users", {"MaxItems": "all"}, "ValidationError", id="no number"),
        pytest.param("list_users", {"Marker": "?"}, "ValidationError", id="no marker of its own"),
        pytest.param("get_user", {"UserName": "a/b"}, "ValidationError", id="illegal name"),
        pytest.param("get_user", {}, "ValidationError", id="a role has no user of its own"),
        pytest.param("create_user", {"UserName": "ALICE"}, "EntityAlreadyExists", id="other case"),
        pytest.param(
            "tag_user",
            {"UserName": "alice", "Tags": [{"Key": "aws:x", "Value": ""}]},
            "InvalidInput",
            id="reserved tag",
        ),
        pytest.param(
            "tag_user",
            {"UserName": "alice", "Tags": [{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}]},
            "InvalidInput",
            id="the same tag twice",
        ),
    ],
)
def test_iam_refuses(sandbox, account, refused, operation, parameters, code):
    """Nothing is changed by such a call."""
    user = account.user("alice")
    iam = sandbox.client("iam", account.id, config=UNCHECKED)
    assert refused(getattr(iam, operation), **parameters) == code
    assert (list(account.users), user.tags) == (["alice"], {})


def test_a_created_user_has_path_and_tags(account, iam):
    """CreateUser takes what the client says of it."""
    iam.create_user(UserName="bob", Path="/ci/", Tags=[{"Key": "Owner", "Value": "x"}])
    assert (account.users["bob"].path, account.users["bob"].tags) == ("/ci/", {"Owner": "x"})


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        pytest.param(
            {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "a"}] * 2},
            "InvalidLookupAttributesException",
            id="two attributes",
        ),
        pytest.param(
            {"LookupAttributes": [{"AttributeKey": "Colour", "AttributeValue": "red"}]},
            "InvalidLookupAttributesException",
            id="unknown attribute",
        ),
        pytest.param({"MaxResults": 51}, "InvalidMaxResultsException", id="long pages"),
        pytest.param({"NextToken": "x"}, "InvalidNextTokenException", id="no token of its own"),
    ],
)
def test_event_history_refuses(sandbox, account, refused, parameters, code):
    """What LookupEvents cannot answer is an error, not an empty page."""
    trail = sandbox.client("cloudtrail", account.id, config=UNCHECKED)
    assert refused(trail.lookup_events, **parameters) == code


def test_a_token_for_an_event_that_is_gone_is_refused(account, trail, refused):
    """The next page cannot begin behind an event that is no more in the history."""
    for number in range(60):
        account.user(f"user-{number}").key().deactivate()
    token = trail.lookup_events(MaxResults=1)["NextToken"]
    account.events.clear()
    assert refused(trail.lookup_events, MaxResults=1, NextToken=token) == (
        "InvalidNextTokenException"
    )


@pytest.mark.parametrize(
    ("arn", "session", "code"),
    [
        ("arn:aws:iam::{}:role/Audit", "x", "ValidationError"),
        ("arn:aws:iam::999999999999:role/Audit", "session", "AccessDenied"),
        ("arn:aws:iam::{}:user/alice", "session", "AccessDenied"),
    ],
)
def test_sts_refuses(sandbox, account, refused, arn, session, code):
    """A session needs a name, an account that there is, and a role."""
    sts = sandbox.client("sts", account.id, config=UNCHECKED)
    role = {"RoleArn": arn.format(account.id), "RoleSessionName": session}
    assert refused(sts.assume_role, **role) == code


# -- changes by name -------------------------------------------------------------------------------


def test_a_key_may_be_switched_off_meanwhile(sandbox, account, iam, ago):
    """The change by name finds the active key of the call's user."""
    account.user("alice").key(created=ago(400))
    sandbox.faults.add(Fault(action="ListAccessKeys", call="deactivate", effect="before"))
    [entry] = iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]
    assert entry["Status"] == "Inactive"


@pytest.mark.parametrize("change", ["delete-user", "exempt"])
def test_a_change_of_a_user_who_is_not_there_is_none(sandbox, account, iam, refused, change):
    """The call is answered as it would be anyway."""
    sandbox.faults.add(Fault(action="GetUser", call=change, effect="before"))
    assert refused(iam.get_user, UserName="nobody") == "NoSuchEntity"
    assert account.users == {}


def test_a_lifted_fault_hits_no_more(sandbox, account, iam):
    """Faults can be taken away one by one."""
    account.user("alice")
    fault = sandbox.faults.add(Fault(action="GetUser", times=None))
    sandbox.faults.remove(fault)
    assert iam.get_user(UserName="alice")["User"]["UserName"] == "alice"


def test_a_lifted_limit_permits_everything_again(sandbox, account, iam, refused):
    """None gives back what `allow` took."""
    sandbox.allow(account.id, [])
    assert refused(iam.list_users) == "AccessDenied"
    sandbox.allow(account.id, None)
    assert iam.list_users()["Users"] == []


# -- mistakes in its use ---------------------------------------------------------------------------


def test_a_sandbox_that_is_not_running_has_no_address():
    """The mistake is told before a client looks for AWS elsewhere; stopping twice is none."""
    sandbox = Sandbox()
    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.url
    with sandbox:
        assert sandbox.url.startswith("http://127.0.0.1:")
    sandbox.stop()
    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.url


def test_accounts_have_twelve_digits(sandbox):
    """Anything else would be refused by AWS much later."""
    with pytest.raises(ValueError, match="twelve digits"):
        sandbox.account("payments")


def test_a_report_that_was_not_made_has_no_age(account, iam):
    """It can be made older once it is there."""
    with pytest.raises(ValueError, match="no credential report yet"):
        account.credential_report_age = timedelta(hours=1)
    assert account.credential_report_age is None
    iam.generate_credential_report()
    account.credential_report_age = timedelta(hours=1)
    assert timedelta(hours=1) <= account.credential_report_age < timedelta(hours=2)


def test_a_key_that_is_gone_can_be_deleted_again(account):
    """Whoever comes second finds nothing to do."""
    key = account.user("alice").key()
    key.delete()
    key.delete()
    assert account.keys == []


def test_time_passes_for_passwords_too(sandbox, account, now):
    """What is stored as a moment moves into the past."""
    user = account.user("alice")
    user.password_last_used = now
    sandbox.age(timedelta(days=3))
    assert user.password_last_used == now - timedelta(days=3)


# -- other clients ---------------------------------------------------------------------------------


def exchange(sandbox, request: bytes) -> bytes:
    """What the sandbox sends to a client that says this and closes its side."""
    place = urlsplit(sandbox.url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_body_may_come_in_chunks(sandbox):
    """As clients send it that do not know its length at the start."""
    answer = exchange(
        sandbox,
        b"PUT /sandbox/settings HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
        b'9\r\n{"latency\r\n8\r\n": 0.25}\r\n0\r\nTrailer: x\r\n\r\n',
    )
    assert b" 200 " in answer.split(b"\r\n")[0]
    assert sandbox.latency == 0.25


def test_half_a_request_is_none(sandbox):
    """A client that dies in the middle of its body has changed nothing and gets no answer."""
    before = sandbox.latency
    answer = exchange(
        sandbox,
        b"PUT /sandbox/settings HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 500\r\n\r\n"
        b'{"latency": 9}',
    )
    assert answer == b""
    assert sandbox.latency == before
