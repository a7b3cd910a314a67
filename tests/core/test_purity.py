# SPDX-License-Identifier: Apache-2.0
"""The core knows neither Custodian nor AWS's libraries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import c7n_inactive_keys

CORE = [path.stem for path in (Path(c7n_inactive_keys.__file__).parent / "core").glob("*.py")]
FOREIGN = ("boto3", "botocore", "c7n", "click")


def test_the_core_imports_neither_custodian_nor_boto3():
    """In an interpreter of its own; -S keeps out what `.pth` files import."""
    code = "import sys; sys.path[:0] = {path!r}\n{imports}\nprint(*sys.modules)".format(
        path=[path for path in sys.path if path],
        imports="\n".join(f"import c7n_inactive_keys.core.{name}" for name in CORE),
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "c7n_inactive_keys" in loaded
    assert loaded.isdisjoint(FOREIGN)
