# SPDX-License-Identifier: Apache-2.0
"""The faults of the matrix and the calls that they hit.

A cell is one run over an account of five users. The fault concerns the first; what becomes of the
others shows whether its trouble stays its own.

             deletion and ledger         deactivation              reactivation
    target   an inactive key, proven;    an unused key; another    a key that we deactivated;
             an active key; a tag        key that is inactive      an active key
    other    inactive, proven: to go     unused: to go inactive    by us: to be active again
    exempt   the same, with the tag      the same, with the tag    inactive, not by us
    recent   inactive for ten days       used ten days ago         active again
    idle     an active key               an inactive key           inactive, in no journal

Only the target's first key and the other's may be changed. In the column "events late" the target
was deactivated five minutes ago, and event history does not hold that yet: it must stay too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from c7n_inactive_keys_sandbox import Fault

TARGET = "target"
DELETE, RECORD, DEACTIVATE, REACTIVATE = "delete", "record", "deactivate", "reactivate"


@dataclass(frozen=True)
class Place:
    """A call of the job: which one of its action it is for the target user or its key."""

    title: str
    action: str
    nth: int = 1
    of_account: bool = False  # no user is named in it
    of_key: bool = False  # only the key is
    writes: bool = False
    job: str = DELETE
    late: bool = False  # the target's key was deactivated minutes ago, and its event is on its way
    before: int = 0  # so many such calls for all users come before, while keys are looked for


def _again(job: str, *, users: int, keys: int, last_uses: int | None = None) -> tuple[Place, ...]:
    """What is read just before the change; so many readings come before, for the filter.

    Without a number, the last use is not read.
    """
    places = (
        Place("DescribeStackResources", "DescribeStackResources", of_key=True, job=job),
        Place("GetUser again", "GetUser", nth=2, job=job, before=users),
        Place(
            "ListAccessKeys again" if keys else "ListAccessKeys", "ListAccessKeys",
            nth=2 if keys else 1, job=job, before=keys,
        ),
    )  # fmt: skip
    if last_uses is None:
        return places
    use, nth = "GetAccessKeyLastUsed", 2 if last_uses else 1
    return (*places, Place(f"{use} again", use, nth, of_key=True, job=job, before=last_uses))


TABLES: Mapping[str, tuple[Place, ...]] = {
    "Deletion, and the ledger": (
        Place("GenerateCredentialReport", "GenerateCredentialReport", of_account=True),
        Place("GetCredentialReport", "GetCredentialReport", of_account=True),
        Place("GetUser", "GetUser"),
        Place("ListAccessKeys", "ListAccessKeys"),
        Place("LookupEvents", "LookupEvents", of_account=True),
        Place("events late", "LookupEvents", of_account=True, late=True),
        *_again(DELETE, users=4, keys=4, last_uses=0),
        Place("DeleteAccessKey", "DeleteAccessKey", writes=True),
        Place("UntagUser", "UntagUser", writes=True),
        Place("TagUser", "TagUser", writes=True, job=RECORD),
    ),
    "Deactivation": (
        Place("GetAccessKeyLastUsed", "GetAccessKeyLastUsed", of_key=True, job=DEACTIVATE),
        Place("LookupEvents", "LookupEvents", of_account=True, job=DEACTIVATE),
        *_again(DEACTIVATE, users=3, keys=3, last_uses=3),
        Place("UpdateAccessKey", "UpdateAccessKey", writes=True, job=DEACTIVATE),
        Place("TagUser", "TagUser", writes=True, job=DEACTIVATE),
    ),
    "Reactivation": (
        Place("LookupEvents", "LookupEvents", of_account=True, job=REACTIVATE),
        *_again(REACTIVATE, users=5, keys=0),
        Place("UpdateAccessKey", "UpdateAccessKey", writes=True, job=REACTIVATE),
        Place("TagUser", "TagUser", writes=True, job=REACTIVATE),
    ),
}
PLACES = tuple(place for places in TABLES.values() for place in places)

# What the run makes of the target's first key, and the exit status.
DONE = {
    DELETE: "deleted", RECORD: "recorded", DEACTIVATE: "deactivated", REACTIVATE: "reactivated"
}  # fmt: skip
UNPROVEN = "not proven"
UNREAD = "unread"  # it could not be read: written down; of a user, the policy fails at its end
STOPPED = "stopped"  # the policy fails before it changes anything


@dataclass(frozen=True)
class Cell:
    """A fault at a call, and what must come of it."""

    fault: str
    place: Place
    faults: tuple[Fault, ...]
    key: str  # what becomes of the target's key
    status: int | None = 0  # None: it depends on timing
    others: bool | None = True  # whether the other user is done too; None: it depends on timing
    later: bool = False  # whether the fault goes on to hit all later calls of the run
    settings: Mapping[str, Any] = field(default_factory=dict)
    lag: int = 0  # so many listings after the change still show what was before it
    prepare: str | None = None  # a state of the account before the run


def cells() -> Iterator[Cell]:
    """All cells, those that take long first."""
    for name, make in _ROWS:
        for place in PLACES:
            cell = make(name, place)
            if cell:
                yield cell


def sample() -> list[Cell]:
    """Of each call and of each fault at least one cell; the whole series has the others."""
    columns: dict[Place, list[Cell]] = {}
    for cell in cells():
        columns.setdefault(cell.place, []).append(cell)
    found = [column[5 * number % len(column)] for number, column in enumerate(columns.values())]
    faults = {cell.fault for cell in found}
    missing = {cell.fault: cell for cell in cells() if cell.fault not in faults}
    return [*found, *missing.values()]


def _fault(place: Place, **what: Any) -> Fault:
    named = not (place.of_account or place.of_key)
    return Fault(action=place.action, user=TARGET if named else None, nth=place.nth, **what)


def _normal(place: Place) -> str:
    return UNPROVEN if place.late else DONE[place.job]


def _passing(name: str, place: Place, **what: Any) -> Cell:
    """A fault after which the call succeeds when it is made again."""
    return Cell(name, place, (_fault(place, **what),), _normal(place))


def _lasting(name: str, place: Place, **what: Any) -> Cell:
    """A fault that does not go away: what it does to the key depends on the call."""
    cell = Cell(name, place, (_fault(place, times=None, **what),), "failed", status=2)
    if place.of_account:
        return _lasting_for_all(cell)
    if place.title in ("GetUser", "ListAccessKeys") and place.job == DELETE:
        return replace(cell, key=UNREAD)
    if place.title == "GetAccessKeyLastUsed":
        return replace(cell, key="unread last-used", status=0)
    if not place.writes:
        return replace(cell, key="failed unreadable")
    if place.action in ("TagUser", "UntagUser") and place.job != RECORD:
        return replace(cell, key=f"{DONE[place.job]}, failed ledger-tag")
    return cell


def _lasting_for_all(cell: Cell) -> Cell:
    """A call that all keys rest on. To deactivate one takes no event history, and can be undone."""
    if cell.place.action != "LookupEvents" or cell.place.job == REACTIVATE:
        return replace(cell, key=STOPPED, others=False)
    if cell.place.job == DEACTIVATE:
        return replace(cell, key=DONE[DEACTIVATE], status=0)
    return replace(cell, key=UNPROVEN, status=0, others=False)


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
    """botocore does not repeat a call whose answer broke off; whether it worked is looked up."""
    if place.action in ("DeleteAccessKey", "UpdateAccessKey"):
        return _passing(name, place, kind="truncate", effect="after")
    return _lasting(name, place, kind="truncate", effect="after")


def _denied_for_one(name: str, place: Place) -> Cell | None:
    return None if place.of_account else _lasting(name, place, error="AccessDenied")


def _denied_for_all(name: str, place: Place) -> Cell:
    cell = _lasting(name, place, error="AccessDenied")
    if place.of_account:
        return cell
    # Reading again needs the same permission as reading, so it is taken away in between.
    everybody = Fault(action=place.action, nth=place.before + 1, times=None, error="AccessDenied")
    return replace(cell, faults=(everybody,), others="ledger-tag" in cell.key)


def _expired(name: str, place: Place) -> Cell:
    """From this call on the session has expired."""
    cell = _lasting(name, place, error="ExpiredToken")
    if place.job == DEACTIVATE and place.title == "LookupEvents":
        return replace(cell, later=True, key="failed unreadable", status=2, others=False)
    if place.title == "GetAccessKeyLastUsed":  # others may have been read in time, or not
        cell = replace(cell, status=None)
    return replace(cell, later=True, others=cell.others and None)


def _never_ready(name: str, place: Place) -> Cell | None:
    if place.title != "GetCredentialReport":
        return None
    return replace(
        _lasting(name, place, error="ReportInProgress"),
        settings={"c7n_inactive_keys.find.reported_users.DEADLINE": 5.0},
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


# Calls of a job after which a change by somebody else is seen, and before which it is too late.
_EARLY = ("GetUser", "ListAccessKeys", "events late")
_IN_TIME = (
    *("LookupEvents", "DescribeStackResources", "GetUser again", "ListAccessKeys again"),
    *("ListAccessKeys", "DeleteAccessKey", "UpdateAccessKey"),
)


def _changed(name: str, place: Place, call: str, outcomes: Mapping[str, str]) -> Cell | None:
    """Somebody changes user or key just before the call."""
    if place.job == RECORD:
        return None
    found = outcomes.get(place.title)
    if found is None:
        return None
    # Were the changing call to go through, IAM would do it: see the race. So it is throttled, and
    # the next try must see the change.
    changes = place.action in ("DeleteAccessKey", "UpdateAccessKey")
    error = "Throttling" if changes and call not in ("delete-user", "delete-key") else None
    return Cell(name, place, (_fault(place, call=call, error=error),), found)


def _seen(place: Place, in_time: str, early: str = "not there") -> dict[str, str]:
    """What comes of a key that is changed when it was found, or while it is looked for."""
    if place.job == REACTIVATE:
        return dict.fromkeys(_IN_TIME, in_time)
    first = dict.fromkeys(_EARLY, early) | {"GetAccessKeyLastUsed": "unread last-used"}
    return dict.fromkeys(_IN_TIME, in_time) | first


def _gone(place: Place) -> dict[str, str]:
    """AWS denies the last use of a key that is gone, so the keys are listed once more."""
    gone = "skipped already-gone"
    return _seen(place, gone) | {"GetAccessKeyLastUsed again": gone}


def _user_gone(name: str, place: Place) -> Cell | None:
    outcomes = _seen(place, "skipped user-gone") | {
        "DeleteAccessKey": "skipped already-gone",
        "UpdateAccessKey": "skipped already-gone",
        "GetAccessKeyLastUsed again": "skipped user-gone",
        "UntagUser": DONE[place.job],
        "TagUser": DONE[place.job],
    }
    return _changed(name, place, "delete-user", outcomes)


def _key_gone(name: str, place: Place) -> Cell | None:
    return _changed(name, place, "delete-key", _gone(place))


def _replaced(name: str, place: Place) -> Cell | None:
    return _changed(name, place, "replace-key", _gone(place))


def _reactivated(name: str, place: Place) -> Cell | None:
    if place.job == DEACTIVATE:
        return None
    return _changed(name, place, "activate", _seen(place, "skipped reactivated", early="active"))


def _deactivated(name: str, place: Place) -> Cell | None:
    if place.job != DEACTIVATE:
        return None
    outcomes = dict.fromkeys(_IN_TIME, "skipped already-inactive")
    return _changed(name, place, "deactivate", outcomes)


def _used(name: str, place: Place) -> Cell | None:
    if place.job != DEACTIVATE:
        return None
    outcomes = dict.fromkeys((*_IN_TIME, "GetAccessKeyLastUsed again"), "skipped used")
    return _changed(name, place, "use", outcomes | {"GetAccessKeyLastUsed": "in use"})


def _exempted(name: str, place: Place) -> Cell | None:
    if place.job == REACTIVATE:
        return None
    titles = (
        *("GetUser", "ListAccessKeys", "GetAccessKeyLastUsed", "LookupEvents"),
        *("DescribeStackResources", "GetUser again", "DeleteAccessKey", "UpdateAccessKey"),
    )
    outcomes = dict.fromkeys(titles, "skipped exempt")
    return _changed(name, place, "exempt", {**outcomes, "events late": UNPROVEN})


def _lagging(name: str, place: Place) -> Cell | None:
    """ListAccessKeys is behind a change for a while."""
    if place.title == "ListAccessKeys" and place.job == DELETE:
        # Switched on before the filter reads, which still sees it off; the re-read sees it on.
        fault = _fault(place, call="activate")
        return Cell(name, place, (fault,), "skipped reactivated", lag=1)
    if place.action in ("DeleteAccessKey", "UpdateAccessKey"):
        # The connection broke after the effect, and for two calls the key seems to be as before.
        call = {DELETE: "delete-key", DEACTIVATE: "deactivate", REACTIVATE: "activate"}[place.job]
        fault = _fault(place, kind="reset", effect="after", call=call)
        return Cell(name, place, (fault,), DONE[place.job], lag=2)
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
    ("key deactivated", _deactivated),
    ("key used", _used),
    ("key replaced", _replaced),
    ("exemption added", _exempted),
    ("answers lag", _lagging),
)
