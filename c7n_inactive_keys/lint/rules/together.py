# SPDX-License-Identifier: Apache-2.0
"""What is wrong only because of what stands beside a policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from c7n_inactive_keys.core.json_types import JsonMapping
from c7n_inactive_keys.lint.change import Drop, Put, Step
from c7n_inactive_keys.lint.contract import DELETE
from c7n_inactive_keys.lint.finding import Fault, Remedy
from c7n_inactive_keys.lint.migration import migration
from c7n_inactive_keys.lint.policy import Policy
from c7n_inactive_keys.lint.rendering import block
from c7n_inactive_keys.lint.stock import DEACTIVATES, key_actions

# Where c7n-org runs an account that names none.
DEFAULT_REGIONS = ["us-east-1", "us-west-2"]
GLOBAL = ("aws.iam-", "aws.account")


def unrecorded(policies: Sequence[Policy]) -> Iterator[tuple[int, Fault]]:
    """Stock deactivations in a file whose keys another policy deletes, by the policy's place."""
    deleting = [policy.name for policy in policies if policy.actions_of(DELETE)]
    for place, policy in enumerate(policies if deleting else ()):
        for action in key_actions(policy):
            if action.verb != DEACTIVATES:
                continue
            text = (
                f"{deleting[0]} deletes what this policy deactivates, and nobody records when it "
                "did: that is proven only by an event that arrives late, for 90 days."
            )
            yield place, Fault("not-recorded", action.element.path, text, migration(policy))


def many_regions(accounts: Sequence[Any], policies: Sequence[Policy]) -> Iterator[Fault]:
    """Accounts of a c7n-org file in which policies on keys would run more than once."""
    affected = [policy.name for policy in policies if _is_affected(policy)]
    places = [place for place, account in enumerate(accounts) if len(regions(account)) > 1]
    if not affected or not places:
        return
    count = len(regions(accounts[places[0]]))
    more = f" and {len(affected) - 1} more of these policies" if len(affected) > 1 else ""
    text = (
        f"c7n-org runs {affected[0]}{more} {'in all regions' if count > 50 else f'{count} times'}, "
        "once for each region, at the same time and on the same keys: IAM is global."
    )
    home = _home(accounts[places[0]])
    lines = block({"regions": [home]}) + "\n"
    if not all(name.startswith(GLOBAL) for policy in policies for name in policy.resources):
        lines = f"# in an accounts file of its own, or by: c7n-org run -r {home}\n{lines}"
        yield Fault("many-regions", ("accounts", places[0]), text, Remedy(lines))
        return
    steps = tuple(step for place in places for step in _one_region(place, accounts[place]))
    yield Fault("many-regions", ("accounts", places[0]), text, Remedy(lines, steps))


def _is_affected(policy: Policy) -> bool:
    about_keys = policy.key_filters or policy.ours or key_actions(policy)
    # Events of IAM reach one region only, wherever the function is deployed.
    pulled = policy.mode.get("type") != "cloudtrail"
    return policy.about_users and bool(about_keys) and pulled and not _has_region(policy)


def _has_region(policy: Policy) -> bool:
    conditions = policy.data.get("conditions")
    return "region" in policy.data or any(
        isinstance(item, Mapping) and ("region" in item or item.get("key") == "region")
        for item in (conditions if isinstance(conditions, list) else ())
    )


def regions(account: object) -> list[str]:
    """The regions that c7n-org runs in; `all` counts for many."""
    given = account.get("regions") if isinstance(account, Mapping) else None
    if given is None:
        return DEFAULT_REGIONS
    names = [str(name) for name in given] if isinstance(given, list) else [str(given)]
    return ["all"] * 99 if "all" in names else names


def _home(account: object) -> str:
    from c7n_inactive_keys.partitions import home_region, partition_of

    first = regions(account)[0]
    return home_region(partition_of(first) or "aws") or first


def _one_region(place: int, account: JsonMapping) -> list[Step]:
    path = ("accounts", place, "regions")
    home = _home(account)
    if not isinstance(account.get("regions"), list):
        return [Put(path, [home], after=("role", "profile"))]
    dropped: list[Step] = [Drop((*path, i)) for i in range(len(account["regions"]) - 1, 0, -1)]
    return [*dropped, Put((*path, 0), home)]
