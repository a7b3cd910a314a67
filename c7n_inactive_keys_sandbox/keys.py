# SPDX-License-Identifier: Apache-2.0
"""An access key of the sandbox, with the whole truth about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from c7n_inactive_keys.core.times import as_utc, whole_second
from c7n_inactive_keys_sandbox.events import change_denied, status_changed
from c7n_inactive_keys_sandbox.values import ACTIVE, INACTIVE, LastUsed, now

if TYPE_CHECKING:
    from c7n_inactive_keys_sandbox.accounts import User


@dataclass(eq=False)
class Key:
    """An access key and the whole truth about it; `changes` of its status are oldest first."""

    user: User = field(repr=False)
    id: str
    created: datetime
    secret: str = field(repr=False)
    status: str = ACTIVE
    changes: list[tuple[datetime, str]] = field(default_factory=list)
    last_used: LastUsed | None = None

    @property
    def deactivated(self) -> datetime | None:
        """The moment at which the key was last switched off; None while it is not Inactive."""
        if self.status != INACTIVE:
            return None
        # Setting Inactive what is Inactive switches nothing off: such calls do not reach `changes`.
        return self.changes[-1][0] if self.changes else self.created

    def set_status(self, status: str, at: datetime | None = None) -> None:
        """Change the status without a trace in the event history (the API adds its own)."""
        self.user.remember()
        if status != self.status:
            self.changes.append((whole_second(as_utc(at)) if at else now(), status))
            self.status = status

    def deactivate(
        self,
        at: datetime | None = None,
        trace: bool = True,
        by_user: bool = False,
    ) -> None:
        """Switch the key off, now or at a past moment after its last change.

        `trace` False leaves no event; `by_user`: the user's own call, which does not name it.
        """
        self._change(INACTIVE, at, trace, by_user)

    def activate(
        self,
        at: datetime | None = None,
        trace: bool = True,
        by_user: bool = False,
    ) -> None:
        """Switch the key on; as for `deactivate`."""
        self._change(ACTIVE, at, trace, by_user)

    def deny_change(self, at: datetime | None = None) -> None:
        """Somebody tries to change the status and is denied; that leaves an event too."""
        at = whole_second(as_utc(at)) if at else now()
        self.user.account.events.append(change_denied(self, at))

    def _change(self, status: str, at: datetime | None, trace: bool, by_user: bool) -> None:
        at = whole_second(as_utc(at)) if at else now()
        self.set_status(status, at)
        if trace:
            self.user.account.events.append(status_changed(self, status, at, by_user))

    def use(
        self,
        at: datetime | None = None,
        service: str = "s3",
        region: str = "us-east-1",
    ) -> None:
        """A successful signed request with the key."""
        self.last_used = LastUsed(whole_second(as_utc(at)) if at else now(), service, region)

    def delete(self) -> None:
        """The key goes, as by DeleteAccessKey of somebody else."""
        self.user.remember()
        if self in self.user.keys:
            self.user.keys.remove(self)
            self.user.account.state.keys.pop(self.id, None)

    def truth(self) -> dict[str, object]:
        """What is really so, as a row."""
        return {
            "account_id": self.user.account.id,
            "user_name": self.user.name,
            "access_key_id": self.id,
            "status": self.status,
            "created": self.created,
            "deactivated": self.deactivated,
            "last_used": self.last_used.time if self.last_used else None,
        }
