# SPDX-License-Identifier: Apache-2.0
"""Files of policies and accounts, as Custodian and c7n-org lay them out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from c7n_inactive_keys.core.errors import InactiveKeysError
from c7n_inactive_keys.lint.document import Document, Steps, UnreadableError, read
from c7n_inactive_keys.lint.places import Places
from c7n_inactive_keys.lint.policy import Policy

ENDINGS = (".yml", ".yaml", ".json")
BYTE_ORDER_MARK = "\ufeff"


class FileError(InactiveKeysError):
    """A file or directory that was named cannot be read."""


@dataclass(frozen=True)
class Placed:
    """A policy, where it is in the file's data, and its lines with the comments above it."""

    policy: Policy
    base: Steps
    first: int
    last: int


@dataclass(frozen=True)
class PolicyFile:
    """A file of whatever content."""

    path: Path
    text: str
    document: Document | None
    problem: UnreadableError | None = None
    opened: bool = True

    @cached_property
    def policies(self) -> tuple[Placed, ...]:
        """Its policies; none if it is another kind of file."""
        items, base = self._items()
        found = (
            (index, item)
            for index, item in enumerate(items)
            if isinstance(item, dict) and isinstance(item.get("resource"), (str, list))
        )
        return tuple(self._placed(Policy(item), (*base, index)) for index, item in found)

    def _items(self) -> tuple[list[Any], Steps]:
        data = self.document.data if self.document else None
        # Some keep bare lists, which a script puts together.
        items = data.get("policies") if isinstance(data, dict) else data
        return (items if isinstance(items, list) else []), (
            ("policies",) if isinstance(data, dict) else ()
        )

    @cached_property
    def accounts(self) -> list[Any]:
        """The accounts of a c7n-org file."""
        data = self.document.data if self.document else None
        items = data.get("accounts") if isinstance(data, dict) else None
        listed = isinstance(items, list) and all(
            isinstance(item, dict) and "account_id" in item for item in items
        )
        return list(items or []) if listed else []

    @property
    def may_hold_policies(self) -> bool:
        """Whether an unreadable file looks as if it did, or cannot even be looked at."""
        return not self.opened or ("policies:" in self.text and "resource:" in self.text)

    def policy_at(self, line: int) -> Placed | None:
        """The policy that a line belongs to, with the comments above it."""
        return next((item for item in self.policies if item.first <= line <= item.last), None)

    def line_at(self, index: int) -> int:
        """The line of a place in the text."""
        return self.text.count("\n", 0, index) + 1

    def _placed(self, policy: Policy, base: Steps) -> Placed:
        assert self.document is not None
        node = self.document.node(base)
        assert node is not None
        first = self.line_at(node.start_mark.index)
        last = self.line_at(Places(self.document.text).end(node))
        lines = self.text.split("\n")
        while first > 1 and lines[first - 2].strip().startswith("#"):
            first -= 1
        return Placed(policy, base, first, max(first, last))


def parse(path: Path, text: str) -> PolicyFile:
    """A file with this text."""
    try:
        return PolicyFile(path, text, read(text.removeprefix(BYTE_ORDER_MARK)))
    except UnreadableError as error:
        return PolicyFile(path, text, None, error)


def load(path: Path, named: bool = True) -> PolicyFile:
    """A file, in UTF-8. One that nobody named, as those of a directory, may be unreadable.

    Raises:
        FileError: it was named and cannot be opened.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        if named:
            raise FileError(f"{path} cannot be read: {error.strerror}") from error
        return PolicyFile(path, "", None, UnreadableError(str(error.strerror)), opened=False)
    try:
        return parse(path, content.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        text = content.decode("utf-8", "replace")
        return PolicyFile(path, text, None, UnreadableError("it is not UTF-8", line))


def discover(paths: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    """The files that are named and those of directories, each once, and whether it was named.

    Raises:
        FileError: a directory cannot be listed, or holds no file of the kind.
    """
    seen: set[Path] = set()
    for path in paths:
        found = list(_below(path)) if path.is_dir() else [path]
        if not found:
            raise FileError(f"{path} holds no file that ends in {', '.join(ENDINGS)}")
        for file in found:
            if file.resolve() not in seen:
                seen.add(file.resolve())
                yield file, file is path


def _below(directory: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise FileError(f"{error.filename} cannot be listed: {error.strerror}") from error

    for root, directories, files in os.walk(directory, onerror=fail):
        # As Custodian's own loader of directories does.
        directories[:] = sorted(name for name in directories if not name.startswith("."))
        for name in sorted(files):
            if name.endswith(ENDINGS) and not name.startswith("."):
                yield Path(root, name)
