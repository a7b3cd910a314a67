# SPDX-License-Identifier: Apache-2.0
"""Make the virtual environment .venv and install this package with the given extras.

Usage: environment.py EXTRA[,EXTRA]

Needs nothing but a Python; run by make. Does nothing when the environment is up to date.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
# What decides over the content of the environment.
INPUTS = (
    "setup.py",
    "pyproject.toml",
    "startup/c7n_inactive_keys_startup.py",
    "startup/zz_c7n_inactive_keys.pth",
    "startup/zz_c7n_inactive_keys.start",
    "c7n_inactive_keys/__init__.py",
)


def fingerprint() -> str:
    """Changes with the inputs, with the Python, and when the checkout is moved."""
    digest = hashlib.sha256(f"{ROOT}\n{sys.version}\n{sys.base_prefix}\n".encode())
    for name in INPUTS:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def create() -> None:
    """A new, empty environment in place of whatever is there."""
    print("Making the environment .venv ...", file=sys.stderr)
    try:
        venv.create(VENV, clear=True, with_pip=True)
    except subprocess.CalledProcessError:
        sys.exit(
            f"{sys.executable} cannot make virtual environments with pip "
            "(Debian and Ubuntu: apt install python3-venv)"
        )


def install(extras: str) -> None:
    """Install the package, editable, so that the commands are those of the checkout."""
    print(f"Installing c7n-inactive-keys[{extras}] (takes a minute, once) ...", file=sys.stderr)
    # Of what is installed little is imported, so only that is compiled, when it is.
    options = ("-qq", "--no-compile")
    command = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", *options]
    # A relative path: brackets behind an absolute one with spaces are no valid requirement.
    done = subprocess.run([*command, "--editable", f".[{extras}]"], cwd=ROOT, check=False)
    if done.returncode != 0:
        sys.exit("The installation failed; pip's message above says why.")


def main() -> None:
    """Create and install what is missing."""
    if len(sys.argv) != 2:
        sys.exit(str(__doc__))
    extras = sys.argv[1]
    wanted = fingerprint()
    stamp = VENV / f"installed-{extras}"
    base = VENV / "made-for"
    if not base.exists() or base.read_text() != wanted or not PYTHON.exists():
        create()
        base.write_text(wanted)
    if not stamp.exists():
        install(extras)
        stamp.touch()


if __name__ == "__main__":
    main()
