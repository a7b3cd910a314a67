# SPDX-License-Identifier: Apache-2.0
"""What a real run would make of each key that is left: by the policy, and by all that is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from c7n_inactive_keys.core.journal import (
    ALREADY_GONE,
    AMBIGUOUS,
    CHANGED,
    DEACTIVATED,
    DELETED,
    EXEMPT,
    MANAGED,
    MAX_KEYS,
    NOT_IN_PLAN,
    NOT_MATCHED,
    SKIPPED,
    USER_GONE,
)
from c7n_inactive_keys.core.times import DAY, parse_time
from c7n_inactive_keys.report.failures import short_reason
from c7n_inactive_keys.report.model import (
    IF_PLANNED,
    READ,
    ROOT,
    WAITS_FOR_NOTICE,
    WAITS_FOR_PROOF,
    ActionRules,
    ActiveKey,
    ActiveRow,
    KeyId,
    KeyRow,
    Outlook,
    PastRun,
    SeenKey,
)
from c7n_inactive_keys.report.sightings import seen_active
from c7n_inactive_keys.report.words import iso

# Of the verdicts of several policies the first of these counts.
ORDER = (
    DELETED,
    DEACTIVATED,
    IF_PLANNED,
    MAX_KEYS,
    NOT_IN_PLAN,
    AMBIGUOUS,
    CHANGED,
    USER_GONE,
    MANAGED,
)
# What a run itself found, and the next one will find again.
LASTING = (EXEMPT, NOT_IN_PLAN, NOT_MATCHED, AMBIGUOUS, CHANGED, USER_GONE, MANAGED)


def with_outlooks(
    rows: Iterable[KeyRow], current: Sequence[PastRun], covered: Collection[str]
) -> Iterator[KeyRow]:
    """The rows with their outlook, as far as a policy that deletes has read their accounts."""
    rows = list(rows)
    left = {row.key.identity for row in rows if not row.settled}
    active = seen_active(current)
    deletions: dict[str, list[_Deletion]] = {}
    for run in current:
        if run.deletion and run.state == READ and run.account_id in covered:
            deletion = _Deletion.of(run, run.deletion, left, active)
            deletions.setdefault(run.account_id, []).append(deletion)
    for row in rows:
        found = deletions.get(row.user.account_id)
        yield replace(row, outlook=_outlook(row, found)) if found and not row.settled else row


@dataclass(frozen=True, slots=True)
class _Deletion:
    """A run of a policy that deletes, with the keys that it matched and that are still there."""

    policy: str
    rules: ActionRules
    matched: Mapping[KeyId, SeenKey]
    exceeded: bool  # there are more than max-keys

    @classmethod
    def of(
        cls,
        run: PastRun,
        rules: ActionRules,
        left: Collection[KeyId],
        active: Mapping[KeyId, str],
    ) -> _Deletion:
        matched = {
            key.identity: key
            for key in run.keys
            # What was active later is another matter, though it may be inactive again.
            if key.identity in left and active.get(key.identity, "") <= run.started
        }
        return cls(run.policy, rules, matched, exceeds(matched.values(), rules))


def exempt(key: SeenKey | ActiveKey, rules: ActionRules) -> bool:
    """Whether a tag of the user exempts it."""
    return key.user.tag(*rules.exempt_tags) is not None


def exceeds(matched: Iterable[SeenKey | ActiveKey], rules: ActionRules) -> bool:
    """Whether there are more keys than max-keys allows."""
    number = sum(key.selected and not exempt(key, rules) for key in matched)
    return rules.max_keys is not None and number > rules.max_keys


def _matched(
    key: SeenKey | ActiveKey, rules: ActionRules, policy: str, done: str, exceeded: bool
) -> Outlook:
    """What becomes of a key that the policy's filters matched."""
    if exempt(key, rules):
        return Outlook(EXEMPT, policy)
    if not key.selected:
        return Outlook(NOT_MATCHED, policy)
    if exceeded:
        return Outlook(MAX_KEYS, policy)
    return Outlook(IF_PLANNED if rules.plan else done, policy)


# -- keys that are to be deactivated ---------------------------------------------------------------


def with_deactivations(
    rows: Iterable[ActiveRow], current: Iterable[PastRun], covered: Collection[str]
) -> Iterator[ActiveRow]:
    """The rows with their outlook, of keys that a policy would deactivate and has not yet."""
    found: dict[KeyId, list[Outlook]] = {}
    rows = list(rows)
    left = {row.key.identity for row in rows if row.done is None}
    for run in current:
        rules = run.deactivation
        if rules and run.state == READ and run.account_id in covered:
            matched = [key for key in run.active_keys if key.identity in left]
            exceeded = exceeds(matched, rules)
            for key in matched:
                outlook = _matched(key, rules, run.policy, DEACTIVATED, exceeded)
                found.setdefault(key.identity, []).append(outlook)
    for row in rows:
        outlooks = found.get(row.key.identity)
        yield replace(row, outlook=min(outlooks, key=_rank)) if outlooks else row


# -- keys that are to be deleted -------------------------------------------------------------------


def _outlook(row: KeyRow, deletions: Sequence[_Deletion]) -> Outlook:
    if row.user.is_root:
        return Outlook(ROOT, "")
    return min((_by_policy(row, deletion) for deletion in deletions), key=_rank)


def _rank(outlook: Outlook) -> tuple[int, str]:
    position = ORDER.index(outlook.verdict) if outlook.verdict in ORDER else len(ORDER)
    return position, outlook.deletable_from or "~"


def _by_policy(row: KeyRow, deletion: _Deletion) -> Outlook:
    done = row.done
    skipped = done and (done.policy, done.outcome) == (deletion.policy, SKIPPED)
    lasting = short_reason(row)
    if skipped and lasting in LASTING:
        return Outlook(lasting, deletion.policy)
    matched = deletion.matched.get(row.key.identity)
    if matched is None and exempt(row.key, deletion.rules):
        return Outlook(EXEMPT, deletion.policy)
    if matched is None:
        return _unmatched(row, deletion)
    return _matched(matched, deletion.rules, deletion.policy, DELETED, deletion.exceeded)


def _unmatched(row: KeyRow, deletion: _Deletion) -> Outlook:
    """Why the policy did not match a key that another one found."""
    rules, found = deletion.rules, row.found
    if rules.days is None:
        return Outlook(NOT_MATCHED, deletion.policy)
    told = found.notified
    due = told + rules.notified_days * DAY if told and rules.notified_days is not None else None
    days = found.at_most_days if rules.possible else found.at_least_days
    if days < rules.days:
        old = _old_enough(row, rules)
        if rules.notified_days is not None:
            old = max(old, due) if old and due else None
        return Outlook(WAITS_FOR_PROOF, deletion.policy, iso(old))
    if rules.notified_days is not None and not (due and due <= _seen(row)):
        return Outlook(WAITS_FOR_NOTICE, deletion.policy, iso(due))
    return Outlook(NOT_MATCHED, deletion.policy)


def _seen(row: KeyRow) -> datetime:
    """When what is known of it was found."""
    return parse_time(row.last_seen) if row.last_seen else row.found.not_after


def _old_enough(row: KeyRow, rules: ActionRules) -> datetime | None:
    """When the key will have been inactive for long enough, if that is foreseeable."""
    found, days = row.found, (rules.days or 0.0) * DAY
    if rules.possible:
        return found.not_before + days
    if found.unsettled:
        proven = _seen(row) - found.unsettled.at_least * DAY
        return max(found.unsettled.until, proven + days)
    return found.not_after + days if row.key.proven else None


def users_left_without(rows: Sequence[KeyRow]) -> dict[tuple[str, str], bool]:
    """Users without any credential when their keys are gone; whether that is so already."""
    gone: Counter[tuple[str, str]] = Counter()
    going: Counter[tuple[str, str]] = Counter()
    held: dict[tuple[str, str], int] = {}
    listed = {row.user.identity for row in rows if row.last_seen}
    for row in rows:
        user = row.user
        # Of a user who is still listed, what went earlier is not among the keys that it holds.
        past = row.last_seen is None and user.identity in listed
        if past or user.other_credentials is not False or user.keys is None:
            continue
        held[user.identity] = user.keys
        gone[user.identity] += row.outcome == DELETED or row.reason == ALREADY_GONE
        going[user.identity] += bool(row.outlook and row.outlook.verdict in (DELETED, IF_PLANNED))
    return {
        user: gone[user] >= keys
        for user, keys in held.items()
        if 0 < gone[user] + going[user] >= keys
    }
