# SPDX-License-Identifier: Apache-2.0
"""What the package is made of; build system and tool settings are in pyproject.toml."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.editable_wheel import editable_wheel

HERE = Path(__file__).resolve().parent
# site reads *.pth in alphabetical order: it has to come after setuptools' own `__editable__*`,
# which is what makes the package importable in an editable install.
PTH = "zz_c7n_inactive_keys.pth"


class EditableWheelWithPth(editable_wheel):
    """An editable wheel that carries our .pth as well: setuptools leaves package data out of it."""

    def run(self) -> None:
        """Build it, then add the file."""
        super().run()
        for wheel in Path(self.dist_dir).glob("*editable*.whl"):
            with zipfile.ZipFile(wheel, "a") as archive:
                if PTH not in archive.namelist():
                    archive.write(HERE / PTH, PTH)


def version() -> str:
    """The version, from the one place where it is written."""
    text = (HERE / "c7n_inactive_keys" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if found is None:
        raise SystemExit("c7n_inactive_keys/__init__.py holds no __version__")
    return found.group(1)


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
    "build[uv]>=1.2",
    "cfn-lint>=1.20",
    "coverage[toml]>=7.10.4",
    "hypothesis>=6.100",
    "mypy>=1.13",
    "pytest>=8.3",
    "pytest-xdist>=3.6",
    "ruff>=0.17,<0.18",  # the next one may format differently, and `make test` checks the format
    "selenium>=4.20",
    "setuptools>=64",
    "types-PyYAML",
    "uv>=0.5",
    "wheel",
    "zensical>=0.0.67",
]

setup(
    name="c7n-inactive-keys",
    version=version(),
    description="Find, prove, report and safely delete inactive IAM access keys (Cloud Custodian)",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
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
        "Topic :: Security",
        "Typing :: Typed",
    ],
    python_requires=">=3.10",
    packages=find_packages(include=["c7n_inactive_keys", "c7n_inactive_keys.*"]),
    package_data={
        "": ["py.typed", "*.j2", "*.css", "*.js", "*.json", "templates/*", "assets/*"],
        "c7n_inactive_keys": [f"../{PTH}"],
    },
    install_requires=[
        "boto3>=1.28",
        "c7n>=0.9.46",
        "click>=8.1",
        "jinja2>=3.1",
        "pyyaml>=6.0",
        "rich>=13.7",
    ],
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["c7n-inactive-keys = c7n_inactive_keys.cli:main"]},
    cmdclass={"editable_wheel": EditableWheelWithPth},
    zip_safe=False,
)
