# SPDX-License-Identifier: Apache-2.0
"""Pictures of the html report, to be looked at: `python -m tests.report.looks DIRECTORY`.

The page over 39 and over 2,000 keys of the made-up organisation, on screens of three widths, whole
and as far as a screen reaches, in light and dark, and printed as PDF.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from c7n_inactive_keys.report.formats import html_format

from .browser import chromium, open_page
from .crowd import crowd_report

SCREENS = ((1400, 1000), (1000, 1000), (800, 1000), (400, 850))
PAPER = {"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": True}
MEASURE = "return [innerWidth, document.documentElement.scrollHeight]"


def main(directory: Path) -> None:
    """Take all pictures."""
    directory.mkdir(parents=True, exist_ok=True)
    for number in (39, 2000):
        page = directory / f"{number}.html"
        with TemporaryDirectory() as root:
            report = crowd_report(Path(root), number)
        page.write_text("".join(html_format.render(report)), "utf-8")
        for width, height in SCREENS:
            with chromium() as browser:
                screen = {"width": width, "height": height, "deviceScaleFactor": 1}
                browser.execute_cdp_cmd(
                    "Emulation.setDeviceMetricsOverride", {**screen, "mobile": False}
                )
                open_page(browser, page)
                _screen(browser, directory / f"{number}-{width}.png")
        with chromium() as browser:
            open_page(browser, page)
            _print(browser, directory / f"{number}.pdf")


def _screen(browser: Any, path: Path) -> None:
    browser.save_screenshot(str(path))
    width, height = browser.execute_script(MEASURE)
    whole = {"x": 0, "y": 0, "width": width, "height": min(height, 5000), "scale": 1}
    options = {"captureBeyondViewport": True, "clip": whole}
    _write(
        browser.execute_cdp_cmd("Page.captureScreenshot", options),
        path.with_stem(f"{path.stem}-whole"),
    )
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    browser.save_screenshot(str(path.with_stem(f"{path.stem}-dark")))


def _print(browser: Any, path: Path) -> None:
    _write(browser.execute_cdp_cmd("Page.printToPDF", PAPER), path)


def _write(answer: dict[str, str], path: Path) -> None:
    path.write_bytes(base64.b64decode(answer["data"]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
