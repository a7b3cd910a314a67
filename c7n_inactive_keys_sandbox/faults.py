# SPDX-License-Identifier: Apache-2.0
"""Faults on demand: errors, broken connections, delays and changes at the nth call of a kind."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

from c7n_inactive_keys_sandbox.accounts import ACTIVE, INACTIVE, Key, User
from c7n_inactive_keys_sandbox.books import Books
from c7n_inactive_keys_sandbox.calls import Call

BROKEN = ("reset", "timeout", "truncate", "hangup")
KINDS = ("error", *BROKEN, "lag")
EFFECTS = ("before", "after", "instead")


@dataclass(frozen=True, eq=False)
class Fault:
    """What goes wrong, and when.

    The calls it may hit are those with this `action`, `account`, `user` and `key_id` (None: any;
    `*` works; of AssumeRole, account and user are the target's account id and role name). The
    `nth` of them is the first that is hit, and `times` in a row are (None: all that follow).

    A hit call gets `error` (with AWS's status and message for the code unless given) or, by
    `kind`, a connection `reset`, a `timeout` (no answer for `delay` seconds, 0: until the client
    gives up), a `truncate`d answer that ends like a whole one, or a `hangup` in the middle of the
    answer. With `effect` "instead" or "before" the call does not take effect; with "after" it
    does and then the client gets the failure. `delay` seconds pass first.

    `call` is a change of state (a function without arguments or of the Call, or a name from
    `CHANGES`), made just before the call, or with "after" just after it. A fault with neither
    error nor kind, call or delay throttles; one with only call or delay fails nothing.

    `kind` "lag": ListAccessKeys and GetUser show a user as it was before its last change, for
    `delay` (a count, not seconds) further calls after each change.
    """

    action: str | None = None
    account: str | None = None
    user: str | None = None
    key_id: str | None = None
    nth: int = 1
    times: int | None = 1
    error: str | None = None
    status: int | None = None
    message: str | None = None
    delay: float = 0.0
    effect: str = "instead"
    call: Callable[..., Any] | str | None = None
    kind: str = "error"

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ValueError: an unknown kind, effect or change, or a number below 1.
        """
        if self.kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}, not {self.kind!r}")
        if self.effect not in EFFECTS:
            raise ValueError(f"effect is one of {', '.join(EFFECTS)}, not {self.effect!r}")
        if isinstance(self.call, str) and self.call not in CHANGES:
            raise ValueError(f"call is one of {', '.join(CHANGES)}, not {self.call!r}")
        if self.nth < 1 or (self.times is not None and self.times < 1):
            raise ValueError("nth and times count from 1")
        if self.kind == "error" and not (self.error or self.call or self.delay):
            object.__setattr__(self, "error", "Throttling")

    @property
    def fails(self) -> bool:
        """Whether the client gets something else than the answer."""
        return self.error is not None or self.kind in BROKEN

    def matches(self, call: Call) -> bool:
        """Whether it is a call of the kind that may be hit."""
        return all(
            pattern is None or (value is not None and fnmatchcase(value, pattern))
            for pattern, value in (
                (self.action, call.action),
                (self.account, call.account),
                (self.user, call.user),
                (self.key_id, call.key_id),
            )
        )

    def change(self, books: Books, call: Call) -> None:
        """Make the change of state."""
        if isinstance(self.call, str):
            CHANGES[self.call](books, call)
        elif self.call is not None:
            wants_call = any(
                parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
                for parameter in inspect.signature(self.call).parameters.values()
            )
            self.call(call) if wants_call else self.call()


class Faults:
    """The faults that are in force, with a count of the calls that each has seen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Lift all faults."""
        with self._lock:
            self._seen: dict[Fault, int] = {}
            self._hits: dict[Fault, int] = {}
            self._shown: dict[tuple[Fault, User], int] = {}

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force; given back for `hits` and `remove`."""
        with self._lock:
            self._seen[fault] = self._hits[fault] = 0
        return fault

    def remove(self, fault: Fault) -> None:
        """Lift a fault."""
        with self._lock:
            self._seen.pop(fault, None)

    def __iter__(self) -> Iterator[Fault]:
        """The faults in force, in the order in which they were added."""
        return iter(list(self._seen))

    def hits(self, fault: Fault) -> int:
        """How many calls the fault has hit so far."""
        return self._hits.get(fault, 0)

    def hit(self, call: Call) -> list[Fault]:
        """Count a call, and tell which faults hit it."""
        hitting = []
        with self._lock:
            for fault in self._seen:
                if fault.kind == "lag" or not fault.matches(call):
                    continue
                self._seen[fault] += 1
                behind = self._seen[fault] - fault.nth
                if behind >= 0 and (fault.times is None or behind < fault.times):
                    self._hits[fault] += 1
                    hitting.append(fault)
        return hitting

    def lags(self, call: Call, past: User) -> bool:
        """Whether a reader still sees the user as it was before its last change."""
        with self._lock:
            for fault in self._seen:
                shown = self._shown.get((fault, past), 0)
                if fault.kind == "lag" and fault.matches(call) and shown < fault.delay:
                    self._shown[fault, past] = shown + 1
                    self._hits[fault] += 1
                    return True
        return False


# -- changes by name: what somebody else may do to the user and key of a call ----------------------

Change = Callable[[Books, Call], None]


def _to_users(change: Callable[[User], None]) -> Change:
    """The change of the user whom the call names, where there is one."""

    def apply(books: Books, call: Call) -> None:
        for user in _users(books, call):
            change(user)

    return apply


def _to_keys(status: str, change: Callable[[Key], None]) -> Change:
    """The change of the key that the call names, else of its user's keys that have the status."""

    def apply(books: Books, call: Call) -> None:
        keys = [key for user in _users(books, call) for key in user.keys if key.status == status]
        for key in filter(None, [books.key(call.key_id)]) if call.key_id else keys:
            change(key)

    return apply


def _users(books: Books, call: Call) -> list[User]:
    account = books.accounts.get(call.account or "")
    user = account.users.get(call.user or "") if account else None
    return [user] if user else []


def _replace(key: Key) -> None:
    key.delete()
    key.user.key(created=key.user.account.realm.now())


def _exempt(user: User) -> None:
    user.remember()
    user.tags["keep-keys"] = "yes"  # as the shipped policies have it


CHANGES: Mapping[str, Change] = MappingProxyType(
    {
        "activate": _to_keys(INACTIVE, Key.activate),
        "deactivate": _to_keys(ACTIVE, Key.deactivate),
        "use": _to_keys(ACTIVE, Key.use),
        "delete-key": _to_keys(INACTIVE, Key.delete),
        "replace-key": _to_keys(INACTIVE, _replace),
        "delete-user": _to_users(User.delete),
        "rename-user": _to_users(lambda user: user.rename(f"{user.name}-renamed")),
        "exempt": _to_users(_exempt),
        "expire-sessions": lambda books, call: books.expire_sessions(call.account),
    }
)
