# SPDX-License-Identifier: Apache-2.0
"""The `sandbox` fixture: one server for the whole session, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from c7n_inactive_keys_sandbox.server import Sandbox


@pytest.fixture(scope="session", name="sandbox_server")
def _sandbox_server() -> Iterator[Sandbox]:
    """The embedded AWS that all tests of the session share."""
    with Sandbox() as running:
        yield running


@pytest.fixture(name="sandbox")
def _sandbox(sandbox_server: Sandbox) -> Sandbox:
    """The embedded AWS, empty and with its default settings."""
    sandbox_server.reset()
    return sandbox_server
