# SPDX-License-Identifier: Apache-2.0
"""The stack's parameters, as the functions find them in their environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from c7n_inactive_keys.core.errors import InactiveKeysError

READ: Mapping[str, Callable[[str], Any]] = {
    "policies": Path,
    "batch_size": int,
    "concurrency": int,
    "delete": "true".__eq__,
    "max_keys": int,
}


class SettingsError(InactiveKeysError):
    """The stack's parameters do not fit each other, or the policies of its image."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the stack was told; keys are of objects in its bucket, empty where none was named."""

    bucket: str
    policies: Path = Path()
    accounts_key: str = ""
    look_role: str = ""
    delete_role: str = ""
    batch_size: int = 1
    concurrency: int = 1
    delete: bool = False
    max_keys: int = 0
    plan_key: str = ""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """The settings of a function; the stack gives each function what concerns it."""
        known = {item.name: environ.get(item.name.upper()) for item in fields(cls)}
        given = {name: READ.get(name, str)(text) for name, text in known.items() if text}
        return cls(**given)

    def check(self) -> None:
        """Refuse to delete without a limit.

        Raises:
            SettingsError: neither a plan nor a cap was given.
        """
        if self.delete and not (self.max_keys or self.plan_key):
            raise SettingsError(
                "Delete needs a limit over the whole organisation: MaxKeys, an approved plan in "
                "Plan, or both"
            )
