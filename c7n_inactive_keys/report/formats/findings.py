# SPDX-License-Identifier: Apache-2.0
"""What the finding formats share: one finding a key, in words, graded, with an id that stays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from c7n_inactive_keys.core.errors import InactiveKeysError
from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.partitions import home_region
from c7n_inactive_keys.report.evidence_words import sentences
from c7n_inactive_keys.report.model import KeyRow, Report

GENERATOR = "c7n-inactive-keys/inactive-access-key"
PROVEN_DAYS = 90
SEVERITY_RULE = (
    f"Severity of findings (asff, ocsf): HIGH for a root user's key; MEDIUM for a key that is "
    f"proven inactive for {PROVEN_DAYS} days, or has no recorded use; LOW for other inactive keys; "
    "INFORMATIONAL for what is gone."
)
REMEDIATION = (
    "Reactivate the access key soon if it is needed, else delete it: "
    "an inactive key is one API call away from being a live credential."
)
# Partitions of whose IAM botocore's endpoint data does not tell the home region.
HOME_REGIONS = {"aws-eusc": "eusc-de-east-1"}


class PartitionError(InactiveKeysError):
    """It is not known in which region a partition keeps its IAM."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A key in the words of a finding; `first_seen` and `updated` are ISO 8601 UTC."""

    row: KeyRow
    uid: str
    title: str
    description: str
    severity: str  # by SEVERITY_RULE
    resolved: bool
    region: str
    first_seen: str
    updated: str


def finding(row: KeyRow, report: Report) -> Finding:
    """The finding about one key; the same key has the same uid in every report.

    Raises:
        PartitionError: the home region of the key's partition is unknown.
    """
    found, user, resolved = row.found, row.user, row.settled
    not_before, not_after = format_time(found.not_before), format_time(found.not_after)
    reason = f" ({row.reason})" if row.reason else ""
    outcome = f" Outcome: {row.outcome}{reason}." if row.outcome else ""
    evidence = "; ".join(sentences(found))
    return Finding(
        row=row,
        uid=f"{GENERATOR}/{user.account_id}/{row.key.id}",
        title=(
            f"Access key {row.key.id} of IAM user {user.name} "
            f"{'is no longer' if resolved else 'is'} inactive"
        ),
        description=(
            f"Inactive for at least {found.at_least_days} and at most "
            f"{found.at_most_days} days: deactivated between {not_before} and {not_after}. "
            f"Evidence: {evidence}.{outcome}"
        ),
        severity=_severity(row),
        resolved=resolved,
        region=region_of(user.partition),
        first_seen=row.first_seen or row.last_seen or row.outcome_time or report.generated,
        updated=report.generated,
    )


def _severity(row: KeyRow) -> str:
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
