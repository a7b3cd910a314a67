# SPDX-License-Identifier: Apache-2.0
"""An account with clients, for all tests of the sandbox."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError

ACCOUNT = "123456789012"


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


@pytest.fixture
def refused():
    """Expect an AWS error and give its code."""

    def expect(call, *arguments, **parameters):
        with pytest.raises(ClientError) as caught:
            call(*arguments, **parameters)
        return caught.value.response["Error"]["Code"]

    return expect
