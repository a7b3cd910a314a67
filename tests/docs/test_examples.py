# SPDX-License-Identifier: Apache-2.0
"""Every example of the documentation runs or validates."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import datetime, timedelta, timezone

import jsonschema
import pytest
import yaml

from c7n_inactive_keys_sandbox.organisation import seed_organisation
from tests.support.borrowed import shims
from tests.support.commands import clean_environ
from tests.support.paths import BIN

from .pages import ROOT, docstring_examples, examples, pages

pytestmark = pytest.mark.e2e

SHELLS = ("sh", "bash", "shell")
RUN = [
    page for page in pages() if any(e.language in SHELLS and not e.marked for e in examples(page))
]
YEAR_AGO = datetime.now(timezone.utc) - timedelta(days=365)
# What a page's commands may use of the repository.
MATERIAL = ("policies", "templates", "deploy")


def yaml_examples():
    """All blocks of YAML: pages, docstrings and shipped policies."""
    for page in pages():
        yield from (e for e in examples(page) if e.language in ("yaml", "yml"))
    yield from docstring_examples()


def environment():
    """An environment as on a fresh machine, where the commands borrow their start."""
    path = (str(shims()), str(BIN), os.environ["PATH"])
    return clean_environ(PATH=os.pathsep.join(path))


def test_every_policy_in_pages_and_docstrings_is_valid_for_stock_custodian(tmp_path):
    """One `custodian validate` over all of them; names are made unique, as one run demands."""
    files = []
    for number, example in enumerate(yaml_examples()):
        content = yaml.safe_load(example.text)
        if not isinstance(content, dict) or "policies" not in content:
            continue
        for policy in content["policies"]:
            policy["name"] = f"{policy['name'][:45]}-{number}"
        file = tmp_path / f"{number:03}-{example.place.replace('/', '_').replace(':', '_')}.yml"
        file.write_text(yaml.safe_dump(content), encoding="utf-8")
        files.append(file)
    assert len(files) >= 10
    done = subprocess.run(
        ["custodian", "validate", *map(str, files)],
        cwd=ROOT,
        env={**environment(), "HOME": str(tmp_path), "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_accounts_file_is_in_the_form_of_c7n_org():
    """In pages and at the top; c7n-org's own schema decides."""
    org = pytest.importorskip("c7n_org.cli", reason="extra org is not installed")
    texts = [*(example.text for example in yaml_examples()), (ROOT / "accounts.yml").read_text()]
    contents = [yaml.safe_load(text) for text in texts]
    accounts = [item for item in contents if isinstance(item, dict) and "accounts" in item]
    assert accounts
    for item in accounts:
        jsonschema.validate(item, org.CONFIG_SCHEMA)


@pytest.mark.parametrize("page", RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_run_one_after_the_other(page, sandbox, tmp_path):
    """In the sandbox's organisation, from its management account; none of them fails."""
    blocks = [e for e in examples(page) if e.language in SHELLS and not e.marked]
    organisation = seed_organisation(sandbox, datetime.now(timezone.utc))
    for account in organisation.accounts[:2]:  # a key that nobody uses; the organisation has none
        account.user("idle", created=YEAR_AGO).key()
    work = tmp_path / "work"
    work.mkdir()
    for name in MATERIAL:
        shutil.copytree(ROOT / name, work / name)
    organisation.accounts_yml(work / "accounts.yml")
    script = "\n".join(f"echo '### {e.place}' >&2\n{e.text}" for e in blocks)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=work,
        env=sandbox.environ(organisation.management.id, environment()) | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
