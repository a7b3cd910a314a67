# SPDX-License-Identifier: Apache-2.0
"""An account that holds the keys that policies get wrong, and what a run changes in it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

ACCOUNT = "111111111111"

IDLE = {"idle", "never"}
OFF = {"retired", "siblings-off"}
HOLD_OFF = {"retired", "siblings", "kept"}  # `kept` is exempt where the policy has an exempt-tag


def ago(days):
    """A moment in the past, in whole seconds."""
    return datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=days)


def used(days):
    """A last use so long ago."""
    return ago(days), "s3", "us-east-1"


def seed(sandbox):
    """The account's keys by a name; those that are long off have an entry in the ledger.

    One user has an inactive and an active key of the same second; `kept` is exempt.
    """
    sandbox.client("sqs", ACCOUNT).create_queue(QueueName="mailer")
    account = sandbox.account(ACCOUNT)
    names = ("siblings", "working", "retired", "idle", "off-lately", "never", "young", "kept")
    users = {name: account.user(name, created=ago(800)) for name in names}
    users["working"].mfa_active = True
    users["kept"].tags["keep"] = users["kept"].tags["keep-keys"] = "break-glass"
    users["kept"].tags["service-account"] = "true"
    created = ago(500)
    off = {"toggles": [ago(200)], "last_used": used(210)}
    keys = {
        "siblings-off": users["siblings"].key(created=created, **off),
        "siblings-on": users["siblings"].key(created=created, last_used=used(0)),
        "working": users["working"].key(created=created, last_used=used(0)),
        "retired": users["retired"].key(created=created, **off),
        "kept": users["kept"].key(created=created, **off),
        "idle": users["idle"].key(created=created, last_used=used(200)),
        "off-lately": users["off-lately"].key(
            created=created, toggles=[ago(10)], last_used=used(20)
        ),
        "never": users["never"].key(created=ago(300)),
        "young": users["young"].key(created=ago(5)),
    }
    times = [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (ago(200.1), ago(199.9), ago(1))]
    entry = "after={} since={} verified={}".format(*times)
    for name in ("siblings-off", "retired", "kept"):
        keys[name].user.tags[f"c7n-inactive-key:{keys[name].id}"] = entry
    return keys


def statuses(sandbox):
    """The status of each key that is there, by id."""
    return {key.id: key.status for key in sandbox.account(ACCOUNT).keys}


def gone(keys, after):
    """The names of the keys that are not there any more."""
    return {name for name, key in keys.items() if key.id not in after}


def changes(keys, before, after):
    """The names of the keys that got another status, and of those that are gone."""
    left = set(keys) - gone(keys, after)
    off = {name for name in left if before[keys[name].id] != after[keys[name].id]}
    return off, gone(keys, after)
