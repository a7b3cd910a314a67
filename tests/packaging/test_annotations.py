# SPDX-License-Identifier: Apache-2.0
"""The package says it is typed: whoever asks its annotations at run time gets types."""

from __future__ import annotations

import sys

from tests.support.commands import must

# What documentation tools do: import as always, then again with the imports for types alone.
RESOLVE = """
import importlib, inspect, pkgutil, typing
import c7n_inactive_keys

modules = [
    importlib.import_module(found.name)
    for found in pkgutil.walk_packages(c7n_inactive_keys.__path__, "c7n_inactive_keys.")
    # The hook may not import typing, so its annotations are for type checkers alone.
    if not found.name.endswith(("__main__", ".autoload"))
]
typing.TYPE_CHECKING = True
for module in modules:
    importlib.reload(module)
resolved = 0
for module in modules:
    here = [item for item in vars(module).values() if inspect.getmodule(item) is module]
    classes = [item for item in here if inspect.isclass(item)]
    functions = [
        item
        for place in (here, *(vars(found).values() for found in classes))
        for item in place
        if inspect.isfunction(item)
    ]
    for item in (*classes, *functions):
        try:
            typing.get_type_hints(item)
            resolved += 1
        except NameError as error:
            print(module.__name__, item.__qualname__, error)
print(resolved > 500)
"""


def test_every_annotation_names_a_type_that_is_there(tmp_path):
    """No class, method or function has an annotation that cannot be resolved."""
    assert must(sys.executable, "-c", RESOLVE, cwd=tmp_path) == "True\n"
