# SPDX-License-Identifier: Apache-2.0
"""One account with a user for each kind of pair of keys that filters may tell apart."""

from __future__ import annotations

from collections.abc import Mapping

from c7n_inactive_keys_sandbox import Account, Key, Sandbox
from tests.support.accounts import ACCOUNT, days_ago, recorded


def fill(sandbox: Sandbox) -> tuple[Account, Mapping[str, str]]:
    """The account, and names for its keys by access key id: user/off, /on, /new (off lately)."""
    account = sandbox.account(ACCOUNT)
    names = {}

    def give(user: str, key: str, created: float, *toggles: float, **options: str) -> None:
        made = account.user(user).key(
            created=days_ago(created), toggles=[days_ago(days) for days in toggles], **options
        )
        names[made.id] = f"{user}/{key}"
        if key == "new":
            give_notice(made)

    account.user("none", created=days_ago(2000))
    for name, tags in TAGS.items():
        account.user(name, created=days_ago(2000), tags=tags)
    give("on", "on", 1000)
    give("team-on", "on", 1000)
    for name in ("long", "team-long"):
        give(name, "off", 1000, 400)
    for name in ("short", "team-short"):
        give(name, "new", 1000, 20)
    give("young", "off", 300, 200)
    for name in ("both", "team-both"):
        give(name, "off", 1000, 400)
        give(name, "new", 500, 20)
    for name in ("mixed", "team-mixed"):
        give(name, "off", 1000, 400)
        give(name, "on", 500)
    give("middle", "mid", 1000, 60)
    give("middle", "new", 900, 5)
    give("twins", "off", 700, 400)
    give("twins", "on", 700)
    give("expired", "expired", 1000, 400, status="Expired")
    recorded(account)
    return account, names


def give_notice(key: Key) -> None:
    """The owner was told five days ago, says the ledger."""
    since = key.deactivated
    assert since
    times = {"after": since, "since": since, "verified": days_ago(1), "notified": days_ago(5)}
    key.user.tags[f"c7n-inactive-key:{key.id}"] = " ".join(
        f"{word}={moment:%Y-%m-%dT%H:%M:%SZ}" for word, moment in times.items()
    )


TAGS = {
    "on": {},
    "long": {},
    "short": {},
    "young": {},
    "both": {},
    "mixed": {},
    "middle": {},
    "twins": {},
    "expired": {},
    **{f"team-{name}": {"team": "a"} for name in ("on", "long", "short", "both", "mixed")},
}
