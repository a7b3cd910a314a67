# SPDX-License-Identifier: Apache-2.0
"""Whatever stands in a file, there is an answer and no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c7n_inactive_keys.lint.fix import fix
from c7n_inactive_keys.lint.formats import json_format, sarif_format, text_format
from c7n_inactive_keys.lint.linter import Linter
from c7n_inactive_keys.lint.policy_file import parse
from c7n_inactive_keys.lint.result import Result
from tests.lint.linting import SHAPES

WORDS = [
    "policies", "vars", "accounts", "account_id", "regions", "all", "name", "resource", "iam-user",
    "aws.iam-user", "account", "source", "credential-report", "filters", "actions", "and", "or",
    "not", "type", "value", "key", "op", "gt", "lt", "value_type", "age", "days", "certainty",
    "possible", "evidence", "cloudtrail", "plan", "notified", "max-keys", "exempt-tag", "tag:keep",
    "absent", "access-key", "Status", "CreateDate", "Active", "Inactive", "credential",
    "access_keys.active", "access_keys.last_used_date", "access_keys.last_rotated",
    "inactive-access-key", "unused-access-key", "delete-inactive-keys", "deactivate-unused-keys",
    "record-inactive-keys", "reactivate-keys", "remove-keys", "matched", "disable", "delete",
    "options", "access-keys", "notify", "subject", "mode", "events", "event", "ids",
    "UpdateAccessKey", "packages", "handler", "conditions", "region", "mark-for-op",
]  # fmt: skip
SCALARS = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from([None, True, False, 0, 90, -1, 1.5, float("nan"), float("inf"), 10**400]),
    st.text(max_size=4),
    st.dates(),
)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(WORDS), SCALARS), inner, max_size=5),
    ),
    max_leaves=25,
)
ELEMENTS = st.lists(
    st.one_of(
        st.sampled_from(WORDS),
        st.dictionaries(st.sampled_from(WORDS), DATA, max_size=4),
        st.builds(
            lambda kind, rest: {**rest, "type": kind},
            st.sampled_from(WORDS),
            st.dictionaries(st.sampled_from(WORDS), DATA, max_size=4),
        ),
    ),
    max_size=4,
)
POLICIES = st.builds(
    lambda policies, rest: {**rest, "policies": policies},
    st.lists(
        st.builds(
            lambda rest, **policy: {**rest, **policy},
            st.dictionaries(st.sampled_from(WORDS), DATA, max_size=2),
            resource=st.sampled_from(["iam-user", "aws.iam-user", ["iam-user", "ec2"], "account"]),
            filters=ELEMENTS,
            actions=ELEMENTS,
        ),
        max_size=3,
    ),
    st.dictionaries(st.sampled_from(WORDS), DATA, max_size=1),
)
CHARACTERS = st.text(st.sampled_from("-: \n[]{},&*!|>'\"#?%@`ab1<~"), max_size=60)
TIMES = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def everything(text: str) -> None:
    """Read, judge, fix and print."""
    file = parse(Path("p.yml"), text)
    linter = Linter([file])
    found = linter.findings(file)
    for form in (text_format, json_format, sarif_format):
        assert "".join(form.render(Result([file], found)))
    fixed = fix(linter, file).after
    if file.problem is None:
        assert fixed.problem is None
    assert fixed.text == text or found


@given(CHARACTERS)
@TIMES
def test_any_characters(text):
    """Most of them are no YAML."""
    everything(text)


@given(st.one_of(DATA, POLICIES), st.sampled_from([None, True, False]))
@TIMES
def test_any_data(data, style):
    """In every style, of whatever types, recursive or not."""
    everything(yaml.safe_dump(data, default_flow_style=style, allow_unicode=True))


TEXTS = [path.read_text() for path in SHAPES.rglob("*.yml")]


@given(st.sampled_from(TEXTS), st.data())
@TIMES
def test_policies_that_were_damaged(text, data):
    """A piece is lost, doubled or moved, as in an editor."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    piece = data.draw(st.sampled_from(["", text[start:end] * 2, "  ", "\n", "*a", "&a ", "#"]))
    everything(text[:start] + piece + text[end:])


@pytest.mark.parametrize(
    "text",
    [
        "policies: [{resource: iam-user, filters: &a [{or: *a}]}]",
        "policies: [{resource: iam-user, filters: [{or: [{or: [{not: x}]}]}, {and: {}}]}]",
        "policies: [{resource: iam-user, <<: {filters: [remove-keys]}, actions: [remove-keys]}]",
        "policies: [{resource: iam-user, actions: {remove-keys: {}}, mode: [x]}]",
        "policies: [{resource: iam-user, mode: {events: {a: b}, packages: x}, actions: [[x]]}]",
        "- resource: iam-user\n- [resource]\n",
        "policies: [{resource: iam-user, filters: [remove-keys, delete-inactive-keys]}]",
        "accounts: [{account_id: 1, regions: {a: b}}]\npolicies: [{resource: iam-user}]",
    ],
)
def test_forms_that_nobody_expects(text):
    """Recursive, of other types, merged, in no file that Custodian would take."""
    everything(text)
