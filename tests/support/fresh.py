# SPDX-License-Identifier: Apache-2.0
"""Distributions built from this checkout, and fresh environments to install them into.

Both cost the most of all that tests do. So they are made once, for all workers of a test run.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
UV = BIN / "uv"
SITE_PACKAGES = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
NOT_SOURCE = shutil.ignore_patterns(
    ".git", ".venv", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis",
    "demo-out", "out", ".coverage",
)  # fmt: skip
# Two builds of the same content are the same file.
EPOCH = "1700000000"


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
    """A virtual environment of this Python."""

    path: Path

    @property
    def python(self) -> Path:
        return self.command("python")

    @property
    def site_packages(self) -> Path:
        return self.path / SITE_PACKAGES

    def command(self, name: str) -> Path:
        return self.path / "bin" / name

    def create(self) -> None:
        must(UV, "venv", "-q", "--python", sys.executable, self.path)

    def install(self, *what: object, installer: str = "uv", **environ: str) -> None:
        if installer == "pip":
            must(self.python, "-m", "pip", "install", "-qq", *what, **environ)
        else:
            must(UV, "pip", "install", "-q", "--python", self.python, *what, **environ)

    def uninstall(self, installer: str = "uv") -> None:
        if installer == "pip":
            must(self.python, "-m", "pip", "uninstall", "-q", "-y", "c7n-inactive-keys")
        else:
            must(UV, "pip", "uninstall", "-q", "--python", self.python, "c7n-inactive-keys")

    def files(self) -> set[str]:
        """Everything in the environment but byte code."""
        return {
            str(found.relative_to(self.path))
            for found in self.path.rglob("*")
            if "__pycache__" not in found.parts
        }


@pytest.fixture(name="made_once", scope="session")
def _made_once(tmp_path_factory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Makes a directory by a name, or waits until another worker of the run has made it."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def made_once(name: str, make: Callable[[Path], None]) -> Path:
        done = base / f"{name}.made"
        with (base / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                make(base / name)
                done.touch()
        return base / name

    return made_once


@pytest.fixture(name="checkout", scope="session")
def _checkout(made_once) -> Path:
    """A copy of the sources without anything that was built, in a path with spaces."""
    if not (ROOT / "c7n_inactive_keys").is_dir():
        pytest.skip("builds the package, whose source is not here: the wheel is being tested")
    return made_once("a checkout", lambda target: shutil.copytree(ROOT, target, ignore=NOT_SOURCE))


@pytest.fixture(name="distributions", scope="session")
def _distributions(checkout, made_once) -> dict[str, Path]:
    """The sdist, and the wheel that comes out of it."""

    def build(target: Path) -> None:
        must(
            sys.executable, "-m", "build", "--installer", "uv", "-o", target, checkout,
            SOURCE_DATE_EPOCH=EPOCH,
        )  # fmt: skip

    target = made_once("dist", build)
    (wheel,) = target.glob("*.whl")
    (sdist,) = target.glob("*.tar.gz")
    return {"wheel": wheel, "sdist": sdist}


@pytest.fixture(name="fresh", scope="session")
def _fresh(made_once, distributions) -> Environment:
    """Everything that the wheel and its extra `org` depend on, and pip; but not the plugin.

    Only the tests of one file may change it, since each worker runs whole files.
    """

    def make(path: Path) -> None:
        environment = Environment(path)
        environment.create()
        wheel = distributions["wheel"].as_uri()
        environment.install("pip", f"c7n-inactive-keys[org] @ {wheel}")
        environment.uninstall()

    return Environment(made_once("fresh", make))
