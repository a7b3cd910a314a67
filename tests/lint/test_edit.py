# SPDX-License-Identifier: Apache-2.0
"""Changes in the text: only the lines that change, comments and layout kept, or nothing at all."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from c7n_inactive_keys.lint.change import Drop, Insert, Put, changed
from c7n_inactive_keys.lint.edit import NotMechanicalError, apply

POLICY = ("policies", 0)
TEXT = """\
# head
policies:
  # about it
  - name: x   # its name
    resource: iam-user
    description: |
      text # and no comment

    filters:
      - type: credential   # one
        # two
        key: access_keys.active
        value: true  # three
      # before the second
      - {type: access-key, key: Status}  # four
      - type: value
        key: length("c7n:matched-keys")
    actions:
      - remove-keys # five
  - name: y
    resource: ec2"""


def changed_lines(before: str, after: str) -> str:
    """The lines that differ, each with its sign."""
    old, new = before.split("\n"), after.split("\n")
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    return "\n".join([*(f"-{line}" for line in old), *(f"+{line}" for line in new)])


@pytest.mark.parametrize(
    ("steps", "lines"),
    [
        (
            [Put((*POLICY, "filters", 0), {"type": "unused", "days": 85})],
            """\
-      - type: credential   # one
-        # two
-        key: access_keys.active
-        value: true  # three
+      # one
+      # two
+      - type: unused
+        days: 85  # three""",
        ),
        (
            [Put((*POLICY, "filters", 1), {"type": "unused", "days": 85})],
            """\
-      - {type: access-key, key: Status}  # four
+      - {type: unused, days: 85}  # four""",
        ),
        (
            [Drop((*POLICY, "filters", 1))],
            """\
-      - {type: access-key, key: Status}  # four
+      # four""",
        ),
        (
            [Insert((*POLICY, "filters", 3), "new")],
            "+      - new",
        ),
        (
            [Insert((*POLICY, "filters", 0), {"tag:x": "absent"})],
            "+      - tag:x: absent",
        ),
        (
            [Put((*POLICY, "actions", 0), {"type": "a", "b": 1})],
            """\
-      - remove-keys # five
+      - type: a
+        b: 1 # five""",
        ),
        (
            [Put((*POLICY, "source"), "credential-report", after=("resource",))],
            "+    source: credential-report",
        ),
        (
            [Put((*POLICY, "filters", 0, "value"), "a, b")],
            """\
-        value: true  # three
+        value: "a, b"  # three""".replace('"', "'"),
        ),
        (
            [Put((*POLICY, "filters", 1, "match-operator"), "and")],
            """\
-      - {type: access-key, key: Status}  # four
+      - {type: access-key, key: Status, match-operator: and}  # four""",
        ),
        ([Drop((*POLICY, "filters", 2, "key"))], '-        key: length("c7n:matched-keys")'),
        (
            [Drop((*POLICY, "filters", 1, "key"))],
            """\
-      - {type: access-key, key: Status}  # four
+      - {type: access-key}  # four""",
        ),
        (
            [Insert(("policies", 1), {"name": "z", "actions": ["a"]})],
            """\
+  - name: z
+    actions:
+      - a""",
        ),
        (
            [Put(("policies", 1, "filters"), [{"type": "a"}])],
            """\
+    filters:
+      - type: a""",
        ),
    ],
    ids=[
        "an item with comments in it", "an item in brackets", "an item less", "an item more",
        "a first item", "a bare word", "a key behind another", "a value that needs quotes",
        "a key in brackets", "a key less", "a key less in brackets", "a policy",
        "a list at the end of a file without a last line end",
    ],
)  # fmt: skip
def test_only_what_changes_is_written(steps, lines):
    """All other lines are as they were, byte for byte."""
    assert changed_lines(TEXT, apply(TEXT, steps)) == lines


def test_line_ends_of_the_file_are_kept():
    """Also in the lines that are new."""
    text = "policies:\r\n- name: x\r\n  filters:\r\n  - a\r\n  - b\r\n"
    path = (*POLICY, "filters")
    assert apply(text, [Insert((*path, 2), {"c": 1, "d": 2})]) == text + "  - c: 1\r\n    d: 2\r\n"
    assert apply(text, [Drop((*path, 0))]) == text.replace("  - a\r\n", "")


def test_json_stays_json():
    """Custodian reads that too, and YAML's shorter forms are none."""
    text = '{"policies": [{"name": "x", "actions": [{"type": "a"}, "b"]}]}'
    steps = [
        Put((*POLICY, "actions", 0), {"type": "c", "on": True}),
        Put((*POLICY, "filters"), ["d"], after=("name",)),
        Drop((*POLICY, "actions", 1)),
    ]
    right = {"name": "x", "filters": ["d"], "actions": [{"type": "c", "on": True}]}
    assert json.loads(apply(text, steps)) == {"policies": [right]}


SHARED = """\
vars:
  filters: &filters
    - type: a
policies:
  - name: x
    filters: *filters
  - name: y
    filters: *filters
"""


@pytest.mark.parametrize(
    ("text", "step"),
    [
        (SHARED, Put((*POLICY, "filters", 0), "b")),
        (SHARED, Insert((*POLICY, "filters", 1), "b")),
        (SHARED, Put((*POLICY, "filters"), ["b"])),
        ("vars: {a: &a {b: 1}}\npolicies:\n  - *a\n", Put((*POLICY, "b"), 2)),
        ("policies:\n  - &a {b: 1}\n  - *a\n", Put(POLICY, {"b": 2})),
        ("policies:\n  - filters:\n", Put((*POLICY, "filters"), ["a"])),
        ("policies: [[- a]]".replace("- a", "a"), Drop(("policies", 0, 0, "x"))),
        ("policies:\n  - - a\n    - b\n", Drop(("policies", 0, 0))),
        ("policies:\n  - a: [b, # why\n        c]\n", Drop((*POLICY, "a", 0))),
        ("policies:\n  - a: 1\n    b: 2 # why\n", Drop((*POLICY, "b"))),
        ("policies:\n  - a: 1\n    b: 2\n", Drop((*POLICY, "a"))),
        ("", Put(("a",), 1)),
        ("{}", Put(("a",), 1)),
        ("a: 1", Put(("a", "b"), 1)),
    ],
    ids=[
        "an item that others share", "a list that others share", "a value that others share",
        "a mapping that others share", "what others refer to", "nothing", "no such place",
        "two dashes on a line", "a comment in brackets", "a comment behind it", "behind a dash",
        "an empty file", "an empty mapping", "a word",
    ],
)  # fmt: skip
def test_what_would_change_more_is_left_to_people(text, step):
    """Rather no change than one that nobody meant."""
    with pytest.raises(NotMechanicalError):
        apply(text, [step])


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-999, 999),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8),
)  # fmt: skip
KEYS = st.text("abcdefgh-", min_size=1, max_size=4).map(lambda key: f"k{key}")
ITEMS = st.one_of(SCALARS, st.dictionaries(KEYS, SCALARS, min_size=1, max_size=3))


@given(
    items=st.lists(ITEMS, min_size=1, max_size=4),
    new=st.dictionaries(KEYS, SCALARS, min_size=1, max_size=3),
    kind=st.sampled_from([Put, Drop, Insert]),
    style=st.sampled_from([None, True, False]),
    where=st.integers(0, 3),
)
def test_whatever_the_text_it_says_afterwards_what_was_meant(items, new, kind, style, where):
    """In each style that a file may have, or it is refused."""
    data = {"policies": [{"name": "x", "filters": items}, {"name": "y"}]}
    text = yaml.safe_dump(data, default_flow_style=style, allow_unicode=True)
    path = (*POLICY, "filters", min(where, len(items) - 1))
    step = Drop(path) if kind is Drop else kind(path, new)
    try:
        edited = apply(text, [step])
    except NotMechanicalError:
        assert (kind is Drop and len(items) == 1) or style is None
        return
    assert yaml.safe_load(edited) == changed(data, step)
