# SPDX-License-Identifier: Apache-2.0
"""The main module of `c7n-inactive-keys custodian` and `c7n-inactive-keys c7n-org`.

The plugin is registered at the top level: c7n-org's workers, unless they are forked, import the
main module again under another name.
"""

from __future__ import annotations

import sys

from c7n_inactive_keys import entry

entry.initialize()


def main() -> None:
    """Run the stock command that the first argument names with the others, under its own name."""
    sys.argv = sys.argv[1:]
    if sys.argv[0] == "c7n-org":
        from c7n_org.cli import cli

        # Else click tells of `python -m`, which is how it sees this module.
        cli(prog_name="c7n-org")
    else:
        from c7n.cli import main as custodian

        custodian()


if __name__ == "__main__":
    main()
