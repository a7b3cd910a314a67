# SPDX-License-Identifier: Apache-2.0
"""When keys were last used, asked once in an execution of the policy."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from c7n_inactive_keys.core.credential_report import ReportedUser
from c7n_inactive_keys.core.journal import UNREAD_LAST_USE
from c7n_inactive_keys.core.json_types import JsonMapping
from c7n_inactive_keys.core.keys import AccessKey, LastUse, Unavailable
from c7n_inactive_keys.custodian import aws
from c7n_inactive_keys.custodian.c7n_types import ExecutorFactory, Manager
from c7n_inactive_keys.custodian.memory import PROCESS, REPORT_ANNOTATION, Shared
from c7n_inactive_keys.custodian.unread_users import report_unread_evidence
from c7n_inactive_keys.find.listing import UserKeys

log = logging.getLogger("custodian.inactive-keys")


_KNOWN: Shared[dict[str, LastUse | Unavailable]] = Shared(dict)


class LastUses:
    """Last uses by key: of an inactive key the credential report's, else IAM's by access key id."""

    def __init__(self, manager: Manager, executor_factory: ExecutorFactory) -> None:
        self.manager = manager
        self.executor_factory = executor_factory
        self.iam = aws.client(manager, "iam")
        self._known = _KNOWN.of(manager)

    def read(self, keys: Iterable[tuple[UserKeys, AccessKey]]) -> None:
        """Find the last uses of these keys; what cannot be read is told and noted."""
        asked: list[AccessKey] = []
        for user, key in (keys := list(keys)):
            if key.access_key_id in self._known:
                continue
            reported = reported_user(user.user)
            # The report's is final only if the key has been inactive since then.
            use = reported.last_use_of(key, user.keys) if reported and key.inactive else None
            if use is None:
                asked.append(key)
            else:
                self._known[key.access_key_id] = use
        with self.executor_factory(max_workers=aws.WORKERS) as workers:
            self._known.update(workers.map(self._ask, asked))
        for _, key in keys:
            use_or_not = self.of(key)
            if isinstance(use_or_not, Unavailable):
                error = aws.ApiError(use_or_not.code, use_or_not.message)
                report_unread_evidence(
                    self.manager, UNREAD_LAST_USE, error, key.user_name, key.access_key_id
                )

    def of(self, key: AccessKey) -> LastUse | Unavailable:
        """The last use of a key that was read."""
        return self._known[key.access_key_id]

    def _ask(self, key: AccessKey) -> tuple[str, LastUse | Unavailable]:
        try:
            return key.access_key_id, aws.get_last_use(self.iam, key.access_key_id)
        except (*aws.API_ERRORS, aws.IncompleteAnswerError) as error:
            code, message = aws.describe_error(error)
            log.warning(
                "user %s: the last use of access key %s is unknown, so nothing is proven of it: "
                "%s %s",
                key.user_name,
                key.access_key_id,
                code,
                message,
            )
            return key.access_key_id, Unavailable("last-used", message, code)


def reported_user(user: JsonMapping) -> ReportedUser | None:
    """What the credential report says of a user, if this run read it.

    A user from Custodian's cache may have passed its name on since then.
    """
    annotation = user.get(REPORT_ANNOTATION) or {}
    if annotation.get("ReadBy") != PROCESS:
        return None
    return ReportedUser.from_annotation(user, annotation)
