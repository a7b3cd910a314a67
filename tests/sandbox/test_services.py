# SPDX-License-Identifier: Apache-2.0
"""What moto answers goes on working behind the sandbox."""

import json

from .conftest import refused


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
