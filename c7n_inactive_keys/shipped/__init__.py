# SPDX-License-Identifier: Apache-2.0
"""The policies, templates, roles and example of accounts that come with the package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from c7n_inactive_keys.core.errors import ShippedFilesError

POLICIES, ACCOUNTS = "policies", "accounts.yml"
FOLDERS = (POLICIES, "templates", "deploy")
HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]


def root() -> Path:
    """The directory that holds them.

    That is this one in a wheel, where setup.py puts copies of them, and the top of the checkout in
    an editable install.

    Raises:
        ShippedFilesError: neither does.
    """
    for place in (HERE, CHECKOUT):
        if (place / POLICIES).is_dir() and (place / ACCOUNTS).is_file():
            return place
    raise ShippedFilesError(f"the shipped policies are missing in {HERE}: reinstall the package")


def files() -> Iterator[tuple[PurePosixPath, bytes]]:
    """Path, relative to the root, and content of each file, sorted.

    Raises:
        ShippedFilesError: they are missing.
    """
    top = root()
    found = [top / ACCOUNTS]
    for folder in FOLDERS:
        found += [path for path in (top / folder).iterdir() if path.is_file()]
    for path in sorted(found):
        yield PurePosixPath(path.relative_to(top).as_posix()), path.read_bytes()
