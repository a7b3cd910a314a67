# SPDX-License-Identifier: Apache-2.0
"""What a check found: one line each."""

from __future__ import annotations

from dataclasses import dataclass

OK = "ok"
NOTE = "note"  # worth knowing, no reason to fail
PROBLEM = "problem"


@dataclass(frozen=True)
class Result:
    """What (`subject`) was looked at, how it is (`state`), and in words what that means."""

    state: str
    subject: str
    text: str
