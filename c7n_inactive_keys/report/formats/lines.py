# SPDX-License-Identifier: Apache-2.0
"""One line a row at any width: columns are dropped, then shortened, and never folded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column. Those of a high rank are dropped first, before others get narrower than `good`."""

    heading: str
    rank: int
    good: int
    least: int = 0  # 0: the column is dropped rather than narrowed
    right: bool = False
    in_middle: bool = True  # where a text that is too long gets its ellipsis


def widths(
    columns: Sequence[Column], rows: Sequence[Mapping[str, str]], width: int | None
) -> dict[Column, int]:
    """The columns that fit, and how wide each is; empty ones are left out.

    Without a `width` nothing is dropped or shortened.
    """
    natural = {
        column: max(cell_len(column.heading), most)
        for column in columns
        if (most := max((cell_len(row[column.heading]) for row in rows), default=0))
    }
    if width is None:
        return natural
    sizes = {column: min(size, column.good) for column, size in natural.items()}
    least = {column: min(size, column.least or size) for column, size in sizes.items()}
    while len(sizes) > 1 and _total(sizes) > width:
        last = max(sizes, key=lambda column: column.rank)
        if last.least and _total(least) <= width:
            break
        del sizes[last], least[last]
    _give(sizes, least, _total(sizes) - width)
    _give(sizes, {column: natural[column] for column in sizes}, width - _total(sizes))
    return sizes


def _give(sizes: dict[Column, int], limits: Mapping[Column, int], cells: int) -> None:
    """Bring sizes nearer to their limits, by so many cells in all, the furthest from it first."""
    for _ in range(cells):
        column = max(sizes, key=lambda column: abs(limits[column] - sizes[column]))
        if sizes[column] == limits[column]:
            return
        sizes[column] += 1 if limits[column] > sizes[column] else -1


def _total(sizes: Mapping[Column, int]) -> int:
    return sum(sizes.values()) + GAP * (len(sizes) - 1)


def line(cells: Mapping[str, str], sizes: Mapping[Column, int]) -> str:
    """A row of so wide columns."""
    parts = [fitted(cells[column.heading], column, size) for column, size in sizes.items()]
    return (" " * GAP).join(parts).rstrip()


def head(sizes: Mapping[Column, int]) -> str:
    """The headings above them."""
    return line({column.heading: column.heading for column in sizes}, sizes)


def fitted(text: str, column: Column, size: int) -> str:
    """The text in so many cells, shortened if need be."""
    if cell_len(text) > size:
        text = shortened(text, size, column.in_middle)
    padding = " " * (size - cell_len(text))
    return padding + text if column.right else text + padding


def shortened(text: str, size: int, in_middle: bool) -> str:
    """The text with an ellipsis for what does not fit."""
    if not in_middle:
        return f"{set_cell_size(text, size - 1)}…"
    tail = (size - 1) // 2
    return f"{set_cell_size(text, size - 1 - tail)}…{_end(text, tail)}"


def _end(text: str, size: int) -> str:
    """As much of a text's end as fits."""
    return set_cell_size(text[::-1], size)[::-1]
