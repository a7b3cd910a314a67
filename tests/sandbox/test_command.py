# SPDX-License-Identifier: Apache-2.0
"""Mistakes in calling the sandbox's command."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--accounts", "no/such/accounts.yml"], "accounts.yml cannot be written: No such file"),
        (["--accounts", "accounts.yml", "--empty"], "--empty makes none"),
    ],
)
def test_a_mistake_is_a_sentence_before_anything_is_made(tmp_path, arguments, said):
    """And status 2."""
    done = subprocess.run(
        [sys.executable, "-m", "c7n_inactive_keys_sandbox", *arguments],
        capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
