# SPDX-License-Identifier: Apache-2.0
"""A policy as the rules look at it: filters and actions with their places, whatever it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from c7n_inactive_keys.core.json_types import JsonMapping
from c7n_inactive_keys.lint.contract import FILTERS, OPTIONS, SOURCE

if TYPE_CHECKING:
    from c7n_inactive_keys.lint.document import Steps

BLOCKS = ("and", "or", "not")
USER = "aws.iam-user"
ACCOUNT = "aws.account"
KEY_COLUMNS = "access_keys."  # of the `credential` filter; its other columns are about the user


@dataclass(frozen=True)
class Element:
    """A filter or action, with its place in the policy and the blocks around it."""

    type: str
    data: JsonMapping
    path: Steps
    blocks: tuple[str, ...] = ()
    children: tuple[Element, ...] = field(default=())  # of a block

    @property
    def nested(self) -> bool:
        """Whether it stands in a block."""
        return bool(self.blocks)

    @property
    def negated(self) -> bool:
        """Whether it stands under a `not`."""
        return "not" in self.blocks

    @property
    def column(self) -> str:
        """What a stock filter on keys compares."""
        key = str(self.data.get("key", ""))
        return key[len(KEY_COLUMNS) :] if self.type == "credential" else key

    @property
    def about_keys(self) -> bool:
        """Whether it is a filter that selects keys and not just users."""
        if self.type == "credential":
            return str(self.data.get("key", "")).startswith(KEY_COLUMNS)
        return self.type == "access-key" or self.type in FILTERS

    @property
    def stock_about_keys(self) -> bool:
        """Whether it is such a filter of Custodian's own."""
        return self.about_keys and self.type not in FILTERS

    @property
    def counts_matched(self) -> bool:
        """Whether it asks for keys that the filters before it matched."""
        return self.type == "value" and "c7n:matched-keys" in str(self.data.get("key", ""))


@dataclass(frozen=True)
class Policy:
    """The data of one policy."""

    data: JsonMapping

    @cached_property
    def name(self) -> str:
        """Its name, or what stands in its place."""
        return str(self.data.get("name") or "(no name)")

    @cached_property
    def resources(self) -> tuple[str, ...]:
        """The resource types that it is for, with their provider."""
        given = self.data.get("resource")
        names = given if isinstance(given, list) else [given]
        return tuple(n if "." in n else f"aws.{n}" for n in names if isinstance(n, str))

    @property
    def about_users(self) -> bool:
        """Whether it is a policy on IAM users."""
        return USER in self.resources

    @cached_property
    def tree(self) -> tuple[Element, ...]:
        """Its filters, those in blocks within them."""
        return tuple(_elements(self.data.get("filters"), ("filters",), ()))

    @cached_property
    def filters(self) -> tuple[Element, ...]:
        """Its filters that are no blocks, in the order in which they run."""
        return tuple(_leaves(self.tree))

    @cached_property
    def actions(self) -> tuple[Element, ...]:
        """Its actions."""
        return tuple(_elements(self.data.get("actions"), ("actions",), ()))

    @cached_property
    def key_filters(self) -> tuple[Element, ...]:
        """Its filters that select keys."""
        return tuple(item for item in self.filters if item.about_keys)

    @cached_property
    def mode(self) -> JsonMapping:
        """Its mode; empty for one that is pulled."""
        mode = self.data.get("mode")
        return mode if isinstance(mode, dict) and mode.get("type") != "pull" else {}

    @property
    def ours(self) -> bool:
        """Whether it needs the plugin."""
        return self.data.get("source") == SOURCE or bool(self.of_type(*OPTIONS))

    @property
    def exempting_tags(self) -> list[str]:
        """Tags whose users a filter leaves out."""
        return [
            key.removeprefix("tag:")
            for item in self.filters_of("value")
            if (key := str(item.data.get("key", ""))).startswith("tag:")
            and item.data.get("value") == "absent"
        ]

    def filters_of(self, *types: str) -> tuple[Element, ...]:
        """Its filters of these types."""
        return tuple(item for item in self.filters if item.type in types)

    def actions_of(self, *types: str) -> tuple[Element, ...]:
        """Its actions of these types."""
        return tuple(item for item in self.actions if item.type in types)

    def of_type(self, *types: str) -> tuple[Element, ...]:
        """Both."""
        return (*self.filters_of(*types), *self.actions_of(*types))


def _elements(items: object, path: Steps, blocks: tuple[str, ...]) -> Iterator[Element]:
    for index, item in enumerate(items if isinstance(items, list) else ()):
        element = _element(item, (*path, index), blocks)
        if element:
            yield element


def _element(item: object, path: Steps, blocks: tuple[str, ...]) -> Element | None:
    if isinstance(item, str):
        return Element(item, {}, path, blocks)
    if not isinstance(item, dict):
        return None
    if len(item) == 1 and "type" not in item:
        [(key, value)] = item.items()
        if key not in BLOCKS:  # the short form of a value filter
            return Element("value", {"key": str(key), "value": value}, path, blocks)
        inside = tuple(_elements(value, (*path, key), (*blocks, key)))
        return Element(str(key), {}, path, blocks, inside)
    return Element(str(item.get("type", "")), item, path, blocks)


def _leaves(tree: tuple[Element, ...]) -> Iterator[Element]:
    for item in tree:
        if item.type in BLOCKS and not item.data:
            yield from _leaves(item.children)
        else:
            yield item
