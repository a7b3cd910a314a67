# SPDX-License-Identifier: Apache-2.0
"""Numbers of keys for Custodian's own metrics output (`--metrics`)."""

from __future__ import annotations

from c7n_inactive_keys.custodian.c7n_types import Manager
from c7n_inactive_keys.custodian.memory import Shared

_COUNTED: Shared[set[str]] = Shared(set)


def count_keys(manager: Manager, what: str, number: int) -> None:
    """Put `InactiveKeysFound` and the like, each once in an execution of the policy."""
    known = _COUNTED.of(manager)
    if what in known or manager.ctx.metrics is None:
        return
    known.add(what)
    manager.ctx.metrics.put_metric(
        f"InactiveKeys{what.capitalize()}", number, "Count", Scope="Policy"
    )
