# SPDX-License-Identifier: Apache-2.0
"""IAM's calls on users, their tags and access keys."""

from __future__ import annotations

import base64
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from c7n_inactive_keys_sandbox.accounts import ACTIVE, INACTIVE, Account, Key, User
from c7n_inactive_keys_sandbox.calls import Call
from c7n_inactive_keys_sandbox.principals import Principal
from c7n_inactive_keys_sandbox.protocol import ApiError, Request
from c7n_inactive_keys_sandbox.tags import merged
from c7n_inactive_keys_sandbox.world import World

KEYS_PER_USER = 2
_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)


def list_users(world: World, request: Request) -> dict[str, Any]:
    """ListUsers: pages of 100, no tags."""
    account = world.account_of(request)
    prefix = request.parameters.get("PathPrefix", "/")
    names = account.sorted_names()
    if prefix != "/":
        names = [name for name in names if account.users[name].path.startswith(prefix)]
    users, rest = _page_of_users(request, account, names)
    return {"Users": [_shape(user, tags=False) for user in users]} | rest


def get_user(world: World, request: Request) -> dict[str, Any]:
    """GetUser, with tags."""
    return {"User": _shape(_seen_user(world, request))}


def get_account_authorization_details(world: World, request: Request) -> dict[str, Any]:
    """GetAccountAuthorizationDetails, of which the sandbox knows users only, without policies."""
    account = world.account_of(request)
    wanted = request.texts("Filter")
    names = account.sorted_names() if not wanted or "User" in wanted else []
    users, rest = _page_of_users(request, account, names)
    lists = ("UserPolicyList", "GroupList", "AttachedManagedPolicies", "Tags")
    empty: dict[str, Any] = {name: [] for name in lists}
    details = [empty | _shape(user) for user in users]
    for detail in details:
        detail.pop("PasswordLastUsed", None)  # which UserDetail does not have
    others: dict[str, Any] = {"GroupDetailList": [], "RoleDetailList": [], "Policies": []}
    return {"UserDetailList": details} | others | rest


def create_user(world: World, request: Request) -> dict[str, Any]:
    """CreateUser."""
    account = world.account_of(request)
    name = _named_user(request)
    _refuse_taken(name, account.users)
    path = request.parameters.get("Path", "/")
    user = account.user(name, path, merged({}, request.members("Tags")), world.now())
    return {"User": _shape(user)}


def update_user(world: World, request: Request) -> dict[str, Any]:
    """UpdateUser: another name or path."""
    user = _existing_user(world, request)
    name = _legal(request.parameters.get("NewUserName", user.name), "newUserName")
    _refuse_taken(name, set(user.account.users) - {user.name})
    user.rename(name)
    user.path = request.parameters.get("NewPath", user.path)
    return {}


def delete_user(world: World, request: Request) -> dict[str, Any]:
    """DeleteUser; keys must be deleted first."""
    user = _existing_user(world, request)
    if user.keys:
        raise ApiError("DeleteConflict", "Cannot delete entity, must delete access keys first.")
    user.delete()
    return {}


def list_user_tags(world: World, request: Request) -> dict[str, Any]:
    """ListUserTags."""
    tags = _seen_user(world, request).tags
    chosen, rest = _page(request, sorted(tags))
    return {"Tags": _tag_list({key: tags[key] for key in chosen})} | rest


def tag_user(world: World, request: Request) -> dict[str, Any]:
    """TagUser: all tags of the call or none."""
    user = _existing_user(world, request)
    return _set_tags(user, merged(user.tags, request.members("Tags")))


def untag_user(world: World, request: Request) -> dict[str, Any]:
    """UntagUser: keys that are not there are none of its business."""
    user = _existing_user(world, request)
    unwanted = {key.lower() for key in request.texts("TagKeys")}
    kept = {key: value for key, value in user.tags.items() if key.lower() not in unwanted}
    return _set_tags(user, kept)


def list_access_keys(world: World, request: Request) -> dict[str, Any]:
    """ListAccessKeys of a user, or of the caller."""
    user = _seen_user(world, request)
    keys = {key.id: key for key in user.keys}
    chosen, rest = _page(request, sorted(keys))
    return {"AccessKeyMetadata": [_metadata(user, keys[key_id]) for key_id in chosen]} | rest


def create_access_key(world: World, request: Request) -> dict[str, Any]:
    """CreateAccessKey; an inactive key counts towards the two that a user may have."""
    user = _existing_user(world, request)
    if len(user.keys) >= KEYS_PER_USER:
        message = f"Cannot exceed quota for AccessKeysPerUser: {KEYS_PER_USER}"
        raise ApiError("LimitExceeded", message)
    user.remember()
    key = user.key(created=world.now())
    return {"AccessKey": _metadata(user, key) | {"SecretAccessKey": key.secret}}


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
    key_id = request.parameters.get("AccessKeyId", "")
    key = world.account_of(request).keys_by_id.get(key_id)
    if key is None:
        who = f"User: {request.caller.arn} is not authorized"
        what = f"to perform: iam:GetAccessKeyLastUsed on resource: {key_id}"
        raise ApiError("AccessDenied", f"{who} {what}")
    used = key.last_used
    return {
        "UserName": key.user.name,
        "AccessKeyLastUsed": {
            "LastUsedDate": used.time if used else None,
            "ServiceName": used.service if used else "N/A",
            "Region": used.region if used else "N/A",
        },
    }


def simulate_principal_policy(world: World, request: Request) -> dict[str, Any]:
    """SimulatePrincipalPolicy by the rules of `Sandbox.allow`; the resource is not looked at."""
    name = request.parameters.get("PolicySourceArn", "").rpartition("/")[2]
    subject = Principal(request.caller.account_id, "AssumedRole", name, "", "", "")
    decisions = {True: "allowed", False: "implicitDeny"}
    results = [
        {
            "EvalActionName": action,
            "EvalResourceName": "*",
            "EvalDecision": decisions[world.permissions.allows(subject, action)],
        }
        for action in request.texts("ActionNames")
    ]
    return {"EvaluationResults": results, "IsTruncated": False}


# -- whom a call is about --------------------------------------------------------------------------


def _named_user(request: Request) -> str:
    """`UserName`, or without it the user who made the call."""
    name = request.parameters.get("UserName")
    if name is not None:
        return _legal(name, "userName")
    if request.caller.kind != "IAMUser":
        message = "Must specify userName when calling with non-User credentials"
        raise ApiError("ValidationError", message)
    return request.caller.name


def _legal(name: str, parameter: str) -> str:
    if not _NAME.fullmatch(name):
        raise ApiError(
            "ValidationError",
            f"The specified value for {parameter} is invalid. It must contain only "
            "alphanumeric characters and/or the following: +=,.@_-",
        )
    return name


def _refuse_taken(name: str, others: set[str] | Mapping[str, User]) -> None:
    if name.lower() in map(str.lower, others):
        raise ApiError("EntityAlreadyExists", f"User with name {name} already exists.")


def _existing_user(world: World, request: Request) -> User:
    """The user that a change concerns."""
    return _existing(world.account_of(request), _named_user(request))


def _seen_user(world: World, request: Request) -> User:
    """The user as a reader sees it: lagging behind where a fault of kind lag says so."""
    name = _named_user(request)
    account = world.account_of(request)
    call = Call("iam", request.action or "", account.id, "", name, None, None, world.now())
    past = account.before.get(name)
    if past is not None and world.faults.lags(call, past):
        return past
    return _existing(account, name)


def _existing(account: Account, name: str) -> User:
    if name not in account.users:
        raise ApiError("NoSuchEntity", f"The user with name {name} cannot be found.")
    return account.users[name]


def _key(world: World, request: Request) -> Key:
    user = _existing_user(world, request)
    key_id = request.parameters.get("AccessKeyId", "")
    for key in user.keys:
        if key.id == key_id:
            return key
    raise ApiError("NoSuchEntity", f"The Access Key with id {key_id} cannot be found.")


def _set_tags(user: User, tags: Mapping[str, str]) -> dict[str, Any]:
    user.remember()
    user.tags.clear()
    user.tags.update(tags)
    return {}


# -- what is answered ------------------------------------------------------------------------------


def _page(
    request: Request, names: Sequence[str], sort: Any = str
) -> tuple[Sequence[str], dict[str, Any]]:
    """A page of sorted names after `Marker`, and the answer's words on what follows."""
    size = request.parameters.get("MaxItems", "100")
    if not re.fullmatch(r"\d{1,4}", size) or not 1 <= int(size) <= 1000:
        raise ApiError("ValidationError", "MaxItems must be between 1 and 1000")
    first = 0
    if marker := request.parameters.get("Marker"):
        try:
            last = base64.b64decode(marker, validate=True).decode()
        except ValueError as error:
            raise ApiError("ValidationError", "Invalid Marker.") from error
        first = bisect_right(names, sort(last), key=sort)
    chosen = names[first : first + int(size)]
    if first + int(size) >= len(names):
        return chosen, {"IsTruncated": False}
    return chosen, {"IsTruncated": True, "Marker": base64.b64encode(chosen[-1].encode()).decode()}


def _page_of_users(
    request: Request, account: Account, names: Sequence[str]
) -> tuple[list[User], dict[str, Any]]:
    chosen, rest = _page(request, names, lambda name: (name.lower(), name))
    return [account.users[name] for name in chosen], rest


def _shape(user: User, tags: bool = True) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.id,
        "Arn": user.arn,
        "CreateDate": user.created,
    }
    if user.password_last_used:
        shape["PasswordLastUsed"] = user.password_last_used
    if tags and user.tags:
        shape["Tags"] = _tag_list(user.tags)
    return shape


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _metadata(user: User, key: Key) -> dict[str, Any]:
    return {
        "UserName": user.name,
        "AccessKeyId": key.id,
        "Status": key.status,
        "CreateDate": key.created,
    }
