# SPDX-License-Identifier: Apache-2.0
"""Findings for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator

from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.lint.finding import Finding
from c7n_inactive_keys.lint.result import Result

FORMAT_VERSION = 1


def render(result: Result) -> Iterator[str]:
    """One JSON object."""
    content = {
        "format_version": FORMAT_VERSION,
        "files": len(result.files),
        "policies": result.policies,
        "policies_on_iam_users": result.about_users,
        "findings": [_finding(finding) for finding in result.findings],
    }
    yield json.dumps(content, indent=2) + "\n"


def _finding(finding: Finding) -> JsonObject:
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "file": finding.file,
        "line": finding.line,
        "policy": finding.policy,
        "message": finding.message,
        "instead": finding.lines or None,
        "fixable": bool(finding.change),
    }
