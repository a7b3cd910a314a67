# SPDX-License-Identifier: Apache-2.0
"""Raw figures, kept beside the page that is made from them."""

from __future__ import annotations

import json
import os
import platform
from collections import Counter
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.ratios import Comparison, Sample

MACHINE = "machine"
Results = dict[str, list[Comparison]]  # by section


def this_machine() -> str:
    """Where and with what it is measured."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("c7n", "botocore"))
    return (
        f"{os.cpu_count()} cores (load average {os.getloadavg()[2]:.0f}), {platform.system()} "
        f"{platform.machine()}, Python {platform.python_version()}, {versions}"
    )


def load_machine(path: Path) -> str:
    """Where the figures come from."""
    return str(json.loads(path.read_text("utf-8"))[MACHINE]) if path.exists() else this_machine()


def load(path: Path) -> Results:
    """What was measured before; nothing where there is no file."""
    if not path.exists():
        return {}
    document = json.loads(path.read_text("utf-8"))
    return {
        section: [
            Comparison(
                entry["name"],
                *([_sample(sample) for sample in entry[side]] for side in ("ours", "other")),
            )
            for entry in entries
        ]
        for section, entries in document.items()
        if section != MACHINE
    }


def save(path: Path, results: Results) -> None:
    """Write all figures, as measured on this machine."""
    document: dict[str, Any] = {MACHINE: this_machine()}
    document |= {
        section: [
            {
                "name": comparison.name,
                "ours": [vars(sample) for sample in comparison.ours],
                "other": [vars(sample) for sample in comparison.other],
            }
            for comparison in comparisons
        ]
        for section, comparisons in results.items()
    }
    path.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def _sample(fields: dict[str, Any]) -> Sample:
    return Sample(**{**fields, "calls": Counter(fields["calls"])})
