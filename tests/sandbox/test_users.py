# SPDX-License-Identifier: Apache-2.0
"""Users and tags over HTTP."""

import pytest


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


def test_a_user_with_keys_cannot_be_deleted(account, iam, refused):
    """DeleteUser wants the keys deleted first."""
    user = account.user("alice")
    key = user.key()
    assert refused(iam.delete_user, UserName="alice") == "DeleteConflict"
    key.delete()
    iam.delete_user(UserName="alice")
    assert refused(iam.get_user, UserName="alice") == "NoSuchEntity"


def test_tag_keys_do_not_know_case(account, iam):
    """A tag overwrites one whose key differs by case only."""
    user = account.user("alice", tags={"Owner": "x", "Team": "y"})
    iam.tag_user(UserName="alice", Tags=[{"Key": "owner", "Value": "z"}])
    assert user.tags == {"Team": "y", "owner": "z"}
    iam.untag_user(UserName="alice", TagKeys=["TEAM", "unknown"])
    assert user.tags == {"owner": "z"}


def test_the_fifty_first_tag_is_refused_with_the_whole_call(account, iam, refused):
    """TagUser sets all tags of a call or none."""
    user = account.user("alice", tags={f"t{number}": "" for number in range(49)})
    two = [{"Key": "a", "Value": ""}, {"Key": "b", "Value": ""}]
    assert refused(iam.tag_user, UserName="alice", Tags=two) == "LimitExceeded"
    assert len(user.tags) == 49


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("a*b", "", id="star in key"),
        pytest.param("a", '{"b": 1}', id="json as value"),
        pytest.param("a", "b;c", id="semicolon"),
        pytest.param("k" * 129, "", id="long key"),
        pytest.param("a", "v" * 257, id="long value"),
    ],
)
def test_illegal_tags_are_refused(account, iam, refused, key, value):
    """Keys and values keep to IAM's letters and lengths."""
    account.user("alice")
    tags = [{"Key": key, "Value": value}]
    assert refused(iam.tag_user, UserName="alice", Tags=tags) == "ValidationError"


def test_ledger_tags_are_legal(account, iam):
    """The ledger's tag passes IAM's rules."""
    user = account.user("alice")
    value = "after=2026-01-03T09:59:59Z since=2026-01-03T10:00:00Z verified=2026-11-20T04:00:00Z"
    iam.tag_user(
        UserName="alice", Tags=[{"Key": "c7n-inactive-key:AKIAAAAAAAAAAAAAAAAA", "Value": value}]
    )
    assert user.tags["c7n-inactive-key:AKIAAAAAAAAAAAAAAAAA"] == value
    assert iam.list_user_tags(UserName="alice")["Tags"][0]["Value"] == value


def test_unusual_names_survive_the_way(account, iam):
    """All signs that IAM allows in names come back as they were."""
    name = "a+b=c,d.e@f_g-h"
    account.user(name).key()
    assert iam.get_user(UserName=name)["User"]["UserName"] == name
    assert iam.list_access_keys(UserName=name)["AccessKeyMetadata"][0]["UserName"] == name


def test_moto_knows_our_users(account, iam):
    """What moto answers (groups, policies, MFA) works for users of the sandbox."""
    account.user("alice")
    iam.create_group(GroupName="admins")
    iam.add_user_to_group(GroupName="admins", UserName="alice")
    groups = iam.list_groups_for_user(UserName="alice")["Groups"]
    assert [group["GroupName"] for group in groups] == ["admins"]
