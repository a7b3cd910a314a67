# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests of changes: each test has an empty sandbox."""

from __future__ import annotations

import pytest

from tests.support.custodian import Custodian


@pytest.fixture(name="custodian")
def _custodian(sandbox, tmp_path):
    """Stock Custodian over an empty sandbox."""
    return Custodian(sandbox, tmp_path / "runs")


@pytest.fixture(name="account")
def _account(sandbox, custodian):
    """An account for the test's users."""
    return sandbox.account("111111111111")
