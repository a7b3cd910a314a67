# SPDX-License-Identifier: Apache-2.0
"""Users of the credential report as GetUser describes them, many of them in bulk."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from datetime import datetime

from c7n_inactive_keys.core.credential_report import ReportedUser
from c7n_inactive_keys.core.json_types import JsonMapping, JsonObject
from c7n_inactive_keys.core.times import as_utc, parse_time, whole_second
from c7n_inactive_keys.custodian import aws
from c7n_inactive_keys.custodian.c7n_types import Client, Manager
from c7n_inactive_keys.custodian.memory import PROCESS, REPORT_ANNOTATION
from c7n_inactive_keys.custodian.unread_users import unread_user

log = logging.getLogger("custodian.inactive-keys")

# GetAccountAuthorizationDetails hands out all users of an account. IAM may put fewer than the
# thousand that are asked for on a page; it is worth asking if it spares calls even then.
PAGE = 1000
SMALL_PAGE = 100
WORTH_SPARING = 25  # calls
BULK_PERMISSION = "iam:GetAccountAuthorizationDetails"
# What GetUser says as well, except for PasswordLastUsed, which the credential report has.
SHARED_FIELDS = (
    "Path",
    "UserName",
    "UserId",
    "Arn",
    "CreateDate",
    "PermissionsBoundary",
    "Tags",
)


def describe_user(iam: Client, reported: ReportedUser) -> JsonObject | None:
    """The user as GetUser describes it, None if it is gone; unread if it cannot be fetched."""
    try:
        return annotated(aws.get_user(iam, reported.user_name), reported)
    except aws.API_ERRORS as error:
        if aws.is_gone(error):
            log.info("user %s of the credential report is not there", reported.user_name)
            return None
        return unread_user(reported, aws.describe_error(error))


def describe_in_bulk(
    manager: Manager, wanted: Iterable[ReportedUser], users_in_account: int
) -> dict[str, JsonObject]:
    """Those users, by name, that few calls can describe; the others have to be asked for singly.

    Nobody has to grant the permission, and what cannot be read in bulk is read one by one.
    """
    reported = {user.user_name: user for user in wanted}
    if len(reported) - math.ceil(users_in_account / SMALL_PAGE) < WORTH_SPARING:
        return {}
    described: dict[str, JsonObject] = {}
    call = aws.client(manager, "iam", config=aws.BRIEF).get_account_authorization_details
    try:
        for page in aws.pages(call, Filter=["User"], MaxItems=PAGE):
            for details in page.get("UserDetailList") or ():
                user = reported.get(details["UserName"])
                same = user and _as_get_user_says(details, user)
                if user and same:
                    described[user.user_name] = annotated(same, user)
    except (*aws.API_ERRORS, aws.TruncatedListingError) as error:
        log.info(
            "%d users are described one by one: %s: %s",
            len(reported) - len(described),
            BULK_PERMISSION,
            error,
        )
    return described


def unlisted_users(
    iam: Client, gone: Iterable[ReportedUser], names: Mapping[str, datetime | None]
) -> list[str]:
    """Names of users that are not in the report, created in the same second as one that is gone.

    `names`: when each user of the report was created.

    Raises:
        ClientError, BotoCoreError, TruncatedListingError: the users could not be listed.
    """
    created = {user.created for user in gone}
    return [
        user["UserName"]
        for page in aws.pages(iam.list_users, MaxItems=PAGE)
        for user in page["Users"]
        if (moment := whole_second(as_utc(user["CreateDate"]))) in created
        and names.get(user["UserName"]) != moment
    ]


def annotated(user: JsonObject, reported: ReportedUser) -> JsonObject:
    """The user with what the credential report says of its keys, if its row is the user's own."""
    if reported.is_of(as_utc(user["CreateDate"])):
        user[REPORT_ANNOTATION] = {**reported.annotation(), "ReadBy": PROCESS}
    return user


def _as_get_user_says(details: JsonMapping, reported: ReportedUser) -> JsonObject | None:
    """The user in GetUser's form; None if the report's words do not allow that."""
    user = {name: details[name] for name in SHARED_FIELDS if details.get(name)}
    if reported.password_last_used:
        try:
            user["PasswordLastUsed"] = parse_time(reported.password_last_used)
        except ValueError:
            return None
    return user
