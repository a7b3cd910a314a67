# SPDX-License-Identifier: Apache-2.0
"""Which texts can be the key of a tag."""

from __future__ import annotations

import pytest

from c7n_inactive_keys.core.tag_keys import tag_key_problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("{keep_tag}", "a variable that was not expanded", id="a variable"),
        pytest.param("keep-{env}", "a variable that was not expanded", id="a variable inside"),
        pytest.param("tag:keep-keys", "Custodian's spelling", id="as in filters"),
        pytest.param("TAG:keep-keys", "Custodian's spelling", id="as in filters, other letters"),
        pytest.param("keep-keys ", "can be the key of no tag", id="space behind"),
        pytest.param("\tkeep-keys", "can be the key of no tag", id="tab before"),
        pytest.param("keep,keys", "can be the key of no tag", id="comma"),
        pytest.param("keep;keys", "can be the key of no tag", id="semicolon"),
        pytest.param("keep*", "can be the key of no tag", id="star"),
        pytest.param("{keep", "can be the key of no tag", id="half a variable"),
        pytest.param("k" * 129, "can be the key of no tag", id="too long"),
    ],
)
def test_a_text_that_exempts_nobody_is_told(text, problem):
    assert problem in (tag_key_problem(text) or "")


@pytest.mark.parametrize(
    "text",
    ["keep-keys", "Keep Keys", "aws:x", "c7n_keep.1:/=+-@", "Ausnahme-für-Schlüssel", "k" * 128],
)
def test_what_iam_allows_is_fine(text):
    assert tag_key_problem(text) is None
