# SPDX-License-Identifier: Apache-2.0
"""CloudTrail's management events, in the forms in which AWS hands them out."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from c7n_inactive_keys_sandbox.principals import Principal
from c7n_inactive_keys_sandbox.times import iso

HOME_REGIONS = {  # where IAM's events are, by partition
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-iso-f": "us-isof-south-1",
    "aws-eusc": "eusc-de-east-1",
    "aws-iso-e": "eu-isoe-west-1",
}


@dataclass(frozen=True)
class Event:
    """One management event: its time, and all other fields of its record."""

    id: str
    time: datetime
    fields: Mapping[str, Any]

    def record(self) -> dict[str, Any]:
        """The event as CloudTrail writes it into files and `CloudTrailEvent`."""
        return {"eventTime": iso(self.time)} | dict(self.fields)

    def envelope(self) -> dict[str, Any]:
        """The event as EventBridge hands it to a Lambda function."""
        return {
            "version": "0",
            "id": self.id[::-1],
            "detail-type": "AWS API Call via CloudTrail",
            "source": "aws.iam",
            "account": self.fields["recipientAccountId"],
            "time": iso(self.time),
            "region": self.fields["awsRegion"],
            "resources": [],
            "detail": self.record(),
        }

    def lookup(self) -> dict[str, Any]:
        """The event as LookupEvents shows it."""
        return self.attributes() | {
            "EventTime": self.time,
            "Resources": [
                {"ResourceType": kind, "ResourceName": name} for kind, name in self.resources()
            ],
            "CloudTrailEvent": json.dumps(self.record()),
        }

    def attributes(self) -> dict[str, str]:
        """What LookupEvents can ask for, without the resources."""
        actor = self.fields.get("userIdentity") or {}
        attributes = {
            "EventId": self.id,
            "EventName": self.fields.get("eventName"),
            "ReadOnly": str(self.fields.get("readOnly")).lower(),
            "AccessKeyId": actor.get("accessKeyId"),
            "EventSource": self.fields.get("eventSource"),
            # The user's name, the session's, or root.
            "Username": re.split("[:/]", actor.get("arn", ""))[-1],
        }
        return {name: value for name, value in attributes.items() if value}

    def resources(self) -> list[tuple[str, str]]:
        """The key and the user that a successful call was about."""
        if "errorCode" in self.fields:
            return []
        asked = self.fields.get("requestParameters") or {}
        answered = (self.fields.get("responseElements") or {}).get("accessKey", {})
        named = (
            ("AWS::IAM::AccessKey", asked.get("accessKeyId") or answered.get("accessKeyId")),
            ("AWS::IAM::User", asked.get("userName")),
        )
        return [(kind, name) for kind, name in named if name]

    def has(self, attribute: str, value: str) -> bool:
        """Whether a lookup attribute has the value."""
        if attribute == "ResourceType":
            return any(kind == value for kind, _ in self.resources())
        if attribute == "ResourceName":
            return any(name == value for _, name in self.resources())
        return self.attributes().get(attribute) == value


def usual_fields(number: str, name: str, actor: Principal, region: str) -> dict[str, Any]:
    """What the record of a call to IAM holds besides its time."""
    return {
        "eventVersion": "1.11",
        "userIdentity": actor.identity(),
        "eventSource": "iam.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": "192.0.2.10",
        "userAgent": "aws-cli/2.31.0",
        "requestParameters": None,
        "responseElements": None,
        "requestID": number[::-1],
        "eventID": number,
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": actor.account_id,
        "eventCategory": "Management",
    }


@dataclass(frozen=True)
class RandomDelays:
    """A delay for each event, drawn evenly up to a maximum; a seed always draws the same."""

    up_to: timedelta
    seed: int = 0

    def __call__(self, event: Event) -> timedelta:
        """The event's delay."""
        return random.Random(f"{self.seed} {event.id}").random() * self.up_to
