# SPDX-License-Identifier: Apache-2.0
"""The pages of the documentation and the examples in them."""

from __future__ import annotations

import ast
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

import c7n_inactive_keys

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path(c7n_inactive_keys.__file__).parent
BLOCK = re.compile(
    r"^(?P<mark><!-- not run: [^\n]+ -->\n+)?(?P<indent> *)```(?P<language>\w+)[^\n]*\n"
    r"(?P<text>.*?)^(?P=indent)```",
    re.MULTILINE | re.DOTALL,
)
DOCSTRING_EXAMPLE = re.compile(
    r"^(?P<indent> *)\.\. code-block:: yaml\n\n(?P<text>(?:(?P=indent) {4}.*\n|\n)+)", re.MULTILINE
)


@dataclass(frozen=True)
class Example:
    """A block of code; `marked` where the page says that it is not run."""

    place: str
    language: str
    text: str
    marked: bool


def pages() -> list[Path]:
    """All pages for users and contributors."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def examples(page: Path) -> list[Example]:
    """The blocks of code of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Example(
            f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, found.start('language')) + 1}",
            found["language"],
            textwrap.dedent(found["text"]),
            bool(found["mark"]),
        )
        for found in BLOCK.finditer(text)
    ]


def docstring_examples() -> list[Example]:
    """The YAML examples in the docstrings of the package."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                continue
            for match in DOCSTRING_EXAMPLE.finditer((ast.get_docstring(node) or "") + "\n"):
                place = f"{path.relative_to(PACKAGE.parent)}:{getattr(node, 'name', 'module')}"
                found.append(Example(place, "yaml", textwrap.dedent(match["text"]), marked=False))
    return found
