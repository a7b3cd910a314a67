# SPDX-License-Identifier: Apache-2.0
"""Faults, the log of calls, rates, permissions and sessions over HTTP."""

import threading
from contextlib import suppress

import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from c7n_inactive_keys_sandbox import Fault

from .conftest import assume, record, refused

# Half an answer cannot be parsed; older clients count its bytes and notice first.
TRUNCATED = (ResponseParserError, ConnectionClosedError)


@pytest.fixture
def key(account, ago):
    """An inactive key of alice."""
    return account.user("alice").key(created=ago(400), toggles=[ago(100)])


def test_hits_from_the_nth_call_on_and_so_many_times(sandbox, key, iam):
    """The second and third call fail, those around them do not."""
    fault = sandbox.faults.add(Fault(action="GetUser", nth=2, times=2))
    iam.get_user(UserName="alice")
    assert refused(iam.get_user, UserName="alice") == "Throttling"
    assert refused(iam.get_user, UserName="alice") == "Throttling"
    iam.get_user(UserName="alice")
    assert sandbox.faults.hits(fault) == 2


def test_hits_only_its_action_account_user_and_key(sandbox, account, key, iam):
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


def test_a_fault_may_come_after_an_error_too(sandbox, account, iam):
    """What AWS refuses is an answer like any other: it may get lost or break off."""
    seen = []
    sandbox.faults.add(Fault(action="GetUser", effect="after", call=lambda: seen.append("nobody")))
    assert refused(iam.get_user, UserName="nobody") == "NoSuchEntity"
    sandbox.faults.add(Fault(action="GetUser", effect="after", kind="truncate", times=None))
    with pytest.raises(TRUNCATED):
        iam.get_user(UserName="nobody")
    assert seen == ["nobody"]


def test_a_lifted_fault_hits_no_more(sandbox, key, iam):
    """Faults can be taken away one by one."""
    fault = sandbox.faults.add(Fault(action="GetUser", times=None))
    sandbox.faults.remove(fault)
    assert iam.get_user(UserName="alice")["User"]["UserName"] == "alice"


def test_an_error_may_come_after_the_effect(sandbox, account, key, iam, trail):
    """The key is gone although the client saw a failure, and so says the history."""
    sandbox.faults.add(Fault(action="DeleteAccessKey", error="InternalFailure", effect="after"))
    call = {"UserName": "alice", "AccessKeyId": key.id}
    assert refused(iam.delete_access_key, **call) == "InternalFailure"
    assert account.keys == []
    assert "errorCode" not in record(trail.lookup_events()["Events"][0])


def test_an_error_of_the_server_leaves_an_event_with_its_parameters(sandbox, key, iam, trail):
    """Unlike a denied call."""
    sandbox.faults.add(Fault(action="UpdateAccessKey", error="ServiceFailure"))
    call = {"UserName": "alice", "AccessKeyId": key.id, "Status": "Active"}
    assert refused(iam.update_access_key, **call) == "ServiceFailure"
    shown = record(trail.lookup_events()["Events"][0])
    assert shown["errorCode"] == "ServiceFailure"
    assert shown["requestParameters"]["status"] == "Active"
    assert key.status == "Inactive"


@pytest.mark.parametrize(
    ("kind", "effect", "left", "error"),
    [
        ("reset", "instead", 1, ConnectionClosedError),
        ("reset", "after", 0, ConnectionClosedError),
        ("truncate", "instead", 1, TRUNCATED),
        ("truncate", "after", 0, TRUNCATED),
        ("hangup", "after", 0, ConnectionClosedError),
        ("timeout", "instead", 1, ReadTimeoutError),
        ("timeout", "after", 0, ReadTimeoutError),
    ],
)
def test_connections_break_with_or_without_effect(
    sandbox, account, key, iam, kind, effect, left, error
):
    """What the client cannot know, the test can: whether the key is still there."""
    patience = Config(read_timeout=0.2, retries={"total_max_attempts": 1})
    client = sandbox.client("iam", account.id, config=patience) if kind == "timeout" else iam
    sandbox.faults.add(Fault(action="DeleteAccessKey", kind=kind, effect=effect))
    with pytest.raises(error):
        client.delete_access_key(UserName="alice", AccessKeyId=key.id)
    assert len(account.keys) == left
    assert [call.error for call in sandbox.calls] == [kind]
    iam.list_access_keys(UserName="alice")


def test_half_an_answer_is_noticed_or_not(sandbox, key, trail):
    """botocore takes half a json document for an empty one, unless the chunk of it ends early."""
    sandbox.faults.add(Fault(action="LookupEvents", kind="truncate", effect="after"))
    with suppress(ConnectionClosedError):  # older ones count the bytes
        assert "Events" not in trail.lookup_events()
    sandbox.faults.add(Fault(action="LookupEvents", kind="hangup", effect="after"))
    with pytest.raises(ConnectionClosedError) as caught:
        trail.lookup_events()
    assert "IncompleteRead" in repr(caught.value.kwargs["error"])


@pytest.mark.parametrize("effect", ["before", "after"])
def test_a_change_may_come_just_before_or_after_a_call(sandbox, key, iam, effect):
    """The call itself goes through, and sees the change or not."""
    sandbox.faults.add(Fault(action="ListAccessKeys", call=key.activate, effect=effect))
    listed = iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]
    assert listed[0]["Status"] == ("Active" if effect == "before" else "Inactive")
    assert key.status == "Active"


def test_a_mistake_in_a_tests_own_function_is_told(sandbox, key, iam, caplog):
    """The client gets a 500, and the log says what broke."""
    sandbox.faults.add(Fault(action="GetUser", call=lambda: {}["nothing"]))
    assert refused(iam.get_user, UserName="alice") == "InternalFailure"
    assert "KeyError: 'nothing'" in caplog.text


@pytest.mark.parametrize(
    ("change", "status", "statuses"),
    [
        ("activate", "Inactive", ["Active"]),
        ("deactivate", "Active", ["Inactive"]),
        ("delete-key", "Inactive", []),
        ("replace-key", "Inactive", ["Active"]),
        ("exempt", "Inactive", ["Inactive"]),
    ],
)
def test_changes_have_names(sandbox, account, key, iam, change, status, statuses):
    """A change may be given by name and then concerns the user and key of the call."""
    key.set_status(status)
    sandbox.faults.add(Fault(action="ListAccessKeys", call=change, effect="before"))
    listed = iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]
    assert [entry["Status"] for entry in listed] == statuses
    assert ("keep-keys" in account.user("alice").tags) == (change == "exempt")


@pytest.mark.parametrize(("change", "left"), [("delete-user", []), ("rename-user", [1])])
def test_a_user_may_vanish(sandbox, account, key, iam, change, left):
    """Just before the call; who is only renamed keeps the key."""
    sandbox.faults.add(Fault(action="ListAccessKeys", call=change, effect="before"))
    assert refused(iam.list_access_keys, UserName="alice") == "NoSuchEntity"
    assert account.keys == [key] * len(left)


@pytest.mark.parametrize("change", ["delete-user", "exempt"])
def test_a_change_of_a_user_who_is_not_there_is_none(sandbox, account, iam, change):
    """The call is answered as it would be anyway."""
    sandbox.faults.add(Fault(action="GetUser", call=change, effect="before"))
    assert refused(iam.get_user, UserName="nobody") == "NoSuchEntity"
    assert account.users == {}


def test_readers_may_lag_behind(sandbox, account, key, iam):
    """For two calls after the change the state before it is shown."""
    sandbox.faults.add(Fault(action="ListAccessKeys", kind="lag", delay=2))
    iam.delete_access_key(UserName="alice", AccessKeyId=key.id)
    seen = [len(iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]) for _ in range(3)]
    assert seen == [1, 1, 0]
    assert account.keys == []


@pytest.mark.parametrize("change", ["delete", "rename"])
def test_a_user_who_is_gone_may_linger(sandbox, account, iam, change):
    """GetUser too shows what was, for a call."""
    user = account.user("bob")
    user.delete() if change == "delete" else user.rename("rob")
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


# -- the log of calls ------------------------------------------------------------------------------


def test_calls_are_logged_by_action_and_account(sandbox, account, key, iam):
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


# -- rates, permissions and sessions ---------------------------------------------------------------


def test_rates_throttle_by_action_and_account(sandbox, account, key, iam):
    """A bucket is one account's and one action's."""
    sandbox.rates = {"GetUser": 1}
    iam.get_user(UserName="alice")
    assert refused(iam.get_user, UserName="alice") == "Throttling"
    iam.list_users()
    assert refused(sandbox.client("iam", "222222222222").get_user, UserName="x") == "NoSuchEntity"


def test_roles_may_be_limited(sandbox, account, key):
    """A limited role may do what is listed, and IAM says what is missing."""
    sandbox.allow("Audit", ["iam:List*"])
    role = f"arn:aws:iam::{account.id}:role/x/Audit"
    client = assume(sandbox, role)
    iam = client("iam")
    iam.list_access_keys(UserName="alice")
    with pytest.raises(ClientError, match="not authorized to perform: iam:DeleteAccessKey on"):
        iam.delete_access_key(UserName="alice", AccessKeyId=key.id)
    assert refused(client("cloudtrail").lookup_events) == "AccessDeniedException"
    arn = client("sts").get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{account.id}:assumed-role/Audit/run"
    answer = sandbox.client("iam", account.id).simulate_principal_policy(
        PolicySourceArn=role, ActionNames=["iam:ListUsers", "iam:DeleteAccessKey"]
    )["EvaluationResults"]
    assert [result["EvalDecision"] for result in answer] == ["allowed", "implicitDeny"]


def test_a_lifted_limit_permits_everything_again(sandbox, account, iam):
    """None gives back what `allow` took."""
    sandbox.allow(account.id, [])
    assert refused(iam.list_users) == "AccessDenied"
    sandbox.allow(account.id, None)
    assert iam.list_users()["Users"] == []


def test_sessions_may_expire(sandbox, account):
    """An expired session is refused in IAM's and in CloudTrail's words, a new one is not."""
    role = f"arn:aws:iam::{account.id}:role/Audit"
    client = assume(sandbox, role)
    sandbox.expire_sessions(account.id)
    assert refused(client("iam").list_users) == "ExpiredToken"
    assert refused(client("cloudtrail").lookup_events) == "ExpiredTokenException"
    assume(sandbox, role)("iam").list_users()


@pytest.mark.parametrize(
    ("arn", "session", "code"),
    [
        ("arn:aws:iam::{}:role/Audit", "x", "ValidationError"),
        ("arn:aws:iam::999999999999:role/Audit", "session", "AccessDenied"),
        ("arn:aws:iam::222222222222:role/Audit", "session", "AccessDenied"),
        ("arn:aws:iam::{}:user/alice", "session", "AccessDenied"),
    ],
    ids=["short name", "no such account", "fault by the account of the role", "no role"],
)
def test_sts_refuses(sandbox, account, arn, session, code):
    """A session needs a name, an account that there is, and a role."""
    sandbox.account("222222222222")
    sandbox.faults.add(Fault(action="AssumeRole", account="222222222222", error="AccessDenied"))
    sts = sandbox.client("sts", account.id, config=Config(parameter_validation=False))
    role = {"RoleArn": arn.format(account.id), "RoleSessionName": session}
    assert refused(sts.assume_role, **role) == code
