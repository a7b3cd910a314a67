# SPDX-License-Identifier: Apache-2.0
"""Two ways of doing the same, measured in turn; what counts is the median of the ratios."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Sample:
    """One run: seconds, CPU seconds, MiB, calls by action, how many of them were throttled."""

    wall: float
    cpu: float
    memory: float
    calls: Counter[str] = field(default_factory=Counter)
    throttled: int = 0
    status: int = 0
    left: int = 0  # inactive keys after the run

    @property
    def requests(self) -> int:
        """All calls."""
        return sum(self.calls.values())


@dataclass
class Comparison:
    """Interleaved runs of ours and of the other way; ratios say how many times ours is better."""

    name: str
    ours: list[Sample] = field(default_factory=list)
    other: list[Sample] = field(default_factory=list)

    def ratio(self, figure: str) -> float:
        """The median over the rounds of other/ours, for an attribute of Sample."""
        return median(
            float(getattr(other, figure)) / float(getattr(ours, figure))
            for ours, other in zip(self.ours, self.other, strict=True)
        )

    def our(self, figure: str) -> float:
        """Our median."""
        return float(median(getattr(sample, figure) for sample in self.ours))

    def its(self, figure: str) -> float:
        """The other's median."""
        return float(median(getattr(sample, figure) for sample in self.other))
