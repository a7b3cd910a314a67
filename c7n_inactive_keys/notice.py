# SPDX-License-Identifier: Apache-2.0
"""The one line on stderr that says why Custodian runs without the plugin."""

from __future__ import annotations

import sys

from c7n_inactive_keys import OPT_OUT

_warned = False


def warn(error: BaseException) -> None:
    """Say that the plugin is not there and why; once in a process."""
    global _warned  # Custodian announces its resources again and again
    if _warned:
        return
    _warned = True
    print(
        f"c7n-inactive-keys: not loaded into Custodian {_custodian_version()}: "
        f"{type(error).__name__}: {error}. Policies that use it will not validate. "
        f"({OPT_OUT}=0 turns the plugin and this warning off.)",
        file=sys.stderr,
    )


def _custodian_version() -> str:
    from importlib import metadata  # costs milliseconds, and is rarely needed

    try:
        return metadata.version("c7n")
    except metadata.PackageNotFoundError:
        return "of unknown version"
