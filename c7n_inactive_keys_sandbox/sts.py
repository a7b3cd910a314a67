# SPDX-License-Identifier: Apache-2.0
"""STS: who am I, and be somebody else in another account."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from c7n_inactive_keys_sandbox.principals import role_session, secret_of
from c7n_inactive_keys_sandbox.protocol import ApiError, Request
from c7n_inactive_keys_sandbox.realm import identifier
from c7n_inactive_keys_sandbox.world import World

ROLE = re.compile(r"arn:[\w-]+:iam::(\d{12}):role/(?:.*/)?([\w+=,.@-]+)")
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)


def get_caller_identity(_: World, request: Request) -> dict[str, Any]:
    """GetCallerIdentity, which nobody can be denied."""
    caller = request.caller
    return {"UserId": caller.id, "Account": caller.account_id, "Arn": caller.arn}


def assume_role(world: World, request: Request) -> dict[str, Any]:
    """AssumeRole: any role of an account that there is."""
    arn = request.parameters.get("RoleArn", "")
    session = request.parameters.get("RoleSessionName", "")
    if not _SESSION_NAME.fullmatch(session):
        raise ApiError("ValidationError", "roleSessionName must have length 2 to 64")
    match = ROLE.fullmatch(arn)
    if not match or match[1] not in world.accounts:
        raise ApiError(
            "AccessDenied",
            f"User: {request.caller.arn} is not authorized to "
            f"perform: sts:AssumeRole on resource: {arn}",
        )
    account_id, role = match.groups()
    role_id = identifier("AROA", 17, account_id, role)
    key_id = world.realm.new_id("ASIA", 16, account_id, role)
    assumed = role_session(world.realm.partition, account_id, role, role_id, session, key_id)
    world.sessions[key_id] = assumed
    lifetime = timedelta(seconds=int(request.parameters.get("DurationSeconds", 3600)))
    return {
        "Credentials": {
            "AccessKeyId": key_id,
            "SecretAccessKey": secret_of(key_id),
            "SessionToken": f"sandbox//{secret_of(key_id)}",
            "Expiration": world.now() + lifetime,
        },
        "AssumedRoleUser": {"AssumedRoleId": assumed.id, "Arn": assumed.arn},
    }
