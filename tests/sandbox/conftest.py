# SPDX-License-Identifier: Apache-2.0
"""An account with clients, for all tests of the sandbox."""

from __future__ import annotations

import json
import urllib.request
from datetime import datetime, timedelta, timezone

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

ACCOUNT = "123456789012"
CHANGES = [{"AttributeKey": "EventName", "AttributeValue": "UpdateAccessKey"}]
# The client would find wrong parameters itself.
UNCHECKED = Config(parameter_validation=False, retries={"total_max_attempts": 1})


@pytest.fixture
def now():
    """The present, in whole seconds as AWS knows them."""
    return datetime.now(timezone.utc).replace(microsecond=0)


@pytest.fixture
def ago(now):
    """Days before the present."""
    return lambda days: now - timedelta(days=days)


@pytest.fixture
def account(sandbox):
    """One account."""
    return sandbox.account(ACCOUNT, name="payments")


@pytest.fixture
def iam(sandbox, account):
    """IAM, as the account's administrator, without retries."""
    return sandbox.client("iam", account.id)


@pytest.fixture
def trail(sandbox, account):
    """CloudTrail in the home region."""
    return sandbox.client("cloudtrail", account.id)


def refused(call, *arguments, **parameters):
    """Expect an AWS error and give its code."""
    with pytest.raises(ClientError) as caught:
        call(*arguments, **parameters)
    return caught.value.response["Error"]["Code"]


def changes(trail, **more):
    """All changes of status that are in the history, newest first."""
    pages = trail.get_paginator("lookup_events").paginate(LookupAttributes=CHANGES, **more)
    return [event for page in pages for event in page["Events"]]


def record(event):
    """The record in an event of the history."""
    return json.loads(event["CloudTrailEvent"])


def client(sandbox, service, key_id, secret, token=None, **options):
    """A client that signs with these credentials."""
    return boto3.client(
        service,
        endpoint_url=sandbox.url,
        region_name="eu-central-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}),
        **options,
    )


def assume(sandbox, role):
    """A maker of clients that act in the role."""
    sts = sandbox.client("sts", ACCOUNT)
    given = sts.assume_role(RoleArn=role, RoleSessionName="run")["Credentials"]
    given = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    return lambda service: client(sandbox, service, *given)


def control(url, path="", method="GET", document=None):
    """Call the control interface."""
    body = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(f"{url}/sandbox{path}", body, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
