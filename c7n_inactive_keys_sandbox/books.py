# SPDX-License-Identifier: Apache-2.0
"""What the embedded AWS holds: accounts, and the sessions of those who act in them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from c7n_inactive_keys_sandbox.accounts import Account, Key
from c7n_inactive_keys_sandbox.ageing import age
from c7n_inactive_keys_sandbox.principals import Principal
from c7n_inactive_keys_sandbox.realm import Realm


class Books:
    """All accounts and sessions."""

    def __init__(self, partition: str = "aws") -> None:
        self.realm = Realm(partition)
        self.accounts: dict[str, Account] = {}
        self.sessions: dict[str, Principal] = {}

    def now(self) -> datetime:
        """The moment by the sandbox's clock."""
        return self.realm.now()

    def account(self, account_id: str, name: str | None = None) -> Account:
        """The account of that id (12 digits); made if there is none."""
        if account_id not in self.accounts:
            if not re.fullmatch(r"\d{12}", account_id):
                raise ValueError(f"{account_id!r} is no account id: twelve digits")
            account = Account(self.realm, account_id, f"account-{account_id}")
            self.accounts[account_id] = account
            self.sessions[account.administrator.access_key_id] = account.administrator
        account = self.accounts[account_id]
        account.name = name or account.name
        return account

    def key(self, key_id: str | None) -> Key | None:
        """The key of that id, of whatever account."""
        found = (account.keys_by_id.get(key_id or "") for account in self.accounts.values())
        return next(filter(None, found), None)

    def expire_sessions(self, account_id: str | None = None) -> None:
        """All sessions of assumed roles (in one account) expire now; new ones are good."""
        for key_id, session in list(self.sessions.items()):
            administrator = self.accounts[session.account_id].administrator
            if session != administrator and account_id in (None, session.account_id):
                self.sessions[key_id] = replace(session, expired=True)

    def truth(self) -> list[dict[str, object]]:
        """A row for each key of an IAM user, of all accounts, sorted by account, user and key."""
        rows = [key.truth() for account in self.accounts.values() for key in account.keys]
        order = ("account_id", "user_name", "access_key_id")
        return sorted(rows, key=lambda row: [str(row[name]).lower() for name in order])

    def age(self, by: timedelta) -> None:
        """Let time pass: all that is stored moves that far into the past.

        Users, keys, uses, status changes, events, credential reports, and the times in ledger
        tags (`c7n-inactive-key:...`) of users. What lies outside of the sandbox, such as output
        directories, keeps its times.
        """
        for account in self.accounts.values():
            age(account, timedelta(seconds=round(by.total_seconds())))
