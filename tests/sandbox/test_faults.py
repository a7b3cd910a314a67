# SPDX-License-Identifier: Apache-2.0
"""Faults, the log of calls, rates and permissions over HTTP."""

import socket
import threading

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    HTTPClientError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from c7n_inactive_keys_sandbox import Fault


@pytest.fixture
def key(account, ago):
    """An inactive key of alice."""
    return account.user("alice").key(created=ago(400), toggles=[ago(100)])


def test_hits_from_the_nth_call_on_and_so_many_times(sandbox, key, iam, refused):
    """The second and third call fail, those around them do not."""
    fault = sandbox.faults.add(Fault(action="GetUser", nth=2, times=2))
    iam.get_user(UserName="alice")
    assert refused(iam.get_user, UserName="alice") == "Throttling"
    assert refused(iam.get_user, UserName="alice") == "Throttling"
    iam.get_user(UserName="alice")
    assert sandbox.faults.hits(fault) == 2


def test_hits_only_its_action_account_user_and_key(sandbox, account, key, iam, refused):
    """Everybody else goes on."""
    account.user("bob")
    sandbox.faults.add(
        Fault(action="GetUser", account=account.id, user="bob", times=None, error="AccessDenied")
    )
    sandbox.faults.add(Fault(key_id=key.id, times=None, error="ServiceFailure"))
    sandbox.faults.add(Fault(account="222222222222", times=None))
    iam.get_user(UserName="alice")
    iam.list_access_keys(UserName="alice")
    assert refused(iam.get_user, UserName="bob") == "AccessDenied"
    assert refused(iam.get_access_key_last_used, AccessKeyId=key.id) == "ServiceFailure"


def test_an_error_may_come_after_the_effect(sandbox, account, key, iam, refused):
    """The key is gone although the client saw a failure."""
    sandbox.faults.add(Fault(action="DeleteAccessKey", error="InternalFailure", effect="after"))
    call = {"UserName": "alice", "AccessKeyId": key.id}
    assert refused(iam.delete_access_key, **call) == "InternalFailure"
    assert account.keys == []


@pytest.mark.parametrize(
    ("kind", "effect", "left", "error"),
    [
        ("reset", "instead", 1, ConnectionClosedError),
        ("reset", "after", 0, ConnectionClosedError),
        ("truncate", "after", 0, (HTTPClientError, ResponseParserError)),
        ("timeout", "instead", 1, ReadTimeoutError),
        ("timeout", "after", 0, ReadTimeoutError),
    ],
)
def test_connections_break_with_or_without_effect(sandbox, account, key, kind, effect, left, error):
    """What the client cannot know, the test can: whether the key is still there."""
    iam = sandbox.client(
        "iam", account.id, config=Config(read_timeout=0.2, retries={"total_max_attempts": 1})
    )
    sandbox.faults.add(Fault(action="DeleteAccessKey", kind=kind, effect=effect))
    with pytest.raises(error):
        iam.delete_access_key(UserName="alice", AccessKeyId=key.id)
    assert len(account.keys) == left
    assert [call.error for call in sandbox.calls] == [kind]
    iam.list_access_keys(UserName="alice")


@pytest.mark.parametrize("effect", ["before", "after"])
def test_a_change_may_come_just_before_or_after_a_call(sandbox, key, iam, effect):
    """The call itself goes through, and sees the change or not."""
    sandbox.faults.add(Fault(action="ListAccessKeys", call=key.activate, effect=effect))
    listed = iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]
    assert listed[0]["Status"] == ("Active" if effect == "before" else "Inactive")
    assert key.status == "Active"


def test_a_mistake_in_a_tests_own_function_is_told(sandbox, key, iam, refused, caplog):
    """The client gets a 500, and the log says what broke."""
    sandbox.faults.add(Fault(action="GetUser", call=lambda: {}["nothing"]))
    assert refused(iam.get_user, UserName="alice") == "InternalFailure"
    assert "KeyError: 'nothing'" in caplog.text


@pytest.mark.parametrize(
    ("change", "statuses"),
    [
        ("activate", ["Active"]),
        ("delete-key", []),
        ("replace-key", ["Active"]),
        ("exempt", ["Inactive"]),
    ],
)
def test_changes_have_names(sandbox, account, key, iam, change, statuses):
    """A change may be given by name and then concerns the user and key of the call."""
    sandbox.faults.add(Fault(action="ListAccessKeys", call=change, effect="before"))
    listed = iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]
    assert [entry["Status"] for entry in listed] == statuses
    assert ("keep-keys" in account.user("alice").tags) == (change == "exempt")


def test_a_user_may_vanish(sandbox, key, iam, refused):
    """Deleted just before the call, the user is not found."""
    sandbox.faults.add(Fault(action="ListAccessKeys", call="delete-user", effect="before"))
    assert refused(iam.list_access_keys, UserName="alice") == "NoSuchEntity"


def test_readers_may_lag_behind(sandbox, account, key, iam):
    """For two calls after the change the state before it is shown."""
    sandbox.faults.add(Fault(action="ListAccessKeys", kind="lag", delay=2))
    iam.delete_access_key(UserName="alice", AccessKeyId=key.id)
    seen = [len(iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]) for _ in range(3)]
    assert seen == [1, 1, 0]
    assert account.keys == []


def test_a_deleted_user_may_linger(sandbox, account, iam, refused):
    """GetUser too shows what was, for a call."""
    account.user("bob").delete()
    sandbox.faults.add(Fault(action="GetUser", kind="lag", delay=1))
    assert iam.get_user(UserName="bob")["User"]["UserName"] == "bob"
    assert refused(iam.get_user, UserName="bob") == "NoSuchEntity"


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "flood"}, {"effect": "perhaps"}, {"call": "explode"}, {"nth": 0}, {"times": 0}],
)
def test_a_fault_that_cannot_be_meant_is_refused(wrong):
    """A mistyped fault must not pass as one that never strikes."""
    with pytest.raises(ValueError, match=r"."):
        Fault(action="GetUser", **wrong)


def test_calls_are_logged_by_action_and_account(sandbox, account, key, iam, refused):
    """Every call is counted, with whom it concerned and how it ended."""
    iam.list_access_keys(UserName="alice")
    refused(iam.get_user, UserName="nobody")
    sandbox.client("iam", "222222222222").list_users()
    assert sandbox.calls.by_action() == {"ListAccessKeys": 1, "GetUser": 1, "ListUsers": 1}
    assert sandbox.calls.count("ListUsers", account=account.id) == 0
    assert sandbox.calls.count(service="iam", account=account.id) == 2
    failed = list(sandbox.calls)[1]
    assert (failed.user, failed.status, failed.error) == ("nobody", 404, "NoSuchEntity")
    sandbox.calls.clear()
    assert len(sandbox.calls) == 0


def test_calls_at_the_same_time_are_all_counted(sandbox, account, key, iam):
    """Eight threads lose no call."""
    threads = [
        threading.Thread(target=lambda: [iam.get_user(UserName="alice") for _ in range(10)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sandbox.calls.count("GetUser") == 80


def test_half_a_request_is_none(sandbox, account, key):
    """A client that is killed while it sends has asked for nothing."""
    host, port = sandbox.url.removeprefix("http://").split(":")
    signed = f"Credential={account.administrator.access_key_id}/20260101/us-east-1/iam/aws4_request"
    body = f"Action=DeleteAccessKey&UserName=alice&AccessKeyId={key.id}"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            (
                f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: AWS4-HMAC-SHA256 {signed}\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\n"
                f"Content-Length: {len(body) + 20}\r\n\r\n{body}"
            ).encode()
        )
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    assert account.keys == [key]
    assert len(sandbox.calls) == 0


def test_rates_throttle_by_action_and_account(sandbox, account, key, iam, refused):
    """A bucket is one account's and one action's."""
    sandbox.rates = {"GetUser": 1}
    iam.get_user(UserName="alice")
    assert refused(iam.get_user, UserName="alice") == "Throttling"
    iam.list_users()
    assert refused(sandbox.client("iam", "222222222222").get_user, UserName="x") == "NoSuchEntity"


def test_roles_may_be_limited(sandbox, account, key, refused):
    """A limited role may do what is listed, and IAM says what is missing."""
    sandbox.allow("Audit", ["iam:List*"])
    credentials = sandbox.client("sts", account.id).assume_role(
        RoleArn=f"arn:aws:iam::{account.id}:role/x/Audit", RoleSessionName="run"
    )["Credentials"]
    session = boto3.Session(
        credentials["AccessKeyId"],
        credentials["SecretAccessKey"],
        credentials["SessionToken"],
        "us-east-1",
    )
    iam = session.client("iam", endpoint_url=sandbox.url)
    iam.list_access_keys(UserName="alice")
    with pytest.raises(ClientError, match="not authorized to perform: iam:DeleteAccessKey on"):
        iam.delete_access_key(UserName="alice", AccessKeyId=key.id)
    trail = session.client("cloudtrail", endpoint_url=sandbox.url)
    assert refused(trail.lookup_events) == "AccessDeniedException"
    sts = session.client("sts", endpoint_url=sandbox.url)
    assert sts.get_caller_identity()["Arn"] == (f"arn:aws:sts::{account.id}:assumed-role/Audit/run")
    answer = sandbox.client("iam", account.id).simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{account.id}:role/x/Audit",
        ActionNames=["iam:ListUsers", "iam:DeleteAccessKey"],
    )["EvaluationResults"]
    assert [result["EvalDecision"] for result in answer] == ["allowed", "implicitDeny"]


def test_sessions_may_expire(sandbox, account, refused):
    """An expired session is refused in IAM's and in CloudTrail's words, a new one is not."""

    def assume():
        credentials = sandbox.client("sts", account.id).assume_role(
            RoleArn=f"arn:aws:iam::{account.id}:role/Audit", RoleSessionName="run"
        )["Credentials"]
        return boto3.Session(
            credentials["AccessKeyId"],
            credentials["SecretAccessKey"],
            credentials["SessionToken"],
            "us-east-1",
        )

    session = assume()
    sandbox.expire_sessions(account.id)
    assert refused(session.client("iam", endpoint_url=sandbox.url).list_users) == "ExpiredToken"
    trail = session.client("cloudtrail", endpoint_url=sandbox.url)
    assert refused(trail.lookup_events) == "ExpiredTokenException"
    assume().client("iam", endpoint_url=sandbox.url).list_users()


def test_a_role_of_an_unknown_account_cannot_be_assumed(sandbox, account, refused):
    """c7n-org meets accounts that it cannot enter."""
    sts = sandbox.client("sts", account.id)
    role = {"RoleArn": "arn:aws:iam::999999999999:role/Audit", "RoleSessionName": "run"}
    assert refused(sts.assume_role, **role) == "AccessDenied"


def test_assuming_one_accounts_role_may_fail(sandbox, account, refused):
    """A fault on AssumeRole goes by the account of the role."""
    sandbox.account("222222222222")
    sandbox.faults.add(Fault(action="AssumeRole", account="222222222222", error="AccessDenied"))
    sts = sandbox.client("sts", account.id)
    role = {"RoleArn": "arn:aws:iam::222222222222:role/Audit", "RoleSessionName": "run"}
    assert refused(sts.assume_role, **role) == "AccessDenied"
