# SPDX-License-Identifier: Apache-2.0
"""What an earlier look at an account left behind: without one, silence proves nothing."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from c7n_inactive_keys.core.evidence import LedgerEntry
from c7n_inactive_keys.core.ledger import render_value, tag_key

REPORT_AGE = timedelta(hours=3)


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
    moment = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=days)
    for key in account.keys:
        if key.status == "Inactive" and key.deactivated < moment:
            used = key.last_used.time if key.last_used else key.created
            entry = LedgerEntry(max(key.created, used), moment, moment)
            key.user.tags.setdefault(tag_key(key.id), render_value(entry))
