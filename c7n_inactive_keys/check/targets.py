# SPDX-License-Identifier: Apache-2.0
"""The accounts to check, as c7n-org understands its accounts file, and the way into each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from c7n_inactive_keys.core.json_types import JsonMapping
from c7n_inactive_keys.yaml_lists import YamlFileError, read_list

DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True)
class Target:
    """An account as c7n-org's file has it; without `entry` it is the identity's own."""

    label: str
    entry: JsonMapping | None = None

    @property
    def regions(self) -> list[str]:
        """The regions that c7n-org would run in, as far as the file tells: [`all`] it asks for."""
        given = (self.entry or {}).get("regions") or ()
        names = [name.strip() for item in given for name in item.split(",")]
        return ["all"] if "all" in given else [name for name in names if name]

    @property
    def region(self) -> str:
        """Where to call from: decides the partition's endpoints."""
        return DEFAULT_REGION if self.regions in ([], ["all"]) else self.regions[0]

    @property
    def roles(self) -> list[str]:
        """The chain of roles that c7n-org would assume; empty if it would use the profile."""
        role = (self.entry or {}).get("role") or []
        if not isinstance(role, str):
            return list(role)
        # What c7n-org makes of a bare name, whatever the partition is, and only outside of lists.
        bare = not role.startswith("arn")
        return [f"arn:aws:iam::{(self.entry or {})['account_id']}:role/{role}" if bare else role]

    def session(self) -> Any:
        """A boto3 session, by the chain of roles or the profile that c7n-org would use."""
        import boto3
        from c7n.credentials import assumed_session

        if self.entry is None:
            return boto3.Session(region_name=boto3.Session().region_name or DEFAULT_REGION)
        if not self.roles:
            return boto3.Session(profile_name=self.entry["profile"], region_name=self.region)
        session = None
        for role in self.roles:
            session = assumed_session(
                role, "c7n-inactive-keys-check", session=session,
                region=self.region, external_id=self.entry.get("external_id"),
            )  # fmt: skip
        return session


def read_targets(path: Path) -> list[Target]:
    """The accounts of a c7n-org file.

    Raises:
        YamlFileError: it cannot be read, or c7n-org would refuse an account of it.
    """
    entries = read_list(path, "accounts")
    for entry in entries:
        if wrong := _flaw(entry):
            raise YamlFileError(f"{path}: {wrong}")
    return [Target(f"{entry['account_id']} {entry['name']}", entry) for entry in entries]


def _flaw(entry: JsonMapping) -> str | None:
    """What c7n-org has against an account, by its schema and by what it reads without asking."""
    account_id = entry.get("account_id")
    if not account_id:
        return "an account has no account_id"
    label = f"account {account_id}"
    if not (isinstance(account_id, str) and re.fullmatch(r"[0-9]{12}", account_id)):
        return f"{label}: account_id must be 12 digits in quotes"
    if not (entry.get("role") or entry.get("profile")):
        return f"{label} has no role or profile"
    if not isinstance(entry.get("name"), str):
        return f"{label} has no name; c7n-org names its output after it"
    for name in ("regions", "role"):
        given = entry.get(name, [])
        listed = isinstance(given, list) and all(isinstance(item, str) for item in given)
        if not (listed or (name == "role" and isinstance(given, str))):
            return f"{label}: {name} must be a list of names, not {given!r}"
    for name in ("profile", "external_id"):
        if not isinstance(entry.get(name, ""), str):
            return f"{label}: {name} must be text, not {entry[name]!r}"
    return None
