# SPDX-License-Identifier: Apache-2.0
"""Makes the README's picture of the html report: `python tools/picture.py`.

Runs c7n-org on the embedded organisation, week after week and in the end for real, writes the
report over all of it, and has Debian's chromium take the picture.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

from c7n_inactive_keys_sandbox import Fault, Sandbox
from c7n_inactive_keys_sandbox.organisation import Organisation, seed_organisation

ROOT = Path(__file__).resolve().parents[1]
POLICIES = ROOT / "policies" / "inactive-keys.yml"
PICTURE = ROOT / "docs" / "images" / "report.png"
C7N_ORG = Path(sys.executable).with_name("c7n-org")
WEEK = timedelta(days=7)
WIDTH, HEIGHT = 1440, 1500


def change_a_little(organisation: Organisation, week: int) -> None:
    """What happens in an organisation between two looks at it."""
    developers = organisation.account("development").keys
    analysts = [key for key in organisation.account("data-platform").keys if not key.deactivated]
    developers[week].deactivate()
    for key in analysts[week::9]:
        key.deactivate()
    switched_on = organisation.account("odd-names").inactive_keys[week]
    if week == 1:
        switched_on.activate()
    else:
        switched_on.delete()


def deny(sandbox: Sandbox, **calls: str) -> None:
    """Deny these calls from now on."""
    sandbox.faults.add(Fault(**calls, times=None, error="AccessDenied"))


def run_weeks(sandbox: Sandbox, directory: Path) -> list[str]:
    """Three dry runs and a real one, each in a directory of its own."""
    organisation = seed_organisation(sandbox, datetime.now(timezone.utc))
    sandbox.report_snapshots = False
    accounts = organisation.accounts_yml(directory / "accounts.yml")
    environ = sandbox.environ(organisation.management.id) | {"HOME": str(directory)}
    outputs = []
    for week in range(4):
        last = week == 3
        if last:
            deny(sandbox, action="DeleteAccessKey", user="vault-3")
            deny(sandbox, action="AssumeRole", account=organisation.account("partners").id)
        outputs.append(f"week-{week + 1}")
        options = ["-c", accounts, "-u", POLICIES, "-s", outputs[-1], "--cache-period", "0"]
        done = subprocess.run(
            [C7N_ORG, "run", *options, *([] if last else ["--dryrun"])],
            cwd=directory,
            env=environ,
            check=False,
            capture_output=True,
            text=True,
        )
        (directory / "c7n-org.log").write_text(done.stderr, encoding="utf-8")
        if not last:
            change_a_little(organisation, week)
            sandbox.age(WEEK)
            # The runs before were a week ago as well.
            age_outputs(directory, outputs)
    return outputs


def age_outputs(directory: Path, outputs: list[str]) -> None:
    """Put the start of finished runs a week back, as the sandbox's clock was."""
    for output in outputs:
        for path in (directory / output).rglob("metadata.json"):
            metadata = json.loads(path.read_text(encoding="utf-8"))
            metadata["execution"]["start"] -= WEEK.total_seconds()
            path.write_text(json.dumps(metadata), encoding="utf-8")


def main() -> None:
    """Run, report, take the picture."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("chromium is needed: apt-get install chromium")
    with tempfile.TemporaryDirectory() as name, Sandbox() as sandbox:
        directory = Path(name)
        outputs = run_weeks(sandbox, directory)
        sources = [part for output in outputs for part in ("-s", output)]
        subprocess.run(
            [
                Path(sys.executable).with_name("c7n-inactive-keys"),
                "report",
                *sources,
                "-c",
                "accounts.yml",
                "--log",
                "c7n-org.log",
                "--format",
                "html",
                "-o",
                "report.html",
            ],
            cwd=directory,
            check=False,
        )
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [
                chromium,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                f"--window-size={WIDTH},{HEIGHT}",
                f"--screenshot={PICTURE}",
                f"--user-data-dir={directory / 'profile'}",
                (directory / "report.html").as_uri(),
            ],
            check=True,
            capture_output=True,
        )
    print(f"wrote {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
