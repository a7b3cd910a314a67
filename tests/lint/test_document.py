# SPDX-License-Identifier: Apache-2.0
"""Reading YAML: lines, keys that stand twice, and what nobody can read."""

from __future__ import annotations

import pytest

from c7n_inactive_keys.lint.document import UnreadableError, read

TEXT = """\
policies:
  - name: a
    filters: [x,
      {type: y}]
  - name: b
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("policies",), 1),
        (("policies", 0), 2),
        (("policies", 0, "filters"), 3),
        (("policies", 0, "filters", 1, "type"), 4),
        (("policies", 1), 5),
        (("policies", 1, "days"), 5),
        (("policies", 7), 1),
    ],
)
def test_each_part_has_its_line(path, line):
    """What is not there has the line of what is around it."""
    assert read(TEXT).line(path) == line


def test_lines_are_counted_as_editors_count_them():
    """U+2028 is a line end for YAML, and for nobody else."""
    assert read("a: 'x\u2028y'\nb: 1\n").line(("b",)) == 2


def test_keys_that_stand_twice_are_found_wherever_they_are():
    """The one that is ignored, and the one that counts; `<<` may stand twice."""
    found = read("a: 1\nb:\n  - c: 1\n    c: 2\n    c: 3\na: 2\nd: {<<: {x: 1}, <<: {y: 1}}\n")
    places = [(item.path, item.key, item.index, item.kept) for item in found.duplicates]
    assert sorted(places) == [
        ((), "a", 0, 35),
        (("b", 0), "c", 12, 30),
        (("b", 0), "c", 21, 30),
    ]


def test_an_empty_text_has_no_data():
    """Nor has one with nothing but comments."""
    assert read("").data is None
    assert read("# nothing\n").data is None


EXPANDING = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000 + "]" * 100_000,
        "- " * 50_000,
        "a: &a [*a]",
        "&a {b: [*a]}",
        EXPANDING,
        "a: 2024-99-99",
        '!!int ""',
        "!!bool maybe",
        "!!timestamp x",
        "? [a]\n: b",
        "a: !Ref x",
        "--- a\n--- b\n",
        "a: \x00",
        "a: [",
        "<<: 1",
        "a: *b",
    ],
    ids=[
        "brackets without end", "dashes without end", "an anchor in itself", "around a corner",
        "aliases of aliases", "a date that is none", "a number that is none", "a flag that is none",
        "a time that is none", "a list for a key", "a tag", "two documents", "a control character",
        "an open bracket", "nothing to merge", "no such anchor",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_in_a_sentence(text):
    """It ends neither in a traceback nor, as libyaml's recursion would, the process."""
    with pytest.raises(UnreadableError, match=r"\w"):
        read(text)
