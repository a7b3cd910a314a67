# SPDX-License-Identifier: Apache-2.0
"""What may be remembered, and for how long: within one execution of a policy, or one run."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from c7n_inactive_keys.custodian.account import account_id
from c7n_inactive_keys.custodian.c7n_types import Manager

Value = TypeVar("Value")

REPORT_ANNOTATION = "c7n:CredentialReport"

# Of this process: what it finds with another mark is from Custodian's cache.
PROCESS = uuid.uuid4().hex

_executions: WeakKeyDictionary[Any, tuple[str, dict[Any, Any]]] = WeakKeyDictionary()
_run: dict[Any, tuple[Any, float, Any]] = {}


class Shared(Generic[Value]):
    """A value that all filters and actions of one execution of a policy share; made when needed.

    Custodian gives an execution its id before it fetches resources in pull mode. In event modes
    filters run earlier, so nothing is shared there.
    """

    def __init__(self, make: Callable[[], Value]) -> None:
        self.make = make

    def of(self, manager: Manager) -> Value:
        """The value in the present execution of the manager's policy."""
        values = _execution(manager)
        if self not in values:
            values[self] = self.make()
        value: Value = values[self]
        return value


def execution_token(manager: Manager) -> str:
    """A text that is the same for all filters and actions of one execution of a policy."""
    return f"{id(manager):x}:{manager.ctx.execution_id or ''}"


def _execution(manager: Manager) -> dict[Any, Any]:
    execution_id = manager.ctx.execution_id
    if execution_id is None:
        return {}
    known = _executions.get(manager)
    if known is None or known[0] != execution_id:
        known = _executions[manager] = (execution_id, {})
    return known[1]


def once_per_run(manager: Manager, name: str, produce: Callable[[], Value]) -> Value:
    """The value for the account, made once for all policies of a `custodian` or `c7n-org` run.

    The policies of a run share the list of its regions, or with c7n-org the options themselves.
    A Lambda function keeps its options from one invocation to the next, so there every execution
    of a policy is a run of its own.
    """
    if manager.ctx.policy.execution_mode != "pull":
        memory = _execution(manager)
        if name not in memory:
            memory[name] = produce()
        shared: Value = memory[name]
        return shared
    # Here, not at the top: every command of Custodian loads this module, few get here.
    from c7n_inactive_keys.core.evidence import RUN_MEMORY

    options = manager.ctx.options
    run = options.get("regions") or options
    key = (name, account_id(manager))
    known = _run.get(key)
    started = time.monotonic()
    if known and known[0] is run and started - known[1] < RUN_MEMORY.total_seconds():
        value: Value = known[2]
        return value
    value = produce()
    _run.clear()  # one account at a time: a long organisation run must not pile up histories
    _run[key] = (run, started, value)
    return value
