# SPDX-License-Identifier: Apache-2.0
"""IAM's calls on access keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from c7n_inactive_keys_sandbox.keys import Key
from c7n_inactive_keys_sandbox.protocol import ApiError, Request
from c7n_inactive_keys_sandbox.users import existing_user, page, seen_user
from c7n_inactive_keys_sandbox.values import ACTIVE, INACTIVE, now

if TYPE_CHECKING:
    from c7n_inactive_keys_sandbox.world import World

KEYS_PER_USER = 2


def list_access_keys(world: World, request: Request) -> dict[str, Any]:
    """ListAccessKeys of a user, or of the caller."""
    keys = {str(key["AccessKeyId"]): key for key in seen_user(world, request).keys}
    chosen, rest = page(request, sorted(keys))
    return {"AccessKeyMetadata": [keys[key_id] for key_id in chosen]} | rest


def create_access_key(world: World, request: Request) -> dict[str, Any]:
    """CreateAccessKey; an inactive key counts towards the two that a user may have."""
    user = existing_user(world, request)
    if len(user.keys) >= KEYS_PER_USER:
        raise ApiError(
            "LimitExceeded", f"Cannot exceed quota for AccessKeysPerUser: {KEYS_PER_USER}"
        )
    user.remember()
    key = user.key(created=now())
    return {
        "AccessKey": {
            "UserName": user.name,
            "AccessKeyId": key.id,
            "Status": key.status,
            "SecretAccessKey": key.secret,
            "CreateDate": key.created,
        }
    }


def update_access_key(world: World, request: Request) -> dict[str, Any]:
    """UpdateAccessKey; its event is recorded with all other calls that change something."""
    status = request.parameters.get("Status")
    if status not in (ACTIVE, INACTIVE):
        raise ApiError(
            "ValidationError",
            f"1 validation error detected: Value '{status}' at 'status' failed "
            "to satisfy constraint: Member must satisfy enum value set: [Active, Inactive]",
        )
    _key(world, request).set_status(status)
    return {}


def delete_access_key(world: World, request: Request) -> dict[str, Any]:
    """DeleteAccessKey: whatever its status, as in AWS."""
    _key(world, request).delete()
    return {}


def get_access_key_last_used(world: World, request: Request) -> dict[str, Any]:
    """GetAccessKeyLastUsed, within the caller's account."""
    assert request.principal is not None
    key = world.state.keys.get(request.parameters.get("AccessKeyId", ""))
    if key is None or key.user.account.id != request.principal.account_id:
        raise ApiError(
            "AccessDenied",
            f"User: {request.principal.arn} is not authorized to "
            "perform: iam:GetAccessKeyLastUsed on resource: "
            f"{request.parameters.get('AccessKeyId')}",
        )
    used = key.last_used
    return {
        "UserName": key.user.name,
        "AccessKeyLastUsed": {
            "LastUsedDate": used.time if used else None,
            "ServiceName": used.service if used else "N/A",
            "Region": used.region if used else "N/A",
        },
    }


def _key(world: World, request: Request) -> Key:
    user = existing_user(world, request)
    key_id = request.parameters.get("AccessKeyId", "")
    for key in user.keys:
        if key.id == key_id:
            return key
    raise ApiError("NoSuchEntity", f"The Access Key with id {key_id} cannot be found.")
