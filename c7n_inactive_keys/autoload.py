# SPDX-License-Identifier: Apache-2.0
"""The import hook that the .pth puts in place: when Custodian is imported, join it.

It runs at every start of this interpreter, so it imports nothing but what is there already.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing.TYPE_CHECKING without the import
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

OPT_OUT = "C7N_INACTIVE_KEYS_AUTOLOAD"

# All of Custodian goes through this module before any resource type is loaded.
TRIGGER = "c7n.manager"


class _Loader:
    """Loads the module as its own loader would, and calls us once it has been executed."""

    def __init__(self, original: object) -> None:
        self._original = original

    def __getattr__(self, name: str) -> object:
        # Resource readers, linecache and runpy ask the loader for more than the two methods below.
        return getattr(self._original, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        created: ModuleType | None = self._original.create_module(spec)  # type: ignore[attr-defined]
        return created

    def exec_module(self, module: ModuleType) -> None:
        # The module shall look as if we had never been there, to itself and to pickle.
        module.__loader__ = self._original
        if module.__spec__ is not None:
            module.__spec__.loader = self._original  # type: ignore[assignment]
        self._original.exec_module(module)  # type: ignore[attr-defined]
        join()


class Finder:
    """A meta path finder that knows one module, and steps aside after it has been found."""

    @classmethod
    def find_spec(
        cls,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """The spec of Custodian's manager module with our loader around its own."""
        if fullname != TRIGGER:
            return None
        remove()
        for finder in sys.meta_path:
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
        warn(error)


def warn(error: BaseException) -> None:
    """Say in one line on stderr that the plugin is not there, and why."""
    print(
        f"c7n-inactive-keys: not loaded into Custodian ({type(error).__name__}: {error}); "
        f"policies that use it will not validate. {OPT_OUT}=0 silences this.",
        file=sys.stderr,
    )
