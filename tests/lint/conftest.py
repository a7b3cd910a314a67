# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the linter's tests."""

from __future__ import annotations

import pytest

from tests.lint.account import seed
from tests.support.custodian import Custodian


@pytest.fixture(name="custodian")
def _custodian(sandbox, tmp_path):
    """Stock Custodian over an empty sandbox."""
    return Custodian(sandbox, tmp_path / "runs")


@pytest.fixture(name="keys")
def _keys(sandbox):
    """The account's keys by their names."""
    return seed(sandbox)
