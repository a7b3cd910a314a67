# SPDX-License-Identifier: Apache-2.0
"""The report as OCSF Detection Findings, by the models of py-ocsf-models (extra `ocsf`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from py_ocsf_models.events.findings.activity_id import ActivityID
from py_ocsf_models.events.findings.detection_finding import DetectionFinding
from py_ocsf_models.events.findings.detection_finding_type_id import DetectionFindingTypeID
from py_ocsf_models.events.findings.severity_id import SeverityID
from py_ocsf_models.events.findings.status_id import StatusID
from py_ocsf_models.objects.account import Account, TypeID
from py_ocsf_models.objects.cloud import Cloud
from py_ocsf_models.objects.finding_info import FindingInformation
from py_ocsf_models.objects.metadata import Metadata
from py_ocsf_models.objects.product import Product
from py_ocsf_models.objects.remediation import Remediation
from py_ocsf_models.objects.resource_details import ResourceDetails

from c7n_inactive_keys import __version__
from c7n_inactive_keys.core.times import format_time, parse_time
from c7n_inactive_keys.report.formats import findings
from c7n_inactive_keys.report.formats.findings import REMEDIATION, Finding, known_days
from c7n_inactive_keys.report.formats.json_lines import array
from c7n_inactive_keys.report.glance import access_key, evidence, last_use
from c7n_inactive_keys.report.model import Report

PRODUCT = "c7n-inactive-keys"
TYPES = {
    findings.INACTIVE: "Inactive IAM access key",
    findings.REACTIVATED: "Reactivated IAM access key",
}


def render(report: Report) -> Iterator[str]:
    """A JSON array, a finding a line."""
    events = (ocsf_finding(item) for item in findings.findings(report))
    return array(event.model_dump_json(exclude_none=True) for event in events)


def ocsf_finding(item: Finding) -> DetectionFinding:
    """One event; the key is its resource, and its finding_info.uid never changes.

    Raises:
        ValidationError: an attribute does not fit the schema.
    """
    row = item.row
    updated = parse_time(item.updated)
    activity = ActivityID.Close if item.resolved else ActivityID.Create
    if activity is ActivityID.Create and item.first_seen < (row.last_seen or ""):
        activity = ActivityID.Update
    severity = SeverityID[item.severity.capitalize()]
    status = StatusID.Resolved if item.resolved else StatusID.New
    return DetectionFinding(
        activity_id=activity,
        activity_name=activity.name,
        type_uid=DetectionFindingTypeID[activity.name],
        type_name=f"Detection Finding: {activity.name}",
        time=_milliseconds(updated),
        time_dt=updated,
        severity_id=severity,
        severity=severity.name,
        status_id=status,
        status=status.name,
        status_detail=": ".join(filter(None, (row.outcome, row.reason))) or None,
        message=item.description,
        metadata=Metadata(
            product=Product(name=PRODUCT, vendor_name=PRODUCT, uid=PRODUCT, version=__version__),
            profiles=["cloud", "datetime"],
            event_code=item.kind,
        ),
        cloud=_cloud(item),
        finding_info=_finding_info(item),
        remediation=Remediation(desc=REMEDIATION[item.kind]),
        resources=[_resource(item)],
    )


def _cloud(item: Finding) -> Cloud:
    return Cloud(
        provider="AWS",
        region=item.region,
        account=Account(
            name=item.row.account_name,
            type_id=TypeID.AWS_Account,
            type="AWS Account",
            uid=item.row.user.account_id,
        ),
    )


def _finding_info(item: Finding) -> FindingInformation:
    first, last = parse_time(item.first_seen), parse_time(item.row.last_seen or item.first_seen)
    return FindingInformation(
        uid=item.uid,
        title=item.title,
        desc=item.description,
        types=[TYPES[item.kind]],
        data_sources=["IAM", "CloudTrail"],
        created_time=_milliseconds(first),
        created_time_dt=first,
        first_seen_time=_milliseconds(first),
        first_seen_time_dt=first,
        last_seen_time=_milliseconds(last),
        last_seen_time_dt=last,
    )


def _resource(item: Finding) -> ResourceDetails:
    row, used = item.row, last_use(item.row).time
    return ResourceDetails(
        cloud_partition=row.user.partition,
        region=item.region,
        type="AwsIamAccessKey",
        name=row.key.id,
        uid=row.key.id,
        data={
            "user_name": row.user.name,
            "user_arn": row.user.arn,
            "created": format_time(access_key(row).created),
            "last_used": used and format_time(used),
            **known_days(row),
            "evidence": evidence(row),
            "outcome": row.outcome,
            "reason": row.reason,
        },
    )


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
