# SPDX-License-Identifier: Apache-2.0
"""Accounts as c7n-org takes them, in batches: the items of the state machine's maps. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from c7n_inactive_keys.core.json_types import JsonMapping, JsonObject

LOOK, DELETE = "look", "delete"  # what the two visits are for

Account = JsonMapping


def accounts_of(
    listed: Iterable[JsonMapping], partition: str, region: str, role: str
) -> list[JsonObject]:
    """Entries of c7n-org's accounts file for the active accounts that Organizations lists.

    c7n-org names directories by account, so two of the same name would share one.
    """
    # `Status` was the field's name until September 2026.
    active = [item for item in listed if (item.get("State") or item.get("Status")) == "ACTIVE"]
    names = Counter(item["Name"] for item in active)
    return [
        {
            "account_id": item["Id"],
            "name": _name(item["Name"], item["Id"], names[item["Name"]] == 1),
            "role": f"arn:{partition}:iam::{item['Id']}:role/{role}",
            "regions": [region],
        }
        for item in active
    ]


def _name(name: str, account_id: str, alone: bool) -> str:
    name = name.replace("/", "-")
    return name if alone else f"{name}-{account_id}"


def in_batches(prefix: str, phase: str, accounts: Sequence[Account], size: int) -> list[JsonObject]:
    """The items of a map: each holds what a visit needs to know."""
    return [
        {
            "prefix": prefix,
            "phase": phase,
            "batch": f"{number:05d}",
            "accounts": list(accounts[start : start + size]),
        }
        for number, start in enumerate(range(0, len(accounts), size), 1)
    ]


def to_delete_in(
    accounts: Iterable[Account], account_ids: Collection[str], look_role: str, delete_role: str
) -> list[JsonObject]:
    """Those of the accounts, to be entered by the role that may delete."""
    return [
        {**account, "role": _role(account["role"], look_role, delete_role)}
        for account in accounts
        if account["account_id"] in account_ids
    ]


def _role(role: Any, look_role: str, delete_role: str) -> Any:
    """The role that may delete, where the first visit entered by the one that only looks.

    c7n-org also takes a list: a chain of roles, the last of them the account's.
    """
    if isinstance(role, list):
        return [*role[:-1], _role(role[-1], look_role, delete_role)]
    start, _, name = role.rpartition("/")
    return f"{start}/{delete_role}" if name == look_role else role
