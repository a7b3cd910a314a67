# SPDX-License-Identifier: Apache-2.0
"""Users, tags and access keys over HTTP."""

import re

import pytest

from .conftest import UNCHECKED, client, refused

LONG_AGO = "after=2026-01-03T09:59:59Z since=2026-01-03T10:00:00Z verified=2026-11-20T04:00:00Z"


# -- users -----------------------------------------------------------------------------------------


def test_lists_users_in_pages_of_a_hundred(account, iam):
    """150 users need two pages, in an order that does not know case, each user once."""
    names = [f"{'uU'[number % 2]}ser-{number:03d}" for number in range(150)]
    for name in reversed(names):
        account.user(name)
    first = iam.list_users()
    assert first["IsTruncated"]
    assert len(first["Users"]) == 100
    rest = iam.list_users(Marker=first["Marker"])
    assert not rest["IsTruncated"]
    assert [user["UserName"] for user in first["Users"] + rest["Users"]] == names


def test_five_thousand_users_are_listed_and_reported(account, iam, ago):
    """AWS's limit."""
    for number in range(5000):
        account.user(f"user-{number}").key(toggles=[ago(100)] if number % 100 == 0 else ())
    pages = iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 1000})
    assert sum(len(page["Users"]) for page in pages) == 5000
    iam.generate_credential_report()
    assert iam.get_credential_report()["Content"].count(b"\n") == 5001


def test_path_prefix_selects(account, iam):
    """ListUsers with a path shows only the users below it."""
    account.user("alice", path="/ci/")
    account.user("bob")
    assert [user["UserName"] for user in iam.list_users(PathPrefix="/ci/")["Users"]] == ["alice"]


def test_tags_come_with_get_user_and_not_with_the_listing(account, iam, ago):
    """Only GetUser tells tags."""
    account.user("alice", path="/ci/", tags={"Owner": "x"}, created=ago(10))
    user = iam.get_user(UserName="alice")["User"]
    assert user["Tags"] == [{"Key": "Owner", "Value": "x"}]
    assert user["CreateDate"] == ago(10)
    assert user["Arn"] == f"arn:aws:iam::{account.id}:user/ci/alice"
    assert "Tags" not in iam.list_users()["Users"][0]


def test_the_bulk_description_has_tags_and_pages(account, iam):
    """GetAccountAuthorizationDetails is GetUser for many, but for the last use of a password."""
    for name in ("alice", "bob"):
        account.user(name, tags={"Owner": name}).password_last_used = account.realm.now()
    first = iam.get_account_authorization_details(Filter=["User"], MaxItems=1)
    rest = iam.get_account_authorization_details(Filter=["User"], Marker=first["Marker"])
    found = first["UserDetailList"] + rest["UserDetailList"]
    assert [user["Tags"][0]["Value"] for user in found] == ["alice", "bob"]
    assert not any("PasswordLastUsed" in user for user in found)
    assert iam.get_account_authorization_details(Filter=["Role"])["UserDetailList"] == []


def test_a_created_user_has_path_and_tags(account, iam):
    """CreateUser takes what the client says of it."""
    iam.create_user(UserName="bob", Path="/ci/", Tags=[{"Key": "Owner", "Value": "x"}])
    assert (account.users["bob"].path, account.users["bob"].tags) == ("/ci/", {"Owner": "x"})


def test_a_user_with_keys_cannot_be_deleted(account, iam):
    """DeleteUser wants the keys deleted first."""
    user = account.user("alice")
    key = user.key()
    assert refused(iam.delete_user, UserName="alice") == "DeleteConflict"
    key.delete()
    iam.delete_user(UserName="alice")
    assert refused(iam.get_user, UserName="alice") == "NoSuchEntity"


def test_a_renamed_user_keeps_id_keys_and_tags_and_the_old_name_is_nobodys(account, iam, ago):
    """UpdateUser says nothing of the keys, which are found under the new name."""
    user = account.user("alice", tags={"Owner": "x"})
    key = user.key(toggles=[ago(100)])
    before = iam.get_user(UserName="alice")["User"]
    iam.update_user(UserName="alice", NewUserName="bob", NewPath="/ci/")
    after = iam.get_user(UserName="bob")["User"]
    assert after == before | {"UserName": "bob", "Path": "/ci/", "Arn": user.arn}
    assert user.arn.endswith(":user/ci/bob")
    assert refused(iam.list_access_keys, UserName="alice") == "NoSuchEntity"
    [listed] = iam.list_access_keys(UserName="bob")["AccessKeyMetadata"]
    assert (listed["UserName"], listed["AccessKeyId"]) == ("bob", key.id)
    assert iam.get_access_key_last_used(AccessKeyId=key.id)["UserName"] == "bob"


def test_a_stale_report_has_the_old_name(account, iam):
    """A credential report does not change when a user is renamed."""
    account.user("alice").key()
    iam.generate_credential_report()
    iam.update_user(UserName="alice", NewUserName="bob")
    assert b"\nalice,arn:" in iam.get_credential_report()["Content"]


def test_unusual_names_survive_the_way(account, iam):
    """All signs that IAM allows in names come back as they were."""
    name = "a+b=c,d.e@f_g-h"
    account.user(name).key()
    assert iam.get_user(UserName=name)["User"]["UserName"] == name
    assert iam.list_access_keys(UserName=name)["AccessKeyMetadata"][0]["UserName"] == name


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        pytest.param("list_users", {"MaxItems": 0}, "ValidationError", id="empty pages"),
        pytest.param("list_users", {"MaxItems": 1001}, "ValidationError", id="long pages"),
        pytest.param("list_users", {"MaxItems": "all"}, "ValidationError", id="no number"),
        pytest.param("list_users", {"Marker": "?"}, "ValidationError", id="no marker of its own"),
        pytest.param("get_user", {"UserName": "a/b"}, "ValidationError", id="illegal name"),
        pytest.param("get_user", {}, "ValidationError", id="a role has no user of its own"),
        pytest.param("list_access_keys", {}, "ValidationError", id="a role has no keys"),
        pytest.param("create_user", {"UserName": "ALICE"}, "EntityAlreadyExists", id="other case"),
        pytest.param(
            "update_user",
            {"UserName": "alice", "NewUserName": "Bob"},
            "EntityAlreadyExists",
            id="new name is taken",
        ),
        pytest.param(
            "update_user",
            {"UserName": "alice", "NewUserName": "a/b"},
            "ValidationError",
            id="illegal new name",
        ),
    ],
)
def test_iam_refuses(sandbox, account, operation, parameters, code):
    """Nothing is changed by such a call."""
    account.user("alice")
    account.user("bob")
    iam = sandbox.client("iam", account.id, config=UNCHECKED)
    assert refused(getattr(iam, operation), **parameters) == code
    assert list(account.users) == ["alice", "bob"]


# -- tags ------------------------------------------------------------------------------------------


def test_tag_keys_do_not_know_case(account, iam):
    """A tag overwrites one whose key differs by case only."""
    user = account.user("alice", tags={"Owner": "x", "Team": "y"})
    iam.tag_user(UserName="alice", Tags=[{"Key": "owner", "Value": "z"}])
    assert user.tags == {"Team": "y", "owner": "z"}
    iam.untag_user(UserName="alice", TagKeys=["TEAM", "unknown"])
    assert user.tags == {"owner": "z"}


def test_the_fifty_first_tag_is_refused_with_the_whole_call(account, iam):
    """TagUser sets all tags of a call or none."""
    user = account.user("alice", tags={f"t{number}": "" for number in range(49)})
    two = [{"Key": "a", "Value": ""}, {"Key": "b", "Value": ""}]
    assert refused(iam.tag_user, UserName="alice", Tags=two) == "LimitExceeded"
    assert len(user.tags) == 49


@pytest.mark.parametrize(
    ("keys", "value", "code"),
    [
        pytest.param(["a*b"], "", "ValidationError", id="star in key"),
        pytest.param(["a"], '{"b": 1}', "ValidationError", id="json as value"),
        pytest.param(["a"], "b;c", "ValidationError", id="semicolon"),
        pytest.param(["k" * 129], "", "ValidationError", id="long key"),
        pytest.param(["a"], "v" * 257, "ValidationError", id="long value"),
        pytest.param(["aws:x"], "", "InvalidInput", id="reserved"),
        pytest.param(["a", "A"], "", "InvalidInput", id="the same tag twice"),
    ],
)
def test_illegal_tags_are_refused(account, iam, keys, value, code):
    """Keys and values keep to IAM's signs and lengths."""
    user = account.user("alice")
    tags = [{"Key": key, "Value": value} for key in keys]
    assert refused(iam.tag_user, UserName="alice", Tags=tags) == code
    assert user.tags == {}


def test_ledger_tags_are_legal(account, iam):
    """The ledger's tag passes IAM's rules."""
    account.user("alice")
    tag = {"Key": "c7n-inactive-key:AKIAAAAAAAAAAAAAAAAA", "Value": LONG_AGO}
    iam.tag_user(UserName="alice", Tags=[tag])
    assert iam.list_user_tags(UserName="alice")["Tags"] == [tag]


# -- access keys -----------------------------------------------------------------------------------


def test_lists_keys_with_status_and_whole_seconds(account, iam, ago):
    """ListAccessKeys shows exactly what was seeded, and nothing finer than a second."""
    key = account.user("alice").key(created=ago(400).replace(microsecond=7), toggles=[ago(100)])
    assert iam.list_access_keys(UserName="alice")["AccessKeyMetadata"] == [
        {"UserName": "alice", "AccessKeyId": key.id, "Status": "Inactive", "CreateDate": ago(400)}
    ]


def test_ids_are_realistic_and_the_same_in_every_run(sandbox):
    """A key id looks like AWS's and depends on account and user only."""

    def seed():
        sandbox.reset()
        user = sandbox.account("123456789012").user("alice")
        return [user.key().id, user.key().id]

    first, second = seed(), seed()
    assert first == second
    assert len(set(first)) == 2
    assert all(re.fullmatch("AKIA[A-Z2-7]{16}", key_id) for key_id in first)


def test_a_third_key_is_refused_even_when_the_others_are_inactive(account, iam, ago):
    """An inactive key counts towards the limit of two."""
    account.user("alice").key(toggles=[ago(5)])
    created = iam.create_access_key(UserName="alice")["AccessKey"]
    assert (created["Status"], len(created["SecretAccessKey"])) == ("Active", 40)
    assert refused(iam.create_access_key, UserName="alice") == "LimitExceeded"


def test_update_refuses_a_status_that_there_is_not(account, iam):
    """UpdateAccessKey knows Active and Inactive; what else is sent changes nothing."""
    key = account.user("alice").key()
    wrong = {"UserName": "alice", "AccessKeyId": key.id, "Status": "Expired"}
    assert refused(iam.update_access_key, **wrong) == "ValidationError"
    assert key.status == "Active"


def test_a_key_of_another_user_is_not_found(account, iam):
    """User name and key id must belong together, for change and deletion."""
    key = account.user("alice").key()
    account.user("bob")
    assert refused(iam.delete_access_key, UserName="bob", AccessKeyId=key.id) == "NoSuchEntity"
    assert account.keys == [key]


def test_a_key_can_be_deleted_whatever_its_status(account, iam):
    """AWS asks for no status before it deletes; whoever comes second finds nothing to do."""
    key = account.user("alice").key()
    iam.delete_access_key(UserName="alice", AccessKeyId=key.id)
    key.delete()
    assert account.keys == []


def test_without_user_name_a_call_means_the_callers_own_key(sandbox, account):
    """DeleteAccessKey without UserName deletes the key of the user who calls."""
    user = account.user("alice")
    own, other = user.key(), user.key()
    client(sandbox, "iam", own.id, own.secret).delete_access_key(AccessKeyId=other.id)
    assert user.keys == [own]


def test_use_moves_last_used_to_service_and_region_of_the_call(sandbox, account, iam):
    """A signed call is the key's last use."""
    key = account.user("alice").key()
    client(sandbox, "sts", key.id, key.secret).get_caller_identity()
    used = iam.get_access_key_last_used(AccessKeyId=key.id)
    assert used["UserName"] == "alice"
    assert used["AccessKeyLastUsed"] == {
        "LastUsedDate": key.last_used.time,
        "ServiceName": "sts",
        "Region": "eu-central-1",
    }


@pytest.mark.parametrize("status", ["Inactive", "Expired"])
def test_only_an_active_key_authenticates_and_a_vain_attempt_is_no_use(
    sandbox, account, ago, status
):
    """What is inactive or expired opens nothing and moves nothing."""
    key = account.user("alice").key(status=status, last_used=(ago(9), "s3", "us-east-1"))
    sts, trail = (client(sandbox, name, key.id, key.secret) for name in ("sts", "cloudtrail"))
    assert refused(sts.get_caller_identity) == "InvalidClientTokenId"
    assert refused(trail.lookup_events) == "UnrecognizedClientException"
    assert key.last_used.time == ago(9)


def test_a_key_never_used_says_so(account, iam):
    """No date, and N/A for service and region."""
    key = account.user("alice").key()
    assert iam.get_access_key_last_used(AccessKeyId=key.id)["AccessKeyLastUsed"] == {
        "ServiceName": "N/A",
        "Region": "N/A",
    }


def test_last_use_of_another_accounts_key_is_denied(sandbox, iam):
    """Knowledge of keys ends at the account."""
    key = sandbox.account("222222222222").user("bob").key()
    assert refused(iam.get_access_key_last_used, AccessKeyId=key.id) == "AccessDenied"


def test_truth_knows_the_last_deactivation(sandbox, account, iam, ago):
    """Deactivating what is inactive changes nothing, so the truth does not move."""
    key = account.user("alice").key(created=ago(50), toggles=[ago(40), ago(30), ago(20)])
    iam.update_access_key(UserName="alice", AccessKeyId=key.id, Status="Inactive")
    assert sandbox.truth() == [
        {
            "account_id": account.id,
            "user_name": "alice",
            "access_key_id": key.id,
            "status": "Inactive",
            "created": ago(50),
            "deactivated": ago(20),
            "last_used": None,
        }
    ]
    key.activate()
    assert key.deactivated is None
