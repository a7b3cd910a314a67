# SPDX-License-Identifier: Apache-2.0
"""Findings and fixes of texts and of single policies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner, Result

from c7n_inactive_keys.cli import main
from c7n_inactive_keys.lint.finding import Finding
from c7n_inactive_keys.lint.fix import fix
from c7n_inactive_keys.lint.linter import Linter
from c7n_inactive_keys.lint.policy_file import parse

SHAPES = Path(__file__).parent / "shapes"


def findings(text: str, *others: str) -> list[Finding]:
    """What is found in a text, with others beside it."""
    file, *rest = (
        parse(Path(f"{number}.yml"), item) for number, item in enumerate([text, *others])
    )
    return Linter([file, *rest]).findings(file)


def rules(text: str, *others: str) -> list[str]:
    """The rules that find something in a text, sorted."""
    return sorted(finding.rule for finding in findings(text, *others))


def fixed(text: str, *others: str) -> str:
    """The text with its mechanical changes made."""
    file, *rest = (
        parse(Path(f"{number}.yml"), item) for number, item in enumerate([text, *others])
    )
    return fix(Linter([file, *rest]), file).after.text


def policy(filters: Any = None, actions: Any = None, **more: Any) -> str:
    """A file with one policy on IAM users."""
    data = {"name": "p", "resource": "aws.iam-user", **more}
    data |= {"filters": filters} if filters is not None else {}
    data |= {"actions": actions} if actions is not None else {}
    return yaml.safe_dump({"policies": [data]}, sort_keys=False)


def run_lint(*arguments: Any) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(main, ["lint", *map(str, arguments)])
