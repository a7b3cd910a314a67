# SPDX-License-Identifier: Apache-2.0
"""The house in numbers, as a table in Markdown: what is counted in the code as it stands.

Lines are those of files; a function's are those from `def` to its end. A screen has 40 lines. Who
imports whom is counted between the rooms of the plugin, by import-linter's graph; a circle is a set
of modules each of which is imported, by way of others, by all that it imports.
"""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
PLUGIN, SANDBOX = "c7n_inactive_keys", "c7n_inactive_keys_sandbox"
ROOMS = (
    *("core", "custodian", "find", "record", "change"),
    *("report", "lint", "check", "organisation", "shipped"),
)
SCREEN = 40  # lines
HEADING = (
    *("part", "modules", "lines", "median/module", "largest", "functions", "median fn", "p90 fn"),
    *("over a screen", "annotated", "Any"),
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Part:
    """A part of the repository, file by file."""

    name: str
    files: tuple[Path, ...]

    def row(self) -> list[str]:
        """Its numbers, in the order of HEADING."""
        texts = [path.read_text(encoding="utf-8") for path in self.files]
        trees = [ast.parse(text) for text in texts]
        lines = [len(text.splitlines()) for text in texts]
        functions = [
            node for tree in trees for node in ast.walk(tree) if isinstance(node, Function)
        ]
        lengths = sorted(length(function) for function in functions)
        numbers = (
            len(texts),
            sum(lines),
            round(statistics.median(lines)),
            max(lines),
            len(functions),
            round(statistics.median(lengths)),
            lengths[len(lengths) * 9 // 10],
            sum(number > SCREEN for number in lengths),
            f"{100 * sum(map(is_annotated, functions)) // len(functions)} %",
            sum(map(count_any, trees)),
        )
        return [
            self.name,
            *(f"{number:,}" if isinstance(number, int) else number for number in numbers),
        ]


def length(function: Function) -> int:
    """Its lines, without decorators."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def is_annotated(function: Function) -> bool:
    """Whether its result and all parameters but `self` have a type."""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [item for item in (arguments.vararg, arguments.kwarg) if item]
    typed = all(item.annotation for item in every if item.arg not in ("self", "cls"))
    return typed and function.returns is not None


def count_any(tree: ast.AST) -> int:
    """How often the type Any occurs."""
    return sum(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(tree))


def parts() -> Iterator[Part]:
    """The whole plugin, its rooms, the emulator, and the tests."""
    plugin = ROOT / PLUGIN
    yield Part("plugin", python_files(plugin))
    yield Part("- ways in", tuple(sorted(plugin.glob("*.py"))))
    for room in ROOMS:
        yield Part(f"- {room}", python_files(plugin / room))
    yield Part("sandbox", python_files(ROOT / SANDBOX))
    yield Part("tests", python_files(ROOT / "tests"))


def python_files(directory: Path) -> tuple[Path, ...]:
    """All of a directory and of those in it."""
    return tuple(sorted(directory.rglob("*.py")))


def words(paths: Iterable[Path]) -> int:
    """The words of pages, separated by white space."""
    return sum(len(path.read_text(encoding="utf-8").split()) for path in paths)


def imports() -> str:
    """Arrows between rooms, and circles of modules."""
    graph = grimp.build_graph(PLUGIN, SANDBOX)
    arrows = {
        (room(importer), room(imported))
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
    }
    between = sum(importer != imported for importer, imported in arrows)
    return f"{between} arrows between rooms; {circles(graph)} circles of modules"


def room(module: str) -> str:
    """The room of a module; the emulator is one."""
    package, _, rest = module.partition(".")
    return f"{package}.{rest.partition('.')[0]}" if package == PLUGIN else package


def circles(graph: grimp.ImportGraph) -> int:
    """How many modules import themselves by way of others."""
    return sum(
        any(
            graph.find_shortest_chain(imported, module)
            for imported in graph.find_modules_directly_imported_by(module)
        )
        for module in graph.modules
    )


def main() -> None:
    """Print table, imports and words."""
    rows = [[*HEADING], ["---"] * len(HEADING), *(part.row() for part in parts())]
    print("".join(f"| {' | '.join(row)} |\n" for row in rows))
    print(imports())
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    print(f"{words(pages):,} words in README.md and docs/")


if __name__ == "__main__":
    main()
