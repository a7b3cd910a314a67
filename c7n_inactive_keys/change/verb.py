# SPDX-License-Identifier: Apache-2.0
"""What one of the three changes of a key is: its words, its call, and what must hold before it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar, Generic, NamedTuple, TypeVar

from c7n_inactive_keys.core.evidence import LedgerEntry
from c7n_inactive_keys.core.hindrance import Reading, Rules
from c7n_inactive_keys.core.journal import Found
from c7n_inactive_keys.core.json_types import JsonMapping
from c7n_inactive_keys.custodian.c7n_types import Client

FoundOf = TypeVar("FoundOf", bound=Found)


class LedgerWork(NamedTuple):
    """What is to be done to a user's ledger tags after its keys were changed, by access key id."""

    write: Mapping[str, LedgerEntry]
    remove: Iterable[str]


class Change(NamedTuple, Generic[FoundOf]):
    """A key that was changed, and between which moments of AWS's clock.

    `by_us`: IAM's answer says that it was us, and nobody else in the same moment.
    """

    found: FoundOf
    began: datetime
    ended: datetime
    by_us: bool


class Verb(ABC, Generic[FoundOf]):
    """Deleting, deactivating or reactivating. Shared by workers, so without state of a user."""

    doing: ClassVar[str]
    done: ClassVar[str]

    @abstractmethod
    def found(self, user: JsonMapping) -> list[FoundOf]:
        """The keys of a user that are to be changed."""

    @abstractmethod
    def hindrance(self, found: FoundOf, reading: Reading, rules: Rules) -> str | None:
        """The reason to skip a key; None: it may be changed."""

    @abstractmethod
    def call(self, iam: Client, user_name: str, access_key_id: str) -> None:
        """Change the key."""

    @abstractmethod
    def is_done(self, access_key_id: str, reading: Reading) -> bool:
        """Whether a call that had no clear answer has taken effect."""

    @abstractmethod
    def ledger_work(self, changed: Iterable[Change[FoundOf]], gone: Iterable[str]) -> LedgerWork:
        """What the ledger is to say then; `gone`: keys that were found deleted already."""

    @abstractmethod
    def read(self, iam: Client, found: FoundOf, reading: Reading, tried: bool) -> Reading:
        """What else must be read again of the key at hand; `tried`: it may be changed already.

        Raises:
            ClientError, BotoCoreError: it could not be read, so the key must not be changed.
        """
