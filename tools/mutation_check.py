# SPDX-License-Identifier: Apache-2.0
"""Disables each safety rule in turn, and shows a test that notices.

Works on a copy of the package and of its tests, in a temporary directory. Prints a list in
Markdown at the end; exit status 1 if a rule can be disabled without a test failing.
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
CORE = tuple(
    f"tests/core/test_{name}.py"
    for name in (
        *("timeline", "hindrance", "cloudtrail", "event_export", "credential_report"),
        *("ledger_upkeep", "plan", "tag_keys"),
    )
)
DELETIONS = tuple(
    f"tests/change/test_{name}.py"
    for name in ("rules", "limits", "key_filters", "records", "mistakes", "silence")
)
NOBODY = "**none**"


@dataclass(frozen=True)
class Mutation:
    """A rule, the text whose replacement disables it, and the tests that should notice."""

    rule: str
    module: str
    text: str
    replacement: str
    tests: tuple[str, ...] = CORE

    def apply(self, package: Path) -> None:
        """Disable the rule.

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


TIMELINE, HINDRANCE = "core/timeline.py", "core/hindrance.py"
DELETION, DELETE = "change/user_changes.py", "change/delete_action.py"
MUTATIONS = (
    # What is proven.
    Mutation(
        "silence needs an observation",
        TIMELINE,
        "settled = not claim.silent or self._report_observes() or self._ledger_observes()",
        "settled = True",
    ),
    Mutation(
        "an observation of the last two hours is none: report",
        TIMELINE,
        "and seen <= self.reach.settled)",
        ")",
    ),
    Mutation(
        "an observation of the last two hours is none: ledger",
        TIMELINE,
        "max(self.silent_since, ledger.since) <= min(self.reach.settled, ledger.verified)",
        "self.silent_since <= ledger.verified",
    ),
    Mutation(
        "an observation from before the silence is none",
        TIMELINE,
        "return reported - MAKING >= self.silent_since",
        "return True",
    ),
    Mutation(
        "event history settles after two hours",
        TIMELINE,
        "settled = now - SETTLING\n",
        "settled = now\n",
    ),
    Mutation(
        "the later activity stands: the ledger's",
        TIMELINE,
        "        if ledger.after > not_after:\n",
        "        if False:\n",
    ),
    Mutation(
        "a ledger entry in the future is heard",
        TIMELINE,
        "        if max(ledger.after, ledger.since) > self.now:\n",
        "        if False:\n",
    ),
    Mutation(
        "a change in the future is a change",
        TIMELINE,
        "(change for change in facts.changes if not self._impossible(change))",
        "(change for change in facts.changes if self.created <= change.time <= now)",
    ),
    Mutation(
        "what may have changed the status is no silence",
        TIMELINE,
        "*(time for time in times[UNCLEAR] if time > self.known_active),",
        "",
    ),
    Mutation(
        "an activity within the silence contradicts it",
        TIMELINE,
        "            if self._active_since(self.silent_since):\n",
        "            if False:\n",
    ),
    Mutation(
        "a second deactivation in the last two hours counts",
        TIMELINE,
        "final if final > self.reach.settled else last",
        "last",
    ),
    Mutation(
        "an unknown last use proves nothing",
        TIMELINE,
        "if isinstance(self.facts.last_use, Unavailable):\n            not_after = self.now\n",
        "pass\n",
    ),
    Mutation(
        "the ledger joins only a record that reaches it",
        TIMELINE,
        "and ledger.verified - SETTLING >= self.reach.since",
        "",
    ),
    Mutation(
        "a server error may have worked",
        "core/cloudtrail.py",
        "if code and _REFUSALS.fullmatch(str(code)):",
        "if code:",
    ),
    Mutation(
        "only IAM's own events are certain",
        "core/cloudtrail.py",
        "if event_source != EVENT_SOURCE:",
        "if False:",
    ),
    Mutation(
        "the ledger keeps what lies in the future",
        "core/ledger_upkeep.py",
        "    if max(old.after, old.since) > assessment.now:\n",
        "    if False:\n",
    ),
    Mutation(
        "an export is no younger than its newest record",
        "core/event_export.py",
        "until = covers_until or max((change.time for _, change in found), default=None)",
        "until = covers_until or datetime(2100, 1, 1, tzinfo=timezone.utc)",
    ),
    Mutation(
        "a credential report without its first row is not whole",
        "core/credential_report.py",
        "    if not whole:\n",
        "    if False:\n",
    ),
    Mutation(
        "a credential report is the account's own",
        "core/credential_report.py",
        "if account_id and owner != account_id:",
        "if False:",
    ),
    Mutation(
        "unreadable history proves nothing",
        "find/gather.py",
        "if isinstance(history, EventHistory):\n            changes",
        "if not isinstance(history, EventHistory):\n"
        "            from c7n_inactive_keys.custodian.clock import clock\n\n"
        "            records.append(CompleteRecord('x', key.created, clock.now()))\n"
        "        else:\n            changes",
        DELETIONS,
    ),
    Mutation(
        "AWS's clock counts",
        "custodian/clock.py",
        "        self.ahead = ahead\n",
        "",
        DELETIONS,
    ),
    Mutation(
        "all members of a gzip file are read",
        "custodian/value_file.py",
        "body = gzip.decompress(body)",
        "import zlib\n            body = zlib.decompressobj(31).decompress(body)",
        DELETIONS,
    ),
    Mutation(
        "an export is no younger than its file",
        "find/events_from.py",
        '(self.moment("covers-until"), file.modified)',
        '(self.moment("covers-until"), None)',
        DELETIONS,
    ),
    # What a policy has to say.
    Mutation(
        "a deletion states its days",
        DELETE,
        'if not each_key_fits(filters, lambda item: "days" in item.data):',
        "if False:",
        DELETIONS,
    ),
    Mutation(
        "what is only possible needs a plan",
        DELETE,
        'lambda item: "days" in item.data and not item.possible',
        'lambda item: "days" in item.data',
        DELETIONS,
    ),
    Mutation(
        "an exemption can exempt somebody", DELETE, "or self._exempt_tag_problem()", "", DELETIONS
    ),
    Mutation(
        "options stand where they count",
        "custodian/policy_check.py",
        "    if unknown:\n",
        "    if False:\n",
        ("tests/stories/test_validate.py",),
    ),
    Mutation(
        "a plan has no unknown columns", "core/plan.py", "    if unknown:\n", "    if False:\n"
    ),
    Mutation(
        "a plan without a row is none", "core/plan.py", "    if not keys:\n", "    if False:\n"
    ),
    Mutation(
        "proven, not just possible",
        "find/inactive_filter.py",
        "days = found.at_most_days if self.possible else found.at_least_days",
        "days = found.at_most_days",
        DELETIONS,
    ),
    # What is read again, just before.
    Mutation("same creation date", HINDRANCE, "if key.created != found.key.created:", "if False:"),
    Mutation(
        "same access key id",
        HINDRANCE,
        "if key.access_key_id == found.key.access_key_id]",
        "if key.inactive]",
    ),
    Mutation("still Inactive", HINDRANCE, "if not key.inactive:", "if False:"),
    Mutation(
        "Inactive, not just anything but Active",
        HINDRANCE,
        "if not key.inactive:",
        "if key.status == ACTIVE:",
    ),
    Mutation("exemption, read live", HINDRANCE, "if rules.exempts(reading.tags):", "if False:"),
    Mutation(
        "exemption in any case of letters",
        HINDRANCE,
        'item["Key"].lower() == tag for item',
        'item["Key"] == self.exempt_tag for item',
    ),
    Mutation(
        "no word of the ledger against it", HINDRANCE, "if _ledger_objects(found, reading) or", "if"
    ),
    Mutation(
        "a notice that was taken back",
        HINDRANCE,
        "(rules.notice and _notice_withdrawn(found, reading))",
        "False",
    ),
    Mutation(
        "Custodian's own key filters",
        HINDRANCE,
        "if reading.selection and key.access_key_id not in reading.selection.certain:",
        "if False:",
    ),
    Mutation(
        "approved plan",
        HINDRANCE,
        "return None if rules.approves(key) else NOT_IN_PLAN",
        "return None",
    ),
    Mutation(
        "a key passes all filters by itself",
        "change/key_selection.py",
        '*(check.passes(item, key["AccessKeyId"], user_passed=True) for item in filters),',
        "",
        DELETIONS,
    ),
    Mutation(
        "tags are read again",
        DELETION,
        'tuple(aws.get_user(self.reader, self.user_name).get("Tags") or ())',
        'tuple(self.user.get("Tags") or ())',
        DELETIONS,
    ),
    Mutation(
        "keys are read again for a user's second key",
        DELETION,
        "            self._read_again()\n            outcome",
        "            if not records:\n                self._read_again()\n            outcome",
        DELETIONS,
    ),
    Mutation(
        "who was exempt, and not counted", DELETION, "if not self.exempted:", "if True:", DELETIONS
    ),
    # What is done, and said of it.
    Mutation(
        "cap on the number of keys", DELETE, "if len(qualified) <= limit:", "if True:", DELETIONS
    ),
    Mutation("no failure is passed over", DELETE, "if torn or failures:", "if False:", DELETIONS),
    Mutation(
        "an unclear deletion is looked up",
        DELETION,
        "done = unclear and not self.reading",
        "done = False and not self.reading",
        DELETIONS,
    ),
    Mutation(
        "`deleting` is written before the call",
        DELETION,
        "            self._write(found, Outcome(DELETING))\n",
        "",
        DELETIONS,
    ),
)


def copy_project(directory: Path) -> Path:
    """A copy of what the tests need; the path of the package in it."""
    for source in (PACKAGE, ROOT / "tests", ROOT / "policies"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, directory / source.name, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", directory)
    return directory / PACKAGE.name


def failing(directory: Path, tests: tuple[str, ...]) -> list[str]:
    """Names of those tests that fail in a copy of the project.

    Raises:
        RuntimeError: they could not be run.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
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
    """Names of the tests that fail with a rule disabled."""
    with tempfile.TemporaryDirectory() as place:
        mutation.apply(copy_project(Path(place)))
        return list(
            dict.fromkeys(name.partition("[")[0] for name in failing(Path(place), mutation.tests))
        )


def main() -> int:
    """Check all mutations, and that nothing fails without one."""
    rules: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as place:
        copy_project(Path(place))
        if failures := failing(Path(place), (*CORE, *DELETIONS)):
            sys.stderr.write(f"without any mutation these fail: {', '.join(failures)}\n")
            return 1
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        for mutation, names in zip(MUTATIONS, workers.map(noticing, MUTATIONS), strict=True):
            shown = f"`{names[0]}`" if names else NOBODY
            rules.setdefault(shown, []).append(mutation.rule)
            sys.stderr.write(f"{mutation.rule}: {shown}\n")
    for name, noticed in rules.items():
        sys.stdout.write(f"- {name}: {'; '.join(noticed)}\n")
    return int(NOBODY in rules)


if __name__ == "__main__":
    sys.exit(main())
