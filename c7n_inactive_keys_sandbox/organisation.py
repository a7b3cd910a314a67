# SPDX-License-Identifier: Apache-2.0
"""A made-up organisation with every kind of key that a clean-up meets; always the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import yaml

from c7n_inactive_keys_sandbox.accounts import Account, Key, User
from c7n_inactive_keys_sandbox.books import Books
from c7n_inactive_keys_sandbox.times import iso, whole

ROLE = "CustodianInactiveKeys"
MANAGEMENT = "100000000001"


@dataclass(frozen=True)
class Organisation:
    """The seeded accounts. `management` is where a run starts: it may assume any role."""

    accounts: tuple[Account, ...]
    management: Account

    def account(self, name: str) -> Account:
        """The account of that name."""
        return next(account for account in self.accounts if account.name == name)

    def accounts_yml(self, path: Path | str, role: str = ROLE, **extra: object) -> Path:
        """Write c7n-org's accounts file; `extra` goes to each account. Gives back the path."""
        partition = self.management.realm.partition
        entries = [
            {
                "account_id": account.id,
                "name": account.name,
                "regions": ["us-east-1"],
                "role": f"arn:{partition}:iam::{account.id}:role/{role}",
                **extra,
            }
            for account in self.accounts
        ]
        path = Path(path)
        path.write_text(yaml.safe_dump({"accounts": entries}, sort_keys=False), "utf-8")
        return path


def seed_organisation(books: Books, now: datetime) -> Organisation:
    """Fill the sandbox; all times are counted back from `now`."""
    now = whole(now)
    accounts = []
    for number, (name, fill) in enumerate(_ACCOUNTS, start=1):
        account = books.account(str(100000000000 + number), name=name)
        account.root.created = now - timedelta(days=3000)
        fill(_Filler(account, now))
        accounts.append(account)
    return Organisation(tuple(accounts), accounts[0])


@dataclass(frozen=True)
class _Filler:
    """Makes users and keys of an account; times are days before now."""

    account: Account
    now: datetime

    def ago(self, days: float) -> datetime:
        return self.now - timedelta(days=days)

    def user(self, name: str, path: str = "/", created: float = 2000, **tags: str) -> User:
        return self.account.user(name, path, tags, self.ago(created))

    def key(
        self,
        user: User | str,
        created: float,
        *toggles: float,
        used: float | None = None,
        service: str = "s3",
        region: str = "us-east-1",
    ) -> Key:
        if isinstance(user, str):
            user = self.user(user)
        return user.key(
            self.ago(created),
            [self.ago(days) for days in toggles],
            (self.ago(used), service, region) if used is not None else None,
        )


def _management(fill: _Filler) -> None:
    fill.key(fill.user("org-admin", "/admins/", OwnerContact="admins@example.com"), 300, used=0.1)
    fill.key(
        fill.user("cost-export", "/svc/", OwnerContact="finance@example.com"), 700, 200, used=210
    )


def _payments(fill: _Filler) -> None:
    # Created in the same second: only the id tells which of the two is the inactive one.
    twins = fill.user("card-gateway", "/ci/", OwnerContact="payments@example.com")
    fill.key(twins, 500, used=0.2, service="dynamodb")
    fill.key(twins, 500, 120, used=125, service="dynamodb")
    # And once more, where the inactive one has been off for ten days only.
    twins = fill.user("refunds", "/ci/", OwnerContact="payments@example.com")
    fill.key(twins, 365, 10, used=11)
    fill.key(twins, 365, used=1)
    fill.key(fill.user("ledger-sync", "/svc/", owner="payments@example.com"), 800, used=2)


def _web_shop(fill: _Filler) -> None:
    fill.key(fill.user("deploy", "/ci/", created=1900), 1826, 1, used=3)
    fill.key(fill.user("image-resizer", created=1900), 1826, used=0.5)
    fill.key("newsletter", 400, 89.5, used=91, service="ses", region="eu-west-1")
    fill.key("search-index", 400, 90.5, used=92, service="es", region="eu-central-1")


def _data_platform(fill: _Filler) -> None:
    for number in range(1, 151):
        user = fill.user(f"analyst-{number:03d}", "/people/data/", created=900 - number)
        if number % 3 == 0:
            fill.key(user, 600 - number, used=number % 7 + 0.3, service="athena")
        elif number == 130:
            fill.key(user, 400, 140, used=150, service="glue", region="eu-west-1")
        elif number == 101:
            fill.key(user, 350, 30, used=31)


def _identity(fill: _Filler) -> None:
    fill.key("toggled", 300, 60, 45, 30, 15, 5, used=16, service="sts")
    fill.key("toggled-long-ago", 700, 400, 300, 200, used=220, service="sts")
    fill.key("back-in-use", 300, 50, 20, used=1, service="sts")
    own = fill.key("switched-own-key-off", 250, used=26)
    own.deactivate(fill.ago(25), by_user=True)
    attacked = fill.key("change-was-denied", 450, 180, used=190)
    attacked.deny_change(fill.ago(12))


def _legacy(fill: _Filler) -> None:
    both = fill.user("batch-2019", "/old/", created=2600, OwnerContact="nobody@example.com")
    fill.key(both, 2500, 800, used=900, service="ec2", region="eu-west-1")
    fill.key(both, 1500, 700)
    fill.key(fill.user("ftp-bridge", "/old/", created=2500), 2400, 1200)
    fill.key(fill.user("reporting", "/old/", created=2500), 2000, 365, used=380)
    fill.key(fill.user("still-alive", "/old/", created=2500), 2300, used=0.01, service="sqs")


def _development(fill: _Filler) -> None:
    for name in ("ana", "ben", "chi", "dov"):
        fill.key(fill.user(name, "/people/dev/", created=400), 100, used=1, service="lambda")
    fill.user("eve", "/people/dev/", created=20)


def _no_users(_: _Filler) -> None:
    """The account has none: people come by single sign-on."""


def _security(fill: _Filler) -> None:
    guarded = fill.user("break-glass", "/security/")
    guarded.tags["keep-keys"] = "incident response"
    fill.key(guarded, 1000, 300)
    fill.key("scanner", 500, 150, used=160, service="config", region="us-west-2")
    fill.key(fill.account.root, 2900, 2800, used=2850)
    fill.account.root.mfa_active = False


def _ledger(fill: _Filler) -> None:
    def tag(key: Key, after: float, since: float, verified: float) -> None:
        key.user.tags[f"c7n-inactive-key:{key.id}"] = (
            f"after={iso(fill.ago(after))} since={iso(fill.ago(since))} "
            f"verified={iso(fill.ago(verified))}"
        )

    tag(fill.key("proven-for-a-year", 900, 410, used=420), 415, 408, 3)
    # Last checked before the reach of event history: what happened in between is unknown.
    tag(fill.key("checked-too-long-ago", 900, 400, 300, 250, used=260), 405, 398, 310)
    # The key was on in between; the ledger has not been told.
    tag(fill.key("overtaken", 900, 400, 40, 20, used=30), 405, 398, 45)
    malformed = fill.key("malformed", 900, 200, used=210)
    malformed.user.tags[f"c7n-inactive-key:{malformed.id}"] = "since=last-spring"
    described = fill.key("described", 700, 300, used=310)
    described.user.tags[described.id] = "nightly export (a description of the console)"


def _odd_names(fill: _Filler) -> None:
    fill.key(fill.user("a+b=c,d.e@f_g-h", "/odd/path/"), 400, 100, used=101)
    fill.key(fill.user("@at", "/"), 400, 100)
    fill.key(fill.user("=1+1", "/"), 400, 110)
    fill.key(fill.user("n" * 64, "/" + "p" * 60 + "/"), 400, 100, used=120)
    fill.key(fill.user("Zoe"), 400, used=1)
    fill.key(fill.user("adam"), 400, 95, used=96)
    fill.key(fill.user("svc.mail@example.com", "/mail/"), 400, 7, used=8, service="ses")


def _partners(fill: _Filler) -> None:
    fill.key("partner-never-used", 200, 130)
    fill.key("partner-new", 3, 2)
    expired = fill.key("partner-expired", 500, used=130)
    expired.status = "Expired"
    fill.key("partner-live", 60, used=0.3)


def _mobile(fill: _Filler) -> None:
    pair = fill.user("push-service", "/svc/", OwnerContact="mobile@example.com")
    fill.key(pair, 800, 95, used=97, service="sns", region="eu-west-1")
    fill.key(pair, 90, used=0.1, service="sns", region="eu-west-1")
    pair = fill.user("crash-upload", "/svc/", OwnerContact="mobile@example.com")
    fill.key(pair, 900, 400, used=500)
    fill.key(pair, 600, 4, used=5)


def _archive(fill: _Filler) -> None:
    for number in range(1, 6):
        user = fill.user(f"vault-{number}", "/archive/", created=1500)
        fill.key(user, 1400, 600 + number, used=610 + number, service="glacier")


_ACCOUNTS: tuple[tuple[str, Callable[[_Filler], None]], ...] = (
    ("management", _management),
    ("payments", _payments),
    ("web-shop", _web_shop),
    ("data-platform", _data_platform),
    ("identity", _identity),
    ("legacy", _legacy),
    ("development", _development),
    ("sso-only", _no_users),
    ("security", _security),
    ("ledger", _ledger),
    ("odd-names", _odd_names),
    ("partners", _partners),
    ("mobile", _mobile),
    ("archive", _archive),
)
