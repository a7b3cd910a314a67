# SPDX-License-Identifier: Apache-2.0
"""What every entry about a key on Custodian's user begins with: the key and its last use."""

from __future__ import annotations

from c7n_inactive_keys.core.json_types import JsonMapping, JsonObject
from c7n_inactive_keys.core.keys import AccessKey, LastUse
from c7n_inactive_keys.core.times import format_time
from c7n_inactive_keys.core.written import moment, optional, text


def key_fields(key: AccessKey, last_use: LastUse) -> JsonObject:
    """Key and last use as JSON values, dates as ISO 8601 UTC."""
    return {
        "AccessKeyId": key.access_key_id,
        "UserName": key.user_name,
        "Status": key.status,
        "CreateDate": format_time(key.created),
        "LastUsedDate": last_use.time and format_time(last_use.time),
        "LastUsedService": last_use.service,
        "LastUsedRegion": last_use.region,
    }


def key_in(entry: JsonMapping) -> AccessKey:
    """The key of an entry.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: it has another form.
    """
    return AccessKey(
        text(entry["AccessKeyId"]),
        text(entry["UserName"]),
        text(entry["Status"]),
        moment(entry["CreateDate"]),
    )


def last_use_in(entry: JsonMapping) -> LastUse:
    """The last use of an entry.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: it has another form.
    """
    return LastUse(
        optional(moment, entry["LastUsedDate"]),
        optional(text, entry["LastUsedService"]),
        optional(text, entry["LastUsedRegion"]),
    )
