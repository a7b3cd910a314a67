# SPDX-License-Identifier: Apache-2.0
"""Json reports as inputs of another report: what is written for it, and how it is read back.

A report of a part of an organisation stands for the output that it was made of: the last run of
each policy in each account, with the keys and outcomes that still count.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from c7n_inactive_keys.core.errors import InactiveKeysError
from c7n_inactive_keys.core.found_key import FoundKey, evidence_items
from c7n_inactive_keys.core.keys import INACTIVE
from c7n_inactive_keys.core.plan import PlanFile
from c7n_inactive_keys.core.written import moment, optional
from c7n_inactive_keys.report.model import (
    Collection,
    DeletionRules,
    ExpiredKey,
    KeyOutcome,
    KeyRow,
    ListedAccount,
    OrgFailure,
    PastRun,
    SeenKey,
    SeenUser,
    UnreadPlace,
)
from c7n_inactive_keys.report.words import iso, printable

FORMAT_VERSION = 1
# What is written of a run as it is; where its output was is of no use any more.
PLAIN = tuple(
    item.name
    for item in fields(PastRun)
    if item.name
    not in (
        *("source", "root", "place", "stamp", "keys", "outcomes"),
        *("deletion", "expired", "active_key_ids", "user_failures"),
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


def _run_fields(run: PastRun) -> dict[str, Any]:
    rules = run.deletion
    return {name: getattr(run, name) for name in PLAIN} | {
        "user_failures": run.user_failures,
        "active_key_ids": sorted(run.active_key_ids),
        "expired": [asdict(key) for key in run.expired],
        "unselected": [key.id for key in run.keys if not key.selected],
        "deletion": rules and {**asdict(rules), "exempt_tags": sorted(rules.exempt_tags)},
    }


def key_basis(row: KeyRow, tags: Iterable[str]) -> dict[str, Any]:
    """What is written of a key besides what everybody reads; of its user's tags only these."""
    user = row.user
    return {
        "evidence": evidence_items(row.found.evidence),
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


def _collection(document: Mapping[str, Any], source: str) -> Collection:
    runs = [_run(item, source) for item in document["runs"]]
    keys: dict[tuple[str, str], list[tuple[Mapping[str, Any], SeenKey]]] = {}
    for item in document["keys"]:
        for policy in {*item["policies"], item["basis"]["outcome_policy"]} - {None}:
            keys.setdefault((item["account_id"], policy), []).append((item, _key(item)))
    return Collection(
        runs=tuple(
            _with_keys(run, item, keys.get((run.account_id, run.policy), ()))
            for run, item in zip(runs, document["runs"], strict=True)
        ),
        problems=tuple(document["problems"]),
        unread=tuple(UnreadPlace(**item) for item in document["unread_places"]),
        expected=tuple(ListedAccount(**item) for item in document["expected"]),
        org_failures={_failure_key(item): _failure(item) for item in document["log"]},
    )


def _run(item: Mapping[str, Any], source: str) -> PastRun:
    rules = item["deletion"]
    return PastRun(
        **{name: item[name] for name in PLAIN},
        source=source,
        root="",
        place=source,
        stamp="",
        user_failures=tuple(item["user_failures"]),
        active_key_ids=frozenset(item["active_key_ids"]),
        expired=tuple(ExpiredKey(**key) for key in item["expired"]),
        deletion=rules
        and DeletionRules(**{**rules, "exempt_tags": frozenset(rules["exempt_tags"])}),
    )


def _with_keys(
    run: PastRun, item: Mapping[str, Any], entries: Iterable[tuple[Mapping[str, Any], SeenKey]]
) -> PastRun:
    """The run with the keys that it found, and the outcomes that its policy's journals hold."""
    unselected = frozenset(item["unselected"])
    keys, outcomes = [], []
    for known, key in entries:
        seen = known["last_seen"]
        if run.policy in known["policies"] and (
            seen is not None and run.started <= seen if run.fresh else seen is None
        ):
            keys.append(replace(key, selected=key.id not in unselected))
        if known["basis"]["outcome_policy"] == run.policy:
            outcomes.append(
                KeyOutcome(
                    key=key,
                    policy=run.policy,
                    time=known["outcome_time"],
                    outcome=known["outcome"],
                    reason=known["reason"],
                    plan=PlanFile(known["plan"], known["plan_sha256"]) if known["plan"] else None,
                )
            )
    return replace(run, keys=tuple(keys), outcomes=tuple(outcomes))


def _key(item: Mapping[str, Any]) -> SeenKey:
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
    user = SeenUser(
        account_id=item["account_id"],
        name=item["user_name"],
        path=item["path"],
        partition=basis["partition"],
        keys=basis["user_keys"],
        tags=basis["user_tags"],
        other_credentials=basis["other_credentials"],
    )
    return SeenKey(found, user, proven=item["proven"], first_seen=item["first_seen"])


def _failure_key(item: Mapping[str, Any]) -> tuple[str, str | None, str]:
    account, policy, region = item["key"]
    return account, policy, region


def _failure(item: Mapping[str, Any]) -> OrgFailure:
    return OrgFailure(
        text=item["text"],
        leaves_account=item["leaves_account"],
        time=optional(moment, item["time"]),
        run_began=optional(moment, item["run_began"]),
    )
