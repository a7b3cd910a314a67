# SPDX-License-Identifier: Apache-2.0
"""Parts of the documentation from schemas, docstrings, help texts and shipped files."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from c7n.resources import load_resources
from click.testing import CliRunner

from c7n_inactive_keys.cli import COMMANDS, main
from c7n_inactive_keys.entry import initialize
from c7n_inactive_keys.lint.catalogue import RULES

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("policies/inactive-keys.yml", "accounts.yml", "deploy/ledger-scp.json")
EXAMPLE = re.compile(r"^:example:\n\n\.\. code-block:: (\w+)\n\n((?:(?: {4}.*)?\n)+)", re.MULTILINE)
CLASSES = {
    "inactive-access-key": ("find.inactive_filter", "InactiveAccessKey"),
    "delete-inactive-keys": ("delete.action", "DeleteInactiveKeys"),
    "record-inactive-keys": ("record.action", "RecordInactiveKeys"),
    "credential-report": ("find.source", "CredentialReportSource"),
}


def fenced(language: str, text: str) -> str:
    """A code block."""
    return f"```{language}\n{text.rstrip()}\n```"


# -- filter, actions, source ----------------------------------------------------------------------


def element(name: str) -> str:
    """Docstring, options and permissions of the filter, an action or the source."""
    cls = _class(name)
    pieces = [markdown(inspect.getdoc(cls) or "")]
    rows = list(_options(getattr(cls, "schema", {"properties": {}})["properties"]))
    if rows:
        pieces.append("| Option | Must be | Default |\n|---|---|---|\n" + "\n".join(rows))
    calls = ", ".join(f"`{action}`" for action in permissions(name))
    pieces.append(f"Calls that it makes: {calls}.")
    return "\n\n".join(pieces)


def _class(name: str) -> Any:
    load_resources(("aws.iam-user",))
    initialize()
    module, attribute = CLASSES[name]
    return getattr(importlib.import_module(f"c7n_inactive_keys.{module}"), attribute)


def permissions(name: str) -> tuple[str, ...]:
    """The IAM actions that an element names, with all its evidence."""
    actions = tuple(_class(name).permissions)
    if name == "inactive-access-key":
        return (*actions, "cloudtrail:LookupEvents")
    return actions


def markdown(docstring: str) -> str:
    """A docstring in the form of Custodian's, as Markdown."""

    def example(found: re.Match[str]) -> str:
        return fenced(found[1], textwrap.dedent(found[2])) + "\n\n"

    return EXAMPLE.sub(example, docstring + "\n").strip()


def _options(properties: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, schema in properties.items():
        if name == "type" and not prefix:
            continue
        default = schema.get("default")
        shown = "" if default is None else f"`{str(default).replace(chr(39), '').lower()}`"
        yield f"| `{prefix}{name}` | {schema['description']} | {shown} |"
        yield from _options(schema.get("properties", {}), f"{prefix}{name}.")


def permission_table() -> str:
    """Which element needs which IAM action."""
    actions = sorted({action for name in CLASSES for action in permissions(name)})
    lines = [
        "| Action | " + " | ".join(f"`{name}`" for name in CLASSES) + " |",
        "|---|" + "---|" * len(CLASSES),
    ]
    for action in actions:
        marks = ("yes" if action in permissions(name) else "" for name in CLASSES)
        lines.append(f"| `{action}` | " + " | ".join(marks) + " |")
    return "\n".join(lines)


# -- docstrings of modules ------------------------------------------------------------------------


def module_prose(name: str) -> str:
    """A module's docstring as Markdown, less its remark on being pure."""
    text = re.sub(r" Pure(: [^.]*)?\.(?=\n|$)", "", _docstring(name))
    text = re.sub(r"\n\nPure: .*$", "", text, flags=re.DOTALL)
    # Terms with their explanation in a column of its own become a list.
    text = re.sub(r"^([a-z]+) {3,}(.*(?:\n {8,}\S.*)*)", _term, text, flags=re.MULTILINE)
    return "\n\n".join(_drawings_fenced(text.split("\n\n")))


def _term(found: re.Match[str]) -> str:
    return f"- **{found[1]}**: " + re.sub(r"\n +", "\n  ", found[2])


def _drawings_fenced(paragraphs: Iterable[str]) -> Iterator[str]:
    """Drawings as blocks of code, within the item of a list that they belong to."""
    margin = ""
    for paragraph in paragraphs:
        if re.match(r"\d+\. ", paragraph):
            margin = "    "
        if paragraph.startswith("    ") and "---" in paragraph:
            yield textwrap.indent(fenced("text", textwrap.dedent(paragraph)), margin)
        else:
            yield paragraph


def _docstring(name: str) -> str:
    return inspect.getdoc(importlib.import_module(f"c7n_inactive_keys.{name}")) or ""


# -- commands -------------------------------------------------------------------------------------


def help_text(*command: str) -> str:
    """What `c7n-inactive-keys COMMAND --help` prints."""
    done = CliRunner().invoke(main, [*command, "--help"], prog_name="c7n-inactive-keys")
    if done.exit_code != 0:
        raise SystemExit(f"{command}: {done.output}")
    return fenced("text", f"$ {' '.join(['c7n-inactive-keys', *command, '--help'])}\n{done.output}")


def make_targets() -> str:
    """What `make` prints."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):.*## (.*)$", text, re.MULTILINE)
    return "\n".join(
        ["| Command | What it does |", "|---|---|"]
        + [f"| `make {name}` | {what} |" for name, what in targets]
    )


def exit_statuses() -> str:
    """The table each row of which tests/report/test_exit_statuses.py makes happen."""
    sys.path.insert(0, str(ROOT))
    from tests.report.exit_statuses import table

    return table()


def lint_rules() -> str:
    """The linter's rules."""
    rows = [f"| `{name}` | {rule.severity} | {rule.title} |" for name, rule in RULES.items()]
    return "\n".join(["| Rule | Severity | What it finds |", "|---|---|---|", *rows])


def shipped_file(path: str) -> str:
    """A file of the repository as it is."""
    language = "json" if path.endswith(".json") else "yaml"
    return fenced(language, (ROOT / path).read_text(encoding="utf-8"))


def _makers() -> dict[str, Callable[[], str]]:
    return {
        **{f"element:{name}": partial(element, name) for name in CLASSES},
        "permissions": permission_table,
        "timeline": partial(module_prose, "core.timeline"),
        "ledger": partial(module_prose, "core.ledger"),
        "journal": partial(module_prose, "core.journal"),
        "plan": partial(module_prose, "core.plan"),
        "lint-rules": lint_rules,
        "help": help_text,
        **{f"help:{name}": partial(help_text, name) for name in COMMANDS},
        "make": make_targets,
        "exit-statuses": exit_statuses,
        **{f"file:{path}": partial(shipped_file, path) for path in SHIPPED},
    }


MAKERS = _makers()
