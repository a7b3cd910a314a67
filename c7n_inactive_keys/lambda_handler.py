# SPDX-License-Identifier: Apache-2.0
"""The Lambda entry point: Lambda reads no start-up files, so the plugin registers here."""

from __future__ import annotations

from typing import Any

from c7n import handler

from c7n_inactive_keys import entry
from c7n_inactive_keys.core.json_types import JsonObject

# At import, not in run(): Custodian may validate the policy as soon as the first event is there.
entry.initialize()


def run(event: JsonObject, context: Any) -> Any:
    """Policies name this as `mode.handler: c7n_inactive_keys.lambda_handler.run`."""
    return handler.dispatch_event(event, context)
