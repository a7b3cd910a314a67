# SPDX-License-Identifier: Apache-2.0
"""The account that a policy runs in, also where a program has not told Custodian of it."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from c7n_inactive_keys.custodian.c7n_types import Manager

_asked: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def account_id(manager: Manager) -> str:
    """The account's id: as Custodian's commands know it, else as STS tells the policy's session.

    Without it, what was read in one account could pass for another's.
    """
    known: str | None = getattr(manager.config, "account_id", None) or _asked.get(manager)
    if known is None:
        # Here, not at the top: every command of Custodian loads this module, few get here.
        from c7n_inactive_keys.custodian import aws

        known = str(aws.client(manager, "sts").get_caller_identity()["Account"])
        _asked[manager] = known
    return known
