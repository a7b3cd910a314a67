# SPDX-License-Identifier: Apache-2.0
"""The plugin runs without the emulator. Who imports whom is checked by `make lint`."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.e2e
def test_nothing_of_the_emulator_is_there_when_all_of_the_plugin_is_loaded():
    """Whatever a module runs when it is imported, and whatever it imports by a name in a string."""
    code = (
        "import pkgutil, sys, importlib, c7n_inactive_keys as package\n"
        "for found in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "    if not found.name.endswith('__main__'): importlib.import_module(found.name)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "c7n_inactive_keys" in loaded
    assert "c7n_inactive_keys_sandbox" not in loaded
