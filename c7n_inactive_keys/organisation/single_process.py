# SPDX-License-Identifier: Apache-2.0
"""Runs of stock c7n-org, account after account in one process, as a main module.

Lambda has no /dev/shm, so Python cannot make the semaphores that a pool of processes needs. With
--debug c7n-org does without the pool, but stops at the first exception.
"""

from __future__ import annotations

import contextlib
import json
import sys

from c7n.executor import MainThreadExecutor
from c7n_org import cli

from c7n_inactive_keys import entry


class InTurn(MainThreadExecutor):  # type: ignore[misc] # c7n is untyped
    """Custodian's own executor without a pool; a failed account does not end the others."""

    c7n_async = True  # c7n-org turns it off in the class that this is derived from


def main(*runs: str) -> None:
    """Run c7n-org once with each list of arguments, written as JSON."""
    entry.initialize()
    cli.ProcessPoolExecutor = InTurn
    for arguments in runs:
        with contextlib.suppress(SystemExit):  # some account failed; its log says which
            cli.cli(json.loads(arguments), prog_name="c7n-org", standalone_mode=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
