# SPDX-License-Identifier: Apache-2.0
"""All rules over all files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from c7n_inactive_keys.lint.catalogue import RULES
from c7n_inactive_keys.lint.change import within
from c7n_inactive_keys.lint.contract import OPTIONS
from c7n_inactive_keys.lint.document import Document, Steps
from c7n_inactive_keys.lint.finding import Fault, Finding
from c7n_inactive_keys.lint.ignore import Ignore, ignores
from c7n_inactive_keys.lint.policy import Policy
from c7n_inactive_keys.lint.policy_file import Placed, PolicyFile
from c7n_inactive_keys.lint.rules import actions, filters, ours, surroundings, together

RULES_OF_A_POLICY = (actions.check, filters.check, surroundings.check, ours.check)
FILE_KEYS = ("policies", "vars")


def check_policy(policy: Policy) -> Iterator[Fault]:
    """What is wrong with a policy by itself."""
    for check in RULES_OF_A_POLICY:
        yield from check(policy)


@dataclass(frozen=True)
class Linter:
    """Files that belong together: accounts, and what runs in them."""

    files: Sequence[PolicyFile]

    def findings(self, file: PolicyFile) -> list[Finding]:
        """What is wrong in a file, by line; what a comment silences is left out."""
        comments = list(ignores(file.text))
        found = [*_of_file(file), *_of_comments(file, comments)]
        found += [*_of_policies(file), *_duplicates(file), *self._of_accounts(file)]
        kept = {
            (item.rule, item.line, item.message): item
            for item in found
            if not _is_silenced(file, item, comments)
        }
        return sorted(kept.values(), key=lambda item: item.line)

    def _of_accounts(self, file: PolicyFile) -> Iterator[Finding]:
        if not file.accounts:
            return
        policies = [placed.policy for other in self.files for placed in other.policies]
        for fault in together.many_regions(file.accounts, policies):
            yield _placed(file, fault, ())


# -- policies -------------------------------------------------------------------------------------


def _of_policies(file: PolicyFile) -> Iterator[Finding]:
    for placed in file.policies:
        for fault in (*check_policy(placed.policy), *_unknown_keys(placed.policy)):
            yield _placed(file, fault, placed.base, placed.policy)
    for place, fault in together.unrecorded([placed.policy for placed in file.policies]):
        yield _placed(file, fault, file.policies[place].base, file.policies[place].policy)


def _unknown_keys(policy: Policy) -> Iterator[Fault]:
    for name in policy.data if policy.about_users else ():
        if name not in _known_keys():
            owners = [element for element, options in OPTIONS.items() if name in options]
            hint = f"; it is an option of {owners[0]}" if owners else ""
            text = f"Custodian refuses a policy with a key `{name}`{hint}."
            yield Fault("unknown-key", (str(name),), text)


@lru_cache(maxsize=1)
def _known_keys() -> frozenset[str]:
    from c7n.structure import StructureParser

    return frozenset(StructureParser.allowed_policy_keys)


# -- the file -------------------------------------------------------------------------------------


def _of_file(file: PolicyFile) -> Iterator[Finding]:
    if file.problem:
        text = f"It cannot be read, so nothing is known of its policies: {file.problem}."
        yield _bare(file, "unreadable", file.problem.line, text)
    if file.document is None or not file.policies:
        return
    data = file.document.data
    for name in data if isinstance(data, dict) else ():
        if name not in FILE_KEYS:
            text = f"Custodian refuses a file with `{name}` beside `policies`."
            yield _bare(file, "unknown-key", file.document.line((name,)), text)


def _duplicates(file: PolicyFile) -> Iterator[Finding]:
    document = file.document
    for duplicate in document.duplicates if document and file.policies else ():
        placed = _holder(file, duplicate.path)
        if duplicate.path == () or (placed and placed.policy.about_users):
            kept = file.line_at(duplicate.kept)
            text = f"`{duplicate.key}` is ignored in silence: it stands again on line {kept}."
            line = file.line_at(duplicate.index)
            yield _bare(file, "duplicate-key", line, text, placed)


def _holder(file: PolicyFile, path: Steps) -> Placed | None:
    """The policy that something is in."""
    holders = (placed for placed in file.policies if path[: len(placed.base)] == placed.base)
    return next(holders, None)


def _of_comments(file: PolicyFile, comments: Sequence[Ignore]) -> Iterator[Finding]:
    for comment in comments:
        if comment.problem:
            yield _bare(file, "bad-ignore", comment.line, comment.problem)


def _is_silenced(file: PolicyFile, finding: Finding, comments: Sequence[Ignore]) -> bool:
    """Whether a comment in the same policy, or outside of all as the finding is, is about it."""
    place = file.policy_at(finding.line)
    return any(
        comment.rule == finding.rule
        and not comment.problem
        and file.policy_at(comment.line) is place
        for comment in comments
    )


# -- findings -------------------------------------------------------------------------------------


def _bare(
    file: PolicyFile, rule: str, line: int, message: str, placed: Placed | None = None
) -> Finding:
    name = placed.policy.name if placed else None
    return Finding(rule, RULES[rule].severity, str(file.path), line, name, message)


def _placed(file: PolicyFile, fault: Fault, base: Steps, policy: Policy | None = None) -> Finding:
    document: Document | None = file.document
    remedy = fault.remedy
    change = tuple(within(step, base) for step in remedy.change) if remedy else ()
    return Finding(
        fault.rule,
        fault.severity,
        str(file.path),
        document.line((*base, *fault.path)) if document else 1,
        policy.name if policy else None,
        fault.message,
        remedy.lines if remedy else "",
        change,
    )
