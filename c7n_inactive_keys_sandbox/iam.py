# SPDX-License-Identifier: Apache-2.0
"""IAM's calls on users, their tags and access keys."""

from __future__ import annotations

import base64
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from c7n_inactive_keys_sandbox.books import ACTIVE, INACTIVE, Account, Key, User, View, now
from c7n_inactive_keys_sandbox.calls import Call
from c7n_inactive_keys_sandbox.protocol import ApiError, Request

if TYPE_CHECKING:
    from c7n_inactive_keys_sandbox.world import World

TAGS_PER_USER = 50
_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)


def caller_account(world: World, request: Request) -> Account:
    """The account that the call is made in."""
    assert request.principal is not None
    return world.state.account(request.principal.account_id)


def named_user(request: Request) -> str:
    """`UserName`, or without it the user who made the call."""
    principal = request.principal
    assert principal is not None
    name = request.parameters.get("UserName")
    if name is None:
        if principal.kind != "IAMUser":
            raise ApiError(
                "ValidationError", "Must specify userName when calling with non-User credentials"
            )
        return principal.name
    if not _NAME.fullmatch(name):
        raise ApiError(
            "ValidationError",
            "The specified value for userName is invalid. It must contain only "
            "alphanumeric characters and/or the following: +=,.@_-",
        )
    return str(name)


def existing_user(world: World, request: Request) -> User:
    """The user that a change concerns; NoSuchEntity without one."""
    name = named_user(request)
    user = caller_account(world, request).users.get(name)
    if user is None:
        raise no_such_user(name)
    return user


def no_such_user(name: str) -> ApiError:
    """NoSuchEntity with AWS's sentence."""
    return ApiError("NoSuchEntity", f"The user with name {name} cannot be found.")


def seen_user(world: World, request: Request) -> View:
    """The user as a reader sees it: lagging behind where a fault of kind lag says so."""
    name = named_user(request)
    account = caller_account(world, request)
    call = Call("iam", request.action or "", account.id, request.region, name, None, None, now())
    past = world.state.before.get((account.id, name))
    if past is not None and world.faults.lags(call, past.change):
        return past
    user = account.users.get(name)
    if user is None:
        raise no_such_user(name)
    return user.view()


def page(
    request: Request,
    names: Sequence[str],
    sort: Any = lambda name: name,
) -> tuple[Sequence[str], dict[str, Any]]:
    """A page of sorted names after `Marker`, and the answer's words on what follows."""
    try:
        size = int(request.parameters.get("MaxItems", 100))
    except ValueError:
        size = 0
    if not 1 <= size <= 1000:
        raise ApiError("ValidationError", "MaxItems must be between 1 and 1000")
    first = 0
    if marker := request.parameters.get("Marker"):
        try:
            last = base64.b64decode(marker, validate=True).decode()
        except ValueError as error:
            raise ApiError("ValidationError", "Invalid Marker.") from error
        first = bisect_right(names, sort(last), key=sort)
    chosen = names[first : first + size]
    if first + size >= len(names):
        return chosen, {"IsTruncated": False}
    return chosen, {"IsTruncated": True, "Marker": base64.b64encode(chosen[-1].encode()).decode()}


def _shape(user: User | View, tags: bool = True) -> dict[str, Any]:
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
        shape["Tags"] = tag_list(user.tags)
    return shape


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags in AWS's form."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def list_users(world: World, request: Request) -> dict[str, Any]:
    """ListUsers: pages of 100, no tags."""
    account = caller_account(world, request)
    names = account.sorted_names()
    prefix = request.parameters.get("PathPrefix", "/")
    if prefix != "/":
        names = [name for name in names if account.users[name].path.startswith(prefix)]
    chosen, rest = page(request, names, lambda name: (name.lower(), name))
    return {"Users": [_shape(account.users[name], tags=False) for name in chosen]} | rest


def get_user(world: World, request: Request) -> dict[str, Any]:
    """GetUser, with tags."""
    return {"User": _shape(seen_user(world, request))}


def get_account_authorization_details(world: World, request: Request) -> dict[str, Any]:
    """GetAccountAuthorizationDetails, of which the sandbox knows users only, without policies."""
    account = caller_account(world, request)
    wanted = request.texts("Filter")
    names = account.sorted_names() if not wanted or "User" in wanted else []
    chosen, rest = page(request, names, lambda name: (name.lower(), name))
    users: list[dict[str, Any]] = [
        {"UserPolicyList": [], "GroupList": [], "AttachedManagedPolicies": [], "Tags": []}
        | _shape(account.users[name])
        for name in chosen
    ]
    for user in users:
        user.pop("PasswordLastUsed", None)  # which UserDetail does not have
    others: dict[str, Any] = {"GroupDetailList": [], "RoleDetailList": [], "Policies": []}
    return {"UserDetailList": users} | others | rest


def create_user(world: World, request: Request) -> dict[str, Any]:
    """CreateUser."""
    account = caller_account(world, request)
    name = named_user(request)
    if name.lower() in (other.lower() for other in account.users):
        raise ApiError("EntityAlreadyExists", f"User with name {name} already exists.")
    tags = _merged({}, request.members("Tags"))
    path = request.parameters.get("Path", "/")
    return {"User": _shape(account.user(name, path, tags, now()))}


def delete_user(world: World, request: Request) -> dict[str, Any]:
    """DeleteUser; keys must be deleted first."""
    user = existing_user(world, request)
    if user.keys:
        raise ApiError("DeleteConflict", "Cannot delete entity, must delete access keys first.")
    user.delete()
    return {}


def list_user_tags(world: World, request: Request) -> dict[str, Any]:
    """ListUserTags."""
    tags = seen_user(world, request).tags
    chosen, rest = page(request, sorted(tags))
    return {"Tags": tag_list({key: tags[key] for key in chosen})} | rest


def tag_user(world: World, request: Request) -> dict[str, Any]:
    """TagUser: all tags of the call or none."""
    user = existing_user(world, request)
    merged = _merged(user.tags, request.members("Tags"))
    user.remember()
    user.tags.clear()
    user.tags.update(merged)
    return {}


def untag_user(world: World, request: Request) -> dict[str, Any]:
    """UntagUser: keys that are not there are none of its business."""
    user = existing_user(world, request)
    unwanted = {key.lower() for key in request.texts("TagKeys")}
    user.remember()
    for key in [key for key in user.tags if key.lower() in unwanted]:
        del user.tags[key]
    return {}


def _merged(tags: Mapping[str, str], more: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Tags with more of them; keys differ by more than their case."""
    merged = dict(tags)
    new: dict[str, str] = {}
    for tag in more:
        key, value = tag.get("Key", ""), tag.get("Value", "")
        _check_tag(key, 128, 1, "key")
        _check_tag(value, 256, 0, "value")
        if key.lower().startswith("aws:"):
            raise ApiError("InvalidInput", "Tag keys beginning with aws: are reserved.")
        if key.lower() in (known.lower() for known in new):
            raise ApiError(
                "InvalidInput",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            )
        new[key] = value
    for key, value in new.items():
        for known in [known for known in merged if known.lower() == key.lower()]:
            if known != key:
                del merged[known]
        merged[key] = value
    if len(merged) > TAGS_PER_USER:
        raise ApiError("LimitExceeded", f"Cannot exceed quota for TagsPerUser: {TAGS_PER_USER}")
    return merged


def _check_tag(text: str, longest: int, shortest: int, name: str) -> None:
    legal = all(unicodedata.category(sign)[0] in "LZN" or sign in "_.:/=+-@" for sign in text)
    if not legal or not shortest <= len(text) <= longest:
        raise ApiError(
            "ValidationError",
            f"1 validation error detected: Value '{text}' at "
            f"'tags.1.member.{name}' failed to satisfy constraint: Member must satisfy regular "
            r"expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]" + ("+" if shortest else "*"),
        )


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
