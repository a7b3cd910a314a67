# SPDX-License-Identifier: Apache-2.0
"""What may happen to a run over an organisation, and the exit statuses that tell of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DAYS = 30
REPORT, RECORD, DELETE = "inactive-keys-report", "inactive-keys-record", "inactive-keys-delete"
ACCOUNTS = {"first": "000000000001", "second": "000000000002"}
FIRST = ACCOUNTS["first"]

# What an arrangement makes of an office before the run; it may add options to `c7n-org run`.
Arrange = Callable[[Any], Iterable[str]]


@dataclass(frozen=True)
class Case:
    """Something that happens, and the statuses of `c7n-org run`, with a remark, and the report."""

    what: str
    org: int
    report: int
    arrange: Arrange
    remark: str = ""
    concerned: tuple[str, ...] = ("first",)  # the accounts that the report names


def table() -> str:
    """The cases as they stand in the documentation."""
    alike: dict[tuple[str, str], list[str]] = {}
    for case in CASES:
        alike.setdefault((_status(case), str(case.report)), []).append(case.what)
    rows = [
        ("What happened", "`c7n-org run`", "`c7n-inactive-keys report -c --log`"),
        ("---", "---", "---"),
        *(("; ".join(whats), *statuses) for statuses, whats in alike.items()),
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _status(case: Case) -> str:
    """A 0 that only says that c7n-org came to its end is not to be overlooked."""
    shown = "**0**" if case.report and not case.org else str(case.org)
    return f"{shown}{case.remark}"


def policies(**options: Any) -> dict[str, Any]:
    """The three policies of the organisation, with options of the deletion."""
    found = {"type": "inactive-access-key"}
    action = {"type": "delete-inactive-keys", **options}
    return {
        "policies": [
            _policy(REPORT, filters=[found]),
            _policy(RECORD, actions=["record-inactive-keys"]),
            _policy(DELETE, filters=[{**found, "days": DAYS}], actions=[action]),
        ]
    }


def _policy(name: str, **parts: Any) -> dict[str, Any]:
    return {"name": name, "resource": "aws.iam-user", "source": "credential-report", **parts}


# -- arrangements ---------------------------------------------------------------------------------


def nothing(_office: Any) -> Iterable[str]:
    """All is well."""
    return ()


def denied(action: str) -> Arrange:
    """AWS denies a call in the first account."""

    def arrange(office: Any) -> Iterable[str]:
        office.fail(action=action, account=FIRST, times=None, error="AccessDenied")
        return ()

    return arrange


def deletion(**options: Any) -> Arrange:
    """The policy file has other options of the deletion."""

    def arrange(office: Any) -> Iterable[str]:
        office.write_policies(policies(**options))
        return ()

    return arrange


def not_loaded(office: Any) -> Iterable[str]:
    """The plugin is turned off."""
    office.environ["C7N_INACTIVE_KEYS_AUTOLOAD"] = "0"
    return ()


def left_out(_office: Any) -> Iterable[str]:
    """An account of the accounts file is not among those of the run."""
    return ("--not-accounts", "first")


def killed(office: Any) -> Iterable[str]:
    """The system kills c7n-org's workers, as it does when memory runs out."""

    def kill() -> None:
        for child in _children(office.process.pid):
            os.kill(child, signal.SIGKILL)

    # With the first call of any account, when none can be done yet.
    office.fail(action="AssumeRole", call=kill, kind="reset")
    return ()


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def mistyped(_office: Any) -> Iterable[str]:
    """An option of the command that there is not."""
    return ("--no-such-option",)


BOTH = tuple(ACCOUNTS)
CASES = (
    Case("all is well", 0, 0, nothing, concerned=()),
    Case(
        "a call that finds keys is denied in an account, or fails for good",
        1,
        3,
        denied("ListAccessKeys"),
        "; other policies and accounts go on",
    ),
    Case("event history cannot be read in an account", 0, 3, denied("LookupEvents")),
    Case("a role cannot be assumed", 1, 3, denied("AssumeRole"), "; other accounts go on"),
    Case("an account of the accounts file is left out", 0, 3, left_out),
    Case("a worker is killed, for want of memory say", 0, 3, killed, ", with a warning", BOTH),
    Case("the plugin is not loaded in its workers", 0, 3, not_loaded, ", with a warning", BOTH),
    Case(
        "an option of a policy is wrong",
        0,
        3,
        deletion(**{"max-key": 9}),
        ", with a warning",
        BOTH,
    ),
    Case("a deletion is denied", 1, 4, denied("DeleteAccessKey"), "; other keys go on"),
    Case(
        "in an account more keys qualify than `max-keys`",
        1,
        4,
        deletion(**{"max-keys": 1}),
        "; none of that account is deleted",
        BOTH,
    ),
    Case(
        "the plan cannot be read",
        1,
        4,
        deletion(plan={"url": "file://no-such-plan.csv", "format": "csv2dict"}),
        "; none is deleted",
        BOTH,
    ),
    Case("a ledger tag cannot be written", 1, 4, denied("TagUser"), "; other users go on"),
    Case("an option of the command is wrong", 2, 2, mistyped, concerned=()),
)
