# SPDX-License-Identifier: Apache-2.0
"""Generated parts are current, links lead somewhere, and the site builds."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from c7n_inactive_keys.core.journal import REASONS

from .pages import PACKAGE, ROOT, pages

LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?P<target>[^)\s]+)\)|!\[[^\]]*\]\((?P<image>[^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
MARKS = re.compile(r"<!-- (generated: \S+|end) -->")


@pytest.mark.e2e
def test_what_is_generated_is_what_the_code_says_now(demo):
    """`make docs` would change nothing, the demo's real output included."""
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "docs.py", "--check", "--demo", demo.place],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_generated_parts_begin_and_end():
    """A mark without its end would silently keep a part from being checked."""
    for page in pages():
        marks = [found[1] for found in MARKS.finditer(page.read_text(encoding="utf-8"))]
        kinds = [mark == "end" for mark in marks]
        assert kinds == [False, True] * (len(marks) // 2), f"{page}: {marks}"


def test_the_site_builds_in_strict_mode(tmp_path):
    """No page of the navigation is missing, no link and no anchor is broken."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    done = subprocess.run(
        [Path(sys.executable).with_name("zensical"), "build", "--strict", "-f", "mkdocs.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr)


def test_every_page_is_in_the_navigation_and_the_other_way_round():
    """A page that nothing leads to is never read."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = set(_files(yaml.safe_load(text)["nav"]))
    there = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}
    assert listed == there


def _files(item):
    if isinstance(item, str):
        yield item
    else:
        for child in item.values() if isinstance(item, dict) else item:
            yield from _files(child)


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")), ids=lambda page: page.name)
def test_links_of_the_pages_outside_docs_lead_to_files(page):
    """README and the like are read on the web and on disk, where strict mode does not look."""
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    for found in LINK.finditer(text):
        target = (found["target"] or found["image"]).partition("#")[0]
        if target and "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_reason_of_an_outcome_is_explained():
    """A new reason needs its line on the page about deletion."""
    page = (ROOT / "docs" / "delete.md").read_text(encoding="utf-8")
    assert [reason for reason in REASONS if f"`{reason}`" not in page] == []


def test_rooms_and_folders_of_tests_that_are_named_exist():
    """A newcomer is led to files that are there, and no folder of tests goes unnamed."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for name in re.findall(r"`((?:[\w]+/)*[\w]+\.py)`", page):
        assert (PACKAGE / name).exists(), name
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    folders = {f"tests/{path.parent.name}" for path in (ROOT / "tests").glob("*/test_*.py")}
    assert set(re.findall(r"`(tests/\w+)`", contributing)) - {"tests/support"} == folders


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_files_of_the_repository_that_a_page_names_are_there(page):
    """`policies/...`, `deploy/...` and the like, under the root or in the package."""
    named = re.findall(r"`((?:[a-z_0-9]+/)+[\w.-]*)`", page.read_text(encoding="utf-8"))
    roots = (ROOT, PACKAGE.parent, PACKAGE, *(path for path in PACKAGE.iterdir() if path.is_dir()))
    folders = {path.name for root in roots for path in root.iterdir() if path.is_dir()}
    folders.discard("build")  # what `make` makes
    ours = [name for name in named if name.split("/")[0] in folders]
    assert [name for name in ours if not any((root / name).exists() for root in roots)] == []


def test_nothing_is_promised_that_has_no_page():
    """The README's first screen: a sentence, a policy, a command and its output."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    policy = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert policy
    assert len(policy[1].splitlines()) == 8
    assert text.index("make demo") < text.index("## Install")


def test_the_workflow_does_what_ci_run_does():
    """On every Python that the package names; nothing is done there that cannot be done here."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["test"]
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    supported = re.findall(r"Python :: (3\.\d+)", (ROOT / "setup.py").read_text(encoding="utf-8"))
    assert job["strategy"]["matrix"]["python"] == supported
