# SPDX-License-Identifier: Apache-2.0
"""Who makes a call: a user by a long-term key, or a role by a session's temporary key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

TOKEN = "sandbox//session-token"


@dataclass(frozen=True)
class Principal:
    """The identity behind a signature. `name` is the user's or the role's name."""

    account_id: str
    kind: str  # IAMUser, AssumedRole or Root
    name: str
    access_key_id: str
    id: str
    arn: str
    expired: bool = False

    def identity(self) -> dict[str, object]:
        """`userIdentity` of a CloudTrail record."""
        identity: dict[str, object] = {
            "type": self.kind,
            "principalId": self.id,
            "arn": self.arn,
            "accountId": self.account_id,
            "accessKeyId": self.access_key_id,
        }
        if self.kind == "IAMUser":
            identity["userName"] = self.name
        elif self.kind == "AssumedRole":
            partition = self.arn.split(":")[1]
            issuer = {
                "type": "Role",
                "principalId": self.id.partition(":")[0],
                "arn": f"arn:{partition}:iam::{self.account_id}:role/{self.name}",
                "accountId": self.account_id,
                "userName": self.name,
            }
            identity["sessionContext"] = {"sessionIssuer": issuer}
        return identity


def role_session(
    partition: str, account_id: str, role: str, role_id: str, session: str, access_key_id: str
) -> Principal:
    """A session of an assumed role."""
    arn = f"arn:{partition}:sts::{account_id}:assumed-role/{role}/{session}"
    return Principal(account_id, "AssumedRole", role, access_key_id, f"{role_id}:{session}", arn)


def administrator(partition: str, account_id: str) -> Principal:
    """The session that may do everything in an account unless `Sandbox.allow` says otherwise."""
    role_id, key_id = f"AROAADMINISTRATOR2{account_id[-3:]}", f"ASIA{account_id}ADMN"
    return role_session(partition, account_id, "Administrator", role_id, "sandbox", key_id)


def secret_of(access_key_id: str) -> str:
    """The secret of a key; signatures are not verified, so any that looks like one will do."""
    return hashlib.sha256(access_key_id.encode()).hexdigest()[:40]
