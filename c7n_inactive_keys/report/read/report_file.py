# SPDX-License-Identifier: Apache-2.0
"""Json reports as inputs of another report: what is written for it, and how it is read back.

A report of a part of an organisation stands for the output that it was made of: the last run of
each policy in each account, with the keys and outcomes that still count.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any, TypeVar

from c7n_inactive_keys.core.errors import InactiveKeysError
from c7n_inactive_keys.core.found_key import FoundKey, evidence_items, evidence_of
from c7n_inactive_keys.core.json_types import JsonMapping, JsonObject
from c7n_inactive_keys.core.keys import ACTIVE, INACTIVE, AccessKey, LastUse
from c7n_inactive_keys.core.plan import PlanFile
from c7n_inactive_keys.core.reactivated_key import ReactivatedKey
from c7n_inactive_keys.core.written import moment, number_of_days, optional, text
from c7n_inactive_keys.report.model import (
    ActionRules,
    ActiveKey,
    ActiveOutcome,
    ActiveRow,
    Collection,
    ExpiredKey,
    KeyOutcome,
    KeyRow,
    ListedAccount,
    OrgFailure,
    PastRun,
    Row,
    SeenKey,
    SeenUser,
    UnreadPlace,
)
from c7n_inactive_keys.report.words import iso, printable

FORMAT_VERSION = 1
Key = TypeVar("Key", bound=SeenKey | ActiveKey)
ByPolicy = Mapping[tuple[str, str], Sequence[tuple[JsonMapping, Key]]]
# What is written of a run as it is; where its output was is of no use any more.
PLAIN = tuple(
    item.name
    for item in fields(PastRun)
    if item.name
    not in (
        *("source", "root", "place", "stamp", "keys", "outcomes"),
        *("deletion", "deactivation", "expired", "active_key_ids", "user_failures"),
        *("active_keys", "active_outcomes", "stages"),
    )
)


class DamagedReportError(InactiveKeysError):
    """A file is no json report, or not one of this format."""


# -- writing --------------------------------------------------------------------------------------


def input_fields(basis: Collection) -> dict[str, Iterator[Any]]:
    """Lists of a json report that another report reads."""
    return {
        "runs": map(_run_fields, basis.runs),
        "unread_places": map(asdict, basis.unread),
        "expected": map(asdict, basis.expected),
        "log": (
            {"key": key, **asdict(item), "time": iso(item.time), "run_began": iso(item.run_began)}
            for key, item in basis.org_failures.items()
        ),
    }


def _run_fields(run: PastRun) -> JsonObject:
    return {name: getattr(run, name) for name in PLAIN} | {
        "user_failures": run.user_failures,
        "active_key_ids": sorted(run.active_key_ids),
        "expired": [asdict(key) for key in run.expired],
        "unselected": [
            *(key.id for key in run.keys if not key.selected),
            *(key.id for key in run.active_keys if not key.selected),
        ],
        "deletion": _rules_fields(run.deletion),
        "deactivation": _rules_fields(run.deactivation),
        "stages": sorted(run.stages),
    }


def _rules_fields(rules: ActionRules | None) -> JsonObject | None:
    return {**asdict(rules), "exempt_tags": sorted(rules.exempt_tags)} if rules else None


def key_basis(row: KeyRow, tags: Iterable[str]) -> JsonObject:
    """What is written of a key besides what everybody reads; of its user's tags only these."""
    return {"evidence": evidence_items(row.found.evidence), **_basis(row, tags)}


def active_basis(row: ActiveRow, tags: Iterable[str]) -> JsonObject:
    """The same of a key that is not inactive."""
    woken = row.key.woken
    return {
        "evidence": evidence_items(woken.evidence) if woken else [],
        "aim": row.done and row.done.aim,
        **_basis(row, tags),
    }


def _basis(row: Row, tags: Iterable[str]) -> JsonObject:
    user = row.user
    return {
        "partition": user.partition,
        "user_keys": user.keys,
        "user_tags": {tag: value for tag in (*tags, row.key.id) if (value := user.tag(tag))},
        "other_credentials": user.other_credentials,
        "outcome_policy": row.done and row.done.policy,
    }


# -- reading --------------------------------------------------------------------------------------


def read_report(text: str, source: str) -> Collection:
    """What a json report rests on.

    Raises:
        DamagedReportError: it is none.
    """
    try:
        document = json.loads(printable(text))
        if document["format_version"] != FORMAT_VERSION:
            raise DamagedReportError(
                f"{source} is a report of format_version {document['format_version']}, of which "
                f"only {FORMAT_VERSION} can be read"
            )
        return _collection(document, source)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise DamagedReportError(
            f"{source} is no json report of c7n-inactive-keys ({type(error).__name__}: {error})"
        ) from error


def _collection(document: JsonMapping, source: str) -> Collection:
    runs = [_run(item, source) for item in document["runs"]]
    keys = _by_policy(document["keys"], _key)
    others = _by_policy(document["active_keys"], _active_key)
    return Collection(
        runs=tuple(
            _with_keys(run, item, keys, others)
            for run, item in zip(runs, document["runs"], strict=True)
        ),
        problems=tuple(document["problems"]),
        unread=tuple(UnreadPlace(**item) for item in document["unread_places"]),
        expected=tuple(ListedAccount(**item) for item in document["expected"]),
        org_failures={_failure_key(item): _failure(item) for item in document["log"]},
    )


def _by_policy(
    items: Iterable[JsonMapping], make: Callable[[JsonMapping], Key]
) -> dict[tuple[str, str], list[tuple[JsonMapping, Key]]]:
    """The keys that each policy found in each account or has an outcome of, with what is told."""
    found: dict[tuple[str, str], list[tuple[JsonMapping, Key]]] = {}
    for item in items:
        for policy in {*item["policies"], item["basis"]["outcome_policy"]} - {None}:
            found.setdefault((item["account_id"], policy), []).append((item, make(item)))
    return found


def _rules(item: JsonMapping | None) -> ActionRules | None:
    return ActionRules(**{**item, "exempt_tags": frozenset(item["exempt_tags"])}) if item else None


def _run(item: JsonMapping, source: str) -> PastRun:
    return PastRun(
        **{name: item[name] for name in PLAIN},
        source=source,
        root="",
        place=source,
        stamp="",
        user_failures=tuple(item["user_failures"]),
        active_key_ids=frozenset(item["active_key_ids"]),
        expired=tuple(ExpiredKey(**key) for key in item["expired"]),
        deletion=_rules(item["deletion"]),
        deactivation=_rules(item["deactivation"]),
        stages=frozenset(item["stages"]),
    )


def _with_keys(
    run: PastRun,
    item: JsonMapping,
    keys: ByPolicy[SeenKey],
    others: ByPolicy[ActiveKey],
) -> PastRun:
    """The run with the keys that it found, and the outcomes that its policy's journals hold."""
    inactive = keys.get((run.account_id, run.policy), ())
    active = others.get((run.account_id, run.policy), ())
    return replace(
        run,
        keys=_seen_keys(run, item, inactive),
        outcomes=tuple(KeyOutcome(key=key, **done) for _, key, done in _done(run, inactive)),
        active_keys=_seen_keys(run, item, (pair for pair in active if pair[0]["last_seen"])),
        active_outcomes=tuple(
            ActiveOutcome(key=key, aim=known["basis"]["aim"], **done)
            for known, key, done in _done(run, active)
        ),
    )


def _seen_keys(
    run: PastRun, item: JsonMapping, entries: Iterable[tuple[JsonMapping, Key]]
) -> tuple[Key, ...]:
    """Those of the keys that the run found, marked where a filter left them out."""
    unselected = frozenset(item["unselected"])
    return tuple(
        replace(key, selected=key.id not in unselected)
        for known, key in entries
        if _has_found(run, known)
    )


def _has_found(run: PastRun, known: JsonMapping) -> bool:
    seen = known["last_seen"]
    found = seen is not None and run.started <= seen if run.fresh else seen is None
    return run.policy in known["policies"] and found


def _done(
    run: PastRun, entries: Iterable[tuple[JsonMapping, Key]]
) -> Iterator[tuple[JsonMapping, Key, JsonObject]]:
    """Those that journals of the run's policy have an outcome of, with the outcome's fields."""
    for known, key in entries:
        if known["basis"]["outcome_policy"] == run.policy:
            done = {
                "policy": run.policy,
                "time": known["outcome_time"],
                "outcome": known["outcome"],
                "reason": known["reason"],
                "plan": PlanFile(known["plan"], known["plan_sha256"]) if known["plan"] else None,
            }
            yield known, key, done


def _active_key(item: JsonMapping) -> ActiveKey:
    key = AccessKey(
        text(item["access_key_id"]), text(item["user_name"]), ACTIVE, moment(item["created"])
    )
    use = LastUse(
        optional(moment, item["last_used"]), item["last_used_service"], item["last_used_region"]
    )
    return ActiveKey(key, use, _user(item), item["unused_days"], _woken(item, key, use))


def _woken(item: JsonMapping, key: AccessKey, use: LastUse) -> ReactivatedKey | None:
    if item["dormant_at_least_days"] is None:
        return None
    return ReactivatedKey(
        key=key,
        last_use=use,
        at_least_days=number_of_days(item["dormant_at_least_days"]),
        at_most_days=number_of_days(item["dormant_at_most_days"]),
        reactivated=optional(moment, item["reactivated_at"]),
        actor=item["reactivated_by"],
        evidence=evidence_of(item["basis"]["evidence"]),
    )


def _user(item: JsonMapping) -> SeenUser:
    basis = item["basis"]
    return SeenUser(
        account_id=item["account_id"],
        name=item["user_name"],
        path=item["path"],
        partition=basis["partition"],
        keys=basis["user_keys"],
        tags=basis["user_tags"],
        other_credentials=basis["other_credentials"],
    )


def _key(item: JsonMapping) -> SeenKey:
    basis, until = item["basis"], item["unsettled_until"]
    days = {"AtLeast": item["at_least_days"], "AtMost": item["at_most_days"]}
    found = FoundKey.from_annotation(
        {
            "AccessKeyId": item["access_key_id"],
            "UserName": item["user_name"],
            "Status": INACTIVE,
            "CreateDate": item["created"],
            "LastUsedDate": item["last_used"],
            "LastUsedService": item["last_used_service"],
            "LastUsedRegion": item["last_used_region"],
            "InactiveSince": {"NotBefore": item["not_before"], "NotAfter": item["not_after"]},
            "InactiveDays": days
            | (
                {"Unsettled": {"AtLeast": item["unsettled_at_least_days"], "Until": until}}
                if until
                else {}
            ),
            "NotifiedDate": item["notified"],
            "Evidence": basis["evidence"],
        }
    )
    return SeenKey(found, _user(item), proven=item["proven"], first_seen=item["first_seen"])


def _failure_key(item: JsonMapping) -> tuple[str, str | None, str]:
    account, policy, region = item["key"]
    return account, policy, region


def _failure(item: JsonMapping) -> OrgFailure:
    return OrgFailure(
        text=item["text"],
        leaves_account=item["leaves_account"],
        time=optional(moment, item["time"]),
        run_began=optional(moment, item["run_began"]),
    )
