# SPDX-License-Identifier: Apache-2.0
"""Where a partition of AWS keeps its IAM: the region that its events and findings belong to."""

from __future__ import annotations

import re
from functools import lru_cache

from botocore.loaders import create_loader

from c7n_inactive_keys.core.json_types import JsonObject


@lru_cache
def home_region(partition: str) -> str | None:
    """The region that holds a partition's IAM events, or None if botocore does not know it.

    Taken from the endpoint data, since a client signs for the session's region as soon as it has a
    custom endpoint URL, and the history of a wrong region is silent.
    """
    for known in _partitions():
        if known["partition"] == partition:
            iam = known["services"].get("iam", {}).get("endpoints", {})
            region = iam.get(f"{partition}-global", {}).get("credentialScope", {}).get("region")
            return str(region) if region else None
    return None


@lru_cache
def partition_of(region: str) -> str | None:
    """The partition that a region belongs to, or None if botocore does not know such regions."""
    for known in _partitions():
        if region in known["regions"] or re.search(known["regionRegex"], region):
            return str(known["partition"])
    return None


def _partitions() -> list[JsonObject]:
    partitions: list[JsonObject] = create_loader().load_data("endpoints")["partitions"]
    return partitions
