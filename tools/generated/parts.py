# SPDX-License-Identifier: Apache-2.0
"""Parts of the documentation from schemas and docstrings."""

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

from c7n.manager import resources
from c7n.query import sources
from c7n.resources import load_resources

from c7n_inactive_keys.custodian.value_file import OPTIONS as FILE_OPTIONS
from c7n_inactive_keys.entry import initialize

ROOT = Path(__file__).resolve().parents[2]
OURS = "c7n_inactive_keys."


def fenced(language: str, text: str) -> str:
    """A code block."""
    return f"```{language}\n{text.rstrip()}\n```"


# -- filter, actions, source ----------------------------------------------------------------------


def elements() -> dict[str, Any]:
    """Our filters, actions and source, as Custodian knows them."""
    load_resources(("aws.iam-user",))
    initialize()
    user = resources.get("iam-user")
    registries = (user.filter_registry, user.action_registry, sources)
    known = {name: cls for registry in registries for name, cls in registry.items()}
    return {name: cls for name, cls in known.items() if cls.__module__.startswith(OURS)}


def described() -> str:
    """Each element with its options and what it calls, with all its evidence."""
    told: set[str] = set()
    return "\n\n".join(_described(name, cls, told) for name, cls in elements().items())


def _described(name: str, cls: Any, told: set[str]) -> str:
    """One element; options that are `told` already are named only."""
    options = list(_options(getattr(cls, "schema", {"properties": {}})["properties"]))
    news = [line for line in options if line not in told]
    again = ", ".join(line[2:].split(":")[0] for line in options if line in told)
    told.update(options)
    calls = [*cls.permissions]
    if name == "inactive-access-key":
        calls.append("cloudtrail:LookupEvents")
    calling = f"- calls {', '.join(f'`{action}`' for action in calls)}"
    lines = [*news, *([f"- {again}: as above"] if again else []), calling]
    return "\n".join([f"### `{name}`", "", *lines])


def _options(properties: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """What each option must be, less those that a file behind a url has anywhere in Custodian."""
    for name, schema in properties.items():
        if (prefix and name in FILE_OPTIONS) or (name == "type" and not prefix):
            continue
        default = schema.get("default")
        shown = "" if default is None else f"; `{str(default).replace(chr(39), '').lower()}`"
        yield f"- `{prefix}{name}`: {schema['description']}{shown}"
        yield from _options(schema.get("properties", {}), f"{prefix}{name}.")


# -- docstrings of modules ------------------------------------------------------------------------


def module_prose(name: str) -> str:
    """A module's docstring as Markdown, less its remark on being pure."""
    text = re.sub(r" Pure(: [^.]*)?\.(?=\n|$)", "", _docstring(name))
    text = re.sub(r"\n\nPure: .*$", "", text, flags=re.DOTALL)
    # Terms with their explanation in a column of its own become a list.
    text = re.sub(r"^([a-z]+) {2,}(.*(?:\n {8,}\S.*)*)", _term, text, flags=re.MULTILINE)
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


def _makers() -> dict[str, Callable[[], str]]:
    return {
        "elements": described,
        "timeline": partial(module_prose, "core.timeline"),
        "ledger": partial(module_prose, "core.ledger"),
        "journal": partial(module_prose, "core.journal"),
        "plan": partial(module_prose, "core.plan"),
        "make": make_targets,
        "exit-statuses": exit_statuses,
    }


MAKERS = _makers()
