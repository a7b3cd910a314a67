# SPDX-License-Identifier: Apache-2.0
"""Run the suite against the wheel, as users install it, in a checkout without the package.

Usage: suite.py newest|lowest [PYTEST ARGUMENT ...]

With the newest or with the lowest dependencies that setup.py allows. Needs git and the Python that
it is run by; makes everything anew in build/suite-newest or build/suite-lowest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "c7n_inactive_keys"
# What users may install; the test tools themselves are always the newest that go with it.
EXTRAS = ("org", "mailer", "ocsf", "sandbox")
WHERE = f"import {PACKAGE}, os; print(os.path.dirname(os.path.dirname({PACKAGE}.__file__)))"


def run(*command: object, cwd: Path | None = None) -> None:
    """A command that has to succeed; what it says is for people to read."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, check=False)
    if done.returncode != 0:
        sys.exit(f"failed with status {done.returncode}: {' '.join(map(str, command))}")


def copy_checkout(target: Path) -> None:
    """The files of the repository as they are now, and no others."""
    if not (ROOT / ".git").exists():
        sys.exit("this needs a git checkout: git knows which files belong to the repository")
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


class Place:
    """The directory in which one such run takes place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkout = path / "checkout"
        self.environment = path / "environment"
        self.python = self.environment / "bin" / "python"
        self.tools = path / "tools" / "bin" / "python"

    def make(self) -> None:
        """A fresh copy of the checkout, tools to build with, and an empty environment."""
        shutil.rmtree(self.path, ignore_errors=True)
        copy_checkout(self.checkout)
        venv.create(self.tools.parents[1], with_pip=True)
        run(self.tools, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "build[uv]")
        self.uv("venv", "-q", "--python", sys.executable, self.environment)

    def uv(self, *arguments: object) -> None:
        """Run uv in the copy of the checkout."""
        run(self.tools, "-m", "uv", *arguments, cwd=self.checkout)

    def wheel(self) -> Path:
        """Build the wheel, by way of the sdist."""
        dist = self.path / "dist"
        run(self.tools, "-m", "build", "--installer", "uv", "-o", dist, self.checkout)
        (wheel,) = dist.glob("*.whl")
        return wheel

    def lowest(self) -> Path:
        """The lowest versions of what setup.py names, as constraints."""
        pins = self.path / "lowest.txt"
        extras = [word for extra in EXTRAS for word in ("--extra", extra)]
        self.uv(
            "pip", "compile", "-q", "setup.py", *extras, "--resolution", "lowest-direct",
            "--python", self.python, "-o", pins,
        )  # fmt: skip
        return pins

    def install(self, wheel: Path, *options: object) -> None:
        """Install the wheel with the test tools."""
        requirement = f"c7n-inactive-keys[dev] @ {wheel.as_uri()}"
        self.uv("pip", "install", "-q", "--python", self.python, requirement, *options)

    def suite(self, arguments: Iterable[str]) -> int:
        """Remove the packages' source, make sure that it is gone, and run the tests."""
        for name in (PACKAGE, f"{PACKAGE}_sandbox"):
            shutil.rmtree(self.checkout / name)
        shutil.rmtree(self.checkout / f"{PACKAGE}.egg-info", ignore_errors=True)
        # An empty value: nothing but the environment, whatever the caller's Python path is.
        environ = {**os.environ, "PYTHONPATH": ""}
        where = subprocess.run(
            [self.python, "-c", WHERE], cwd=self.checkout, env=environ,
            capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        if not Path(where).is_relative_to(self.environment):
            sys.exit(f"the package under test is not the installed one: {where}")
        print(f"Testing the wheel, installed in {where}", flush=True)
        command = [self.python, "-m", "pytest", *arguments]
        return subprocess.run(command, cwd=self.checkout, env=environ, check=False).returncode


def main() -> int:
    """Build, install and test."""
    if len(sys.argv) < 2 or sys.argv[1] not in ("newest", "lowest"):
        sys.exit(str(__doc__))
    which, *arguments = sys.argv[1:]
    place = Place(ROOT / "build" / f"suite-{which}")
    place.make()
    wheel = place.wheel()
    place.install(wheel, *(("-c", place.lowest()) if which == "lowest" else ()))
    place.uv("pip", "list", "--python", place.python, "--format", "freeze")
    return place.suite(arguments or ["-n", "auto", "--dist", "loadfile"])


if __name__ == "__main__":
    sys.exit(main())
