# SPDX-License-Identifier: Apache-2.0
"""Mechanical changes, one after the other, until none is left that can be made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from c7n_inactive_keys.lint.edit import NotMechanicalError, apply
from c7n_inactive_keys.lint.finding import Finding
from c7n_inactive_keys.lint.linter import Linter
from c7n_inactive_keys.lint.policy_file import BYTE_ORDER_MARK, PolicyFile, parse

# Each change ends the finding that it is for; more than these would be going round in circles.
ROUNDS = 200


@dataclass(frozen=True)
class Fixed:
    """A file with its mechanical changes made."""

    before: PolicyFile
    after: PolicyFile

    @property
    def changed(self) -> bool:
        """Whether anything was changed."""
        return self.before.text != self.after.text


def fix(linter: Linter, file: PolicyFile) -> Fixed:
    """A file with all changes made that need no thought. After each the file is looked at anew,
    since what comes next depends on it.
    """
    current = file
    for _ in range(ROUNDS):
        files = [current if other is file else other for other in linter.files]
        following = _step(replace(linter, files=files), current)
        if following is None:
            break
        current = following
    return Fixed(file, current)


def mechanical(file: PolicyFile, findings: Sequence[Finding]) -> list[Finding]:
    """The findings, those without their change where it would touch something else as well."""
    possible: dict[str, bool] = {}
    for finding in findings:
        key = repr(finding.change)
        if key not in possible:
            possible[key] = _applied(file.text, finding) is not None
    return [
        finding if possible[repr(finding.change)] else replace(finding, change=())
        for finding in findings
    ]


def _step(linter: Linter, file: PolicyFile) -> PolicyFile | None:
    for finding in linter.findings(file):
        text = _applied(file.text, finding)
        if text is not None:
            return parse(file.path, text)
    return None


def _applied(text: str, finding: Finding) -> str | None:
    if not finding.change:
        return None
    mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
    try:
        return mark + apply(text.removeprefix(mark), finding.change)
    except NotMechanicalError:
        return None
