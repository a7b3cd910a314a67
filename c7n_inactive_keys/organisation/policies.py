# SPDX-License-Identifier: Apache-2.0
"""Which policies of a file look, and which delete. Pure.

Everything but deletion runs for real on the first visit, so nothing else may change a key; and a
deletion goes by the plan that was counted over all accounts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from c7n_inactive_keys.core.json_types import JsonMapping, JsonObject
from c7n_inactive_keys.organisation.settings import SettingsError

DELETE = "delete-inactive-keys"
# What policies may do besides: none of it changes a key.
HARMLESS = frozenset({"notify", "put-metric", "record-inactive-keys", "webhook"})

Policy = JsonMapping


def check(policies: Iterable[Policy]) -> None:
    """Refuse policies that are not for an unattended run over all accounts.

    Raises:
        SettingsError: one changes keys in another way, brings its own plan, or deploys something.
    """
    policies = list(policies)
    for policy in policies:
        for fault in _faults(policy):
            raise SettingsError(f"policy {policy.get('name')!r} {fault}")
    if all(map(deletes, policies)):
        raise SettingsError("there is no policy that looks for keys without deleting them")


def _faults(policy: Policy) -> Iterator[str]:
    if policy.get("mode"):
        yield "has a mode: c7n-org would deploy it instead of running it"
    for action in _actions(policy):
        if action["type"] not in (DELETE, *HARMLESS):
            yield f"has the action {action['type']}: run it with c7n-org, where you can watch it"
        if action["type"] == DELETE and action.get("plan"):
            yield (
                "has a plan of its own: the plan of an organisation is what was counted; give an "
                "approved one to the stack's parameter Plan"
            )


def deletes(policy: Policy) -> bool:
    """Whether it has the action."""
    return any(action["type"] == DELETE for action in _actions(policy))


def with_plan(policies: Iterable[Policy], plan: str) -> list[JsonObject]:
    """The policies, those that delete bound to the plan at this url."""
    return [
        {**policy, "actions": [_bound(action, plan) for action in _actions(policy)]}
        if deletes(policy)
        else dict(policy)
        for policy in policies
    ]


def _bound(action: JsonMapping, plan: str) -> JsonObject:
    if action["type"] != DELETE:
        return dict(action)
    return {**action, "plan": {"url": plan, "format": "csv2dict"}}


def _actions(policy: Policy) -> list[JsonMapping]:
    """Custodian takes an action without options as its bare name."""
    return [
        {"type": action} if isinstance(action, str) else action
        for action in policy.get("actions") or ()
    ]
