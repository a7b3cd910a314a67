# SPDX-License-Identifier: Apache-2.0
"""The import hook that the start-up files put in place: when Custodian is imported, join it.

It runs at every start of this interpreter, so it imports nothing but what is there already;
hence the quoted annotations (`__future__` is an import as well).
"""

import os
import sys

from c7n_inactive_keys import OPT_OUT

TYPE_CHECKING = False  # typing.TYPE_CHECKING without the import
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

# All of Custodian goes through this module before any resource type is loaded.
TRIGGER = "c7n.manager"


class _Loader:
    """Loads the module as its own loader would, and joins once it has been executed."""

    def __init__(self, original: "Any") -> None:
        self._original = original

    def __getattr__(self, name: str) -> "Any":
        # Resource readers, linecache and runpy ask a loader for more than the two methods below.
        return getattr(self._original, name)

    def create_module(self, spec: "ModuleSpec") -> "ModuleType | None":
        """What the module's own loader creates."""
        created: ModuleType | None = self._original.create_module(spec)
        return created

    def exec_module(self, module: "ModuleType") -> None:
        """Execute the module, which shall look as if we had never been there; then join."""
        module.__loader__ = self._original
        if module.__spec__ is not None:
            module.__spec__.loader = self._original
        self._original.exec_module(module)
        remove()
        join()


class Finder:
    """A meta path finder that knows one module; it stays until that module has been executed.

    Being asked for the spec alone is no reason to leave: `importlib.util.find_spec` does so
    without loading, and an import that failed may be tried again.
    """

    @classmethod
    def find_spec(
        cls,
        fullname: str,
        path: "Sequence[str] | None" = None,
        target: "ModuleType | None" = None,
    ) -> "ModuleSpec | None":
        """The spec that the other finders give for Custodian's module, with our loader in it."""
        if fullname != TRIGGER:
            return None
        for finder in list(sys.meta_path):
            if finder is cls:
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader)  # type: ignore[assignment]
                return spec
        return None


def install() -> None:
    """Wait for Custodian to be imported; does nothing the second time or when opted out."""
    if os.environ.get(OPT_OUT, "").strip() == "0":
        return
    if TRIGGER in sys.modules:
        join()
    elif Finder not in sys.meta_path:
        sys.meta_path.insert(0, Finder)


def remove() -> None:
    """Take the hook away again."""
    if Finder in sys.meta_path:
        sys.meta_path.remove(Finder)


def join() -> None:
    """Register with Custodian; a failure is a warning, since Custodian has to start without us."""
    try:
        from c7n_inactive_keys import entry

        entry.initialize()
    except Exception as error:  # noqa: BLE001 - whatever is broken, custodian must start
        from c7n_inactive_keys import notice

        notice.warn(error)
