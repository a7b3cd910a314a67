# SPDX-License-Identifier: Apache-2.0
"""CloudTrail's events of IAM, in the forms in which AWS hands them out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys_sandbox.principals import Principal

if TYPE_CHECKING:
    from c7n_inactive_keys_sandbox.books import Account, Key

HOME_REGIONS = {
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
    """One management event. `parameters` None: the call was denied before they were read."""

    name: str
    time: datetime
    account_id: str
    actor: Principal
    region: str
    parameters: Mapping[str, Any] | None
    resources: tuple[tuple[str, str], ...] = ()
    response: Mapping[str, Any] | None = None
    error: tuple[str, str] | None = None
    id: str = ""
    agent: str = "aws-cli/2.31.0"
    detail: Mapping[str, Any] = field(default_factory=dict)

    def aged(self, by: timedelta) -> Event:
        """The same event, earlier."""
        return replace(self, time=self.time - by)

    def record(self) -> dict[str, Any]:
        """The event as CloudTrail writes it into files and `CloudTrailEvent`."""
        record: dict[str, Any] = {
            "eventVersion": "1.11",
            "userIdentity": self.actor.identity(),
            "eventTime": format_time(self.time),
            "eventSource": "iam.amazonaws.com",
            "eventName": self.name,
            "awsRegion": self.region,
            "sourceIPAddress": "192.0.2.10",
            "userAgent": self.agent,
        }
        if self.error:
            record["errorCode"], record["errorMessage"] = self.error
        record |= {
            "requestParameters": self.parameters,
            "responseElements": self.response,
            "requestID": self.id[::-1],
            "eventID": self.id,
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": self.account_id,
            "eventCategory": "Management",
        }
        return record

    def envelope(self) -> dict[str, Any]:
        """The event as EventBridge hands it to a Lambda function."""
        return {
            "version": "0",
            "id": self.id[::-1],
            "detail-type": "AWS API Call via CloudTrail",
            "source": "aws.iam",
            "account": self.account_id,
            "time": format_time(self.time),
            "region": self.region,
            "resources": [],
            "detail": self.record(),
        }

    def lookup(self) -> dict[str, Any]:
        """The event as LookupEvents shows it."""
        return {
            "EventId": self.id,
            "EventName": self.name,
            "ReadOnly": "false",
            "AccessKeyId": self.actor.access_key_id,
            "EventTime": self.time,
            "EventSource": "iam.amazonaws.com",
            "Username": self.actor.event_name,
            "Resources": [
                {"ResourceType": kind, "ResourceName": name} for kind, name in self.resources
            ],
            "CloudTrailEvent": json.dumps(self.record()),
        }

    def has(self, attribute: str, value: str) -> bool:
        """Whether a lookup attribute has the value."""
        if attribute == "ResourceName":
            return any(name == value for _, name in self.resources)
        if attribute == "ResourceType":
            return any(kind == value for kind, _ in self.resources)
        return (
            value
            == {
                "EventName": self.name,
                "Username": self.actor.event_name,
                "EventId": self.id,
                "EventSource": "iam.amazonaws.com",
                "ReadOnly": "false",
                "AccessKeyId": self.actor.access_key_id,
            }[attribute]
        )


def event(
    account: Account,
    name: str,
    at: datetime,
    actor: Principal,
    parameters: Mapping[str, Any] | None,
    **more: Any,
) -> Event:
    """A new event of the account, with an id of its own."""
    text = account.state.new_id("", 32, account.id, "event")
    digest = hashlib.sha256(text.encode()).hexdigest()
    number = "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
    region = HOME_REGIONS[account.state.partition]
    return Event(name, at, account.id, actor, region, parameters, id=number, **more)


def status_changed(key: Key, status: str, at: datetime, by_user: bool = False) -> Event:
    """A successful UpdateAccessKey of the administrator or of the user's own.

    A user need not name itself: then the event names the key alone.
    """
    user = key.user
    parameters = {"accessKeyId": key.id, "status": status}
    resources = [("AWS::IAM::AccessKey", key.id)]
    if not by_user:
        parameters = {"userName": user.name} | parameters
        resources.append(("AWS::IAM::User", user.name))
    actor = user.principal(key.id) if by_user else user.account.administrator
    return event(user.account, "UpdateAccessKey", at, actor, parameters, resources=tuple(resources))


def change_denied(key: Key, at: datetime) -> Event:
    """An UpdateAccessKey that was denied: its parameters are not recorded."""
    account = key.user.account
    actor = account.administrator
    return event(
        account,
        "UpdateAccessKey",
        at,
        actor,
        None,
        error=(
            "AccessDenied",
            (
                f"User: {actor.arn} is not authorized to perform: iam:UpdateAccessKey on resource: "
                f"user {key.user.name} with an explicit deny in a service control policy"
            ),
        ),
    )
