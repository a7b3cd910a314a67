# SPDX-License-Identifier: Apache-2.0
"""The passing of time: what an account holds moves into the past, as if the clock had advanced."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from c7n_inactive_keys_sandbox.accounts import Account, Key, User
from c7n_inactive_keys_sandbox.times import iso, parse

LEDGER_PREFIX = "c7n-inactive-key:"
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:Z|\+00:00)")


def age(account: Account, by: timedelta) -> None:
    """Age an account with all that is in it."""
    for user in (account.root, *account.users.values()):
        _age_user(user, by)
    account.events[:] = [replace(event, time=event.time - by) for event in account.events]
    if account.report:
        account.report.generated -= by
        account.report.content = _earlier(account.report.content, by)
    account.before.clear()


def _age_user(user: User, by: timedelta) -> None:
    user.created -= by
    if user.password_last_used:
        user.password_last_used -= by
    for key in user.keys:
        _age_key(key, by)
    for name, value in user.tags.items():
        if name.lower().startswith(LEDGER_PREFIX):
            user.tags[name] = _earlier(value, by)


def _earlier(text: str, by: timedelta) -> str:
    """A text with all moments in it put back."""
    return _TIME.sub(lambda found: iso(parse(found[1] + "Z") - by), text)


def _age_key(key: Key, by: timedelta) -> None:
    key.created -= by
    key.changes = [(at - by, status) for at, status in key.changes]
    if key.last_used:
        key.last_used = replace(key.last_used, time=key.last_used.time - by)
