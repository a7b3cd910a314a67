# SPDX-License-Identifier: Apache-2.0
"""Switches off each safety rule of the deletion in turn, and shows which tests notice.

Works on a copy of the package and of its tests, in a temporary directory. Prints a markdown table;
exit status 1 if a rule can be switched off without a test failing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import c7n_inactive_keys

ROOT = Path(__file__).resolve().parents[1]
# Where Python finds it: in a checkout, or installed.
PACKAGE = Path(c7n_inactive_keys.__file__).parent
TESTS = [f"tests/deletion/test_{name}.py" for name in ("rules", "limits", "key_filters", "records")]
SHOWN = 2


@dataclass(frozen=True)
class Mutation:
    """A rule, and the text whose replacement switches it off."""

    rule: str
    module: str
    text: str
    replacement: str

    def apply(self, package: Path) -> None:
        """Switch the rule off.

        Raises:
            ValueError: the text is not there exactly once.
        """
        path = package / self.module
        source = path.read_text()
        if source.count(self.text) != 1:
            raise ValueError(
                f"{self.rule}: {self.module} holds {source.count(self.text)} times: {self.text!r}"
            )
        path.write_text(source.replace(self.text, self.replacement))


DELETION = "delete/user_deletion.py"
DELETE = "delete/action.py"
MUTATIONS = (
    Mutation(
        "keys are listed again before the deletion",
        DELETION,
        "return api.list_access_keys(self.reader, self.user_name)\n        except",
        'return [{**key, "CreateDate": parse_time(key["CreateDate"])} for key in self.entries]\n'
        "        except",
    ),
    Mutation(
        "and again for a user's second key",
        DELETION,
        "            self._read_again()\n            outcome",
        "            if not records:\n                self._read_again()\n            outcome",
    ),
    Mutation(
        "same access key id",
        DELETION,
        'if key.access_key_id == entry["AccessKeyId"]), None',
        "if key.inactive), None",
    ),
    Mutation(
        "same creation date",
        DELETION,
        'if key.created != parse_time(entry["CreateDate"]):',
        "if False:",
    ),
    Mutation("still Inactive", DELETION, "if not key.inactive:", "if False:"),
    Mutation(
        "Inactive, not just anything but Active",
        DELETION,
        "if not key.inactive:",
        "if key.status == ACTIVE:",
    ),
    Mutation("exemption, read live", DELETION, "if self.rules.exempts(self.tags):", "if False:"),
    Mutation("who was exempt, and not counted", DELETION, "if self.exempted:", "if False:"),
    Mutation(
        "exemption in any case of letters",
        DELETION,
        'item["Key"].lower() == tag for item',
        'item["Key"] == self.exempt_tag for item',
    ),
    Mutation("unchanged ledger tag", DELETION, "if self._ledger_changed(entry):", "if False:"),
    Mutation(
        "a notice that was taken back",
        DELETION,
        "or bool(self.rules.notice and withdrawn)",
        "or False",
    ),
    Mutation(
        "Custodian's own key filters",
        DELETION,
        "if selection and key.access_key_id not in selection.certain:",
        "if False:",
    ),
    Mutation(
        "a key passes all filters by itself",
        "delete/key_selection.py",
        '*(check.passes(item, key["AccessKeyId"], user_passed=True) for item in filters),',
        "",
    ),
    Mutation(
        "approved plan",
        DELETION,
        "if self.rules.plan and not self.rules.plan.approves(key, self.rules.account_id):",
        "if False:",
    ),
    Mutation(
        "a plan without a row is none",
        "plan.py",
        "    if not keys:\n",
        "    if False:\n",
    ),
    Mutation("cap on the number of keys", DELETE, "if len(qualified) <= limit:", "if True:"),
    Mutation(
        "proven, not just possible",
        "find/filter.py",
        "days = assessment.at_most_days if self.possible else assessment.at_least_days",
        "days = assessment.at_most_days",
    ),
    Mutation(
        "unreadable history proves nothing",
        "find/gather.py",
        "if isinstance(history, EventHistory):\n            changes",
        "if not isinstance(history, EventHistory):\n"
        "            records.append(CompleteRecord('x', key.created))\n"
        "        else:\n            changes",
    ),
    Mutation(
        "a fresh ledger entry outweighs silence",
        "timeline.py",
        "elif ledger and ledger.after > self.now - SETTLING:",
        "elif False:",
    ),
    Mutation(
        "an unknown last use proves nothing",
        "timeline.py",
        "            not_after = self._now_or_later(not_before)\n        return Assessment(",
        "            pass\n        return Assessment(",
    ),
    Mutation(
        "no failure is passed over",
        DELETE,
        "if torn or failures:",
        "if False:",
    ),
    Mutation(
        "an unclear deletion is looked up",
        DELETION,
        "done = unclear and hindrance.reason",
        "done = False and hindrance.reason",
    ),
    Mutation(
        "`deleting` is written before the call",
        DELETION,
        "            self._write(entry, Outcome(DELETING))\n",
        "",
    ),
)


def copy_project(directory: Path) -> Path:
    """A copy of what the tests need; the path of the package in it."""
    for source in (PACKAGE, ROOT / "tests", ROOT / "policies"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, directory / source.name, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", directory)
    return directory / PACKAGE.name


def failing(directory: Path) -> list[str]:
    """Names of the tests that fail in a copy of the project.

    Raises:
        RuntimeError: they could not be run.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(directory), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(f"pytest ended with {done.returncode}:\n{done.stdout[-2000:]}")
    return re.findall(r"^FAILED \S+?::(\S+)", done.stdout, re.MULTILINE)


def noticing(mutation: Mutation) -> list[str]:
    """Names of the tests that fail with a rule switched off."""
    with tempfile.TemporaryDirectory() as place:
        mutation.apply(copy_project(Path(place)))
        return list(dict.fromkeys(name.partition("[")[0] for name in failing(Path(place))))


def main() -> int:
    """Check all mutations, and that nothing fails without one."""
    missed = False
    with tempfile.TemporaryDirectory() as place:
        copy_project(Path(place))
        if failures := failing(Path(place)):
            sys.stderr.write(f"without any mutation these fail: {', '.join(failures)}\n")
            return 1
    sys.stdout.write("| rule switched off | tests that fail |\n| --- | --- |\n")
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        for mutation, names in zip(MUTATIONS, workers.map(noticing, MUTATIONS), strict=True):
            missed = missed or not names
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            shown = ", ".join(f"`{name}`" for name in names[:SHOWN]) + more
            sys.stdout.write(f"| {mutation.rule} | {shown or '**none**'} |\n")
            sys.stdout.flush()
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
