# SPDX-License-Identifier: Apache-2.0
"""Comments that silence a rule: `# inactive-keys: ignore RULE reason`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from c7n_inactive_keys.lint.catalogue import RULES

_COMMENT = re.compile(
    r"(?:^|\s)#\s*inactive-keys:\s*ignore\b[ \t]*(?P<rule>[^\s]*)[ \t]*(?P<reason>[^\r\n]*)"
)


@dataclass(frozen=True)
class Ignore:
    """One such comment."""

    line: int
    rule: str
    reason: str

    @property
    def problem(self) -> str | None:
        """Why it silences nothing."""
        if self.rule not in RULES:
            return f"There is no rule `{self.rule}`, so nothing is silenced."
        if not self.reason.strip():
            return f"It gives no reason, so it silences nothing: ... ignore {self.rule} REASON"
        return None


def ignores(text: str) -> Iterator[Ignore]:
    """The comments of a text."""
    if "inactive-keys:" not in text:
        return
    for number, line in enumerate(text.split("\n"), 1):
        found = _COMMENT.search(line)
        if found:
            yield Ignore(number, found["rule"], found["reason"])
