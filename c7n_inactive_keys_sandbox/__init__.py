# SPDX-License-Identifier: Apache-2.0
"""An embedded AWS organisation for tests and for trying out; production code imports none of it."""

from __future__ import annotations

from c7n_inactive_keys_sandbox.accounts import Account, Key, LastUsed, User
from c7n_inactive_keys_sandbox.calls import Call, Calls
from c7n_inactive_keys_sandbox.events import Event, RandomDelays
from c7n_inactive_keys_sandbox.faults import Fault, Faults
from c7n_inactive_keys_sandbox.server import Sandbox

__all__ = [
    "Account",
    "Call",
    "Calls",
    "Event",
    "Fault",
    "Faults",
    "Key",
    "LastUsed",
    "RandomDelays",
    "Sandbox",
    "User",
]
