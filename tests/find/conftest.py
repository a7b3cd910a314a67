# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the evidence's tests: a sandbox and stock Custodian for a whole module."""

from __future__ import annotations

import pytest

from c7n_inactive_keys_sandbox import Sandbox
from tests.support.custodian import Custodian


@pytest.fixture(scope="module", name="aws")
def _aws():
    """An embedded AWS of the module's own, since many tests look at what one run left behind."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module", name="custodian")
def _custodian(aws, tmp_path_factory):
    """Stock Custodian, which takes the account of each run."""
    custodian = Custodian(aws, tmp_path_factory.mktemp("runs"))
    yield custodian
    custodian.close()
