# SPDX-License-Identifier: Apache-2.0
"""The pictures of the html report as inline SVG: no script, no network, colours from its CSS."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from c7n_inactive_keys.report.model import AgeBin, TrendPoint

WIDTH = 560
ROW = 34
LABEL = 150
VALUE = 60
TREND_HEIGHT = 210
TREND_TEXT = 42  # the lines of text above and below the columns
TREND_POINTS = 60
TREND_PARTS = ("still", "new", "first")


def age_histogram(ages: Sequence[AgeBin]) -> str:
    """Horizontal bars, what is proven over what is possible, an age a row."""
    most = max((max(age.proven, age.possible) for age in ages), default=0) or 1
    parts = []
    ages = [age for age in ages if age.proven or age.possible]
    for number, age in enumerate(ages):
        top = number * ROW
        parts.append(_text(LABEL - 8, top + 20, age.label, "end"))
        for offset, name, value in ((4, "proven", age.proven), (17, "possible", age.possible)):
            length = _length(value, most)
            parts.append(_bar(LABEL, top + offset, length, 11, name, f"{value:,} {name}"))
            parts.append(
                _text(LABEL + length + 6, top + offset + 9, f"{value:,}", "start", "number")
            )
    return _svg(
        "Keys by days of inactivity, proven and possible", ROW * len(ages) + 4, "".join(parts)
    )


def stacked_bar(title: str, items: Sequence[tuple[int, str, str]]) -> str:
    """One bar of all parts: number, what it counts, and the class of its colour."""
    whole = sum(number for number, _, _ in items)
    parts, left = [], 0.0
    for number, name, tone in items:
        width = 100 * number / whole if whole else 0.0
        parts.append(
            f'<rect class="{tone}" x="{left:.2f}" y="0" width="{width:.2f}" height="10">'
            f"<title>{number:,} {escape(name)}</title></rect>"
            if number
            else ""
        )
        left += width
    return (
        f'<svg viewBox="0 0 100 10" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )


def trend_bars(points: Sequence[TrendPoint]) -> str:
    """A column a round: keys still there, new, and seen for the first time; below what left."""
    points = points[-TREND_POINTS:]
    up = max((point.keys for point in points), default=0)
    down = max((_left(point) for point in points), default=0)
    scale = (TREND_HEIGHT - TREND_TEXT) / max(up + down, 1)
    step = (WIDTH - 40) / max(len(points), 1)
    base = 18 + up * scale
    parts = [f'<line class="axis" x1="30" x2="{WIDTH}" y1="{base:.1f}" y2="{base:.1f}"/>']
    for number, point in enumerate(points):
        left, width = 30 + number * step + step * 0.15, min(step * 0.7, 60)
        top = base
        for name in TREND_PARTS:
            value = getattr(point, name)
            size = value * scale
            top -= size
            title = f"{value:,} {_named(name)}"
            parts.append(_bar(left, top, width, size, name, title, sideways=True))
        parts.append(
            _bar(
                left,
                base + 1,
                width,
                _left(point) * scale,
                "left",
                f"{point.deleted:,} deleted, {point.reactivated:,} reactivated, "
                f"{point.gone:,} gone",
                sideways=True,
            )
        )
        if len(points) <= 12 or number in (0, len(points) - 1):
            parts.append(_text(left + width / 2, top - 4, f"{point.keys:,}", "middle", "number"))
            parts.append(_text(left + width / 2, TREND_HEIGHT - 4, point.started[:10], "middle"))
    return _svg("Inactive keys over the runs", TREND_HEIGHT, "".join(parts))


def _left(point: TrendPoint) -> int:
    return point.deleted + point.reactivated + point.gone


def _named(part: str) -> str:
    return {"still": "still there", "first": "seen for the first time"}.get(part, part)


def _length(value: int, most: int) -> float:
    return round(value / most * (WIDTH - LABEL - VALUE), 1)


def _svg(title: str, height: float, content: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">'
        f"{content}</svg>"
    )


def _bar(
    left: float,
    top: float,
    width: float,
    height: float,
    name: str,
    title: str,
    sideways: bool = False,
) -> str:
    size = height if sideways else width
    if not size:
        return ""
    return (
        f'<rect class="{name}" x="{left:.1f}" y="{top:.1f}" width="{max(width, 1):.1f}" '
        f'height="{max(height, 1):.1f}" rx="2"><title>{escape(title)}</title></rect>'
    )


def _text(left: float, top: float, text: str, anchor: str, name: str = "label") -> str:
    return (
        f'<text class="{name}" x="{left:.1f}" y="{top:.1f}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )
