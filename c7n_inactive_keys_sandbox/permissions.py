# SPDX-License-Identifier: Apache-2.0
"""IAM enforcement on demand: sets of allowed actions for roles and accounts."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from c7n_inactive_keys_sandbox.principals import Principal
from c7n_inactive_keys_sandbox.protocol import ApiError, Request

_S3_OBJECT = {
    "GET": "GetObject",
    "HEAD": "GetObject",
    "PUT": "PutObject",
    "DELETE": "DeleteObject",
    "POST": "PutObject",
}


class Permissions:
    """Who may do what; who is in no rule may do everything."""

    def __init__(self) -> None:
        self._allowed: dict[str, tuple[str, ...]] = {}

    def allow(self, who: str, actions: Iterable[str] | None) -> None:
        """Limit an account (id) or a role (name) to these actions (`iam:Get*` works).

        None lifts the limit. Where both an account and a role are limited, both must allow.
        """
        if actions is None:
            self._allowed.pop(who, None)
        else:
            self._allowed[who] = tuple(actions)

    def allows(self, principal: Principal, action: str) -> bool:
        """Whether the principal may do it; actions are `service:Action`, in any case."""
        limits = [
            self._allowed[who]
            for who in (principal.account_id, principal.name)
            if who in self._allowed
        ]
        return all(
            any(fnmatchcase(action.lower(), pattern.lower()) for pattern in limit)
            for limit in limits
        )

    def check(self, request: Request) -> None:
        """AccessDenied, in IAM's words, for what is not allowed."""
        principal = request.principal
        if principal is None or request.action == "GetCallerIdentity":
            return
        action = iam_action(request)
        if action and not self.allows(principal, action):
            what = request.parameters.get("UserName") or request.parameters.get("RoleArn") or "*"
            resource = f"user {what}" if "UserName" in request.parameters else what
            raise ApiError(
                "AccessDenied",
                (
                    f"User: {principal.arn} is not authorized to perform: {action} on resource: "
                    f"{resource} because no identity-based policy allows the {action} action"
                ),
            )


def iam_action(request: Request) -> str | None:
    """`service:Action` of a request; None where a REST protocol hides the action."""
    if request.action:
        return f"{request.service}:{request.action}"
    if request.service == "s3":
        has_key = "/" in request.path.strip("/")
        return "s3:" + (_S3_OBJECT.get(request.method, "GetObject") if has_key else "ListBucket")
    return None
