# SPDX-License-Identifier: Apache-2.0
"""The mutation check still knows where each safety rule stands."""

from __future__ import annotations

import shutil

import pytest

from tools.mutation_check import MUTATIONS, PACKAGE


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.rule)
def test_each_safety_rule_can_be_switched_off(mutation, tmp_path):
    """`python tools/mutation_check.py` would say nothing of a rule that it cannot find."""
    target = tmp_path / mutation.module
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(PACKAGE / mutation.module, target)
    before = target.read_text()
    mutation.apply(tmp_path)
    assert target.read_text() != before
    compile(target.read_text(), mutation.module, "exec")
