# SPDX-License-Identifier: Apache-2.0
"""Changes made in the text of a file: comments, order and layout of all that stays are kept.

A YAML library that writes what it has read lays out the whole file anew. So only the lines that
change are written, at the places that the parser tells, and what comes of it is read again: if that
is not exactly the data that was meant, nothing is changed.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

import yaml

from c7n_inactive_keys.lint.change import Drop, Insert, Put, changed
from c7n_inactive_keys.lint.document import (
    Document,
    Steps,
    UnreadableError,
    child,
    read,
)
from c7n_inactive_keys.lint.places import Places, holds, is_flow
from c7n_inactive_keys.lint.rendering import block, flow


class NotMechanicalError(Exception):
    """A change that somebody has to make by hand."""


@dataclass(frozen=True)
class Cut:
    """Text that takes the place of other text."""

    start: int
    end: int
    text: str


def apply(text: str, steps: Iterable[Put | Drop | Insert]) -> str:
    """The text with the changes made.

    Raises:
        NotMechanicalError: one of them cannot be made without touching something else.
    """
    for step in steps:
        text = _apply(text, step)
    return text


def _apply(text: str, step: Put | Drop | Insert) -> str:
    document = read(text)
    cut = _Editor(document).cut(step)
    edited = text[: cut.start] + cut.text + text[cut.end :]
    try:
        after = read(edited).data
    except UnreadableError as error:
        raise NotMechanicalError(str(error)) from error
    if after != changed(document.data, step):
        raise NotMechanicalError("it would change something else as well")
    return edited


class _Editor:
    """Finds the places of a change in a document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.text = document.text
        self.places = Places(document.text)
        self.json = document.text.lstrip().startswith("{")

    def cut(self, step: Put | Drop | Insert) -> Cut:
        """What to replace by what, with the file's own line ends."""
        *above, last = step.path
        parent = self._own_node(tuple(above))
        if isinstance(parent, yaml.SequenceNode) and isinstance(last, int):
            in_list = self._in_flow_list if parent.flow_style else self._in_block_list
            cut = in_list(parent.value, last, step)
        elif isinstance(parent, yaml.MappingNode):
            cut = self._in_mapping(parent, str(last), step)
        else:
            raise NotMechanicalError("there is nothing that could be changed")
        newline = "\r\n" if "\r\n" in self.text else "\n"
        return Cut(cut.start, cut.end, cut.text.replace("\r\n", "\n").replace("\n", newline))

    def _own_node(self, path: Steps) -> yaml.Node:
        """The node at a path, if it is written there and not just referred to by an alias."""
        node = self.document.root
        for step in path:
            node = _written_in(node, child(node, step))
        if node is None:
            raise NotMechanicalError("the file is empty")
        return node

    def _flow(self, value: object) -> str:
        return flow(value, self.json)

    # -- lists ----------------------------------------------------------------------------------

    def _in_block_list(self, items: list[yaml.Node], index: int, step: Put | Drop | Insert) -> Cut:
        if isinstance(step, Insert):
            return self._new_item(items, index, step.value)
        return self._old_item(_written_in(None, items[index]), step)

    def _old_item(self, item: yaml.Node, step: Put | Drop) -> Cut:
        dash = self._dash(item)
        column = dash - self.places.line_start(dash)
        start, end = item.start_mark.index, self.places.end(item)
        comments = self.places.comments(item)
        if isinstance(step, Put):
            above = "".join(f"{comment}\n{' ' * column}" for comment in comments)
            indent = " " * item.start_mark.column
            new = self._flow(step.value) if is_flow(item) else block(step.value)
            new = textwrap.indent(new, indent).lstrip(" ")
            return Cut(dash, end, f"{above}{self.text[dash:start]}{new}")
        comments += self.places.comments_behind(end)
        left = "".join(f"{' ' * column}{comment}\n" for comment in comments)
        return Cut(self.places.line_start(dash), self.places.next_line(end), left)

    def _new_item(self, items: list[yaml.Node], index: int, value: object) -> Cut:
        dash = self._dash(items[0])
        start = self.places.line_start(dash)
        lines = textwrap.indent(block([value]), " " * (dash - start))
        if index == 0:
            return Cut(start, start, f"{lines}\n")
        return self._lines_behind(items[index - 1], lines)

    def _dash(self, item: yaml.Node) -> int:
        """The dash of an item, if nothing else stands before it on its line."""
        dash = self.text.rfind("-", 0, item.start_mark.index)
        if dash < 0 or self.text[self.places.line_start(item.start_mark.index) : dash].strip(" "):
            raise NotMechanicalError("it shares its line with something else")
        return dash

    def _in_flow_list(self, items: list[yaml.Node], index: int, step: Put | Drop | Insert) -> Cut:
        ends = [self.places.end(item) for item in items]
        starts = [item.start_mark.index for item in items]
        if isinstance(step, Put):
            return Cut(starts[index], ends[index], self._flow(step.value))
        if isinstance(step, Insert):
            if index == 0:
                return Cut(starts[0], starts[0], f"{self._flow(step.value)}, ")
            return Cut(ends[index - 1], ends[index - 1], f", {self._flow(step.value)}")
        if index + 1 < len(items):
            return self._without_comments(starts[index], starts[index + 1])
        return self._without_comments(ends[index - 1] if index else starts[0], ends[index])

    # -- mappings -------------------------------------------------------------------------------

    def _in_mapping(self, parent: yaml.MappingNode, name: str, step: Put | Drop | Insert) -> Cut:
        if isinstance(step, Drop):
            return self._without_key(parent, name)
        value = child(parent, name)
        if value is None:
            return self._new_key(parent, name, step)
        _written_in(parent, value)
        if isinstance(step.value, (dict, list)) and not is_flow(value):
            raise NotMechanicalError("what stands there would have to be written anew")
        return Cut(value.start_mark.index, self.places.end(value), self._flow(step.value))

    def _new_key(self, parent: yaml.MappingNode, name: str, step: Put | Insert) -> Cut:
        if not parent.value:
            raise NotMechanicalError("there is nothing that could be changed")
        after = step.after if isinstance(step, Put) else ()
        known = (child(parent, key) for key in after)
        neighbour = next((node for node in known if node is not None), parent.value[-1][1])
        if parent.flow_style:
            place = self.places.end(neighbour)
            return Cut(place, place, f", {self._flow({name: step.value})[1:-1]}")
        indent = " " * parent.value[0][0].start_mark.column
        return self._lines_behind(neighbour, textwrap.indent(block({name: step.value}), indent))

    def _without_key(self, parent: yaml.MappingNode, name: str) -> Cut:
        place = [key.value for key, _ in parent.value].index(name)
        key, value = parent.value[place]
        end = self.places.end(value)
        if parent.flow_style:
            if place + 1 < len(parent.value):
                following = parent.value[place + 1][0].start_mark.index
                return self._without_comments(key.start_mark.index, following)
            return self._without_comments(self.places.end(parent.value[place - 1][1]), end)
        start = self.places.line_start(key.start_mark.index)
        if self.text[start : key.start_mark.index].strip():
            raise NotMechanicalError("it shares its line with something else")
        return self._without_comments(start, self.places.next_line(end))

    # -- both -----------------------------------------------------------------------------------

    def _lines_behind(self, node: yaml.Node, lines: str) -> Cut:
        """New lines below the one where a node ends; what is behind it there stays."""
        end = self.places.line_end(self.places.end(node))
        return Cut(end, end, f"\n{lines}")

    def _without_comments(self, start: int, end: int) -> Cut:
        if self.places.comments_between(start, end):
            raise NotMechanicalError("a comment would be lost")
        return Cut(start, end, "")


def _written_in(outer: yaml.Node | None, inner: yaml.Node | None) -> yaml.Node:
    """The inner node, if it is written within the outer one: an alias stands for one elsewhere."""
    if inner is None or (outer is not None and not holds(outer, inner)):
        raise NotMechanicalError("it is shared with other policies by an anchor")
    return inner
