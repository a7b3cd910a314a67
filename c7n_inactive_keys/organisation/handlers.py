# SPDX-License-Identifier: Apache-2.0
"""The Lambda functions of deploy/organisation.yml: each takes its event apart, and no more."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.organisation.bucket import Bucket
from c7n_inactive_keys.organisation.closing import close
from c7n_inactive_keys.organisation.counting import count as count_keys
from c7n_inactive_keys.organisation.listing import list_accounts as list_
from c7n_inactive_keys.organisation.settings import Settings
from c7n_inactive_keys.organisation.visiting import Visit

# What a visit needs at its end, to report what was done, in seconds.
MARGIN = 60


def list_accounts(event: JsonObject, _context: Any) -> JsonObject:
    """Which accounts there are."""
    settings = Settings.from_environ(os.environ)
    return list_(settings, event["run"], event["started"], os.environ["AWS_REGION"])


def visit(event: JsonObject, context: Any) -> JsonObject:
    """A batch; what there is to say of it is in the bucket."""
    settings = Settings.from_environ(os.environ)
    seconds = context.get_remaining_time_in_millis() / 1000 - MARGIN
    with TemporaryDirectory() as home:
        batch = Visit(event, Bucket(settings.bucket), settings.policies, Path(home))
        batch.make(seconds, context.aws_request_id)
    return {}


def count(event: JsonObject, _context: Any) -> JsonObject:
    """What would be deleted."""
    with TemporaryDirectory() as home:
        return count_keys(Settings.from_environ(os.environ), event, Path(home))


def report(event: JsonObject, _context: Any) -> JsonObject:
    """The end."""
    with TemporaryDirectory() as home:
        return close(Bucket(os.environ["BUCKET"]), event, Path(home))
