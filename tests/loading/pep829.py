# SPDX-License-Identifier: Apache-2.0
"""Stands in for later Pythons: reads a site directory as PEP 829 has it.

    python -S pep829.py SITE_DIRECTORY VERSION CODE

In this order: paths of .pth files; their import lines, which a .start file of the same stem turns
off and Python 3.18 ignores altogether; entry points of .start files. Then the code is run.
"""

from __future__ import annotations

import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ENTRY_POINT = re.compile(r"[\w.]+:[\w.]+")  # the one form that pkgutil.resolve_name takes strictly


def lines(site: Path, end: str) -> Iterator[tuple[Path, str]]:
    """The lines of all files with this ending that are neither empty nor comments."""
    for path in sorted(site.glob(f"*{end}")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                yield path, line.strip()


def start(site: Path, version: tuple[int, ...]) -> None:
    """What `site` does at the start of an interpreter of that version."""
    sys.path.append(str(site))
    imports = []
    for path, line in lines(site, ".pth"):
        if line.startswith(("import ", "import\t")):
            imports.append((path, line))
        else:
            sys.path.append(str(site / line))
    for path, line in imports:
        if version < (3, 18) and not path.with_suffix(".start").exists():
            exec(line)
    for _, line in lines(site, ".start"):
        assert ENTRY_POINT.fullmatch(line), line
        pkgutil.resolve_name(line)()


if __name__ == "__main__":
    start(Path(sys.argv[1]), tuple(map(int, sys.argv[2].split("."))))
    exec(sys.argv[3])
