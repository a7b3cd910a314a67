# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a policy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from c7n_inactive_keys.lint.catalogue import RULES
from c7n_inactive_keys.lint.change import Drop, Insert, Put, Step

if TYPE_CHECKING:
    from c7n_inactive_keys.lint.document import Steps


@dataclass(frozen=True)
class Remedy:
    """The lines that do it right, and how to change the policy if that needs no thought."""

    lines: str
    change: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Fault:
    """What a rule found in a policy: where in its data, and what it does to which key."""

    rule: str
    path: Steps
    message: str
    remedy: Remedy | None = None
    severity: str = field(default="")

    def __post_init__(self) -> None:
        if not self.severity:
            object.__setattr__(self, "severity", RULES[self.rule].severity)


@dataclass(frozen=True)
class Finding:
    """A fault with its place in a file."""

    rule: str
    severity: str
    file: str
    line: int
    policy: str | None
    message: str
    lines: str = ""
    change: tuple[Put | Drop | Insert, ...] = ()
