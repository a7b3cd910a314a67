# SPDX-License-Identifier: Apache-2.0
"""Distributions built from this checkout, fresh environments to install them into, and the demo.

They cost the most of all that tests do. So they are made once, for all workers of a test run.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.borrowed import shims
from tests.support.commands import must
from tests.support.paths import BIN, ROOT

UV = BIN / "uv"
SITE_PACKAGES = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
NOT_SOURCE = shutil.ignore_patterns(
    ".git", ".venv", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis",
    "demo-out", "out", ".coverage",
)  # fmt: skip
# Two builds of the same content are the same file.
EPOCH = "1700000000"


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


DEMO = "import runpy; runpy.run_module('c7n_inactive_keys_sandbox.demo', run_name='__main__')"


@dataclass(frozen=True)
class Demo:
    """A run of the demo: where it wrote, and what it said, with paths relative to `place`."""

    place: Path

    @property
    def out(self) -> Path:
        return self.place / "demo-out"

    @property
    def said(self) -> str:
        return (self.place / "said.txt").read_text(encoding="utf-8")


@pytest.fixture(name="demo", scope="session")
def _demo(made_once) -> Demo:
    """The demo, run by the real commands in a path with spaces, after an earlier one there."""

    def make(place: Path) -> None:
        demo = Demo(place)
        (demo.out / "day-two").mkdir(parents=True)
        for left in ("accounts.yml", "report.json", "day-two/left"):
            (demo.out / left).write_text("left by an earlier demo", encoding="utf-8")
        # It starts the commands that are beside its Python: here those that borrow their start.
        code = f"import sys; sys.executable = {str(shims() / 'python')!r}; {DEMO}"
        command = (sys.executable, "-c", code, "-o", demo.out)
        said = must(*command, cwd=place, HOME=str(place), COLUMNS="150")
        (place / "said.txt").write_text(said.replace(str(place), "."), encoding="utf-8")

    return Demo(made_once("the demo", make))
