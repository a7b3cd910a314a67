# SPDX-License-Identifier: Apache-2.0
"""JSON arrays with an element a line, in pieces, so that a large one is never held as one text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def array(elements: Iterable[str]) -> Iterator[str]:
    """A whole document: the array of elements that are JSON already."""
    yield "["
    yield from comma_lines(elements)
    yield "\n]\n"


def comma_lines(elements: Iterable[str]) -> Iterator[str]:
    """The elements, each on a line of its own, with commas between them."""
    for number, element in enumerate(elements):
        yield f"{',' if number else ''}\n{element}"
