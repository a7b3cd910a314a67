# SPDX-License-Identifier: Apache-2.0
"""What is in the wheel and in the sdist, and what they say of themselves."""

from __future__ import annotations

import re
import sys
import tarfile
import zipfile
from email import message_from_bytes

import pytest

from tests.support.commands import must
from tests.support.fresh import EPOCH
from tests.support.paths import ROOT

pytestmark = pytest.mark.packaging

STARTUP = {path.name for path in (ROOT / "startup").iterdir() if path.is_file()}
SHIPPED = ("policies/", "templates/", "deploy/", "accounts.yml")


@pytest.fixture(name="wheel", scope="session")
def _wheel(distributions) -> dict[str, bytes]:
    """Content of the wheel's files, by name."""
    with zipfile.ZipFile(distributions["wheel"]) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist()}


@pytest.fixture(name="metadata", scope="session")
def _metadata(wheel):
    """The wheel's metadata."""
    (name,) = (name for name in wheel if name.endswith(".dist-info/METADATA"))
    return message_from_bytes(wheel[name])


def listed_by_git(*options: str) -> set[str]:
    """Files of the repository; a copy without git cannot tell."""
    if not (ROOT / ".git").exists():
        pytest.skip("only a git checkout tells what belongs to the repository")
    listed = must("git", "ls-files", "-z", *options, cwd=ROOT)
    return {name for name in listed.split("\0") if (ROOT / name).is_file()}


def test_the_wheel_holds_the_packages_and_nothing_else(checkout, wheel):
    """Plugin and sandbox with type marker and data, start-up files, the shipped policies."""
    packages = {
        str(path.relative_to(checkout))
        for name in ("c7n_inactive_keys", "c7n_inactive_keys_sandbox")
        for path in (checkout / name).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert "c7n_inactive_keys/py.typed" in packages
    assert packages <= set(wheel), f"not in the wheel: {sorted(packages - set(wheel))}"
    more = {name for name in set(wheel) - packages if ".dist-info/" not in name}
    assert {name for name in more if "/shipped/" not in name} == STARTUP
    assert all(wheel[name] == (checkout / "startup" / name).read_bytes() for name in STARTUP)


def test_the_start_up_files_are_plain(wheel):
    """One import line and one entry point, which name the same function; no `exec`, no dunder."""
    pth, start = (wheel[f"zz_c7n_inactive_keys{end}"].decode() for end in (".pth", ".start"))
    module, function = start.strip().split(":")
    assert start.count("\n") == 1
    assert pth == f"import {module}; {module}.{function}()\n"


def test_the_wheel_holds_the_policies_as_they_are_at_the_top(checkout, wheel):
    """What `c7n-inactive-keys policies` writes after a pip install, byte for byte."""
    place = "c7n_inactive_keys/shipped/"
    held = {
        name.removeprefix(place): content
        for name, content in wheel.items()
        if name.startswith(tuple(place + start for start in SHIPPED))
    }
    top = [checkout / "accounts.yml"]
    top += [
        path for name in ("policies", "templates", "deploy") for path in (checkout / name).iterdir()
    ]
    assert held == {str(path.relative_to(checkout)): path.read_bytes() for path in top}


def test_the_sdist_holds_every_file_of_the_repository_and_nothing_else(distributions):
    """So its tests, its workflow and its hooks are there; what git ignores is not."""
    with tarfile.open(distributions["sdist"]) as sdist:
        held = {file.name.split("/", 1)[1] for file in sdist.getmembers() if file.isfile()}
    tracked = listed_by_git()
    assert tracked <= held, f"not in the sdist: {sorted(tracked - held)}"
    allowed = tracked | listed_by_git("--others", "--exclude-standard") | {"PKG-INFO", "setup.cfg"}
    assert {name for name in held - allowed if ".egg-info/" not in name} == set()


def test_the_page_on_an_index_has_no_dead_link(metadata):
    """Links to files of the repository are plain text there, and web links are as in README."""
    page = metadata.get_payload()
    targets = re.findall(r"\]\(([^)]*)\)", page)
    assert targets
    assert [target for target in targets if not target.startswith("https://")] == []
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert targets == [name for name in re.findall(r"\]\(([^)]*)\)", readme) if "://" in name]
    assert "## Read on\n\nThe documentation is in the source distribution" in page
    assert "Licence: Apache-2.0." in page


def test_the_metadata_is_complete(metadata):
    """Name, author, licence as SPDX says it with its file, Python, extras, a README in Markdown."""
    assert metadata["Author"]
    assert metadata.get_all("Project-URL")
    assert metadata["Name"] == "c7n-inactive-keys"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("License-File") == ["LICENSE"]
    assert metadata["Requires-Python"] == ">=3.10"
    assert {"org", "mailer", "sandbox", "ocsf", "dev"} == set(metadata.get_all("Provides-Extra"))
    assert metadata["Description-Content-Type"] == "text/markdown"


def test_twine_finds_nothing_to_complain_of(distributions):
    """`twine check --strict` renders the page as an index does."""
    must(
        sys.executable, "-m", "twine", "check", "--strict",
        distributions["wheel"], distributions["sdist"],
    )  # fmt: skip


def test_the_wheel_can_be_built_again_bit_by_bit(distributions, checkout, tmp_path):
    """With the same SOURCE_DATE_EPOCH, out of the checkout as out of the sdist."""
    must(
        sys.executable, "-m", "build", "--wheel", "--installer", "uv", "-o", tmp_path, checkout,
        SOURCE_DATE_EPOCH=EPOCH,
    )  # fmt: skip
    (wheel,) = tmp_path.iterdir()
    assert wheel.read_bytes() == distributions["wheel"].read_bytes()
