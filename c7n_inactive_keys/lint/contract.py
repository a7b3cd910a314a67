# SPDX-License-Identifier: Apache-2.0
"""The plugin's elements by name, and the options that each of them knows."""

from __future__ import annotations

from typing import TypeGuard

INACTIVE = "inactive-access-key"
UNUSED = "unused-access-key"
REACTIVATED = "reactivated-access-key"
RECORD = "record-inactive-keys"
DELETE = "delete-inactive-keys"
DEACTIVATE = "deactivate-unused-keys"
REACTIVATE = "reactivate-keys"
SOURCE = "credential-report"

PACKAGE = "c7n_inactive_keys"
HANDLER = "c7n_inactive_keys.lambda_handler.run"

_MANAGED = ("managed-keys", "managed")
_CARE = ("max-keys", "exempt-tag", "plan", *_MANAGED)
OPTIONS = {
    INACTIVE: ("days", "certainty", "evidence", "notified-days", "events-from"),
    UNUSED: ("days", "never-used-days"),
    REACTIVATED: ("after-days",),
    RECORD: ("notified",),
    DELETE: _CARE,
    DEACTIVATE: _CARE,
    REACTIVATE: ("journal", *_MANAGED),
}
COVERS = "covers-since"  # of events-from: from then on its silence counts
FILTERS = (INACTIVE, UNUSED, REACTIVATED)
# What each action acts on is what this filter matched.
NEEDS = {DELETE: INACTIVE, DEACTIVATE: UNUSED}

# What a policy that is put right gets, unless it says something else itself.
DAYS = 90
MAX_KEYS = 50
EXEMPT_TAG = "keep-keys"
# As far as event history reaches back.
HISTORY_DAYS = 90
# The oldest key of all that rules are tried on.
MOST_DAYS = 7300.5


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a number of days that something can be compared with."""
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= MOST_DAYS
    )
