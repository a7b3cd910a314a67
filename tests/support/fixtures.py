# SPDX-License-Identifier: Apache-2.0
"""Fixtures of several rooms: an embedded AWS for a whole module, and Custodian in its accounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from c7n_inactive_keys_sandbox import Sandbox
from tests.support import borrowed
from tests.support.custodian import Custodian
from tests.support.service_models import share_service_models

share_service_models("iam")
# Nothing may depend on how fast a machine is.
settings.register_profile("usual", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=20)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--whole` for what only a release is worth, `--quick` for half a minute."""
    parser.addoption("--whole", action="store_true", help="long series whole, not samples of them")
    parser.addoption("--quick", action="store_true", help="what starts no process of Custodian")


def pytest_configure(config: pytest.Config) -> None:
    """A test that would start a command is none of the quick ones: it lacks a mark."""
    quick = config.getoption("--quick")
    settings.load_profile("quick" if quick else "usual")
    if quick:
        borrowed.forbid()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that were not asked for."""
    slow = () if config.getoption("--whole") else ("release",)
    if config.getoption("--quick"):
        slow = ("release", "e2e", "packaging")
    left_out = [
        item
        for item in items
        if any(map(item.get_closest_marker, slow))
        or (config.getoption("--quick") and "browser" in getattr(item, "fixturenames", ()))
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


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
