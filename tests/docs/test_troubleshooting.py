# SPDX-License-Identifier: Apache-2.0
"""Each message that the page on troubleshooting quotes is one that users can meet."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .pages import PACKAGE, ROOT
from .test_examples import environment

PAGE = ROOT / "docs" / "troubleshooting.md"
GAP = "…"  # stands for what differs from time to time
PLACEHOLDER = re.compile(r"%(\(\w+\)|\.\d)?[sdf]")
# What Custodian says of a policy when it does not see the plugin, by its own commands.
BY_CUSTODIAN = (
    "Invalid filter type {'type': 'inactive-access-key'",
    "'credential-report' is not one of",
    "Error running policy in",
)


def quoted() -> list[str]:
    """The messages in double quotes, in order."""
    text = re.sub(r"^```.*?^```|<!--.*?-->", "", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    return [" ".join(message.split()) for message in re.findall(r'"([^"]+)"', text)]


def templates() -> Iterator[str]:
    """All texts in the package's code, with a gap for each value that is put in."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else GAP
                    for part in node.values
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield PLACEHOLDER.sub(GAP, node.value)


def test_each_message_is_in_the_code() -> None:
    """Whoever searches the page for what was on the screen must find it."""
    said = list(templates())
    ours = [message for message in quoted() if message not in BY_CUSTODIAN]
    assert len(ours) >= 8
    assert [message for message in ours if not any(message in text for text in said)] == []


@pytest.mark.e2e
def test_the_messages_without_the_plugin_are_what_custodian_says(tmp_path: Path) -> None:
    """With the plugin turned off, in both commands."""
    pytest.importorskip("c7n_org", reason="extra org is not installed")
    policies = ROOT / "policies" / "inactive-keys.yml"
    commands = (
        ["custodian", "validate", policies],
        ["c7n-org", "run", "-c", ROOT / "accounts.yml", "-u", policies, "-s", tmp_path, "--dryrun"],
    )
    environ = {
        **environment(),
        "HOME": str(tmp_path),
        "AWS_DEFAULT_REGION": "us-east-1",
        "C7N_INACTIVE_KEYS_AUTOLOAD": "0",
    }
    said = ""
    for command in commands:
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        said += done.stdout + done.stderr
    assert [message for message in BY_CUSTODIAN if message not in said] == []
    assert set(BY_CUSTODIAN) <= set(quoted())
