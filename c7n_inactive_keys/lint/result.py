# SPDX-License-Identifier: Apache-2.0
"""What was looked at, and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from c7n_inactive_keys.lint.finding import Finding
from c7n_inactive_keys.lint.policy_file import PolicyFile


@dataclass(frozen=True)
class Result:
    """The findings of some files."""

    files: Sequence[PolicyFile]
    findings: Sequence[Finding]

    @property
    def policies(self) -> int:
        """How many policies the files hold."""
        return sum(len(file.policies) for file in self.files)

    @property
    def about_users(self) -> int:
        """How many of them are about IAM users; the others are passed over."""
        return sum(placed.policy.about_users for file in self.files for placed in file.policies)

    def count(self, severity: str) -> int:
        """How many findings are so bad."""
        return sum(finding.severity == severity for finding in self.findings)
