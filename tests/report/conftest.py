# SPDX-License-Identifier: Apache-2.0
"""An output tree to fill, the report over it, and the command that writes it."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest
from click.testing import CliRunner

from c7n_inactive_keys.cli import main
from c7n_inactive_keys.report.read.collect import collect
from c7n_inactive_keys.report.summary import summarise

from .output_tree import OutputTree

GENERATED = datetime(2026, 11, 20, 8, 30, tzinfo=timezone.utc)


@pytest.fixture
def tree(tmp_path):
    """An empty output directory."""
    return OutputTree(tmp_path / "out")


@pytest.fixture
def report():
    """The report over trees, generated at a fixed moment."""

    def build(*trees, **options):
        return summarise(collect([str(item.root) for item in trees]), GENERATED, **options)

    return build


class Told:
    """What the command did: exit status, stderr, and the json report."""

    def __init__(self, result):
        self.status = result.exit_code
        self.stderr = result.stderr
        self.document = json.loads(result.stdout)
        self.totals = self.document["totals"]
        self.keys = {item["access_key_id"]: item for item in self.document["keys"]}
        self.accounts = {item["name"]: item for item in self.document["accounts"]}

    @property
    def statuses(self):
        """The coverage of each account, by name."""
        return {name: item["status"] for name, item in self.accounts.items()}


@pytest.fixture
def command():
    """`c7n-inactive-keys report --format json` over trees, in this process."""

    def call(*trees, arguments=()):
        sources = [part for item in trees for part in ("-s", str(item.root))]
        result = CliRunner().invoke(
            main,
            ["report", *sources, "--format", "json", *map(str, arguments)],
            catch_exceptions=False,
        )
        assert result.exit_code in (0, 3, 4), result.output
        return Told(result)

    return call
