# SPDX-License-Identifier: Apache-2.0
"""CloudFormation, as far as it tells which stack manages a user or a key."""

from __future__ import annotations

from typing import Any

from c7n_inactive_keys_sandbox.accounts import Key, User
from c7n_inactive_keys_sandbox.protocol import ApiError, Request
from c7n_inactive_keys_sandbox.realm import identifier
from c7n_inactive_keys_sandbox.world import World

STATUS = "CREATE_COMPLETE"
Named = dict[str, Any]


def list_stacks(world: World, request: Request) -> dict[str, Any]:
    """ListStacks of the region."""
    wanted = request.texts("StackStatusFilter")
    stacks = _stacks(world, request) if not wanted or STATUS in wanted else []
    summary = {"CreationTime": _created(world, request), "StackStatus": STATUS}
    return {"StackSummaries": [names | summary for names, _ in stacks]}


def list_stack_resources(world: World, request: Request) -> dict[str, Any]:
    """ListStackResources."""
    _, resources = _asked_for(world, request)
    time = {"LastUpdatedTimestamp": _created(world, request)}
    return {"StackResourceSummaries": [resource | time for resource in resources]}


def describe_stack_resources(world: World, request: Request) -> dict[str, Any]:
    """DescribeStackResources, of a stack or of that to which a physical resource belongs."""
    names, resources = _asked_for(world, request)
    time = {"Timestamp": _created(world, request)}
    return {"StackResources": [names | resource | time for resource in resources]}


def _asked_for(world: World, request: Request) -> tuple[Named, list[Named]]:
    name, physical = (request.parameters.get(by) for by in ("StackName", "PhysicalResourceId"))
    for names, resources in _stacks(world, request):
        held = [resource["PhysicalResourceId"] for resource in resources]
        if name in names.values() or physical in held:
            return names, resources
    raise ApiError("ValidationError", f"Stack for {physical or name} does not exist")


def _stacks(world: World, request: Request) -> list[tuple[Named, list[Named]]]:
    """The stacks of the region: names and resources of each."""
    account = world.account_of(request)
    place = f"arn:{world.realm.partition}:cloudformation:{request.region}:{account.id}"
    found = []
    for (region, name), held in account.stacks.items():
        if region == request.region:
            number = identifier("", 16, account.id, region, name).lower()
            names = {"StackName": name, "StackId": f"{place}:stack/{name}/{number}"}
            found.append((names, [_resource(*item) for item in held.items()]))
    return found


def _resource(logical: str, item: User | Key) -> Named:
    kind, physical = ("AccessKey", item.id) if isinstance(item, Key) else ("User", item.name)
    return {
        "LogicalResourceId": logical,
        "PhysicalResourceId": physical,
        "ResourceType": f"AWS::IAM::{kind}",
        "ResourceStatus": STATUS,
    }


def _created(world: World, request: Request) -> Any:
    """Stacks are as old as the account: nothing that is tested goes by their age."""
    return world.account_of(request).root.created
