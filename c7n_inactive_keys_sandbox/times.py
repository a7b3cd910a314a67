# SPDX-License-Identifier: Apache-2.0
"""Moments as AWS knows them: in UTC and whole seconds.

These are not the plugin's own helpers, since a mistake that both sides share would show in no test.
"""

from __future__ import annotations

from datetime import datetime, timezone


def whole(moment: datetime) -> datetime:
    """The moment in UTC without its fraction of a second; one without a zone is taken as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return aware.astimezone(timezone.utc).replace(microsecond=0)


def iso(moment: datetime) -> str:
    """`2026-01-03T10:00:00Z`."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text: str, form: str = "%Y-%m-%dT%H:%M:%SZ") -> datetime:
    """What `iso` wrote, or a time in UTC of another form."""
    return datetime.strptime(text, form).replace(tzinfo=timezone.utc)
