# SPDX-License-Identifier: Apache-2.0
"""What the documents on ways of running say is there."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from tests.serverless import roles
from tests.support.paths import ROOT

DOCUMENTS = ("running.md", "lambda.md", "notify.md", "scale.md")
POLICIES = {
    policy["name"]
    for path in (ROOT / "policies").glob("*.yml")
    for policy in yaml.safe_load(path.read_text())["policies"]
}
ROLES = {
    role
    for name in ("roles.yml", "lambda-roles.yml", "scheduler.yml")
    for role in roles.roles(name)
}


def text(document: str) -> str:
    return (ROOT / "docs" / document).read_text()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_are_named_exist(document):
    """Paths in text and commands lead to files of the repository."""
    named = set(re.findall(r"\b(?:policies|deploy|templates)/[\w.-]+\w", text(document)))
    assert named
    assert {name for name in named if not (ROOT / name).exists()} == set()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_between_documents_work(document):
    """Links lead to a document beside this one, or to a heading in it."""
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in text(document).splitlines()
        if line.startswith("#")
    }
    for target in re.findall(r"\]\(([^)]+)\)", text(document)):
        page, _, heading = target.partition("#")
        assert (ROOT / "docs" / page).is_file() if page else heading in headings


@pytest.mark.parametrize("document", DOCUMENTS)
def test_policies_and_roles_that_are_named_exist(document):
    """Names of policies and roles are those of the shipped files."""
    named = set(
        re.findall(r"\binactive-keys-(?:daily|notify|delete|report|record)[\w-]*\w", text(document))
    )
    assert named - POLICIES <= {"inactive-keys-daily-re", "inactive-keys-notify-owners"}
    assert set(re.findall(r"\bCustodianInactiveKeys\w*", text(document))) <= ROLES


@pytest.mark.parametrize("document", DOCUMENTS)
def test_blocks_of_data_are_well_formed(document):
    """Blocks of YAML and JSON can be read."""
    for kind, block in re.findall(r"```(yaml|json)\n(.*?)```", text(document), re.DOTALL):
        assert yaml.safe_load(block) if kind == "yaml" else json.loads(block)


def test_the_files_for_github_name_what_is_there():
    """The workflow runs shipped policies, from the environment that the role trusts."""
    workflow = yaml.safe_load((ROOT / "deploy" / "github-workflow.yml").read_text())
    job = workflow["jobs"]["run"]
    commands = " ".join(step["run"] for step in job["steps"] if "run" in step)
    named = set(re.findall(r"-p ([\w-]+)", commands))
    assert named
    assert named <= POLICIES
    trust = json.loads((ROOT / "deploy" / "github-trust.json").read_text())
    equal = trust["Statement"][0]["Condition"]["StringEquals"]
    assert equal["token.actions.githubusercontent.com:sub"].endswith(f":{job['environment']}")
