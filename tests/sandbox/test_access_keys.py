# SPDX-License-Identifier: Apache-2.0
"""Access keys over HTTP."""

import re

import boto3
from botocore.config import Config


def of_key(sandbox, key, service, **options):
    """A client that signs with a user's own key."""
    return boto3.client(
        service,
        endpoint_url=sandbox.url,
        region_name="eu-central-1",
        aws_access_key_id=key.id,
        aws_secret_access_key=key.secret,
        config=Config(retries={"total_max_attempts": 1}),
        **options,
    )


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


def test_a_third_key_is_refused_even_when_the_others_are_inactive(account, iam, refused, ago):
    """An inactive key counts towards the limit of two."""
    user = account.user("alice")
    user.key(toggles=[ago(5)])
    iam.create_access_key(UserName="alice")
    assert refused(iam.create_access_key, UserName="alice") == "LimitExceeded"


def test_update_refuses_a_status_that_there_is_not(account, iam, refused):
    """UpdateAccessKey knows Active and Inactive; what else is sent changes nothing."""
    key = account.user("alice").key()
    wrong = {"UserName": "alice", "AccessKeyId": key.id, "Status": "Expired"}
    assert refused(iam.update_access_key, **wrong) == "ValidationError"
    assert key.status == "Active"


def test_a_key_of_another_user_is_not_found(account, iam, refused):
    """User name and key id must belong together, for change and deletion."""
    key = account.user("alice").key()
    account.user("bob")
    assert refused(iam.delete_access_key, UserName="bob", AccessKeyId=key.id) == "NoSuchEntity"
    assert account.keys == [key]


def test_an_active_key_can_be_deleted(account, iam):
    """AWS asks for no status before it deletes, and neither does the sandbox."""
    key = account.user("alice").key()
    iam.delete_access_key(UserName="alice", AccessKeyId=key.id)
    assert account.keys == []


def test_without_user_name_a_call_means_the_callers_own_key(sandbox, account):
    """DeleteAccessKey without UserName deletes the key of the user who calls."""
    user = account.user("alice")
    own, other = user.key(), user.key()
    of_key(sandbox, own, "iam").delete_access_key(AccessKeyId=other.id)
    assert user.keys == [own]


def test_without_user_name_a_role_is_refused(iam, refused):
    """A role has no keys of its own."""
    assert refused(iam.list_access_keys) == "ValidationError"


def test_use_moves_last_used_to_service_and_region_of_the_call(sandbox, account, iam):
    """A signed call is the key's last use."""
    key = account.user("alice").key()
    of_key(sandbox, key, "sts").get_caller_identity()
    used = iam.get_access_key_last_used(AccessKeyId=key.id)
    assert used["UserName"] == "alice"
    assert used["AccessKeyLastUsed"]["ServiceName"] == "sts"
    assert used["AccessKeyLastUsed"]["Region"] == "eu-central-1"
    assert used["AccessKeyLastUsed"]["LastUsedDate"] == key.last_used.time


def test_an_inactive_key_does_not_authenticate_and_its_attempt_leaves_no_use(
    sandbox, account, refused, ago
):
    """What is switched off opens nothing and moves nothing."""
    key = account.user("alice").key(toggles=[ago(5)], last_used=(ago(9), "s3", "us-east-1"))
    assert refused(of_key(sandbox, key, "sts").get_caller_identity) == "InvalidClientTokenId"
    assert refused(of_key(sandbox, key, "cloudtrail").lookup_events) == (
        "UnrecognizedClientException"
    )
    assert key.last_used.time == ago(9)


def test_a_key_never_used_says_so(account, iam):
    """No date, and N/A for service and region."""
    key = account.user("alice").key()
    assert iam.get_access_key_last_used(AccessKeyId=key.id)["AccessKeyLastUsed"] == {
        "ServiceName": "N/A",
        "Region": "N/A",
    }


def test_last_use_of_another_accounts_key_is_denied(sandbox, iam, refused):
    """Knowledge of keys ends at the account."""
    key = sandbox.account("222222222222").user("bob").key()
    assert refused(iam.get_access_key_last_used, AccessKeyId=key.id) == "AccessDenied"


def test_truth_knows_the_last_switch_off(sandbox, account, iam, ago):
    """Setting Inactive what is Inactive switches nothing off, so the truth does not move."""
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
