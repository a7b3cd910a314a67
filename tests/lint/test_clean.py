# SPDX-License-Identifier: Apache-2.0
"""What we ship and show is right by our own rules, and the rules know our elements."""

from __future__ import annotations

from pathlib import Path

import pytest
from c7n.resources import load_resources
from c7n.resources.aws import AWS

from c7n_inactive_keys.lint.contract import OPTIONS
from c7n_inactive_keys.lint.linter import Linter
from c7n_inactive_keys.lint.policy_file import parse
from tests.docs.pages import ROOT, docstring_examples, examples, pages
from tests.lint.linting import run_lint

EXAMPLES = [
    example
    for example in (*(e for page in pages() for e in examples(page)), *docstring_examples())
    if example.language in ("yaml", "yml")
]
# The page about migrating shows what is wrong as well; its tests say which.
SHOWN_AS_WRONG = "docs/migrating.md"


def test_what_we_ship_is_right():
    """Policies and accounts together, as c7n-org reads them."""
    done = run_lint(ROOT / "policies", ROOT / "accounts.yml")
    assert done.exit_code == 0, done.stdout


@pytest.mark.parametrize(
    "example",
    [e for e in EXAMPLES if not e.place.startswith(SHOWN_AS_WRONG)],
    ids=lambda e: e.place,
)
def test_every_example_is_right(example):
    """Of pages and docstrings: people copy them."""
    file = parse(Path(example.place), example.text)
    found = Linter([file]).findings(file)
    assert [(item.rule, item.line) for item in found] == []


def test_the_rules_know_the_options_of_our_elements():
    """By the elements that are there; those to come are named as they will be."""
    load_resources(("aws.iam-user",))
    users = AWS.resources["iam-user"]
    there = {
        name: registry.get(name)
        for registry in (users.filter_registry, users.action_registry)
        for name in OPTIONS
        if registry.get(name)
    }
    assert {"inactive-access-key", "record-inactive-keys", "delete-inactive-keys"} <= set(there)
    unknown = {
        (name, option)
        for name, element in there.items()
        for option in set(element.schema["properties"]) - {"type", *OPTIONS[name]}
    }
    assert unknown == set()
