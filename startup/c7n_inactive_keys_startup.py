# SPDX-License-Identifier: Apache-2.0
"""What the start-up files beside this module call at each start of the interpreter.

A module of its own, since it stays beside them when the package is half removed or an editable
install's checkout is gone. Python before 3.15 reads the .pth, later ones the .start (PEP 829).
"""


def install() -> None:
    """Wait for Custodian to be imported; does nothing where the package is not there."""
    try:
        from c7n_inactive_keys import autoload
    except ImportError:
        return
    autoload.install()
