# SPDX-License-Identifier: Apache-2.0
"""What is in the wheel and in the sdist, and what they say of themselves."""

from __future__ import annotations

import re
import sys
import tarfile
import zipfile
from email import message_from_bytes

import pytest

from tests.support.fresh import ROOT, must

pytestmark = pytest.mark.packaging

PTH = "zz_c7n_inactive_keys.pth"
SHIPPED = ("policies/", "templates/", "deploy/", "accounts.yml")


@pytest.fixture(name="wheel", scope="session")
def _wheel(distributions) -> dict[str, bytes]:
    """Content of the wheel's files, by name."""
    with zipfile.ZipFile(distributions["wheel"][0]) as wheel:
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


def test_the_wheel_holds_the_package_and_nothing_else(checkout, wheel):
    """The package with type marker and data, the .pth, the shipped policies; no tests."""
    package = {
        str(path.relative_to(checkout))
        for path in (checkout / "c7n_inactive_keys").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert "c7n_inactive_keys/py.typed" in package
    assert package <= set(wheel), f"not in the wheel: {sorted(package - set(wheel))}"
    more = {name for name in set(wheel) - package if ".dist-info/" not in name}
    assert PTH in more
    assert {name.rsplit("/shipped/", 1)[0] for name in more - {PTH}} == {"c7n_inactive_keys"}


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
    with tarfile.open(distributions["sdist"][0]) as sdist:
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
    """Name, licence as SPDX says it with its file, Python, extras, a README in Markdown."""
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
        distributions["wheel"][0], distributions["sdist"][0],
    )  # fmt: skip


def test_the_wheel_can_be_built_again_bit_by_bit(distributions, checkout, tmp_path):
    """With the same SOURCE_DATE_EPOCH, out of the checkout and out of the sdist."""
    with tarfile.open(distributions["sdist"][0]) as sdist:
        sdist.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    wheels = []
    for number, source in enumerate((checkout, unpacked)):
        target = tmp_path / str(number)
        must(
            sys.executable, "-m", "build", "--wheel", "--installer", "uv", "-o", target, source,
            SOURCE_DATE_EPOCH="1700000000",
        )  # fmt: skip
        (wheel,) = target.iterdir()
        wheels.append(wheel.read_bytes())
    assert wheels[0] == wheels[1]
