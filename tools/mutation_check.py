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
        *("ledger_upkeep", "plan", "tag_keys", "unused_key", "reactivated_key"),
    )
)
DELETIONS = tuple(
    f"tests/change/test_{name}.py"
    for name in ("rules", "limits", "key_filters", "records", "mistakes", "silence")
)
VERBS = ("tests/change/test_hostile_verbs.py",)
HOSTILE = ("tests/change/test_hostile.py",)
DEACTIVATIONS = ("tests/change/test_deactivation.py",)
REACTIVATIONS = ("tests/change/test_reactivation.py",)
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
UNUSED_KEY, REACTIVATED_KEY = "core/unused_key.py", "core/reactivated_key.py"
KEY_ACTION, ENGINE, USER_CHANGES = (
    f"change/{name}.py" for name in ("key_action", "engine", "user_changes")
)
DELETE, MANAGERS = "change/delete_action.py", "change/managers.py"
DEACTIVATE, DEACTIVATION = "change/deactivate_action.py", "change/deactivation.py"
REACTIVATE, REACTIVATION = "change/reactivate_action.py", "change/reactivation.py"
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
        "*(time for time in times[UNCLEAR] if time > known),",
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
        "    if max(old.after, old.since, old.reactivated or old.after) > assessment.now:\n",
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
        "if isinstance(history, EventHistory):\n            known",
        "if not isinstance(history, EventHistory):\n"
        "            from c7n_inactive_keys.custodian.clock import clock\n\n"
        "            records.append(CompleteRecord('x', key.created, clock.now()))\n"
        "        else:\n            known",
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
    # What is proven of a key that was reactivated.
    Mutation(
        "an event that only the ledger has heard of",
        TIMELINE,
        "            self.woken or self.created,\n",
        "",
    ),
    Mutation(
        "an export's word against event history is a doubt",
        TIMELINE,
        "        if change.source == EVENT_HISTORY:\n            return False\n        return any(",
        "        return False and any(",
    ),
    Mutation(
        "a woken key's earlier inactivity is as it was known before the event",
        REACTIVATED_KEY,
        "change for change in facts.changes if change != event and change.time <= moment",
        "change for change in facts.changes",
    ),
    Mutation(
        "the ledger's word on a woken key, unless something changed since",
        REACTIVATED_KEY,
        "if changed or (use",
        "if (use",
    ),
    Mutation(
        "the ledger's word on a woken key, unless it was used since",
        REACTIVATED_KEY,
        "changed or (use and use > ledger.since)",
        "changed",
    ),
    Mutation(
        "the event that calls a function is evidence",
        "find/gather.py",
        "changes = list(self.sources.told.of(key.access_key_id))",
        "changes = []",
        HOSTILE,
    ),
    Mutation(
        "a row of the credential report that has a twin is no observation",
        "core/credential_report.py",
        "or self.more_keys or self.has_twin:",
        "or self.more_keys:",
    ),
    Mutation(
        "an event's name in other letters is not passed over",
        "core/event_export.py",
        "    elif name != EVENT_NAME and name.strip().lower() == EVENT_NAME.lower():\n",
        "    elif False:\n",
        HOSTILE,
    ),
    Mutation(
        "an expression that finds nothing is no silence",
        "find/events_from.py",
        'if "expr" in values and file.held_records:',
        "if False:",
        HOSTILE,
    ),
    # What a policy has to say.
    Mutation(
        "a deletion states its days",
        KEY_ACTION,
        "if wrong or each_key_fits(self.manager.filters, self.filter_type, _states_days):",
        "if True:",
        DELETIONS,
    ),
    Mutation(
        "what is only possible needs a plan",
        DELETE,
        'return "days" in item.data and item.data.get("certainty") != "possible"',
        'return "days" in item.data',
        DELETIONS,
    ),
    Mutation(
        "an exemption can exempt somebody",
        KEY_ACTION,
        "or self._exempt_tag_problem()",
        "",
        DELETIONS,
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
    # What is read again, just before: of every key, whatever is to be done to it.
    Mutation("same creation date", HINDRANCE, "if now.created != key.created:", "if False:"),
    Mutation(
        "same access key id",
        HINDRANCE,
        "(key for key in self.keys if key.access_key_id == access_key_id)",
        "iter(self.keys)",
    ),
    Mutation(
        "still Inactive",
        HINDRANCE,
        "if now.status == status:",
        "if now.status == status or status == INACTIVE:",
    ),
    Mutation(
        "Inactive, not just anything but Active",
        HINDRANCE,
        "if now.status == status:",
        "if now.status == status or (status == INACTIVE and now.status != ACTIVE):",
    ),
    Mutation("exemption, read live", HINDRANCE, "if rules.exempts(reading.tags):", "if False:"),
    Mutation(
        "exemption in any case of letters",
        HINDRANCE,
        'item["Key"].lower() == tag for item',
        'item["Key"] == self.exempt_tag for item',
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
        "if self.plan is None or self.plan.approves(key, self.account_id):",
        "if True:",
    ),
    Mutation(
        "a listed key is left to what manages it",
        HINDRANCE,
        "if key.access_key_id in self.managed:",
        "if False:",
    ),
    Mutation(
        "a stack's key is left to it",
        MANAGERS,
        'for item in answer.get("StackResources") or ()',
        "for item in ()",
        DEACTIVATIONS,
    ),
    Mutation(
        "whether a stack has the key must be known",
        MANAGERS,
        'if code == "ValidationError" and NO_STACK in message:',
        "if code:",
        DEACTIVATIONS,
    ),
    Mutation(
        "a list of managed keys that is none stops the policy",
        MANAGERS,
        "    _check(ids)\n",
        "",
        DEACTIVATIONS,
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
        USER_CHANGES,
        'tuple(user.get("Tags") or ())',
        'tuple(self.user.get("Tags") or ())',
        DELETIONS,
    ),
    Mutation(
        "the user is still the one that was found",
        USER_CHANGES,
        "if not aws.is_same_user(user, self.user):",
        "if False:",
        (*DELETIONS, *HOSTILE),
    ),
    Mutation(
        "what was ambiguous when keys were counted stays",
        USER_CHANGES,
        "return selection.and_also(self.selected) if selection and self.selected else selection",
        "return selection",
        HOSTILE,
    ),
    Mutation(
        "keys are read again for a user's second key",
        USER_CHANGES,
        "            self._read_again(found)\n            outcome",
        "            if not lines:\n                self._read_again(found)\n            outcome",
        DELETIONS,
    ),
    Mutation(
        "keys are read again for each try",
        USER_CHANGES,
        "            time.sleep(delay)\n"
        "            self._read_again(found, tried=unclear is not None)\n",
        "            time.sleep(delay)\n",
        DELETIONS,
    ),
    Mutation(
        "who was exempt, and not counted",
        USER_CHANGES,
        "        if not self.exempted:\n",
        "        if True:\n",
        DELETIONS,
    ),
    # What speaks against a deletion.
    Mutation(
        "no word of the ledger against it", HINDRANCE, "or _ledger_objects(found, reading)", ""
    ),
    Mutation(
        "an event that the ledger has heard of",
        HINDRANCE,
        "or max(entry.after, entry.reactivated or entry.after) > found.not_after",
        "or entry.after > found.not_after",
    ),
    Mutation(
        "a notice that was taken back",
        HINDRANCE,
        "if rules.notice and _notice_withdrawn(found, reading):",
        "if False:",
    ),
    Mutation(
        "kinds of filters narrow each other",
        "find/matched_keys.py",
        "for annotation, of_kind in entries.items():",
        "for annotation, of_kind in [(this.annotation, entries[this.annotation])]:",
        VERBS,
    ),
    # What speaks against a deactivation.
    Mutation(
        "used within the days",
        UNUSED_KEY,
        "if not key.active or (now - LAST_USE_LAG - since).total_seconds() < enough * DAY:",
        "if not key.active:",
    ),
    Mutation("IAM is late with a use", UNUSED_KEY, "(now - LAST_USE_LAG - since)", "(now - since)"),
    Mutation(
        "never used, and too young",
        UNUSED_KEY,
        "since = last_use.time or key.created",
        "since = last_use.time or datetime(2000, 1, 1, tzinfo=now.tzinfo)",
    ),
    Mutation(
        "never used, for as many days as are asked of such a key",
        UNUSED_KEY,
        "enough = self.days if last_use.time else self.never_used_days",
        "enough = self.days",
    ),
    Mutation("only an Active key is unused", UNUSED_KEY, "if not key.active or", "if"),
    Mutation(
        "a last use that cannot be read is not unused",
        "find/unused_filter.py",
        "            if not isinstance(last_use, Unavailable):\n",
        "            from c7n_inactive_keys.core.keys import LastUse\n\n"
        "            last_use = LastUse() if isinstance(last_use, Unavailable) else last_use\n"
        "            if True:\n",
        DEACTIVATIONS,
    ),
    Mutation(
        "still Active",
        HINDRANCE,
        "if now.status == status:",
        "if now.status == status or status == ACTIVE:",
    ),
    Mutation(
        "not used since it was found unused",
        HINDRANCE,
        "if reading.last_use is None or reading.last_use.time != found.last_use.time:",
        "if False:",
    ),
    Mutation(
        "the last use is read again",
        DEACTIVATION,
        "last_use=aws.get_last_use(iam, key_id)",
        "last_use=found.last_use",
        DEACTIVATIONS,
    ),
    Mutation(
        "a reactivated key rests: by its events",
        HINDRANCE,
        "change.time > moment and _may_reactivate(change) for change in reading.changes",
        "False for change in reading.changes",
    ),
    Mutation(
        "a reactivated key rests: by a call that may have worked",
        HINDRANCE,
        "return ACTIVE in (change.status, change.requested)",
        "return change.status == ACTIVE",
    ),
    Mutation(
        "a reactivated key rests: by what the ledger saw",
        HINDRANCE,
        "return bool(woken and woken > moment) or any(",
        "return any(",
    ),
    Mutation(
        "a reactivated key rests: by what the ledger was told",
        HINDRANCE,
        "woken = max(entry.verified, entry.reactivated or entry.verified) if entry else None",
        "woken = entry.verified if entry else None",
    ),
    Mutation(
        "event history is asked for a reactivation",
        DEACTIVATION,
        "changes=self.events.by_key.get(key_id, ())",
        "changes=()",
        DEACTIVATIONS,
    ),
    Mutation(
        "it rests for as long as the filter waits",
        DEACTIVATE,
        "return timedelta(days=min(max(days), FOREVER))",
        "return timedelta(0)",
        REACTIVATIONS,
    ),
    Mutation(
        "the ledger gets the moment",
        DEACTIVATION,
        "after=item.began,\n",
        "after=item.ended,\n",
        DEACTIVATIONS,
    ),
    Mutation(
        "the report's last use is not an active key's",
        "find/last_uses.py",
        "if reported and key.inactive else None",
        "if reported else None",
        VERBS,
    ),
    Mutation(
        "what was taken back rests",
        REACTIVATION,
        "reactivated=item.ended,",
        "",
        REACTIVATIONS,
    ),
    # What speaks against a reactivation.
    Mutation(
        "only what the ledger says was us",
        HINDRANCE,
        "or entry.by != BY_US or",
        "or",
    ),
    Mutation(
        "the ledger says who deactivated it",
        DEACTIVATION,
        "by=BY_US if item.by_us else None",
        "by=None",
        REACTIVATIONS,
    ),
    Mutation(
        "whether it was us is unknown of an unclear call",
        DEACTIVATION,
        "by=BY_US if item.by_us else None,",
        "by=BY_US,",
        VERBS,
    ),
    Mutation(
        "another inactivity is not by us",
        "core/ledger_upkeep.py",
        "by = old.by if not contradicted and new.since <= old.since else None",
        "by = old.by",
    ),
    Mutation(
        "no later deactivation",
        HINDRANCE,
        "entry.after > found.time + CLOCKS_APART or entry.verified",
        "entry.verified",
    ),
    Mutation(
        "what nothing covers is not taken back",
        HINDRANCE,
        "or entry.verified < known_since",
        "",
    ),
    Mutation(
        "no use after the deactivation, by IAM itself",
        HINDRANCE,
        "if _used_since(found, reading) or",
        "if",
    ),
    Mutation(
        "no reactivation that the ledger was told of",
        HINDRANCE,
        "if entry.reactivated or _touched(entry, reading.changes):",
        "if _touched(entry, reading.changes):",
    ),
    Mutation(
        "no change since",
        HINDRANCE,
        "any(change.time > entry.since or change.status == ACTIVE for change in told)",
        "False",
    ),
    Mutation(
        "no second deactivation in the moment of ours",
        HINDRANCE,
        "or sum(change.status == INACTIVE for change in told) > 1",
        "",
    ),
    Mutation(
        "event history is asked for a change",
        REACTIVATION,
        "changes=self.history.events.of(found.key.access_key_id)",
        "changes=()",
        REACTIVATIONS,
    ),
    Mutation(
        "without event history nothing is reactivated",
        REACTIVATE,
        "        if isinstance(history, Unavailable):\n",
        "        if isinstance(history, Unavailable):\n"
        "            from c7n_inactive_keys.core.cloudtrail import KeyEvents\n\n"
        "            return KeyEvents()\n"
        "        if isinstance(history, Unavailable):\n",
        REACTIVATIONS,
    ),
    Mutation(
        "a journal is of its own account",
        REACTIVATION,
        "line.account_id == account_id and",
        "",
        REACTIVATIONS,
    ),
    # What is done, and said of it.
    Mutation(
        "cap on the number of keys", ENGINE, "if len(qualified) <= limit:", "if True:", DELETIONS
    ),
    Mutation("no failure is passed over", ENGINE, "if torn or failures:", "if False:", DELETIONS),
    Mutation(
        "an unclear call is looked up",
        USER_CHANGES,
        "            if unclear and self.verb.is_done(key_id, self.reading):\n",
        "            if False:\n",
        DELETIONS,
    ),
    Mutation(
        "a user who is gone after an unclear call is looked up",
        USER_CHANGES,
        "done = unclear and self.verb.is_done(",
        "done = False and self.verb.is_done(",
        DELETIONS,
    ),
    Mutation(
        "`deleting` is written before the call",
        USER_CHANGES,
        "            self._write(found, Outcome(self.verb.doing))\n",
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


def failing(directory: Path, tests: tuple[str, ...], *options: str) -> list[str]:
    """Names of those tests that fail in a copy of the project.

    Raises:
        RuntimeError: they could not be run.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, *tests],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(directory), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    names = re.findall(r"^(?:FAILED|ERROR) \S+?::(\S+)", done.stdout, re.MULTILINE)
    if done.returncode != bool(names):
        said = f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
        raise RuntimeError(f"pytest ended with {done.returncode}:\n{said}")
    return names


def noticing(mutation: Mutation) -> list[str]:
    """Names of the tests that fail with a rule disabled."""
    with tempfile.TemporaryDirectory() as place:
        mutation.apply(copy_project(Path(place)))
        failed = failing(Path(place), mutation.tests, "-x")
        return [name.partition("[")[0] for name in failed]


def main() -> int:
    """Check all mutations, and that nothing fails without one."""
    rules: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as place:
        copy_project(Path(place))
        tests = dict.fromkeys(test for mutation in MUTATIONS for test in mutation.tests)
        if failures := failing(Path(place), tuple(tests)):
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
