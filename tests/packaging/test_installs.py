# SPDX-License-Identifier: Apache-2.0
"""Each way of installing, in fresh environments and with Custodian's own commands."""

from __future__ import annotations

import importlib.metadata
import re

import pytest

from c7n_inactive_keys import __version__

from .conftest import ROOT, must, run

pytestmark = pytest.mark.packaging

POLICIES = ROOT / "policies" / "inactive-keys.yml"
PTH = "zz_c7n_inactive_keys.pth"


def imported(python, **environ) -> set[str]:
    """The modules that an interpreter has imported before it runs anything of ours."""
    done = run(python, "-X", "importtime", "-c", "pass", **environ)
    assert done.returncode == 0, done.stderr
    return {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()[1:]}


def test_custodian_explains_the_filter(installed, tmp_path):
    """`custodian schema` shows the filter's help with an example, without any setting up."""
    done = installed.custodian("schema", "aws.iam-user.filters.inactive-access-key", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Help" in done.stdout
    assert re.search(r"type: inactive-access-key", done.stdout)
    assert "days" in done.stdout


def test_custodian_knows_the_actions(installed, tmp_path):
    """`custodian schema` lists both actions among those of iam-user."""
    done = installed.custodian("schema", "aws.iam-user.actions", cwd=tmp_path)
    assert {"delete-inactive-keys", "record-inactive-keys"} <= set(
        re.findall(r"[\w-]+", done.stdout)
    )


def test_shipped_policies_validate(installed, tmp_path):
    """The stock validate command accepts the shipped policies."""
    done = installed.custodian("validate", POLICIES, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Configuration valid" in done.stderr


def test_the_policies_to_run_come_with_it(installed, tmp_path):
    """`c7n-inactive-keys policies` writes those of the repository, also after a pip install."""
    must(installed.environment.command("c7n-inactive-keys"), "policies", cwd=tmp_path)
    for path in (*ROOT.glob("policies/*"), *ROOT.glob("templates/*"), ROOT / "accounts.yml"):
        assert (tmp_path / path.relative_to(ROOT)).read_bytes() == path.read_bytes()


def test_opting_out_makes_validation_fail_and_name_what_is_unknown(installed, tmp_path):
    """Without the plugin the policies are refused, rather than doing less than they say."""
    done = installed.custodian("validate", POLICIES, cwd=tmp_path, C7N_INACTIVE_KEYS_AUTOLOAD="0")
    assert done.returncode == 1
    assert re.search("inactive-access-key|credential-report", done.stderr)


def test_starting_an_interpreter_imports_two_small_modules(installed, tmp_path):
    """Interpreter start imports the hook: not Custodian, not boto3, nothing else."""
    modules = imported(installed.environment.python)
    ours = {name for name in modules if name.startswith("c7n_inactive_keys")}
    assert ours == {"c7n_inactive_keys", "c7n_inactive_keys.autoload"}
    assert not {name for name in modules if name.split(".")[0] in {"c7n", "boto3", "botocore"}}
    assert "typing" not in modules
    if installed.kind != "editable":  # setuptools' own finder imports more
        assert "pathlib" not in modules


def test_the_command_starts(installed, tmp_path):
    """The console script is there and says the version."""
    done = run(installed.environment.command("c7n-inactive-keys"), "--version", cwd=tmp_path)
    assert done.stdout.strip().endswith(__version__)


def test_a_missing_extra_is_said_in_one_sentence(installed, tmp_path):
    """The sandbox without moto asks for the extra, with exit code 2 and no traceback."""
    done = run(installed.environment.command("c7n-inactive-keys"), "sandbox", cwd=tmp_path)
    assert done.returncode == 2
    assert "pip install 'c7n-inactive-keys[sandbox]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_uninstalling_leaves_nothing_behind(installed):
    """After the uninstall the environment holds exactly the files it held before."""
    environment = installed.environment
    environment.uninstall()
    try:
        assert environment.files() == installed.before
        assert "inactive" not in run(environment.python, "-c", "pass").stderr
    finally:
        environment.install("--no-deps", *installed.what)


def test_a_pth_left_behind_is_silent(installed, tmp_path):
    """Should the .pth survive its package, starting Python says nothing and works."""
    environment = installed.environment
    purelib = must(
        environment.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"
    ).strip()
    environment.uninstall()
    left = ROOT.__class__(purelib) / PTH
    left.write_bytes((ROOT / PTH).read_bytes())
    try:
        done = run(environment.python, "-c", "print('works')")
        assert (done.stdout, done.stderr) == ("works\n", "")
    finally:
        left.unlink()
        environment.install("--no-deps", *installed.what)


def test_the_pth_is_one_import_line_that_sorts_after_setuptools_own():
    """site executes only lines that begin with import, and reads the files in this order."""
    text = (ROOT / PTH).read_text(encoding="ascii")
    assert text.count("\n") == 1
    assert text.startswith("import ")
    assert PTH > "__editable__.c7n_inactive_keys-0.1.0.pth"


def test_the_installed_version_is_the_one_written_in_the_package():
    """The version has one place, and the metadata repeats it."""
    assert importlib.metadata.version("c7n-inactive-keys") == __version__
