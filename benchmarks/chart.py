# SPDX-License-Identifier: Apache-2.0
"""The time ratios as bars, in an SVG that needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

from benchmarks.ratios import Comparison

LEFT, WIDTH, ROW, TOP = 330, 420, 22, 46
TITLE = "How many times faster than the built-in filter and action"
OURS, OTHER = "#1a7f37", "#9a6700"


def draw(comparisons: Sequence[Comparison]) -> str:
    """Bars to the right of the line: ours is that many times faster; to the left: slower."""
    logs = [math.log10(comparison.ratio("wall")) for comparison in comparisons]
    low, high = min(0.0, *logs), max(1.0, *logs)

    def x(value: float) -> float:
        return LEFT + (value - low) / (high - low) * WIDTH

    height = TOP + ROW * len(comparisons) + 10
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" role="img"',
        'font-family="sans-serif" font-size="12"',
        f'viewBox="0 0 {LEFT + WIDTH + 80} {height}">',
        f"<title>{TITLE}</title>",
        f'<rect width="100%" height="{height}" fill="#fff"/>',
        f'<text x="10" y="18" font-size="14">{TITLE} (logarithmic)</text>',
    ]
    for tick in (1, 2, 5, 10, 20, 50):
        if math.log10(tick) <= high:
            at = x(math.log10(tick))
            parts.append(
                f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP - 8}" y2="{height}" '
                f'stroke="{"#57606a" if tick == 1 else "#d0d7de"}"/>'
            )
            parts.append(
                f'<text x="{at:.1f}" y="{TOP - 12}" text-anchor="middle" '
                f'fill="#57606a">{tick}</text>'
            )
    for number, (comparison, value) in enumerate(zip(comparisons, logs, strict=True)):
        y = TOP + number * ROW
        start, end = sorted((x(0), x(value)))
        parts.append(
            f'<text x="{LEFT - 12}" y="{y + 14}" text-anchor="end">{escape(comparison.name)}</text>'
        )
        parts.append(
            f'<rect x="{start:.1f}" y="{y + 4}" width="{max(end - start, 1):.1f}" '
            f'height="13" fill="{OURS if value >= 0 else OTHER}"/>'
        )
        parts.append(f'<text x="{end + 5:.1f}" y="{y + 15}">{10**value:.1f}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
