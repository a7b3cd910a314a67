# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the linter's tests."""

from __future__ import annotations

import pytest

from tests.support.custodian import Custodian
from tests.lint.account import seed


@pytest.fixture(scope="module", name="custodian_server")
def _custodian_server(sandbox_server, tmp_path_factory):
    """One forking Custodian for all tests of a module."""
    custodian = Custodian(sandbox_server, tmp_path_factory.mktemp("runs"))
    yield custodian
    custodian.close()


@pytest.fixture(name="keys")
def _keys(sandbox):
    """The account's keys by their names."""
    return seed(sandbox)
