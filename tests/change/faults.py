# SPDX-License-Identifier: Apache-2.0
"""The faults of the matrix and the calls that they hit.

A cell is one run over an account of five users. The fault concerns the first; what becomes of the
others shows whether its trouble stays its own.

    target     an inactive key, proven; an active key; a ledger tag
    other      an inactive key, proven: to be deleted
    exempt     an inactive key, proven, and the exempting tag: never to be deleted
    recent     a key deactivated ten days ago: never to be deleted
    active     an active key: never to be deleted

In the column "events late" the target was deactivated five minutes ago, and event history does not
hold that yet: it is never to be deleted either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from c7n_inactive_keys_sandbox import Fault

TARGET = "target"
FIRST_READS = 4  # users with an inactive key, each read once before the action


@dataclass(frozen=True)
class Place:
    """A call of the job: which one of its action it is for the target user."""

    title: str
    action: str
    nth: int = 1
    of_account: bool = False  # no user is named in it
    writes: bool = False
    policy: str = "delete"
    late: bool = False  # the target's key was deactivated minutes ago, and its event is on its way


PLACES = (
    Place("GenerateCredentialReport", "GenerateCredentialReport", of_account=True),
    Place("GetCredentialReport", "GetCredentialReport", of_account=True),
    Place("GetUser", "GetUser"),
    Place("ListAccessKeys", "ListAccessKeys"),
    Place("LookupEvents", "LookupEvents", of_account=True),
    Place("events late", "LookupEvents", of_account=True, late=True),
    Place("GetUser again", "GetUser", nth=2),
    Place("ListAccessKeys again", "ListAccessKeys", nth=2),
    Place("DeleteAccessKey", "DeleteAccessKey", writes=True),
    Place("UntagUser", "UntagUser", writes=True),
    Place("TagUser", "TagUser", writes=True, policy="record"),
)

# What the run makes of the target's inactive key, and the exit status.
GONE = "deleted"
UNPROVEN = "not proven"
UNREAD = "unread"  # the user could not be read: written down, the policy fails at its end
NO_REPORT = "stopped"  # the policy fails before it knows any user
RECORDED = "recorded"


@dataclass(frozen=True)
class Cell:
    """A fault at a call, and what must come of it."""

    fault: str
    place: Place
    faults: tuple[Fault, ...]
    key: str  # what becomes of the target's key
    status: int = 0
    others: bool | None = True  # whether the other user is done too; None: it depends on timing
    later: bool = False  # whether the fault goes on to hit all later calls of the run
    settings: Mapping[str, Any] = field(default_factory=dict)
    lag: int = 0  # so many listings after the change still show what was before it
    prepare: str | None = None  # a state of the account before the run

    @property
    def shown(self) -> str:
        """The cell of the printed table."""
        return self.key if self.status == 0 else f"{self.key} ({self.status})"


def cells() -> Iterator[Cell]:
    """All cells, those that take long first."""
    for name, make in _ROWS:
        for place in PLACES:
            cell = make(name, place)
            if cell:
                yield cell


def sample() -> list[Cell]:
    """Of each fault every fourth cell, from another one on each time, so that all calls occur."""
    rows: dict[str, list[Cell]] = {}
    for cell in cells():
        rows.setdefault(cell.fault, []).append(cell)
    return [
        cell for number, row in enumerate(rows.values()) for cell in row[number % 4 :: 4] or row[:1]
    ]


def _fault(place: Place, **what: Any) -> Fault:
    return Fault(
        action=place.action,
        user=None if place.of_account else TARGET,
        nth=place.nth,
        **what,
    )


def _normal(place: Place) -> str:
    if place.late:
        return UNPROVEN
    return RECORDED if place.policy == "record" else GONE


def _passing(name: str, place: Place, **what: Any) -> Cell:
    """A fault after which the call succeeds when it is made again."""
    return Cell(name, place, (_fault(place, **what),), _normal(place))


def _lasting(name: str, place: Place, unclear: bool = False, **what: Any) -> Cell:
    """A fault that does not go away: what it does to the key depends on the call."""
    cell = Cell(name, place, (_fault(place, times=None, **what),), "", status=2)
    if place.title in ("GenerateCredentialReport", "GetCredentialReport"):
        return replace(cell, key=NO_REPORT, others=False)
    if place.title in ("GetUser", "ListAccessKeys"):
        return replace(cell, key=UNREAD)
    if place.action == "LookupEvents":
        return replace(cell, key=UNPROVEN, status=0, others=False)
    if place.title in ("GetUser again", "ListAccessKeys again"):
        return replace(cell, key="failed unreadable")
    if place.title == "UntagUser":
        return replace(cell, key="deleted, failed ledger-tag")
    return replace(cell, key="failed")


# -- rows -----------------------------------------------------------------------------------------


def _throttled_for_ever(name: str, place: Place) -> Cell:
    return _lasting(name, place, error="Throttling")


def _no_answer(name: str, place: Place) -> Cell:
    return _passing(name, place, kind="timeout")


def _no_answer_after(name: str, place: Place) -> Cell | None:
    return _passing(name, place, kind="timeout", effect="after") if place.writes else None


def _throttled(name: str, place: Place) -> Cell:
    return _passing(name, place, error="Throttling", times=3)


def _server_error(name: str, place: Place) -> Cell:
    return _passing(name, place, error="ServiceFailure", times=2)


def _server_error_after(name: str, place: Place) -> Cell | None:
    if not place.writes:
        return None
    return _passing(name, place, error="ServiceFailure", effect="after")


def _reset(name: str, place: Place) -> Cell:
    return _passing(name, place, kind="reset")


def _reset_after(name: str, place: Place) -> Cell | None:
    return _passing(name, place, kind="reset", effect="after") if place.writes else None


def _torn_answer(name: str, place: Place) -> Cell:
    """botocore does not repeat a call whose answer broke off; the deletion is looked up."""
    if place.action == "DeleteAccessKey":
        return _passing(name, place, kind="truncate", effect="after")
    return _lasting(name, place, kind="truncate", effect="after")


def _denied_for_one(name: str, place: Place) -> Cell | None:
    return None if place.of_account else _lasting(name, place, error="AccessDenied")


def _denied_for_all(name: str, place: Place) -> Cell:
    cell = _lasting(name, place, error="AccessDenied")
    if place.of_account:
        return cell
    # Reading again needs the same permission as reading, so it is taken away in between.
    first = FIRST_READS + 1 if place.nth == 2 else 1
    everybody = Fault(action=place.action, nth=first, times=None, error="AccessDenied")
    deleted = place.title == "UntagUser"
    return replace(cell, faults=(everybody,), others=deleted)


def _expired(name: str, place: Place) -> Cell:
    """From this call on the session has expired."""
    cell = _lasting(name, place, error="ExpiredToken")
    return replace(cell, later=True, others=cell.others and None)


def _never_ready(name: str, place: Place) -> Cell | None:
    if place.title != "GetCredentialReport":
        return None
    return replace(
        _lasting(name, place, error="ReportInProgress"),
        settings={"c7n_inactive_keys.find.source.DEADLINE": 5.0},
    )


def _report_expired(name: str, place: Place) -> Cell | None:
    if place.title != "GetCredentialReport":
        return None
    return _passing(name, place, error="ReportExpired")


def _report_not_present(name: str, place: Place) -> Cell | None:
    if place.title != "GetCredentialReport":
        return None
    return _passing(name, place, error="ReportNotPresent")


def _report_without_user(name: str, place: Place) -> Cell | None:
    if place.title != "GetCredentialReport":
        return None
    return Cell(name, place, (), "not seen yet", prepare="old report")


def _changed(name: str, place: Place, call: str, outcomes: Mapping[str, str]) -> Cell | None:
    """Somebody changes user or key just before the call."""
    if place.policy == "record":
        return None
    found = outcomes.get(place.title)
    if found is None:
        return None
    if place.title == "DeleteAccessKey" and call in ("activate", "replace-key", "exempt"):
        # Were the call to go through, IAM would do it: see the race. So it is throttled, and the
        # next try must see the change.
        return Cell(name, place, (_fault(place, call=call, error="Throttling"),), found)
    return Cell(name, place, (_fault(place, call=call),), found)


def _user_gone(name: str, place: Place) -> Cell | None:
    outcomes = dict.fromkeys(("GetUser", "ListAccessKeys"), "not there") | {
        "LookupEvents": "skipped user-gone",
        "events late": "not there",
        "GetUser again": "skipped user-gone",
        "ListAccessKeys again": "skipped user-gone",
        "DeleteAccessKey": "skipped already-gone",
        "UntagUser": GONE,
    }
    return _changed(name, place, "delete-user", outcomes)


def _key_gone(name: str, place: Place) -> Cell | None:
    before = ("GetUser", "ListAccessKeys", "events late")
    outcomes = dict.fromkeys(before, "not there") | dict.fromkeys(
        ("LookupEvents", "GetUser again", "ListAccessKeys again", "DeleteAccessKey"),
        "skipped already-gone",
    )
    return _changed(name, place, "delete-key", outcomes)


def _reactivated(name: str, place: Place) -> Cell | None:
    before = ("GetUser", "ListAccessKeys", "events late")
    outcomes = dict.fromkeys(before, "active") | dict.fromkeys(
        ("LookupEvents", "GetUser again", "ListAccessKeys again", "DeleteAccessKey"),
        "skipped reactivated",
    )
    return _changed(name, place, "activate", outcomes)


def _replaced(name: str, place: Place) -> Cell | None:
    before = ("GetUser", "ListAccessKeys", "events late")
    outcomes = dict.fromkeys(before, "not there") | dict.fromkeys(
        ("LookupEvents", "GetUser again", "ListAccessKeys again", "DeleteAccessKey"),
        "skipped already-gone",
    )
    return _changed(name, place, "replace-key", outcomes)


def _exempted(name: str, place: Place) -> Cell | None:
    outcomes = dict.fromkeys(
        (
            "GetUser",
            "ListAccessKeys",
            "LookupEvents",
            "GetUser again",
            "DeleteAccessKey",
        ),
        "skipped exempt",
    )
    return _changed(name, place, "exempt", {**outcomes, "events late": UNPROVEN})


def _lagging(name: str, place: Place) -> Cell | None:
    """ListAccessKeys is behind a change for a while."""
    if place.title == "ListAccessKeys":
        # Switched on before the filter reads, which still sees it off; the re-read sees it on.
        fault = _fault(place, call="activate")
        return Cell(name, place, (fault,), "skipped reactivated", lag=1)
    if place.title == "DeleteAccessKey":
        # The connection broke after the effect, and for two calls the key still seems to be there.
        fault = _fault(place, kind="reset", effect="after", call="delete-key")
        return Cell(name, place, (fault,), GONE, lag=2)
    return None


_ROWS = (
    ("throttled for ever", _throttled_for_ever),
    ("no answer, no effect", _no_answer),
    ("no answer, but done", _no_answer_after),
    ("throttled three times", _throttled),
    ("server error twice", _server_error),
    ("server error, but done", _server_error_after),
    ("connection reset, no effect", _reset),
    ("connection reset, but done", _reset_after),
    ("answer torn", _torn_answer),
    ("denied for this user", _denied_for_one),
    ("denied for the account", _denied_for_all),
    ("session expired", _expired),
    ("report never ready", _never_ready),
    ("report expired", _report_expired),
    ("report not present", _report_not_present),
    ("report without the user", _report_without_user),
    ("user deleted", _user_gone),
    ("key deleted", _key_gone),
    ("key reactivated", _reactivated),
    ("key replaced", _replaced),
    ("exemption added", _exempted),
    ("answers lag", _lagging),
)
