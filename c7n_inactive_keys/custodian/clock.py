# SPDX-License-Identifier: Apache-2.0
"""AWS's clock: evidence bears AWS's times, and this machine's clock may be wrong."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.core.times import as_utc, next_second
from c7n_inactive_keys.custodian.c7n_types import Client

log = logging.getLogger("custodian.inactive-keys")

# A Date header has whole seconds, and answers take some time.
TOLERANCE = timedelta(seconds=30)
# AWS refuses requests that are signed further off, so a larger difference is some proxy's.
LARGEST = timedelta(minutes=15)


class AwsClock:
    """The time by AWS's last answer; until there is one, this machine's."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)  # AWS's clock against this machine's
        self._warned = False

    def listen(self, client: Client) -> None:
        """Take the time from each answer that a client gets."""
        client.meta.events.register("after-call", self._note)

    def now(self) -> datetime:
        """The current time, or the next whole second, in UTC."""
        return next_second(datetime.now(timezone.utc) + self.ahead)

    def _note(self, parsed: JsonObject, **_: object) -> None:
        date = parsed.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        try:
            answered = as_utc(parsedate_to_datetime(date))
        except (TypeError, ValueError):
            return  # no date, or none that can be read
        ahead = answered - datetime.now(timezone.utc)
        # A time before AWS's would miss what AWS says has happened.
        if not -LARGEST <= ahead <= LARGEST or -TOLERANCE <= ahead <= timedelta(0):
            ahead = timedelta(0)
        elif abs(ahead) > TOLERANCE and not self._warned:
            self._warned = True
            log.warning(
                "this machine's clock is %.0f seconds %s AWS's; times are AWS's",
                abs(ahead).total_seconds(),
                "behind" if ahead > timedelta(0) else "ahead of",
            )
        self.ahead = ahead


clock = AwsClock()
