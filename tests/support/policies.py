# SPDX-License-Identifier: Apache-2.0
"""Policies as the tests write them, and the keys that a run of one found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from c7n_inactive_keys.core.times import parse_time
from tests.support.custodian import Outcome

SHIPPED = {
    policy["name"]: policy
    for policy in yaml.safe_load(
        (Path(__file__).parents[2] / "policies" / "inactive-keys.yml").read_text()
    )["policies"]
}
REPORT = SHIPPED["inactive-keys-report"]
RECORD = SHIPPED["inactive-keys-record"]


def policy(name: str, *filters: Any, actions: tuple[Any, ...] = (), **more: Any) -> dict[str, Any]:
    """A policy on users with an inactive key."""
    found = {"name": name, "resource": "aws.iam-user", "source": "credential-report", **more}
    return {**found, "filters": [*filters], **({"actions": [*actions]} if actions else {})}


def ours(**options: Any) -> dict[str, Any]:
    """The filter, with options whose names have `_` for `-`."""
    return {
        "type": "inactive-access-key",
        **{name.replace("_", "-"): value for name, value in options.items()},
    }


def keys(outcome: Outcome, name: str = REPORT["name"]) -> dict[str, dict[str, Any]]:
    """The matched keys of a policy by access key id."""
    return {
        key["AccessKeyId"]: key
        for user in outcome.resources(name)
        for key in user["c7n:InactiveAccessKeys"]
    }


def since(entry: Mapping[str, Any]) -> tuple[Any, Any]:
    """NotBefore and NotAfter of a key as moments."""
    interval = entry["InactiveSince"]
    return parse_time(interval["NotBefore"]), parse_time(interval["NotAfter"])
