# SPDX-License-Identifier: Apache-2.0
"""Two ways of doing the same, measured in turn; what counts is the median of the ratios."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Sample:
    """One run: seconds, CPU seconds, MiB, calls by action."""

    wall: float
    cpu: float
    memory: float
    calls: Counter[str] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        """All calls."""
        return sum(self.calls.values())


@dataclass
class Comparison:
    """Interleaved runs of ours and of the other way."""

    name: str
    ours: list[Sample] = field(default_factory=list)
    other: list[Sample] = field(default_factory=list)

    def ratio(self, figure: str) -> float:
        """The median over the rounds of other/ours: how many times less ours takes."""
        return median(
            float(getattr(other, figure)) / float(getattr(ours, figure))
            for ours, other in zip(self.ours, self.other, strict=True)
        )

    def medians(self, figure: str) -> tuple[float, float]:
        """Ours and the other's."""
        ours, other = (
            float(median(getattr(sample, figure) for sample in samples))
            for samples in (self.ours, self.other)
        )
        return ours, other
