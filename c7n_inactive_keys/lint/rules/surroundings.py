# SPDX-License-Identifier: Apache-2.0
"""What a policy says, what it hears of, and what it runs in."""

from __future__ import annotations

from collections.abc import Iterator

from c7n_inactive_keys.lint.change import Insert, Put, Step
from c7n_inactive_keys.lint.contract import HANDLER, PACKAGE, RECORD
from c7n_inactive_keys.lint.finding import Fault, Remedy
from c7n_inactive_keys.lint.keys import selected
from c7n_inactive_keys.lint.policy import Policy
from c7n_inactive_keys.lint.rendering import block
from c7n_inactive_keys.lint.words import claim, messages

# Actions that only tell or note.
TELLING = {
    "notify", "webhook", "post-finding", "post-item", "put-metric", "tag", "remove-tag",
    "mark-for-op", RECORD,
}  # fmt: skip
USER_IDS = "requestParameters.userName || userIdentity.userName"
# Event -> what in it names the user, whoever called.
EVENTS = {
    "UpdateAccessKey": "userIdentity.userName",
    "DeleteAccessKey": "userIdentity.userName",
    "CreateAccessKey": "responseElements.accessKey.userName",
}
CREATED_IDS = "responseElements.accessKey.userName"


def check(policy: Policy) -> Iterator[Fault]:
    """What goes wrong around the policy's filters and actions."""
    if policy.about_users:
        yield from _claims(policy)
        yield from _events(policy)
        yield from _archive(policy)


def _claims(policy: Policy) -> Iterator[Fault]:
    does = {item.type for item in policy.actions}
    if not policy.key_filters or not does <= TELLING:
        return
    of_inactive = not any(key.active for key in selected(policy))
    for item in policy.actions_of("notify", "webhook", "post-finding"):
        for name, text in messages(item.data):
            done = claim(text, of_inactive)
            if done:
                message = f"The message says that keys were {done}, and no action does that."
                yield Fault("says-undone", (*item.path, name), message)


# -- events ---------------------------------------------------------------------------------------


def _events(policy: Policy) -> Iterator[Fault]:
    events = policy.mode.get("events")
    for index, event in enumerate(events if isinstance(events, list) else ()):
        name = event if isinstance(event, str) else _event_name(event)
        if name in EVENTS and EVENTS[name] not in _ids(event) and "userIdentity" not in _ids(event):
            path = ("mode", "events", index)
            yield Fault("event-ids", path, _of_event(event, name), _event_remedy(path, event, name))


def _event_name(event: object) -> str:
    return str(event.get("event", "")) if isinstance(event, dict) else ""


def _ids(event: object) -> str:
    return str(event.get("ids", "")) if isinstance(event, dict) else ""


def _of_event(event: object, name: str) -> str:
    if isinstance(event, str):
        return f"Custodian knows no event of the short name {name}: it has to be spelt out."
    return (
        f"{name} carries no `requestParameters.userName` when users change a key of their own, so "
        "their changes are missed."
    )


def _event_remedy(path: tuple[str | int, ...], event: object, name: str) -> Remedy:
    ids = CREATED_IDS if name == "CreateAccessKey" else USER_IDS
    right = {"source": "iam.amazonaws.com", "event": name, "ids": ids}
    lines = block({"events": [right]}) + "\n"
    if isinstance(event, str):
        return Remedy(lines, (Put(path, right),))
    return Remedy(lines, (Put((*path, "ids"), ids),))


# -- Lambda ---------------------------------------------------------------------------------------


def _archive(policy: Policy) -> Iterator[Fault]:
    mode = policy.mode
    if not mode or not policy.ours:
        return
    packages = mode.get("packages")
    steps: list[Step] = []
    if not isinstance(packages, list):
        steps.append(Put(("mode", "packages"), [PACKAGE]))
    elif PACKAGE not in packages:
        steps.append(Insert(("mode", "packages", len(packages)), PACKAGE))
    if mode.get("handler") != HANDLER:
        steps.append(Put(("mode", "handler"), HANDLER))
    if steps:
        text = "In Lambda nothing loads the plugin by itself: the function fails at each call."
        lines = block({"mode": {"packages": [PACKAGE], "handler": HANDLER}}) + "\n"
        yield Fault("lambda-without-plugin", ("mode",), text, Remedy(lines, tuple(steps)))
