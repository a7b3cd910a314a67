# SPDX-License-Identifier: Apache-2.0
"""Each way of installing, in a fresh environment and with Custodian's own commands."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

from c7n_inactive_keys import __version__
from tests.support.commands import must, run
from tests.support.fresh import Environment
from tests.support.paths import ROOT

pytestmark = pytest.mark.packaging

POLICIES = ROOT / "policies" / "inactive-keys.yml"
STARTUP = {path.name for path in (ROOT / "startup").iterdir() if path.is_file()}
FILTER = "aws.iam-user.filters.inactive-access-key"
OFF = {"C7N_INACTIVE_KEYS_AUTOLOAD": "0"}


@contextmanager
def installed(environment: Environment, *what: object, installer: str = "uv", **environ: str):
    """The plugin in the environment, for a while; afterwards not a file of it is left."""
    before = environment.files()
    environment.install("--no-deps", *what, installer=installer, **environ)
    try:
        yield
    finally:
        environment.uninstall(installer)
    assert environment.files() == before
    assert run(environment.python, "-c", "pass").stderr == ""


def imported_at_start(environment: Environment) -> set[str]:
    """The modules that an interpreter has imported before it runs anything of ours."""
    return set(must(environment.python, "-c", "import sys; print(*sys.modules)").split())


def explains_the_filter(environment: Environment, *, ours: bool = False, **environ: str) -> bool:
    """Whether `custodian schema` shows the filter's help: the stock command, or run by ours."""
    command = ("c7n-inactive-keys", "custodian") if ours else ("custodian",)
    done = run(environment.command(command[0]), *command[1:], "schema", FILTER, **environ)
    return done.returncode == 0 and "type: inactive-access-key" in done.stdout


@pytest.mark.parametrize(
    ("installer", "kind"),
    [
        ("uv", "wheel"),
        ("pip", "editable"),
        *(
            pytest.param(installer, kind, marks=pytest.mark.release)
            for installer, kind in (
                ("uv", "sdist"), ("uv", "editable"), ("pip", "wheel"), ("pip", "sdist"),
            )
        ),
    ],
)  # fmt: skip
def test_installing_is_enough_and_uninstalling_leaves_nothing(
    fresh, distributions, checkout, installer, kind
):
    """Nothing to set up, an interpreter starts with small modules only; then all is as before."""
    what = ["--editable", checkout] if kind == "editable" else [distributions[kind]]
    with installed(fresh, *what, installer=installer):
        assert explains_the_filter(fresh)
        modules = imported_at_start(fresh)
        assert {name for name in modules if name.startswith("c7n")} == {
            "c7n_inactive_keys_startup", "c7n_inactive_keys", "c7n_inactive_keys.autoload",
        }  # fmt: skip
        assert not {"boto3", "botocore", "typing"} & modules
        if kind != "editable":  # setuptools' own finder imports more
            assert "pathlib" not in modules
        held = {path.name for path in fresh.site_packages.iterdir()}
        assert held >= STARTUP


def test_what_is_installed_works_without_the_checkout(fresh, distributions, tmp_path):
    """Policies, their validation, the opt-out, the version, a missing extra: all from the wheel."""
    with installed(fresh, distributions["wheel"]):
        ours = fresh.command("c7n-inactive-keys")
        must(ours, "policies", cwd=tmp_path)
        for path in (*ROOT.glob("policies/*"), *ROOT.glob("templates/*"), ROOT / "accounts.yml"):
            assert (tmp_path / path.relative_to(ROOT)).read_bytes() == path.read_bytes()
        valid = run(fresh.command("custodian"), "validate", POLICIES, cwd=tmp_path)
        assert (valid.returncode, "Configuration valid" in valid.stderr) == (0, True)
        refused = run(fresh.command("custodian"), "validate", POLICIES, cwd=tmp_path, **OFF)
        assert refused.returncode == 1
        assert re.search("inactive-access-key|credential-report", refused.stderr)
        assert run(ours, "--version").stdout.strip().endswith(__version__)
        missing = run(ours, "sandbox", cwd=tmp_path)
        assert (missing.returncode, "Traceback" in missing.stderr) == (2, False)
        assert "pip install 'c7n-inactive-keys[sandbox]'" in missing.stderr


def test_start_up_files_left_behind_are_silent(fresh):
    """Should they outlive the package, or an editable checkout, Python starts without a word."""
    for name in STARTUP:
        shutil.copy(ROOT / "startup" / name, fresh.site_packages)
    half = fresh.site_packages / "c7n_inactive_keys"
    try:
        for _ in ("gone", "half removed"):
            done = run(fresh.python, "-c", "print('works')")
            assert (done.stdout, done.stderr) == ("works\n", "")
            half.mkdir(exist_ok=True)
    finally:
        half.rmdir()
        for name in STARTUP:
            (fresh.site_packages / name).unlink()


def test_without_start_up_files_our_own_command_runs_the_stock_ones(fresh, checkout, tmp_path):
    """A wheel built without them says so in its version; custodian alone does not know the plugin.

    `check` says why, for both commands, and what to do. An earlier build there had the files.
    """
    (checkout / "build" / "lib").mkdir(parents=True, exist_ok=True)
    for name in STARTUP:
        shutil.copy(ROOT / "startup" / name, checkout / "build" / "lib")
    with installed(fresh, checkout, C7N_INACTIVE_KEYS_STARTUP_FILES="0"):
        held = {path.name for path in fresh.site_packages.iterdir()}
        assert not held & STARTUP
        assert f"c7n_inactive_keys-{__version__}+nostartup.dist-info" in held
        assert not explains_the_filter(fresh)
        assert explains_the_filter(fresh, ours=True)
        done = run(fresh.command("c7n-inactive-keys"), "check", "--no-aws", cwd=tmp_path,
                   PATH=f"{fresh.path}/bin:/usr/bin:/bin")  # fmt: skip
        assert done.returncode == 1
        custodian, workers, _ = done.stdout.splitlines()
        for line, command in ((custodian, "custodian"), (workers, "c7n-org")):
            assert "Python reads no start-up file of it" in line
            assert f"`c7n-inactive-keys {command} ...` runs it with the plugin" in line


def test_a_path_is_no_site_directory(fresh, distributions, tmp_path):
    """After `pip install --target`, Python reads no start-up files there: `check` says so."""
    place = tmp_path / "target"
    must(fresh.python, "-m", "pip", "install", "-qq", "--no-deps", "--target", place,
         distributions["wheel"])  # fmt: skip
    assert not explains_the_filter(fresh, PYTHONPATH=str(place))
    ours = (fresh.python, "-c", "from c7n_inactive_keys.cli import run; run()")
    done = run(*ours, "check", "--no-aws", cwd=tmp_path, PYTHONPATH=str(place),
               PATH=f"{fresh.path}/bin:/usr/bin:/bin")  # fmt: skip
    assert f"({place / 'c7n_inactive_keys'}), but Python reads no start-up file" in done.stdout
    stock = run(*ours, "custodian", "schema", FILTER, PYTHONPATH=str(place))
    assert (stock.returncode, "type: inactive-access-key" in stock.stdout) == (0, True)


def test_a_python_that_reads_no_site_directory_is_named(fresh, distributions, tmp_path):
    """A command whose first line says -S: `check` says that this is why."""
    with installed(fresh, distributions["wheel"]):
        script = tmp_path / "custodian"
        script.write_text(
            f"#!{fresh.python} -S\nimport sys\nsys.path.append({str(fresh.site_packages)!r})\n"
            "from c7n.cli import main\nmain()\n",
            encoding="utf-8",
        )
        script.chmod(0o755)
        done = run(fresh.command("c7n-inactive-keys"), "check", "--no-aws", cwd=tmp_path,
                   PATH=f"{tmp_path}:{fresh.path}/bin:/usr/bin:/bin",
                   PYTHONPATH=str(fresh.site_packages))  # fmt: skip
    (line,) = (line for line in done.stdout.splitlines() if " custodian: " in line)
    assert "but its Python runs with -S: no start-up files" in line


def test_the_pth_is_one_import_line_that_sorts_after_setuptools_own():
    """site executes only lines that begin with import, and reads the files in this order."""
    (pth,) = (name for name in STARTUP if name.endswith(".pth"))
    text = Path(ROOT, "startup", pth).read_text(encoding="ascii")
    assert text.count("\n") == 1
    assert text.startswith("import ")
    assert pth > "__editable__.c7n_inactive_keys-0.1.0.pth"


def test_the_installed_version_is_the_one_written_in_the_package():
    """The version has one place, and the metadata repeats it."""
    assert importlib.metadata.version("c7n-inactive-keys") == __version__
