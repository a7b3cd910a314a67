# SPDX-License-Identifier: Apache-2.0
"""Plugin and emulator know nothing of each other, and the emulator's modules form no circle."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import c7n_inactive_keys
import c7n_inactive_keys_sandbox

PLUGIN = Path(c7n_inactive_keys.__file__).parent
EMULATOR = Path(c7n_inactive_keys_sandbox.__file__).parent
# They start the plugin's own commands.
DRIVERS = {"command", "demo"}


def imported(path):
    """The modules that a file imports anywhere, also for type checkers only."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_plugin_imports_nothing_of_the_emulator():
    """Not even in a function; the command line names it in a string and loads it when asked for."""
    files = list(PLUGIN.rglob("*.py"))
    assert len(files) > 50
    for path in files:
        assert not [name for name in imported(path) if name.startswith(EMULATOR.name)], path


def test_nothing_of_the_emulator_is_there_when_all_of_the_plugin_is_loaded():
    """Whatever else a module runs when it is imported."""
    code = (
        "import pkgutil, sys, importlib, c7n_inactive_keys as package\n"
        "for found in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "    if not found.name.endswith('__main__'): importlib.import_module(found.name)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert PLUGIN.name in loaded
    assert EMULATOR.name not in loaded


def test_the_emulator_imports_nothing_of_the_plugin():
    """A parser that both share would hide a mistake from every test; what drives commands may."""
    for path in EMULATOR.rglob("*.py"):
        foreign = [name for name in imported(path) if name.split(".")[0] == PLUGIN.name]
        assert not foreign or path.stem in DRIVERS, path


def test_the_emulators_modules_form_no_circle():
    """Each can be read after those that it imports."""
    names = {path.stem for path in EMULATOR.glob("*.py")} - {"__init__"}
    arrows = {
        name: {
            found.removeprefix(f"{EMULATOR.name}.")
            for found in imported(EMULATOR / f"{name}.py")
            if found.startswith(EMULATOR.name)
        }
        & names
        for name in names
    }
    assert sum(map(len, arrows.values())) > len(names)
    TopologicalSorter(arrows).prepare()  # raises CycleError
