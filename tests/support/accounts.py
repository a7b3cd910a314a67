# SPDX-License-Identifier: Apache-2.0
"""Accounts of the sandbox as tests need them, and what an earlier look at one left behind.

Without such a look, silence proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from c7n_inactive_keys.core.evidence import LedgerEntry
from c7n_inactive_keys.core.ledger import render_value, tag_key
from c7n_inactive_keys.core.times import parse_time
from c7n_inactive_keys_sandbox import Account, Key, Sandbox
from tests.support.commands import clean_environ

ACCOUNT = "123456789012"
REPORT_AGE = timedelta(hours=3)


def days_ago(days: float) -> datetime:
    """A moment in the past, in whole seconds."""
    return datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=days)


def since(entry: Mapping[str, Any]) -> tuple[Any, Any]:
    """NotBefore and NotAfter of a key that was found, as moments."""
    interval = entry["InactiveSince"]
    return parse_time(interval["NotBefore"]), parse_time(interval["NotAfter"])


def administrator(sandbox: Sandbox, account_id: str = ACCOUNT, **more: str) -> dict[str, str]:
    """The environment of a command that acts as the administrator of an account."""
    return sandbox.environ(account_id, clean_environ()) | more


def inactive_key(
    account: Account, name: str = "bob", *, off: float = 200, created: float = 500, **options: Any
) -> Key:
    """A key that was switched off so many days ago, which event history then proves for 90."""
    return account.user(name).key(created=days_ago(created), toggles=[days_ago(off)], **options)


def key_ids(account: Account) -> set[str]:
    """The ids of all keys of an account, as they are now."""
    return {key.id for key in account.keys}


def report_of_today(sandbox: Any, account_id: str, age: timedelta = REPORT_AGE) -> None:
    """The account's credential report as it is now, as if it had been made some hours ago.

    One that is still good stays as it is.
    """
    account = sandbox.account(account_id)
    before = account.report
    sandbox.client("iam", account_id).generate_credential_report()
    if account.report is not before:
        account.report.generated -= age


def recorded(account: Any, days: float = 1) -> None:
    """The ledger, as a run so many days ago left it that knew nothing but what it saw."""
    moment = days_ago(days)
    for key in account.keys:
        if key.status == "Inactive" and key.deactivated < moment:
            used = key.last_used.time if key.last_used else key.created
            entry = LedgerEntry(max(key.created, used), moment, moment)
            key.user.tags.setdefault(tag_key(key.id), render_value(entry))
