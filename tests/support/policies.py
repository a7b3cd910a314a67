# SPDX-License-Identifier: Apache-2.0
"""Policies: those that are shipped, and others as the tests write them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.support.paths import ROOT

POLICIES = ROOT / "policies" / "inactive-keys.yml"
SHIPPED = {
    policy["name"]: policy for policy in yaml.safe_load(POLICIES.read_text("utf-8"))["policies"]
}
REPORT = SHIPPED["inactive-keys-report"]
RECORD = SHIPPED["inactive-keys-record"]
DELETE = "inactive-keys-delete"
TAG = "keep-keys"
INACTIVE_90 = {"type": "inactive-access-key", "days": 90}


def ours(days: float = 0, **options: Any) -> dict[str, Any]:
    """The filter; names of options may have `_` for `-`."""
    more = {name.replace("_", "-"): value for name, value in options.items()}
    return {"type": "inactive-access-key", "days": days, **more}


def policy(name: str, *filters: Any, actions: tuple[Any, ...] = (), **more: Any) -> dict[str, Any]:
    """A policy on users with an inactive key."""
    found = {"name": name, "resource": "aws.iam-user", "source": "credential-report", **more}
    return {**found, "filters": [*filters], **({"actions": [*actions]} if actions else {})}


def delete_policy(*, filters: list[Any] | None = None, **options: Any) -> dict[str, Any]:
    """The shipped deletion policy, or one with other filters or options of the action.

    An option None is left out.
    """
    given = {"exempt-tag": TAG, **options}
    chosen = {name: value for name, value in given.items() if value is not None}
    action = {"type": "delete-inactive-keys", **chosen}
    return policy(DELETE, *(filters or [INACTIVE_90]), actions=(action,))


def record_policy() -> dict[str, Any]:
    """A policy that keeps the ledger."""
    return policy("record", actions=("record-inactive-keys",))


def write_policies(path: Path, *policies: Mapping[str, Any]) -> Path:
    """A policy file for the stock commands."""
    path.write_text(yaml.safe_dump({"policies": list(policies)}), "utf-8")
    return path
