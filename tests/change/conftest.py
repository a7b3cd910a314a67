# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the deletion's tests."""

from __future__ import annotations

import pytest

from tests.support.custodian import Custodian


@pytest.fixture(scope="module", name="custodian_server")
def _custodian_server(sandbox_server, tmp_path_factory):
    """One forking Custodian for all tests of a module."""
    custodian = Custodian(sandbox_server, tmp_path_factory.mktemp("runs"))
    yield custodian
    custodian.close()


@pytest.fixture(name="custodian")
def _custodian(sandbox, custodian_server):
    """Stock Custodian over an empty sandbox."""
    return custodian_server


@pytest.fixture(name="account")
def _account(sandbox, custodian):
    """An account for the test's users."""
    return sandbox.account("111111111111")
