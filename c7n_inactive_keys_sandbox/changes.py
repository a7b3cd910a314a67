# SPDX-License-Identifier: Apache-2.0
"""Changes of state by name: what somebody else may do to the user and key of a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from c7n_inactive_keys_sandbox.accounts import User
from c7n_inactive_keys_sandbox.keys import Key
from c7n_inactive_keys_sandbox.values import ACTIVE, INACTIVE

if TYPE_CHECKING:
    from c7n_inactive_keys_sandbox.calls import Call
    from c7n_inactive_keys_sandbox.world import World


def _user(world: World, call: Call) -> User | None:
    account = world.state.accounts.get(call.account or "")
    return account.users.get(call.user or "") if account else None


def _keys(world: World, call: Call, status: str) -> list[Key]:
    """The key that the call names, else those of its user that have the status."""
    if call.key_id:
        key = world.state.keys.get(call.key_id)
        return [key] if key else []
    user = _user(world, call)
    return [key for key in user.keys if key.status == status] if user else []


def activate(world: World, call: Call) -> None:
    """Somebody switches the key on again."""
    for key in _keys(world, call, INACTIVE):
        key.activate()


def deactivate(world: World, call: Call) -> None:
    """Somebody switches the key off."""
    for key in _keys(world, call, ACTIVE):
        key.deactivate()


def delete_key(world: World, call: Call) -> None:
    """Somebody deletes the key."""
    for key in _keys(world, call, INACTIVE):
        key.delete()


def replace_key(world: World, call: Call) -> None:
    """Somebody deletes the key and creates another, active one."""
    for key in _keys(world, call, INACTIVE):
        user = key.user
        key.delete()
        user.key(created=world.now())


def delete_user(world: World, call: Call) -> None:
    """Somebody deletes the user with all its keys."""
    user = _user(world, call)
    if user:
        user.delete()


def exempt(world: World, call: Call) -> None:
    """Somebody exempts the user by the tag of the shipped policies."""
    user = _user(world, call)
    if user:
        user.remember()
        user.tags["keep-keys"] = "yes"


def expire_sessions(world: World, call: Call) -> None:
    """The sessions of assumed roles in the account expire."""
    world.expire_sessions(call.account)


CHANGES: Mapping[str, Callable[[Any, Any], None]] = MappingProxyType(
    {
        "activate": activate,
        "deactivate": deactivate,
        "delete-key": delete_key,
        "replace-key": replace_key,
        "delete-user": delete_user,
        "exempt": exempt,
        "expire-sessions": expire_sessions,
    }
)
