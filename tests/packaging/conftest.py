# SPDX-License-Identifier: Apache-2.0
"""Distributions built from this checkout, and fresh environments to install them into."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOT_SOURCE = shutil.ignore_patterns(
    ".git", ".venv", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis",
    "demo-out", "out", ".coverage",
)  # fmt: skip


def clean_environ(**more: str) -> dict[str, str]:
    """An environment as on a fresh machine: no AWS identity, no Python path, no opt-out."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "PYTHON", "C7N_", "VIRTUAL_ENV"))
    }
    return {**kept, "AWS_EC2_METADATA_DISABLED": "true", **more}


def run(*command: object, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess:
    """A command's outcome; a failing one is for the test to judge."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean_environ(**environ),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def must(*command: object, cwd: Path | None = None, **environ: str) -> str:
    """The output of a command that has to succeed."""
    done = run(*command, cwd=cwd, **environ)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Environment:
    """A virtual environment with everything the plugin depends on, but not the plugin."""

    path: Path
    installer: str

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    def command(self, name: str) -> Path:
        return self.path / "bin" / name

    def install(self, *what: object) -> None:
        if self.installer == "pip":
            must(self.python, "-m", "pip", "install", "-qq", *what)
        else:
            must(sys.executable, "-m", "uv", "pip", "install", "-q", "--python", self.python, *what)

    def uninstall(self) -> None:
        if self.installer == "pip":
            must(self.python, "-m", "pip", "uninstall", "-q", "-y", "c7n-inactive-keys")
        else:
            must(
                sys.executable, "-m", "uv", "pip", "uninstall", "-q", "--python", self.python,
                "c7n-inactive-keys",
            )  # fmt: skip

    def files(self) -> set[str]:
        """Everything in the environment but byte code."""
        return {
            str(found.relative_to(self.path))
            for found in self.path.rglob("*")
            if "__pycache__" not in found.parts
        }


@pytest.fixture(name="checkout", scope="session")
def _checkout(tmp_path_factory) -> Path:
    """A copy of the sources without anything that was built, in a path with spaces."""
    if not (ROOT / "c7n_inactive_keys").is_dir():
        pytest.skip("builds the package, whose source is not here: the wheel is being tested")
    target = tmp_path_factory.mktemp("a checkout") / "c7n inactive keys"
    shutil.copytree(ROOT, target, ignore=NOT_SOURCE)
    return target


@pytest.fixture(name="distributions", scope="session")
def _distributions(checkout, tmp_path_factory) -> dict[str, list[object]]:
    """What to hand to the installer for each kind: the wheel comes out of the sdist."""
    target = tmp_path_factory.mktemp("dist")
    must(sys.executable, "-m", "build", "--installer", "uv", "-o", target, checkout)
    (wheel,) = target.glob("*.whl")
    (sdist,) = target.glob("*.tar.gz")
    return {"wheel": [wheel], "sdist": [sdist], "editable": ["--editable", checkout]}


@pytest.fixture(name="environments", scope="session")
def _environments(tmp_path_factory, distributions) -> dict[str, Environment]:
    """Made on first use, one per installer; the dependencies are those that the wheel names."""
    made: dict[str, Environment] = {}

    class Lazy(dict):
        def __missing__(self, installer: str) -> Environment:
            path = tmp_path_factory.mktemp("environment") / installer
            if installer == "pip":
                must(sys.executable, "-m", "venv", path)
            else:
                must(sys.executable, "-m", "uv", "venv", "-q", "--python", sys.executable, path)
            environment = Environment(path, installer)
            environment.install(f"c7n-inactive-keys[org] @ {distributions['wheel'][0].as_uri()}")
            environment.uninstall()
            self[installer] = environment
            return environment

    return Lazy(made)


@dataclass(frozen=True)
class Installed:
    """The plugin, installed one way; `before` are the files of the environment without it."""

    environment: Environment
    kind: str
    what: list[object]
    before: set[str]

    def custodian(self, *arguments: object, cwd: Path | None = None, **environ: str):
        return run(self.environment.command("custodian"), *arguments, cwd=cwd, **environ)


@pytest.fixture(
    name="installed",
    scope="session",
    params=[(tool, kind) for tool in ("uv", "pip") for kind in ("wheel", "sdist", "editable")],
    ids="-".join,
)
def _installed(request, environments, distributions):
    installer, kind = request.param
    environment = environments[installer]
    before = environment.files()
    what = [*distributions[kind]]
    environment.install("--no-deps", *what)
    yield Installed(environment, kind, what, before)
    environment.uninstall()
