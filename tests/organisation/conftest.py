# SPDX-License-Identifier: Apache-2.0
"""An embedded AWS whose Organizations lists accounts that hold inactive keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from c7n_inactive_keys_sandbox import Sandbox
from tests.organisation.stack import Stack
from tests.support.accounts import ACCOUNT, days_ago, recorded, report_of_today


@pytest.fixture(name="aws")
def _aws() -> Iterator[Sandbox]:
    """An embedded AWS of the test's own: moto's part of it, one a process, is emptied."""
    with Sandbox() as running:
        running.reset()
        yield running
        running.reset()


@pytest.fixture(name="organisation")
def _organisation(aws: Sandbox) -> Callable[[int], list[str]]:
    """Makes so many accounts: each has a key that can be deleted, and one that cannot yet."""

    def make(number: int) -> list[str]:
        client = aws.client("organizations", ACCOUNT)
        client.create_organization(FeatureSet="ALL")
        for count in range(1, number):  # the management account is one
            client.create_account(AccountName=f"account-{count:03d}", Email=f"{count}@example.org")
        pages = client.get_paginator("list_accounts").paginate()
        listed = [account for page in pages for account in page["Accounts"]]
        for account in listed:
            fill(aws, account["Id"])
        return [account["Id"] for account in listed]

    return make


def fill(aws: Sandbox, account_id: str) -> None:
    """Two inactive keys: one is proven for 90 days, the other was deactivated last week."""
    account = aws.account(account_id)
    account.user("old").key(created=days_ago(500), toggles=[days_ago(95)], trace=False)
    account.user("new").key(created=days_ago(500), toggles=[days_ago(7)])
    recorded(account)
    report_of_today(aws, account_id)


@pytest.fixture(name="stack")
def _stack(aws: Sandbox, tmp_path: Any) -> Iterator[Callable[..., Stack]]:
    """Makes the stack, with parameters."""
    made: list[Stack] = []

    def make(**parameters: object) -> Stack:
        given = {name: str(value) for name, value in parameters.items()}
        made.append(Stack(aws, tmp_path, **given).__enter__())
        return made[-1]

    yield make
    for stack in made:
        stack.__exit__(None, None, None)
