# SPDX-License-Identifier: Apache-2.0
"""The start-up files: .pth for Python before 3.15, .start from then on (PEP 829)."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from tests.loading import pep829
from tests.support.commands import must, run
from tests.support.fresh import UV
from tests.support.paths import ROOT

pytestmark = pytest.mark.packaging

# A Custodian that is nothing but what the plugin joins: so no Python needs any package.
CUSTODIAN = """
class Registry:
    def __init__(self): self.subscribers = []
    def subscribe(self, function): self.subscribers.append(function)
    def get(self, name): return None
resources = Registry()
"""
JOINED = "import c7n.manager; print([s.__module__ for s in c7n.manager.resources.subscribers])"
THERE = "['c7n_inactive_keys.entry']\n"
ABSENT = "[]\n"
SUPPORTED = [f"3.{minor}" for minor in range(10, 16)]


@pytest.fixture(name="custodian", scope="module")
def _custodian(tmp_path_factory) -> str:
    """A directory for PYTHONPATH."""
    package = tmp_path_factory.mktemp("custodian") / "c7n"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "manager.py").write_text(CUSTODIAN, encoding="utf-8")
    return str(package.parent)


def find_python(version: str) -> Path | None:
    """The Python of this version: of this machine, of pyenv, or fetched by tools/pythons.py."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders = [
        ROOT / "build" / "pythons" / "usr" / "bin",
        *sorted(pyenv.glob(f"versions/{version}.*/bin")),
        *(Path(folder) for folder in os.environ["PATH"].split(os.pathsep)),
    ]
    for folder in folders:
        python = folder / f"python{version}"
        if folder.name != "shims" and python.exists():
            return python
    return None


@pytest.mark.parametrize("version", SUPPORTED)
def test_each_python_that_is_here_reads_one_of_them(version, distributions, custodian, tmp_path):
    """Both files, then the one of the two that this version reads; without it, nothing happens."""
    python = find_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version} here: tools/pythons.py fetches what Debian has")
    place = tmp_path / "environment"
    must(UV, "venv", "-q", "--python", python, place)
    must(UV, "pip", "install", "-q", "--no-deps", "--python", place, distributions["wheel"])
    own = place / "bin" / "python"
    assert must(own, "-c", "import sys; print('%d.%d' % sys.version_info[:2])") == f"{version}\n"
    (site,) = place.glob("lib/python*/site-packages")
    pth, start = (site / f"zz_c7n_inactive_keys{end}" for end in (".pth", ".start"))
    read, other = (start, pth) if version >= "3.15" else (pth, start)
    assert said(own, custodian) == THERE
    other.unlink()
    assert said(own, custodian) == THERE
    read.unlink()
    assert said(own, custodian) == ABSENT


def said(python: Path, custodian: str) -> str:
    """Who has subscribed to Custodian's resources; nothing may be on stderr."""
    done = run(python, "-c", JOINED, PYTHONPATH=custodian)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(
    ("version", "left_out", "outcome"),
    [
        pytest.param("3.15", None, THERE, id="3.15, both"),
        pytest.param("3.15", ".pth", THERE, id="3.15, .start alone"),
        pytest.param("3.15", ".start", THERE, id="3.15, .pth alone"),
        pytest.param("3.18", None, THERE, id="3.18, both"),
        pytest.param("3.18", ".start", ABSENT, id="3.18, .pth alone"),
    ],
)
def test_later_pythons_find_the_plugin(
    distributions, custodian, tmp_path, version, left_out, outcome
):
    """As far as PEP 829 tells: a stand-in reads the files."""
    with zipfile.ZipFile(distributions["wheel"]) as wheel:
        wheel.extractall(tmp_path)
    if left_out:
        (tmp_path / f"zz_c7n_inactive_keys{left_out}").unlink()
    done = run(
        sys.executable, "-S", pep829.__file__, tmp_path, version, JOINED, PYTHONPATH=custodian
    )
    assert (done.stdout, done.stderr) == (outcome, "")


def test_the_stand_in_keeps_to_the_files_it_is_given(custodian, tmp_path):
    """A start-up file whose module is gone fails, which is why ours lies beside its module."""
    shutil.copy(ROOT / "startup" / "zz_c7n_inactive_keys.start", tmp_path)
    done = run(
        sys.executable, "-S", pep829.__file__, tmp_path, "3.15", JOINED, PYTHONPATH=custodian
    )
    assert "No module named 'c7n_inactive_keys_startup'" in done.stderr


def test_the_page_shows_the_files_as_they_are():
    """What somebody is to allow by name and content is what the wheel holds."""
    page = (ROOT / "docs" / "loading.md").read_text(encoding="utf-8")
    for path in (ROOT / "startup").glob("zz_*"):
        line = path.read_text(encoding="ascii").strip()
        assert f"- `{path.name}`: `{line}`" in page
