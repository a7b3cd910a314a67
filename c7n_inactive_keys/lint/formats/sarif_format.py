# SPDX-License-Identifier: Apache-2.0
"""Findings as SARIF 2.1.0, which code hosts show beside the lines of a pull request.

Written by hand: of the libraries for SARIF the maintained ones are as large as this whole room.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from c7n_inactive_keys import __version__
from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.lint.catalogue import RULES
from c7n_inactive_keys.lint.finding import Finding
from c7n_inactive_keys.lint.result import Result

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def render(result: Result) -> Iterator[str]:
    """One log with one run."""
    used = sorted({finding.rule for finding in result.findings})
    driver = {
        "name": "c7n-inactive-keys",
        "version": __version__,
        "rules": [_rule(name) for name in used],
    }
    run = {
        "tool": {"driver": driver},
        "results": [_result(finding, used) for finding in result.findings],
    }
    yield json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(name: str) -> JsonObject:
    rule = RULES[name]
    return {
        "id": name,
        "shortDescription": {"text": rule.title},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(finding: Finding, used: list[str]) -> JsonObject:
    lines = f"\n\nInstead:\n{finding.lines}" if finding.lines else ""
    place = {
        "artifactLocation": {"uri": quote(Path(finding.file).as_posix())},
        "region": {"startLine": finding.line},
    }
    return {
        "ruleId": finding.rule,
        "ruleIndex": used.index(finding.rule),
        "level": finding.severity,
        "message": {"text": f"{finding.message}{lines}"},
        "locations": [{"physicalLocation": place}],
    }
