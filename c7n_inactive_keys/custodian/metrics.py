# SPDX-License-Identifier: Apache-2.0
"""Numbers of keys for Custodian's own metrics output (`--metrics`)."""

from __future__ import annotations

from typing import Any

from c7n_inactive_keys.custodian.memory import execution_memory


def count_keys(manager: Any, what: str, number: int) -> None:
    """Put `InactiveKeysFound` and the like, each once in an execution of the policy."""
    known: set[str] = execution_memory(manager).setdefault("counted", set())
    if what in known or manager.ctx.metrics is None:
        return
    known.add(what)
    manager.ctx.metrics.put_metric(
        f"InactiveKeys{what.capitalize()}", number, "Count", Scope="Policy"
    )
