# SPDX-License-Identifier: Apache-2.0
"""Why a run failed, from the log that Custodian kept beside its output or c7n-org printed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from c7n_inactive_keys.report.words import clean

LINE = re.compile(
    r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ - (?P<logger>\S+) - (?P<level>[A-Z]+) - (?P<text>.*)$"
)
COUNTED = re.compile(r"^policy:\S+ resource:\S+ region:\S* count:\d+ time:")
# The last line of a traceback: an exception's dotted name and its message.
RAISED = re.compile(r"^(?:[A-Za-z_]\w*\.)*(?P<name>[A-Z]\w*): (?P<text>.+)$")
ORG = (
    re.compile(
        r"Error running policy in (?P<account>.+?) @ (?P<region>\S+) exception: (?P<text>.+)"
    ),
    re.compile(
        r"Exception running policy:(?P<policy>\S+) account:(?P<account>.+?) "
        r"region:(?P<region>\S+) error:(?P<text>.+)"
    ),
    re.compile(
        r"(?P<text>Access denied api:\S+) policy:(?P<policy>\S+) account:(?P<account>.+?) "
        r"region:(?P<region>\S+)"
    ),
)
# What Custodian says of a policy with our filter, action or source when it does not know them.
NOT_LOADED = re.compile(
    r"Invalid (?:filter|action) type .*(?:inactive-access-key|(?:delete|record)-inactive-keys)"
    r"|credential-report.* is not one of"
)
LONGEST = 500


def failure(log: str) -> str | None:
    """The reason for which the last run in a custodian-run.log ended, if the log knows it.

    An exception at its end counts most, else the last line of level ERROR, else of WARNING.
    """
    told: dict[str, str] = {}
    for line in log.splitlines():
        found = LINE.match(line)
        raised = None if found else RAISED.match(line)
        if found and COUNTED.match(found["text"]):
            told.clear()  # a later run appended to the log, and read what there is
        elif found and found["text"] != "Error while executing policy":
            told[found["level"]] = found["text"]
            if found["level"] == "ERROR":
                told.pop("RAISED", None)
        elif raised:
            told["RAISED"] = f"{raised['name']}: {raised['text']}"
    reason = told.get("RAISED") or told.get("ERROR") or told.get("WARNING")
    return short(reason) if reason else None


def short(text: str) -> str:
    """Untrusted text on one line, cut to a length that a table can bear."""
    text = clean(" ".join(text.split()))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def org_failures(lines: Iterable[str]) -> dict[tuple[str, str | None], str]:
    """What c7n-org printed of failures, by account name and policy (None: all of them)."""
    failures: dict[tuple[str, str | None], str] = {}
    for line in lines:
        for pattern in ORG:
            found = pattern.search(line)
            if found:
                groups = found.groupdict()
                text = short(groups["text"])
                if NOT_LOADED.search(text):
                    text = f"plugin not loaded: {text}"
                failures[groups["account"], groups.get("policy")] = text
                break
    return failures
