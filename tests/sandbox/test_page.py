# SPDX-License-Identifier: Apache-2.0
"""The page about the sandbox: its examples work, and it leaves out nothing that can be set."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import fields
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from c7n_inactive_keys_sandbox import Fault
from c7n_inactive_keys_sandbox.control import ROUTES
from c7n_inactive_keys_sandbox.faults import BROKEN, CHANGES, EFFECTS
from c7n_inactive_keys_sandbox.organisation import MANAGEMENT, seed_organisation

from .conftest import control

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
CURL = [line for _, text in BLOCKS for line in text.splitlines() if line.startswith("curl ")]


def sent(line, url):
    """Method, URL and body that curl makes of a line."""
    method, body, words = None, None, iter(shlex.split(line)[1:])
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-d":
            body = next(words)
        else:
            target = word.replace("$AWS_ENDPOINT_URL", url)
    return method or ("POST" if body else "GET"), target, body


def test_the_requests_of_the_page_are_understood_and_are_all_that_there_are(sandbox, now):
    """One after the other, as curl would send them."""
    seed_organisation(sandbox, now)
    made = set()
    for line in CURL:
        method, target, body = sent(line, sandbox.url)
        made.add((method, target.removeprefix(sandbox.url).partition("?")[0]))
        request = Request(target, body and body.encode(), method=method)
        with urlopen(request) as answer:
            json.load(answer)
    assert {("GET", "/sandbox/settings"), *made} == set(ROUTES)


def test_the_python_of_the_page_runs():
    """With the checks in it."""
    for language, text in BLOCKS:
        if language == "python":
            exec(compile(text, "docs/sandbox.md", "exec"), {})


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("fields of a fault", [field.name for field in fields(Fault)]),
        ("kinds", [*BROKEN, "lag"]),
        ("effects", EFFECTS),
        ("changes", CHANGES),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_nothing_is_left_out(what, names):
    """What can be asked for is named on the page."""
    assert [name for name in names if f"`{name}`" not in PAGE] == [], what


def test_all_settings_are_on_the_page_with_their_defaults(sandbox):
    """As the control interface tells them."""
    rows = dict(re.findall(r"^- `(\w+): ([^`]+)`", PAGE, re.MULTILINE))
    for name, value in control(sandbox.url, "/settings").items():
        assert json.loads(rows[name]) == value, name


def test_the_organisation_is_as_large_as_the_page_says(sandbox, now):
    """Accounts, keys and inactive keys."""
    accounts = seed_organisation(sandbox, now).accounts
    keys = [len(account.keys) for account in accounts]
    inactive = [len(account.inactive_keys) for account in accounts]
    said = re.search(r"(\d+) of them\s+with (\d+) keys, (\d+) of them inactive", PAGE)
    assert said
    assert [int(number) for number in said.groups()] == [len(accounts), sum(keys), sum(inactive)]
    assert accounts[0].id == MANAGEMENT
