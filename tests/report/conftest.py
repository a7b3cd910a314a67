# SPDX-License-Identifier: Apache-2.0
"""An output tree to fill, and the report over it."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

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
