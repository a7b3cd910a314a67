# SPDX-License-Identifier: Apache-2.0
"""An unread user is not a clean user: the policy goes on, and fails when all else is done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from c7n_inactive_keys.core.errors import UnreadUsersError
from c7n_inactive_keys.core.journal import FAILED, UNREAD, UNREADABLE, ApiError
from c7n_inactive_keys.core.json_types import JsonMapping, JsonObject
from c7n_inactive_keys.custodian.c7n_types import Context, Manager
from c7n_inactive_keys.custodian.memory import Shared
from c7n_inactive_keys.custodian.run_record import PolicyRun

if TYPE_CHECKING:
    from c7n_inactive_keys.core.credential_report import ReportedUser

log = logging.getLogger("custodian.inactive-keys")

UNREAD_ANNOTATION = "c7n:Unread"
_UNREAD: Shared[set[str]] = Shared(set)
_MISSING: Shared[set[tuple[str, str | None]]] = Shared(set)


def unread_user(reported: ReportedUser, error: ApiError) -> JsonObject:
    """The user as far as the credential report knows it, marked as not described."""
    return {
        "UserName": reported.user_name,
        "Arn": reported.arn,
        UNREAD_ANNOTATION: {"Code": error.code, "Message": error.message},
    }


def read_error(user: JsonMapping) -> ApiError | None:
    """Why a user could not be described, if so."""
    mark = user.get(UNREAD_ANNOTATION)
    return ApiError(mark["Code"], mark["Message"]) if mark else None


def report_unread(manager: Manager, unread: Mapping[str, ApiError]) -> None:
    """Write down that these users were not read, and make the policy fail at its end.

    Raises:
        UnreadUsersError: at once where the policy has no end to wait for (event modes).
    """
    known = _UNREAD.of(manager)
    unread = {name: error for name, error in unread.items() if name not in known}
    if not unread:
        return
    known.update(unread)
    run = PolicyRun(manager)
    names = sorted(unread)
    first = unread[names[0]]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    failure = UnreadUsersError(
        f"policy:{run.policy_name} could not read the access keys of {len(names)} user(s), "
        f"{', '.join(names[:5])}{more}, so the account is not fully covered: "
        f"{first.code}: {first.message}"
    )
    log.error("%s", failure)
    if manager.ctx.output is None or manager.ctx.execution_id is None:
        raise failure
    with run.open_journal() as journal:
        for name in names:
            journal.write(
                run.line(
                    user_name=name,
                    outcome=FAILED,
                    reason=UNREADABLE,
                    error=unread[name],
                )
            )
    _fail_at_exit(manager.ctx, failure)


def report_unread_evidence(
    manager: Manager,
    reason: str,
    error: ApiError,
    user_name: str | None = None,
    access_key_id: str | None = None,
) -> None:
    """Write down that evidence was needed that could not be read; the policy goes on without it.

    What it would have said is unknown, so the account is not fully covered.
    """
    known = _MISSING.of(manager)
    if (reason, access_key_id) in known or manager.ctx.output is None:
        return
    known.add((reason, access_key_id))
    run = PolicyRun(manager)
    with run.open_journal() as journal:
        journal.write(
            run.line(
                user_name=user_name,
                access_key_id=access_key_id,
                outcome=UNREAD,
                reason=reason,
                error=error,
            )
        )


def _fail_at_exit(context: Context, failure: Exception) -> None:
    """Raise when Custodian leaves the policy: after its results are written and its actions done.

    Custodian has no later place to raise at in pull mode, and to raise earlier would keep the
    results of the users that were read from being written and acted on.
    """
    leave: Callable[..., Any] = context.output.__exit__

    def leave_and_fail(
        exc_type: object = None, exc_value: object = None, traceback: object = None
    ) -> None:
        leave(exc_type, exc_value, traceback)
        if exc_type is None:
            raise failure

    context.output.__exit__ = leave_and_fail
