# SPDX-License-Identifier: Apache-2.0
"""Failures that end a policy."""

from __future__ import annotations

import logging

from c7n_inactive_keys.core.errors import InactiveKeysError

log = logging.getLogger("custodian.inactive-keys.journal")


def said(failure: InactiveKeysError) -> InactiveKeysError:
    """The failure, which is in the run's log now, since Custodian may keep an error out of it."""
    log.error("%s", failure)
    return failure
