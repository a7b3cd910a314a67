# SPDX-License-Identifier: Apache-2.0
"""What the embedded AWS holds: accounts, with indexes, and the passing of time."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta

from c7n_inactive_keys.core.times import format_time, parse_time
from c7n_inactive_keys_sandbox.accounts import Account, User
from c7n_inactive_keys_sandbox.keys import Key
from c7n_inactive_keys_sandbox.principals import Principal
from c7n_inactive_keys_sandbox.values import LastUsed, View, identifier

LEDGER_PREFIX = "c7n-inactive-key:"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|\+00:00)")


@dataclass(eq=False)
class State:
    """All accounts, with indexes by access key id."""

    partition: str = "aws"
    accounts: dict[str, Account] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    sessions: dict[str, Principal] = field(default_factory=dict)
    before: dict[tuple[str, str], View] = field(default_factory=dict)
    changes: int = 0
    counters: dict[tuple[object, ...], int] = field(default_factory=dict)

    def account(self, account_id: str, name: str | None = None) -> Account:
        """The account of that id (12 digits); made if there is none."""
        if account_id not in self.accounts:
            if not re.fullmatch(r"\d{12}", account_id):
                raise ValueError(f"{account_id!r} is no account id: twelve digits")
            account = Account(self, account_id, name or f"account-{account_id}")
            self.accounts[account_id] = account
            self.sessions[account.administrator.access_key_id] = account.administrator
        account = self.accounts[account_id]
        account.name = name or account.name
        return account

    def new_id(self, prefix: str, length: int, *parts: object) -> str:
        """An id not given before: the nth for the same parts is the same in every run."""
        place = (prefix, *parts)
        self.counters[place] = self.counters.get(place, 0) + 1
        return identifier(prefix, length, *place, self.counters[place])

    def age(self, by: timedelta) -> None:
        """Move everything that is stored into the past, as if the clock had advanced."""
        for account in self.accounts.values():
            account.created -= by
            if account.report:
                account.report.age(by)
            account.events[:] = [event.aged(by) for event in account.events]
            for user in (account.root, *account.users.values()):
                _age_user(user, by)
        self.before.clear()


def _age_user(user: User, by: timedelta) -> None:
    user.created -= by
    if user.password_last_used:
        user.password_last_used -= by
    for key in user.keys:
        key.created -= by
        key.changes = [(at - by, status) for at, status in key.changes]
        if key.last_used:
            used = key.last_used
            key.last_used = LastUsed(used.time - by, used.service, used.region)
    for name, value in user.tags.items():
        if name.lower().startswith(LEDGER_PREFIX):
            user.tags[name] = _TIME.sub(lambda match: format_time(parse_time(match[0]) - by), value)
