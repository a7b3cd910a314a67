# SPDX-License-Identifier: Apache-2.0
"""Makes the README's picture of the html report: `python tools/picture.py`.

Runs the demo, and has Debian's chromium take a picture of the page that it writes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "report.png"
WIDTH, HEIGHT = 1440, 1000


def main() -> None:
    """Run the demo, take the picture."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("chromium is needed: apt-get install chromium")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        demo = [sys.executable, "-m", "c7n_inactive_keys_sandbox.demo", "-o", directory / "out"]
        subprocess.run(demo, check=True, stdout=subprocess.DEVNULL)
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [
                chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={PICTURE}",
                f"--user-data-dir={directory / 'profile'}",
                (directory / "out" / "report.html").as_uri(),
            ],
            check=True, capture_output=True,
        )  # fmt: skip
    print(f"wrote {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
