# SPDX-License-Identifier: Apache-2.0
"""Renew the parts of README.md and docs/ that are generated, or with --check tell which drifted.

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`. Most parts come from
schemas and docstrings; those named demo:... are what a real run of the demo said and
wrote. Times, ports and paths differ from run to run, so a part is renewed only if it differs in
something else.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from generated import parts as reference
from generated.demo import demo_parts

SAID, OUT = "said.txt", "demo-out"
ROOT = Path(__file__).resolve().parent.parent
PART = re.compile(
    r"(?P<head><!-- generated: (?P<name>\S+) -->\n)(?P<body>.*?)(?P<tail><!-- end -->)", re.DOTALL
)
DIFFERENT_EACH_TIME = (
    re.compile(r"\d{4}-\d\d-\d\d(T[\d:]{8}Z)?"),
    re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
)


def pages() -> Iterator[Path]:
    """All files that may hold generated parts."""
    yield from sorted(ROOT.glob("*.md"))
    yield from sorted((ROOT / "docs").rglob("*.md"))


def steady(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern in DIFFERENT_EACH_TIME:
        text = pattern.sub("…", text)
    return text


class Sources:
    """Where parts come from; the demo is run when the first part of it is wanted."""

    def __init__(self, demo: Path | None) -> None:
        self.makers: Mapping[str, Callable[[], str]] = reference.MAKERS
        self.demo = demo and demo_parts((demo / SAID).read_text(encoding="utf-8"), demo / OUT)

    def part(self, name: str) -> str:
        """The content that a part should have now."""
        if name in self.makers:
            return self.makers[name]()
        if name.startswith("demo:"):
            if self.demo is None:
                self.demo = run_demo()
            if name in self.demo:
                return self.demo[name]
        sys.exit(f"nothing generates a part named {name}")


def run_demo() -> Mapping[str, str]:
    """What a run of the demo said and wrote, by name of part."""
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / OUT
        done = subprocess.run(
            [sys.executable, "-m", "c7n_inactive_keys_sandbox.demo", "-o", str(out)],
            cwd=directory,
            env={**os.environ, "HOME": directory, "COLUMNS": "150"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            sys.exit(f"the demo failed:\n{done.stdout}\n{done.stderr}")
        return demo_parts(done.stdout.replace(directory, "."), out)


def renew(page: Path, sources: Sources) -> tuple[str, list[str]]:
    """The page's text with its parts renewed, and the names of those that had drifted."""
    drifted: list[str] = []

    def replace(found: re.Match[str]) -> str:
        # Empty lines around it: Markdown takes what touches a comment for HTML.
        wanted = "\n" + sources.part(found["name"]).strip("\n") + "\n\n"
        if steady(wanted) == steady(found["body"]):
            return found[0]
        drifted.append(found["name"])
        return found["head"] + wanted + found["tail"]

    return PART.sub(replace, page.read_text(encoding="utf-8")), drifted


def main() -> None:
    """Renew or check all pages."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail if outdated")
    parser.add_argument("--demo", type=Path, help=f"with {SAID} and {OUT} of a run of the demo")
    arguments = parser.parse_args()
    check = arguments.check
    sources = Sources(arguments.demo)
    outdated = False
    for page in pages():
        text, drifted = renew(page, sources)
        if not drifted:
            continue
        outdated = True
        names = ", ".join(drifted)
        if not check:
            page.write_text(text, encoding="utf-8")
        print(f"{page.relative_to(ROOT)}: {'outdated' if check else 'renewed'}: {names}")
    if check and outdated:
        sys.exit("run `make docs` and commit the result")


if __name__ == "__main__":
    main()
