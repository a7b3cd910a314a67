# SPDX-License-Identifier: Apache-2.0
"""Places in the text of a YAML file: lines, the ends of nodes, and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

COMMENT = re.compile(r"(?:^|(?<=[\s,\[\]{}]))#[^\r\n]*", re.MULTILINE)


def holds(outer: yaml.Node, inner: yaml.Node) -> bool:
    """Whether a node is written within another."""
    return bool(
        outer.start_mark.index <= inner.start_mark.index
        and inner.end_mark.index <= outer.end_mark.index
    )


def is_flow(node: yaml.Node) -> bool:
    """Whether it is a list or mapping in brackets."""
    return isinstance(node, yaml.CollectionNode) and bool(node.flow_style)


class Places:
    """The places of one text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def line_start(self, index: int) -> int:
        """Where the line of a place begins."""
        return self.text.rfind("\n", 0, index) + 1

    def line_end(self, index: int) -> int:
        """Where the line of a place ends, before its line end."""
        end = self.text.find("\n", index)
        if end < 0:
            return len(self.text)
        return end - 1 if self.text[index:end].endswith("\r") else end

    def next_line(self, index: int) -> int:
        """Where the line below a place begins."""
        end = self.text.find("\n", index)
        return len(self.text) if end < 0 else end + 1

    def end(self, node: yaml.Node) -> int:
        """Where a node ends: the parser counts the space and the comments behind it as well."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            return max(self.end(part) for part in _parts(node))
        start: int = node.start_mark.index
        return start + len(self.text[start : node.end_mark.index].rstrip())

    def comments(self, node: yaml.Node) -> list[str]:
        """The comments within a node: what looks like one and is in none of its scalars."""
        found: list[str] = []
        place = node.start_mark.index
        for start, stop in [*self._scalars(node), (self.end(node),) * 2]:
            found += self.comments_between(place, start)
            place = stop
        return found

    def comments_between(self, start: int, end: int) -> list[str]:
        """What looks like a comment between two places."""
        return [match[0].strip() for match in COMMENT.finditer(self.text, start, max(start, end))]

    def comments_behind(self, index: int) -> list[str]:
        """The comment on the rest of a line."""
        return self.comments_between(index, self.line_end(index))

    def _scalars(self, node: yaml.Node) -> Iterator[tuple[int, int]]:
        if isinstance(node, yaml.ScalarNode):
            yield node.start_mark.index, self.end(node)
            return
        for part in _parts(node):
            yield from self._scalars(part)


def _parts(node: yaml.Node) -> Iterator[yaml.Node]:
    for item in node.value:
        yield from item if isinstance(item, tuple) else (item,)
