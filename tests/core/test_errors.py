# SPDX-License-Identifier: Apache-2.0
"""Errors that users meet."""

from __future__ import annotations

import inspect

from c7n_inactive_keys.core import errors


def test_every_error_is_one_of_ours_and_says_what_happened():
    """All can be caught by their base, and each docstring is one sentence."""
    for name, error in inspect.getmembers(errors, inspect.isclass):
        assert issubclass(error, errors.InactiveKeysError), name
        assert name.endswith("Error")
        assert inspect.getdoc(error).endswith(".")
