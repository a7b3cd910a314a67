# SPDX-License-Identifier: Apache-2.0
"""What the finding formats share: one finding a key, in words, graded, with an id that stays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from c7n_inactive_keys.core.errors import InactiveKeysError
from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.partitions import home_region
from c7n_inactive_keys.report.evidence_words import sentences
from c7n_inactive_keys.report.glance import evidence
from c7n_inactive_keys.report.model import ActiveRow, KeyRow, Report, Row
from c7n_inactive_keys.report.sentences import woken_rows
from c7n_inactive_keys.report.words import iso

TOOL = "c7n-inactive-keys"
INACTIVE, REACTIVATED = "inactive-access-key", "reactivated-access-key"
PROVEN_DAYS = 90
SEVERITY_RULE = (
    "Severity of findings (asff, ocsf): HIGH for a root user's key, and for a dormant one that "
    f"somebody reactivated; MEDIUM for a key that is proven inactive for {PROVEN_DAYS} days, or "
    "has no recorded use; LOW for other inactive keys; INFORMATIONAL for what is gone."
)
REMEDIATION = {
    INACTIVE: "Reactivate the access key soon if it is needed, else delete it: "
    "an inactive key is one API call away from being a live credential.",
    REACTIVATED: "Ask who needs the access key. If nobody does, deactivate it, and look through "
    "what it was used for.",
}
# Partitions of whose IAM botocore's endpoint data does not tell the home region.
HOME_REGIONS = {"aws-eusc": "eusc-de-east-1"}


class PartitionError(InactiveKeysError):
    """It is not known in which region a partition keeps its IAM."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A key in the words of a finding; `first_seen` and `updated` are ISO 8601 UTC."""

    row: Row
    kind: str  # inactive-access-key or reactivated-access-key
    uid: str
    title: str
    description: str
    severity: str  # by SEVERITY_RULE
    resolved: bool
    region: str
    first_seen: str
    updated: str


def findings(report: Report) -> list[Finding]:
    """One of each inactive key, and of each dormant one that somebody reactivated.

    The same key has the same uid in every report.

    Raises:
        PartitionError: the home region of a key's partition is unknown.
    """
    rows: list[Row] = [*report.keys, *woken_rows(report)]
    return [_finding(row, report) for row in rows]


def known_days(row: Row) -> JsonObject:
    """For how long a key has been inactive, or was until somebody reactivated it."""
    if isinstance(row, KeyRow):
        found = row.found
        return {
            "not_before": format_time(found.not_before),
            "not_after": format_time(found.not_after),
            "at_least_days": found.at_least_days,
            "at_most_days": found.at_most_days,
        }
    woken = row.key.woken
    return {
        "dormant_at_least_days": woken and woken.at_least_days,
        "dormant_at_most_days": woken and woken.at_most_days,
        "reactivated_at": woken and iso(woken.reactivated),
        "reactivated_by": woken and woken.actor,
    }


def _finding(row: Row, report: Report) -> Finding:
    kind = INACTIVE if isinstance(row, KeyRow) else REACTIVATED
    return Finding(
        row=row,
        kind=kind,
        uid=f"{TOOL}/{kind}/{row.user.account_id}/{row.key.id}",
        title=f"Access key {row.key.id} of IAM user {row.user.name} {_state(row)}",
        description=_inactive(row) if isinstance(row, KeyRow) else _reactivated(row),
        severity=_severity(row),
        resolved=isinstance(row, KeyRow) and row.settled,
        region=region_of(row.user.partition),
        first_seen=row.first_seen or row.last_seen or row.outcome_time or report.generated,
        updated=report.generated,
    )


def _state(row: Row) -> str:
    if isinstance(row, ActiveRow):
        return "was inactive for long and is active again"
    return "is no longer inactive" if row.settled else "is inactive"


def _reactivated(row: ActiveRow) -> str:
    days = known_days(row)
    by = f" by {days['reactivated_by']}" if days["reactivated_by"] else ""
    return (
        f"Reactivated {days['reactivated_at'] or 'lately'}{by}, after at least "
        f"{days['dormant_at_least_days']} and at most {days['dormant_at_most_days']} days of "
        f"inactivity. Evidence: {'; '.join(evidence(row))}."
    )


def _inactive(row: KeyRow) -> str:
    found = row.found
    not_before, not_after = format_time(found.not_before), format_time(found.not_after)
    reason = f" ({row.reason})" if row.reason else ""
    outcome = f" Outcome: {row.outcome}{reason}." if row.outcome else ""
    return (
        f"Inactive for at least {found.at_least_days} and at most "
        f"{found.at_most_days} days: deactivated between {not_before} and {not_after}. "
        f"Evidence: {'; '.join(sentences(found))}.{outcome}"
    )


def _severity(row: Row) -> str:
    if isinstance(row, ActiveRow):
        return "HIGH"
    if row.settled:
        return "INFORMATIONAL"
    if row.user.is_root:
        return "HIGH"
    return "MEDIUM" if row.found.at_least_days >= PROVEN_DAYS or row.never_used else "LOW"


@lru_cache
def region_of(partition: str) -> str:
    """The region in which a partition keeps its IAM.

    Raises:
        PartitionError: neither botocore nor we know.
    """
    region = home_region(partition) or HOME_REGIONS.get(partition)
    if region is None:
        raise PartitionError(f"the home region of IAM in the partition {partition} is not known")
    return region
