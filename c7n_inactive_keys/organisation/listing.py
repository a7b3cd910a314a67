# SPDX-License-Identifier: Apache-2.0
"""The first task: which accounts there are, in batches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import boto3

from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.organisation import policies
from c7n_inactive_keys.organisation.batches import LOOK, accounts_of, in_batches
from c7n_inactive_keys.organisation.bucket import Bucket
from c7n_inactive_keys.organisation.settings import Settings, SettingsError
from c7n_inactive_keys.partitions import home_region, partition_of
from c7n_inactive_keys.yaml_lists import read_list


def list_accounts(settings: Settings, run: str, started: str, region: str) -> JsonObject:
    """Write what the maps and the report read, and say where.

    Raises:
        SettingsError: the stack's parameters or the policies of its image are wrong.
    """
    settings.check()
    policies.check(read_list(settings.policies, "policies"))
    bucket = Bucket(settings.bucket)
    prefix = f"runs/{started[:10]}/{run}"
    accounts = (
        _from_file(bucket.get(settings.accounts_key))
        if settings.accounts_key
        else _from_organizations(settings.look_role, region)
    )
    if not accounts:
        raise SettingsError("there is no active account to visit")
    items = in_batches(prefix, LOOK, accounts, settings.batch_size)
    bucket.put(f"{prefix}/accounts.json", json.dumps({"accounts": accounts}).encode())
    bucket.put(items_key(prefix, LOOK), json.dumps(items).encode())
    return {
        "prefix": prefix,
        "phase": LOOK,
        "items": items_key(prefix, LOOK),
        "concurrency": settings.concurrency,
        "planned": 0,
        "stopped": "",
    }


def items_key(prefix: str, phase: str) -> str:
    """Where a map finds its items."""
    return f"{prefix}/{phase}-items.json"


def _from_file(content: bytes) -> list[JsonObject]:
    with TemporaryDirectory() as home:
        path = Path(home) / "accounts.yml"
        path.write_bytes(content)
        return read_list(path, "accounts")


def _from_organizations(role: str, region: str) -> list[JsonObject]:
    """All active accounts; `c7n-org aws-accounts` takes a further call for each, for its tags."""
    partition = partition_of(region) or "aws"
    return accounts_of(_listed(), partition, home_region(partition) or region, role)


def _listed() -> Iterator[JsonObject]:
    pages = boto3.client("organizations").get_paginator("list_accounts").paginate()
    return (account for page in pages for account in page["Accounts"])
