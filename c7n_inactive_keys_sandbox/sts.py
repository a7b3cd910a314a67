# SPDX-License-Identifier: Apache-2.0
"""STS: who am I, and be somebody else in another account."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from c7n_inactive_keys_sandbox.principals import Principal, secret_of
from c7n_inactive_keys_sandbox.protocol import ApiError, Request

if TYPE_CHECKING:
    from c7n_inactive_keys_sandbox.world import World

ROLE = re.compile(r"arn:[\w-]+:iam::(\d{12}):role/(?:.*/)?([\w+=,.@-]+)")
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)


def get_caller_identity(_: World, request: Request) -> dict[str, Any]:
    """GetCallerIdentity, which nobody can be denied."""
    principal = request.principal
    assert principal is not None
    return {"UserId": principal.principal_id, "Account": principal.account_id, "Arn": principal.arn}


def assume_role(world: World, request: Request) -> dict[str, Any]:
    """AssumeRole: any role of an account that there is."""
    assert request.principal is not None
    arn = request.parameters.get("RoleArn", "")
    session = request.parameters.get("RoleSessionName", "")
    if not _SESSION_NAME.fullmatch(session):
        raise ApiError("ValidationError", "roleSessionName must have length 2 to 64")
    match = ROLE.fullmatch(arn)
    if not match or match[1] not in world.state.accounts:
        raise ApiError(
            "AccessDenied",
            f"User: {request.principal.arn} is not authorized to "
            f"perform: sts:AssumeRole on resource: {arn}",
        )
    account_id, role = match.groups()
    role_id = world.role_id(account_id, role)
    principal = Principal(
        account_id,
        "AssumedRole",
        role,
        world.state.new_id("ASIA", 16, account_id, role),
        f"{role_id}:{session}",
        world.state.partition,
        session,
    )
    world.state.sessions[principal.access_key_id] = principal
    lifetime = timedelta(seconds=int(request.parameters.get("DurationSeconds", 3600)))
    return {
        "Credentials": {
            "AccessKeyId": principal.access_key_id,
            "SecretAccessKey": secret_of(principal.access_key_id),
            "SessionToken": f"sandbox//{secret_of(principal.access_key_id)}",
            "Expiration": datetime.now(timezone.utc) + lifetime,
        },
        "AssumedRoleUser": {"AssumedRoleId": principal.principal_id, "Arn": principal.arn},
    }
