# SPDX-License-Identifier: Apache-2.0
"""Findings for people: one paragraph each, and the lines that do it right once for each policy."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby

from c7n_inactive_keys.lint.catalogue import ERROR, WARNING
from c7n_inactive_keys.lint.finding import Finding
from c7n_inactive_keys.lint.result import Result
from c7n_inactive_keys.report.words import clean, counted

WIDTH = 100


def render(result: Result) -> Iterator[str]:
    """The findings, and a summary."""
    for _, group in groupby(result.findings, key=lambda item: (item.file, item.policy)):
        yield from _of_one_policy(list(group))
    yield from _summary(result)


def _of_one_policy(findings: list[Finding]) -> Iterator[str]:
    for finding in findings:
        policy = f" [{finding.policy}]" if finding.policy else ""
        head = f"{finding.file}:{finding.line}: {finding.severity}: {finding.rule}{policy}"
        yield f"{clean(head)}\n{_paragraph(finding.message)}\n"
    for lines in dict.fromkeys(finding.lines for finding in findings if finding.lines):
        whose = [finding for finding in findings if finding.lines == lines]
        rules = ", ".join(dict.fromkeys(finding.rule for finding in whose))
        how = "--fix writes it" if any(finding.change for finding in whose) else "by hand"
        yield f"  Instead ({rules}; {how}):\n"
        yield textwrap.indent("\n".join(map(clean, lines.splitlines())), "    ") + "\n"
    yield "\n"


def _paragraph(text: str) -> str:
    return textwrap.fill(
        clean(text), WIDTH, initial_indent="  ", subsequent_indent="  ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _summary(result: Result) -> Iterator[str]:
    seen = f"{counted(result.about_users, 'policy', 'policies')} on IAM users"
    others = result.policies - result.about_users
    passed = f", {counted(others, 'other')} passed over" if others else ""
    yield f"{seen} in {counted(len(result.files), 'file')}{passed}: {_counts(result)}\n"


def _counts(result: Result) -> str:
    counts = [
        counted(result.count(severity), severity)
        for severity in (ERROR, WARNING)
        if result.count(severity)
    ]
    return ", ".join(counts) or "nothing found"
