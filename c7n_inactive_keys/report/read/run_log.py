# SPDX-License-Identifier: Apache-2.0
"""Why a run failed, from the log that Custodian kept beside its output."""

from __future__ import annotations

import re
from dataclasses import dataclass

from c7n_inactive_keys.report.words import clean

LINE = re.compile(
    r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ - (?P<logger>\S+) - (?P<level>[A-Z]+) - (?P<text>.*)$"
)
COUNTED = re.compile(r"^policy:\S+ resource:\S+ region:\S* count:\d+ time:")
DEPLOYED = re.compile(r"^Provisioning policy lambda: ")
# The last line of a traceback: an exception's dotted name and its message.
RAISED = re.compile(r"^(?P<module>(?:[A-Za-z_]\w*\.)*)(?P<name>[A-Z]\w*): (?P<text>.+)$")
# How our own sentences begin in a log that many policies share.
POLICY = re.compile(r"^policy:\S+ ")
LONGEST = 500


@dataclass(frozen=True, slots=True)
class LoggedFailure:
    """The reason that a log gives, and the name of the exception's class, if it was one."""

    text: str
    raised: str | None = None


def failure(log: str) -> LoggedFailure | None:
    """Why the last run in a custodian-run.log failed, if the log knows it.

    An exception at its end counts most, else the last line of level ERROR, else of WARNING.
    """
    told: dict[str, LoggedFailure] = {}
    for line in log.splitlines():
        found = LINE.match(line)
        raised = None if found else RAISED.match(line)
        if found and COUNTED.match(found["text"]):
            told.clear()  # a later run appended to the log, and read what there is
        elif found and found["text"] != "Error while executing policy":
            told[found["level"]] = LoggedFailure(reason_words(found["text"]))
            if found["level"] == "ERROR":
                told.pop("RAISED", None)
        elif raised:
            told["RAISED"] = LoggedFailure(_exception_words(raised), raised["name"])
    return told.get("RAISED") or told.get("ERROR") or told.get("WARNING")


def _exception_words(raised: re.Match[str]) -> str:
    """The message, which is a sentence of its own except for Python's own exceptions."""
    named = "" if raised["module"] else f"{raised['name']}: "
    return f"{named}{reason_words(raised['text'])}"


def deployment(log: str) -> bool:
    """Whether a custodian-run.log tells of a deployment: a function was made or changed."""
    lines = (LINE.match(line) for line in log.splitlines())
    return any(DEPLOYED.match(found["text"]) for found in lines if found)


def reason_words(text: str) -> str:
    """Why something failed, on one line, without the policy's name: that is said beside it."""
    return POLICY.sub("", short(text))


def short(text: str) -> str:
    """Untrusted text on one line, cut to a length that a table can bear."""
    text = clean(" ".join(text.split()))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
