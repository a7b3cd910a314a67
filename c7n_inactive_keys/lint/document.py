# SPDX-License-Identifier: Apache-2.0
"""A YAML file as data, and where each part of it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

Steps = tuple[str | int, ...]

# libyaml's speed, where PyYAML was built with it.
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Policies nest a dozen levels. libyaml's binding composes recursively in C, and far more levels
# than this end the whole process.
DEEPEST = 100
LARGEST = 1_000_000  # what aliases may expand a file to, in nodes
# What PyYAML's constructors raise on scalars such as `2024-99-99`, `!!int ""` and `!!bool maybe`.
CONSTRUCTION_ERRORS = (
    yaml.YAMLError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


class UnreadableError(Exception):
    """Text that Custodian cannot read either: why, and on which line."""

    def __init__(self, reason: str, line: int = 1) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(frozen=True)
class Duplicate:
    """A key that stands twice in a mapping: YAML keeps the last value and is silent on the rest."""

    key: str
    path: Steps  # of the mapping
    index: int  # where the ignored one begins in the text
    kept: int  # where the one that counts begins


@dataclass(frozen=True)
class Document:
    """The data of a text and the nodes that it was made of."""

    text: str
    data: object
    root: yaml.Node | None
    duplicates: tuple[Duplicate, ...]

    def node(self, path: Steps) -> yaml.Node | None:
        """The node of the value at a path, or None where there is none."""
        node = self.root
        for step in path:
            node = child(node, step)
        return node

    def line(self, path: Steps) -> int:
        """The line of what stands at a path, or of the nearest thing around it."""
        node = self.root
        index = 0
        for step in path:
            entry = key_node(node, step)
            node = child(node, step)
            if node is None:
                break
            index = (entry or node).start_mark.index
        return self.line_at(index)

    def line_at(self, index: int) -> int:
        """The line of a position, as editors count: libyaml takes U+2028 for a break as well."""
        return self.text.count("\n", 0, index) + 1


def read(text: str) -> Document:
    """The text as data.

    Raises:
        UnreadableError: Custodian cannot read it either, or it is no policy file of any kind.
    """
    _check_depth(text)
    loader = Loader(text)
    try:
        root = loader.get_single_node()
        if root is not None:
            _measure(root, {}, 0)
        duplicates = tuple(_duplicates(root))
        data = loader.construct_document(root) if root is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = text.count("\n", 0, mark.index) + 1 if mark else 1
        raise UnreadableError(str(error.problem or error.context), line) from error
    except CONSTRUCTION_ERRORS as error:
        raise UnreadableError(" ".join(str(error).split())) from error
    finally:
        loader.dispose()
    return Document(text, data, root, duplicates)


def child(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    """What stands under a key, the last one of that name, or at a place of a list."""
    if isinstance(node, yaml.MappingNode):
        found = [value for key, value in node.value if key.value == step]
        return found[-1] if found else None
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return node.value[step] if step < len(node.value) else None
    return None


def key_node(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    """The node of a key in a mapping."""
    if not isinstance(node, yaml.MappingNode):
        return None
    found = [key for key, _ in node.value if key.value == step]
    return found[-1] if found else None


def _check_depth(text: str) -> None:
    """Count levels by the parser's events, which does not recurse, if there may be too many."""
    longest = max(map(len, text.splitlines()), default=0)
    if longest + text.count("[") + text.count("{") < DEEPEST * 10:
        return
    depth = 0
    try:
        for event in yaml.parse(text, Loader=Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > DEEPEST:
                mark = event.start_mark
                line = text.count("\n", 0, mark.index) + 1 if mark else 1
                raise UnreadableError("it is nested too deeply", line)
    except yaml.YAMLError:
        return  # `read` meets the same and says it


def _measure(node: yaml.Node, sizes: dict[int, int], depth: int) -> int:
    """The number of nodes that a node expands to.

    Raises:
        UnreadableError: an anchor contains itself, or aliases expand to more than anybody wrote.
    """
    if isinstance(node, yaml.ScalarNode):
        return 1
    known = sizes.get(id(node))
    line = node.start_mark.line + 1
    if known == 0:
        raise UnreadableError("an anchor contains itself", line)
    if depth > DEEPEST:
        raise UnreadableError("it is nested too deeply", line)
    if known is None:
        sizes[id(node)] = 0
        known = 1 + sum(_measure(part, sizes, depth + 1) for part in _parts(node))
        sizes[id(node)] = known
    if known > LARGEST:
        raise UnreadableError("its aliases expand to more than can be read", line)
    return known


def _parts(node: yaml.Node) -> Iterator[yaml.Node]:
    for item in node.value:
        yield from item if isinstance(node, yaml.MappingNode) else (item,)


def _duplicates(root: yaml.Node | None) -> Iterator[Duplicate]:
    seen: set[int] = set()
    nodes: list[tuple[Steps, yaml.Node]] = [((), root)] if root else []
    while nodes:
        path, node = nodes.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            nodes += [((*path, index), item) for index, item in enumerate(node.value)]
            continue
        nodes += [((*path, key.value), value) for key, value in node.value if _is_name(key)]
        yield from _duplicates_of(path, node)


def _duplicates_of(path: Steps, mapping: yaml.Node) -> Iterator[Duplicate]:
    places: dict[str, int] = {}
    for key, _ in reversed(mapping.value):
        if not _is_name(key):
            continue
        index = key.start_mark.index
        if key.value in places:
            yield Duplicate(key.value, path, index, places[key.value])
        else:
            places[key.value] = index


def _is_name(key: yaml.Node) -> bool:
    """Whether a key is text; `<<`, which merges, may stand twice."""
    return bool(key.tag == "tag:yaml.org,2002:str")
