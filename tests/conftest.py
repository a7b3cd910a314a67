# SPDX-License-Identifier: Apache-2.0
"""Fixtures for all tests: `sandbox`, the embedded AWS, and what is built and installed."""

pytest_plugins = [
    "c7n_inactive_keys_sandbox.pytest_plugin",
    "tests.support.fixtures",
    "tests.support.fresh",
]
