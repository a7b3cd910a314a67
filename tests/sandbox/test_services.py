# SPDX-License-Identifier: Apache-2.0
"""CloudFormation's word on keys; and what moto answers goes on working behind the sandbox."""

import json

import pytest

from .conftest import refused

TYPES = {"User": "AWS::IAM::User", "Key": "AWS::IAM::AccessKey"}


@pytest.fixture
def cloudformation(sandbox, account):
    """CloudFormation in eu-west-1, where a stack manages alice and her key."""
    user = account.user("alice")
    account.stacks["eu-west-1", "ci"] = {"User": user, "Key": user.key()}
    return sandbox.client("cloudformation", account.id, "eu-west-1")


@pytest.mark.parametrize("by", ["key", "user", "stack"])
def test_cloudformation_tells_what_a_stack_manages(cloudformation, account, by):
    """Asked for a key, a user or the stack, it names the stack and all its resources."""
    (key,) = account.keys
    question = {
        "key": {"PhysicalResourceId": key.id},
        "user": {"PhysicalResourceId": "alice"},
        "stack": {"StackName": "ci"},
    }[by]
    found = cloudformation.describe_stack_resources(**question)["StackResources"]
    assert {item["LogicalResourceId"]: item["ResourceType"] for item in found} == TYPES
    assert [item["PhysicalResourceId"] for item in found] == ["alice", key.id]
    assert {item["StackName"] for item in found} == {"ci"}


def test_cloudformation_lists_stacks_and_their_resources(cloudformation, account):
    """With the id under which the resources are found, and by status."""
    (listed,) = cloudformation.list_stacks()["StackSummaries"]
    assert (listed["StackName"], listed["StackStatus"]) == ("ci", "CREATE_COMPLETE")
    found = cloudformation.list_stack_resources(StackName=listed["StackId"])
    assert {
        item["LogicalResourceId"]: item["ResourceType"] for item in found["StackResourceSummaries"]
    } == TYPES
    deleted = cloudformation.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])
    assert deleted["StackSummaries"] == []


def test_what_no_stack_of_the_region_manages_is_an_error(sandbox, account, cloudformation):
    """Stacks are regional, unlike the keys in them."""
    (key,) = account.keys
    elsewhere = sandbox.client("cloudformation", account.id)
    assert refused(elsewhere.describe_stack_resources, PhysicalResourceId=key.id) == (
        "ValidationError"
    )
    assert elsewhere.list_stacks()["StackSummaries"] == []
    assert refused(cloudformation.list_stack_resources, StackName="x") == "ValidationError"


def test_s3_keeps_objects(sandbox, account):
    """Put, list, head, get and delete, with a key that needs encoding."""
    s3 = sandbox.client("s3", account.id)
    s3.create_bucket(Bucket="sandbox")
    s3.put_object(Bucket="sandbox", Key="a b/ü+.txt", Body=b"content")
    [listed] = s3.list_objects_v2(Bucket="sandbox")["Contents"]
    assert listed["Key"] == "a b/ü+.txt"
    assert s3.head_object(Bucket="sandbox", Key="a b/ü+.txt")["ContentLength"] == 7
    assert s3.get_object(Bucket="sandbox", Key="a b/ü+.txt")["Body"].read() == b"content"
    s3.delete_object(Bucket="sandbox", Key="a b/ü+.txt")
    assert s3.list_objects_v2(Bucket="sandbox")["KeyCount"] == 0


def test_sqs_belongs_to_the_callers_account(sandbox):
    """The account of a queue is the one of the identity that made it."""
    sqs = sandbox.client("sqs", "222222222222")
    url = sqs.create_queue(QueueName="mail")["QueueUrl"]
    assert url == f"{sandbox.url}/222222222222/mail"
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "hello"


def test_security_hub_takes_findings(sandbox, account):
    """REST calls pass."""
    hub = sandbox.client("securityhub", account.id)
    finding = {
        "SchemaVersion": "2018-10-08",
        "Id": "a",
        "ProductArn": "arn:aws:x",
        "GeneratorId": "g",
        "AwsAccountId": account.id,
        "CreatedAt": "2026-01-01T00:00:00Z",
        "UpdatedAt": "2026-01-01T00:00:00Z",
        "Severity": {"Label": "LOW"},
        "Title": "t",
        "Description": "d",
        "Types": ["Software and Configuration Checks"],
        "Resources": [{"Type": "Other", "Id": "r"}],
    }
    assert hub.batch_import_findings(Findings=[finding])["SuccessCount"] == 1


def test_events_take_rules(sandbox, account):
    """EventBridge keeps a rule."""
    events = sandbox.client("events", account.id)
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["aws.iam"]}))
    assert [rule["Name"] for rule in events.list_rules()["Rules"]] == ["r"]


def test_moto_knows_our_users_also_by_a_new_name(account, iam):
    """What moto answers (groups, policies, MFA) works for users of the sandbox."""
    user = account.user("alice")
    iam.create_group(GroupName="admins")
    iam.add_user_to_group(GroupName="admins", UserName="alice")
    user.rename("bob")
    groups = iam.list_groups_for_user(UserName="bob")["Groups"]
    assert [group["GroupName"] for group in groups] == ["admins"]
    assert refused(iam.list_groups_for_user, UserName="alice") == "NoSuchEntity"


def test_a_user_of_the_same_name_is_another_one_for_moto_too(account, iam):
    """Nothing is left to it of the user who was deleted."""
    account.user("alice")
    iam.create_group(GroupName="admins")
    iam.add_user_to_group(GroupName="admins", UserName="alice")
    iam.delete_user(UserName="alice")
    iam.create_user(UserName="alice")
    assert iam.list_groups_for_user(UserName="alice")["Groups"] == []


def test_reset_empties_moto_too(sandbox, account):
    """A new test finds no bucket of the one before."""
    sandbox.client("s3", account.id).create_bucket(Bucket="bucket")
    sandbox.reset()
    assert sandbox.client("s3", account.id).list_buckets()["Buckets"] == []
