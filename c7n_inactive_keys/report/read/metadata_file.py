# SPDX-License-Identifier: Apache-2.0
"""What Custodian wrote down of a run in metadata.json, checked before anything is built on it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from c7n_inactive_keys.core.json_types import JsonMapping
from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.report.model import UNDO, UNUSED, WOKEN, ActionRules

FILTER = "inactive-access-key"
ACCESS_KEY = "access-key"
CREDENTIAL = "credential"
DELETE = "delete-inactive-keys"
DEACTIVATE = "deactivate-unused-keys"
REACTIVATE = "reactivate-keys"
# What makes a policy one of ours, so that its run of an account counts; and what it is about.
FILTERS = {"unused-access-key": UNUSED, "reactivated-access-key": WOKEN}
ACTIONS = (DELETE, "record-inactive-keys", DEACTIVATE, REACTIVATE)
COUNTED = "ResourceCount"  # the metric of a run that read its resources to the end
RAISED = "PolicyException"
BLOCKS = ("or", "and", "not")
PULL_MODES = (None, "pull")
# Lambda functions that look at a whole account, too; in other modes it is what an event names.
SCHEDULED_MODES = ("periodic", "schedule")
LAST_SECOND = datetime(9999, 12, 31, tzinfo=timezone.utc).timestamp()


@dataclass(frozen=True, slots=True)
class Metadata:
    """A metadata.json; one that is not there says nothing, a damaged one has `fault` say why."""

    policy: str | None = None
    mode: str | None = None
    ours: bool | None = None  # has a filter or action of this package; None: unknown
    finds_keys: bool | None = None  # has the filter inactive-access-key
    lists_all: bool = True  # nothing narrows that filter
    stages: frozenset[str] = frozenset()
    deletion: ActionRules | None = None
    deactivation: ActionRules | None = None
    owner_tag: str | None = None  # of the policy's own metadata
    access_key_filters: bool = False  # without a credential filter, which knows keys by date alone
    account_id: str = ""
    region: str | None = None
    dryrun: bool = False
    started: str | None = None
    metrics: frozenset[str] = frozenset()
    fault: str | None = None


def read_metadata(text: str) -> Metadata:
    """What the text of a metadata.json says."""
    try:
        content = json.loads(text)
        if isinstance(content, dict) and isinstance(content.get("policy"), dict):
            return _Checker().read(content)
    except ValueError as error:
        return Metadata(fault=f"metadata.json is no JSON: {error}")
    except RecursionError:
        return Metadata(fault="metadata.json is nested too deeply")
    return Metadata(fault="metadata.json does not say which policy was run")


class _Checker:
    """Takes values out of a file whose parts may have any type; keeps the first fault."""

    def __init__(self) -> None:
        self.fault: str | None = None

    def read(self, content: JsonMapping) -> Metadata:
        policy, config = content["policy"], self._part(content, "config", dict)
        filters = self._part(policy, "filters", list)
        actions = self._part(policy, "actions", list)
        execution = self._part(content, "execution", dict)
        metrics = self._part(content, "metrics", list)
        of_type: dict[str | None, list[Any]] = {}
        for action in actions or ():
            of_type.setdefault(_type(action), []).append(action)
        deletions, deactivations = of_type.get(DELETE), of_type.get(DEACTIVATE)
        finds = _has(FILTER, filters)
        stages = {stage for name, stage in FILTERS.items() if _has(name, filters)}
        stages |= {UNDO} if REACTIVATE in of_type else set()
        return Metadata(
            policy=str(policy.get("name") or "") or None,
            mode=_type(policy.get("mode")),
            ours=None if self.fault else finds or bool(stages or of_type.keys() & {*ACTIONS}),
            finds_keys=None if self.fault else finds,
            lists_all=not finds or _is_plain(filters),
            stages=frozenset(stages),
            deletion=_deletion_rules(filters, deletions) if deletions else None,
            deactivation=_rules(deactivations) if deactivations else None,
            owner_tag=_text((self._part(policy, "metadata", dict) or {}).get("owner-tag")),
            access_key_filters=_has(ACCESS_KEY, filters) and not _has(CREDENTIAL, filters),
            account_id=str((config or {}).get("account_id") or ""),
            region=self._part(config or {}, "region", str),
            dryrun=bool((config or {}).get("dryrun")),
            started=self._start((execution or {}).get("start")),
            metrics=frozenset(
                str(item.get("MetricName")) for item in metrics or () if isinstance(item, dict)
            ),
            fault=self.fault,
        )

    def _part(self, content: JsonMapping, name: str, kind: type) -> Any:
        part = content.get(name)
        if part is None or isinstance(part, kind):
            return part
        self._note(f"metadata.json has {name} of a wrong type ({type(part).__name__})")
        return None

    def _start(self, start: object) -> str | None:
        if start is None:
            return None
        if isinstance(start, (int, float)) and 0 <= start <= LAST_SECOND:
            return format_time(datetime.fromtimestamp(start, timezone.utc))
        self._note(f"metadata.json has a start that is no time ({str(start)[:40]})")
        return None

    def _note(self, fault: str) -> None:
        self.fault = self.fault or fault


def _is_plain(filters: Any) -> bool:
    """Whether the filter stands alone, and asks for no days and no notice."""
    narrowing = {"days", "notified-days"}
    return len(filters) == 1 and not (isinstance(filters[0], dict) and narrowing & {*filters[0]})


def _deletion_rules(filters: Any, actions: Iterable[object]) -> ActionRules:
    """What the policy demands of a key that it deletes."""
    ours = [(item, plain) for item, plain in _walk(filters) if _type(item) == FILTER]
    item, plain = ours[0] if len(ours) == 1 else ({}, False)
    options = item if isinstance(item, dict) else {}
    return replace(
        _rules(actions),
        days=_number(options.get("days", 0)) if plain else None,
        possible=options.get("certainty") == "possible",
        notified_days=_number(options.get("notified-days")),
    )


def _rules(actions: Iterable[object]) -> ActionRules:
    """What actions demand of a key; several all have their say."""
    given = [action for action in actions if isinstance(action, dict)]
    plans = [action["plan"] for action in given if isinstance(action.get("plan"), dict)]
    caps = [cap for action in given if (cap := _number(action.get("max-keys"))) is not None]
    return ActionRules(
        exempt_tags=frozenset(
            str(action["exempt-tag"]).lower() for action in given if action.get("exempt-tag")
        ),
        plan=next((str(plan.get("url")) for plan in plans), None),
        max_keys=int(min(caps)) if caps else None,
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _type(item: object) -> str | None:
    """The type of a filter, action or mode, which may be given by its bare name."""
    name = item.get("type") if isinstance(item, dict) else item
    return name if isinstance(name, str) else None


def _has(filter_type: str, filters: Any) -> bool:
    """Whether a filter of the type stands in a list of filters or in a block of it."""
    return any(_type(item) == filter_type for item, _ in _walk(filters))


def _walk(filters: Any, plain: bool = True) -> Iterator[tuple[Any, bool]]:
    """All filters, those in blocks too, and whether each must match for the policy to match."""
    for item in filters if isinstance(filters, list) else ():
        yield item, plain
        for name in BLOCKS if isinstance(item, dict) else ():
            yield from _walk(item.get(name), plain and name == "and")
