# SPDX-License-Identifier: Apache-2.0
"""The plugin's own elements: what is valid and hardly ever meant, and what is refused anyway.

Pure functions of a policy's data, for `lint` and for whoever else has a policy in hand.
"""

from __future__ import annotations

from collections.abc import Iterator

from c7n_inactive_keys.lint.change import Drop, Insert, Put, Step
from c7n_inactive_keys.lint.contract import (
    COVERS,
    DAYS,
    DELETE,
    HISTORY_DAYS,
    INACTIVE,
    MAX_KEYS,
    NEEDS,
    OPTIONS,
    REACTIVATE,
    RECORD,
    SOURCE,
    is_number,
)
from c7n_inactive_keys.lint.finding import Fault, Remedy
from c7n_inactive_keys.lint.policy import Element, Policy
from c7n_inactive_keys.lint.rendering import block


def check(policy: Policy) -> Iterator[Fault]:
    """What is wrong with the policy's use of the plugin."""
    if not policy.about_users:
        return
    yield from _options(policy)
    for item in policy.filters_of(INACTIVE):
        yield from _evidence(policy, item)
    for item in policy.actions_of(*NEEDS):
        yield from _selection(policy, item)
        yield from _care(policy, item)
    for item in policy.actions_of(RECORD):
        yield from _notice(policy, item)
    for item in policy.actions_of(REACTIVATE):
        yield from _journal(item)
    if policy.actions_of(DELETE):
        yield from _deletion(policy)


# -- options --------------------------------------------------------------------------------------


def _options(policy: Policy) -> Iterator[Fault]:
    for item in policy.of_type(*OPTIONS):
        for name in item.data:
            if name != "type" and name not in OPTIONS[item.type]:
                known = ", ".join(OPTIONS[item.type])
                text = f"{item.type} has no option `{name}`; options: {known}."
                yield Fault("unknown-option", (*item.path, str(name)), text)


def _evidence(policy: Policy, item: Element) -> Iterator[Fault]:
    sources, days = item.data.get("evidence", ["ledger", "cloudtrail"]), item.data.get("days")
    if not isinstance(sources, list) or not is_number(days) or days <= 0:
        return
    export = item.data.get("events-from")
    if item.data.get("certainty") == "possible" or (isinstance(export, dict) and COVERS in export):
        return
    if "cloudtrail" not in sources:
        why = "without cloudtrail in evidence nothing shows that a key was not active since"
    elif "ledger" in sources:
        return
    elif days > HISTORY_DAYS:
        why = f"event history reaches back {HISTORY_DAYS} days, and only the ledger further"
    elif days == HISTORY_DAYS and policy.data.get("source") != SOURCE:
        yield _too_short(
            item,
            f"Hardly a key matches: to prove {HISTORY_DAYS} days by event history alone, somebody "
            f"must have seen it inactive; add ledger to evidence, or use source: {SOURCE}.",
        )
        return
    else:
        return
    yield _too_short(item, f"No key matches, ever: {why}.")


def _too_short(item: Element, text: str) -> Fault:
    lines = block([{**item.data, "evidence": ["ledger", "cloudtrail"]}]) + "\n"
    path = (*item.path, "evidence")
    return Fault("evidence-too-short", path, text, Remedy(lines, (Drop(path),)))


# -- keys and their care --------------------------------------------------------------------------


def _selection(policy: Policy, item: Element) -> Iterator[Fault]:
    wanted = NEEDS[item.type]
    if any(not found.negated for found in policy.filters_of(wanted)):
        return
    text = f"{item.type} acts on what {wanted} matched, and no such filter selects keys here."
    lines = block({"filters": [{"type": wanted, "days": DAYS}]}) + "\n"
    yield Fault("no-key-filter", item.path, text, Remedy(lines))


def _care(policy: Policy, item: Element) -> Iterator[Fault]:
    if item.type == DELETE and "max-keys" not in item.data and "plan" not in item.data:
        text = "There is no limit: a mistake in the filters takes every key that they match."
        yield Fault("max-keys-missing", item.path, text, _option(item, "max-keys", MAX_KEYS))
    tag = item.data.get("exempt-tag")
    if isinstance(tag, str) and tag.startswith("tag:"):
        bare = tag.removeprefix("tag:").strip()
        text = f"`{tag}` exempts nobody: a tag's key is written without `tag:`."
        yield Fault(
            "exempt-tag", (*item.path, "exempt-tag"), text, _option(item, "exempt-tag", bare)
        )
    if tag is None:
        for key in policy.exempting_tags[:1]:
            text = (
                f"A user who is tagged `{key}` after the users were listed loses its keys all the "
                "same."
            )
            yield Fault("exemption-not-live", item.path, text, _option(item, "exempt-tag", key))


def _option(item: Element, name: str, value: object) -> Remedy:
    data = {"type": item.type, **item.data, name: value}
    step: Step = Put((*item.path, name), value)
    if not item.data:  # the bare name of the action
        step = Put(item.path, data)
    return Remedy(block([data]) + "\n", (step,))


def _deletion(policy: Policy) -> Iterator[Fault]:
    planned = all("plan" in item.data for item in policy.actions_of(DELETE))
    for item in policy.filters_of(INACTIVE):
        if item.negated:
            continue
        if "days" not in item.data:
            text = (
                "It does not say for how long: a key that was deactivated today is deleted today."
            )
            yield Fault("days-missing", item.path, text, _option(item, "days", DAYS))
        if item.data.get("certainty") == "possible" and not planned:
            path = (*item.path, "certainty")
            text = "It deletes keys that may have been active until today, and nobody approved it."
            proven = {name: value for name, value in item.data.items() if name != "certainty"}
            lines = block([proven]) + "\n"
            yield Fault("possible-without-plan", path, text, Remedy(lines, (Drop(path),)))


# -- others ---------------------------------------------------------------------------------------


def _notice(policy: Policy, item: Element) -> Iterator[Fault]:
    if item.data.get("notified") is not True:
        return
    notices = [other for other in policy.actions if other.type == "notify"]
    if any(notice.path < item.path for notice in notices):
        return
    if not notices:
        text = "Keys are recorded as notified, and no `notify` tells anybody."
        yield Fault("notified-before-notify", item.path, text)
        return
    text = "Keys are recorded as notified first: if the notice behind fails, nobody was told."
    last = notices[-1].path
    behind = (Insert((*last[:-1], int(last[-1]) + 1), dict(item.data)), Drop(item.path))
    lines = block({"actions": [dict(notices[-1].data) or "notify", dict(item.data)]}) + "\n"
    yield Fault("notified-before-notify", item.path, text, Remedy(lines, behind))


def _journal(item: Element) -> Iterator[Fault]:
    if "journal" not in item.data:
        text = "Only what a journal says we deactivated can be reactivated, and none is named."
        right = {"type": REACTIVATE, "journal": {"url": "file://inactive-keys.jsonl"}}
        yield Fault("journal-missing", item.path, text, Remedy(block([right]) + "\n"))
