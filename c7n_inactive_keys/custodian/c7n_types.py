# SPDX-License-Identifier: Apache-2.0
"""What we use of Custodian's and boto3's objects, which come without type hints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from c7n_inactive_keys.core.json_types import JsonObject

if TYPE_CHECKING:
    from datetime import datetime

    from c7n_inactive_keys.core.credential_report import ReportedUser

Client: TypeAlias = Any  # boto3 makes its classes when they are asked for
ExecutorFactory: TypeAlias = Callable[..., Executor]


class Element(Protocol):
    """A filter, a block of filters, or an action of a policy."""

    type: str
    data: JsonObject
    manager: Manager
    executor_factory: ExecutorFactory
    name: str  # of an action
    filters: Sequence[Element]  # of a block
    get_block_operator: Callable[[], str]


class KeyFilterElement(Element, Protocol):
    """A filter of ours; `annotation` is where the entries of its keys go."""

    annotation: str

    def may_match(self, reported: ReportedUser, now: datetime) -> bool:
        """Whether a user may match of whom the credential report says this."""


class Policy(Protocol):
    """A policy."""

    name: str
    data: JsonObject
    execution_mode: str


class Context(Protocol):
    """An execution of a policy; `execution_id` is None until it has begun."""

    policy: Policy
    execution_id: str | None
    options: Any
    output: Any
    metrics: Any


class Manager(Protocol):
    """The resource manager of a policy."""

    type: str
    ctx: Context
    config: Any
    filters: Sequence[Element]
    actions: Sequence[Element]
    source: Any
    get_cache_key: Callable[[Any], str]
    session_factory: Callable[[], Any]
    executor_factory: ExecutorFactory
