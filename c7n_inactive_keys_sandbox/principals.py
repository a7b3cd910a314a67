# SPDX-License-Identifier: Apache-2.0
"""Who makes a call: a user by a long-term key, or a role by a session's temporary key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

ADMINISTRATOR = "Administrator"
TOKEN = "sandbox//session-token"


@dataclass(frozen=True)
class Principal:
    """The identity behind a signature. `name` is the user's or the role's name."""

    account_id: str
    kind: str  # IAMUser, AssumedRole or Root
    name: str
    access_key_id: str
    principal_id: str
    partition: str = "aws"
    session_name: str | None = None
    path: str = "/"
    expired: bool = False

    @property
    def arn(self) -> str:
        """The ARN that GetCallerIdentity shows."""
        if self.kind == "Root":
            return f"arn:{self.partition}:iam::{self.account_id}:root"
        if self.kind == "AssumedRole":
            return (
                f"arn:{self.partition}:sts::{self.account_id}:assumed-role/"
                f"{self.name}/{self.session_name}"
            )
        return f"arn:{self.partition}:iam::{self.account_id}:user{self.path}{self.name}"

    @property
    def event_name(self) -> str:
        """`Username` of an event: the user's name or the session's."""
        return self.session_name or ("root" if self.kind == "Root" else self.name)

    def identity(self) -> dict[str, object]:
        """`userIdentity` of a CloudTrail record."""
        identity: dict[str, object] = {
            "type": self.kind,
            "principalId": self.principal_id,
            "arn": self.arn,
            "accountId": self.account_id,
            "accessKeyId": self.access_key_id,
        }
        if self.kind == "IAMUser":
            identity["userName"] = self.name
        elif self.kind == "AssumedRole":
            identity["sessionContext"] = {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": self.principal_id.partition(":")[0],
                    "arn": f"arn:{self.partition}:iam::{self.account_id}:role/{self.name}",
                    "accountId": self.account_id,
                    "userName": self.name,
                }
            }
        return identity


def secret_of(access_key_id: str) -> str:
    """The secret of a key; signatures are not verified, so any that looks like one will do."""
    return hashlib.sha256(access_key_id.encode()).hexdigest()[:40]


def administrator(account_id: str, partition: str) -> Principal:
    """The session that may do everything in an account unless `Sandbox.allow` says otherwise."""
    return Principal(
        account_id,
        "AssumedRole",
        ADMINISTRATOR,
        f"ASIA{account_id}ADMN",
        f"AROAADMINISTRATOR2{account_id[-3:]}:sandbox",
        partition,
        "sandbox",
    )
