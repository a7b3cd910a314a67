# SPDX-License-Identifier: Apache-2.0
"""Fixtures of several rooms: an embedded AWS for a whole module, and Custodian in its accounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from c7n_inactive_keys_sandbox import Sandbox
from tests.support.custodian import Custodian
from tests.support.service_models import share_service_models

share_service_models("iam")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--whole`, for what only a release is worth."""
    parser.addoption("--whole", action="store_true", help="long series whole, not samples of them")


@pytest.fixture(scope="session", name="whole")
def _whole(pytestconfig: pytest.Config) -> bool:
    """Whether long series are to be run whole."""
    return bool(pytestconfig.getoption("whole"))


@pytest.fixture(scope="module", name="aws")
def _aws() -> Iterator[Sandbox]:
    """An embedded AWS of the module's own, since many tests look at what one run left behind."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module", name="custodian")
def _custodian(aws: Sandbox, tmp_path_factory: Any) -> Custodian:
    """Stock Custodian, which takes the account of each run."""
    return Custodian(aws, tmp_path_factory.mktemp("runs"))
