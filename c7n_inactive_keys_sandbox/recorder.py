# SPDX-License-Identifier: Apache-2.0
"""Which calls leave a management event, and what stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from c7n_inactive_keys_sandbox.events import event
from c7n_inactive_keys_sandbox.protocol import ApiError, Request

if TYPE_CHECKING:
    from c7n_inactive_keys_sandbox.world import World

RECORDED = frozenset(
    {
        "CreateUser",
        "DeleteUser",
        "TagUser",
        "UntagUser",
        "CreateAccessKey",
        "UpdateAccessKey",
        "DeleteAccessKey",
    }
)
# CloudTrail's error codes are not IAM's in every case.
_ERROR_CODES = {
    "NoSuchEntity": "NoSuchEntityException",
    "LimitExceeded": "LimitExceededException",
    "DeleteConflict": "DeleteConflictException",
    "EntityAlreadyExists": "EntityAlreadyExistsException",
    "Throttling": "ThrottlingException",
}


def record(
    world: World,
    request: Request,
    result: Mapping[str, Any] | None = None,
    error: ApiError | None = None,
) -> None:
    """Record a call that changes something, or was meant to."""
    if request.service != "iam" or request.action not in RECORDED or request.principal is None:
        return
    account = world.state.account(request.principal.account_id)
    # A call that was denied is recorded without its parameters: its target stands in the message.
    denied = error is not None and error.code.startswith("AccessDenied")
    parameters = None if denied else _parameters(request)
    account.events.append(
        event(
            account,
            request.action,
            world.now(),
            request.principal,
            parameters,
            resources=() if error else _resources(request, result or {}),
            response=None if error else _response(request.action, result or {}),
            error=(_ERROR_CODES.get(error.code, error.code), error.message) if error else None,
            agent=request.headers.get("User-Agent", ""),
        )
    )


def _parameters(request: Request) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        name[0].lower() + name[1:]: value
        for name, value in request.parameters.items()
        if name not in ("Action", "Version") and "." not in name
    }
    if tags := request.members("Tags"):
        parameters["tags"] = [{"key": tag.get("Key"), "value": tag.get("Value")} for tag in tags]
    if keys := request.texts("TagKeys"):
        parameters["tagKeys"] = keys
    return parameters


def _resources(request: Request, result: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    key_id = request.parameters.get("AccessKeyId") or result.get("AccessKey", {}).get("AccessKeyId")
    user = request.parameters.get("UserName")
    resources = []
    if key_id:
        resources.append(("AWS::IAM::AccessKey", key_id))
    if user:
        resources.append(("AWS::IAM::User", user))
    return tuple(resources)


def _response(action: str, result: Mapping[str, Any]) -> dict[str, Any] | None:
    if action == "CreateAccessKey":
        key = result["AccessKey"]
        return {
            "accessKey": {
                "userName": key["UserName"],
                "accessKeyId": key["AccessKeyId"],
                "status": key["Status"],
            }
        }
    return None
