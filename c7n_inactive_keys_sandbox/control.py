# SPDX-License-Identifier: Apache-2.0
"""The sandbox's own HTTP interface, below /sandbox: for other processes than the sandbox's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from c7n_inactive_keys_sandbox.events import RandomDelays
from c7n_inactive_keys_sandbox.faults import Fault
from c7n_inactive_keys_sandbox.organisation import seed_organisation
from c7n_inactive_keys_sandbox.protocol import Answer, Request, json_answer
from c7n_inactive_keys_sandbox.world import World

Document = Mapping[str, Any]
_SETTINGS = ("latency", "rates", "report_snapshots", "report_polls", "report_root")
_FAULT_FIELDS = tuple(item.name for item in fields(Fault))


def answer(world: World, request: Request) -> Answer:
    """Answer a request of the control interface; 400 and one sentence for what is wrong."""
    parts = urlsplit(request.target)
    query = dict(parse_qsl(parts.query))
    route = ROUTES.get((request.method, parts.path.rstrip("/")))
    if route is None:
        known = ", ".join(f"{method} {path}" for method, path in ROUTES)
        return json_answer({"error": f"no such thing here; there are {known}"}, 404, aws=False)
    try:
        document = json.loads(request.body or b"{}")
        if not isinstance(document, dict):
            return json_answer({"error": "the body is to be a json object"}, 400, aws=False)
        with world.lock:
            result = route(world, {**query, **document})
        return json_answer({} if result is None else result, aws=False)
    except (ValueError, TypeError) as error:
        return json_answer({"error": str(error)}, 400, aws=False)


def _info(world: World, _: Document) -> object:
    return {
        "partition": world.realm.partition,
        "now": world.now(),
        "accounts": [
            {
                "id": account.id,
                "name": account.name,
                "users": len(account.users),
                "keys": len(account.keys),
                "inactive_keys": len(account.inactive_keys),
            }
            for account in world.accounts.values()
        ],
    }


def _calls(world: World, given: Document) -> object:
    action, account, service = (given.get(name) for name in ("action", "account", "service"))
    found = world.calls.select(action, account, service)
    return {
        "count": len(found),
        "by_action": world.calls.by_action(account),
        "calls": [asdict(call) for call in found],
    }


def _faults(world: World, _: Document) -> object:
    return [
        {name: getattr(fault, name) for name in _FAULT_FIELDS if name != "call"}
        | {
            "call": fault.call if isinstance(fault.call, str) else None,
            "hits": world.faults.hits(fault),
        }
        for fault in world.faults
    ]


def _add_fault(world: World, given: Document) -> None:
    unknown = set(given) - set(_FAULT_FIELDS)
    if unknown:
        raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
    world.faults.add(Fault(**given))


def _age(world: World, given: Document) -> None:
    world.age(timedelta(**{unit: float(number) for unit, number in given.items()}))


def _reset(world: World, given: Document) -> object:
    world.reset()
    return _seed(world, given) if given.get("organisation") else None


def _seed(world: World, given: Document) -> object:
    seed_organisation(world, world.now())
    return _info(world, given)


def _settings(world: World, _: Document) -> object:
    delay: object = world.event_delay
    if isinstance(delay, timedelta):
        delay = delay.total_seconds()
    elif isinstance(delay, RandomDelays):
        delay = {"up_to": delay.up_to.total_seconds(), "seed": delay.seed}
    return {name: getattr(world, name) for name in _SETTINGS} | {
        "clock_offset": world.clock_offset.total_seconds(),
        "event_delay": delay,
    }


def _set(world: World, given: Document) -> object:
    for name, value in given.items():
        if name == "clock_offset":
            world.clock_offset = timedelta(seconds=value)
        elif name == "event_delay":
            world.event_delay = _delay(value)
        elif name in _SETTINGS:
            setattr(world, name, value)
        else:
            raise ValueError(f"there is no setting {name}")
    return _settings(world, given)


def _delay(value: Any) -> timedelta | RandomDelays:
    """Seconds for all events, or a random delay of each `up_to` so many seconds."""
    if not isinstance(value, dict):
        return timedelta(seconds=value)
    if "up_to" not in value:
        raise ValueError("event_delay: up_to (seconds) is missing")
    return RandomDelays(timedelta(seconds=value["up_to"]), value.get("seed", 0))


def _allow(world: World, given: Document) -> None:
    if "who" not in given:
        raise ValueError("who (account id or role name) is missing")
    world.allow(given["who"], given.get("actions"))


def _environ(world: World, given: Document) -> object:
    account_id = given.get("account")
    if not account_id:
        raise ValueError("account is missing")
    return world.credentials(account_id)


ROUTES: Mapping[tuple[str, str], Callable[[World, Document], object]] = {
    ("GET", "/sandbox"): _info,
    ("GET", "/sandbox/truth"): lambda world, _: world.truth(),
    ("GET", "/sandbox/calls"): _calls,
    ("DELETE", "/sandbox/calls"): lambda world, _: world.calls.clear(),
    ("GET", "/sandbox/faults"): _faults,
    ("POST", "/sandbox/faults"): _add_fault,
    ("DELETE", "/sandbox/faults"): lambda world, _: world.faults.clear(),
    ("POST", "/sandbox/age"): _age,
    ("POST", "/sandbox/reset"): _reset,
    ("POST", "/sandbox/seed"): _seed,
    ("GET", "/sandbox/settings"): _settings,
    ("PUT", "/sandbox/settings"): _set,
    ("POST", "/sandbox/allow"): _allow,
    ("GET", "/sandbox/environ"): _environ,
}
