# SPDX-License-Identifier: Apache-2.0
"""The users of the account's credential report whose keys a policy may be about."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone

from c7n.utils import backoff_delays

from c7n_inactive_keys.core.credential_report import ReportedUser, mark_twins, read_report
from c7n_inactive_keys.core.errors import CredentialReportError, InactiveKeysError
from c7n_inactive_keys.core.journal import ROOT_KEY
from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.core.root_keys import root_keys
from c7n_inactive_keys.core.times import as_utc
from c7n_inactive_keys.custodian import aws
from c7n_inactive_keys.custodian.account import account_id
from c7n_inactive_keys.custodian.c7n_types import Client, Manager
from c7n_inactive_keys.custodian.clock import clock
from c7n_inactive_keys.custodian.filter_tree import ours
from c7n_inactive_keys.custodian.memory import REPORT_ANNOTATION
from c7n_inactive_keys.custodian.noted_keys import note_keys
from c7n_inactive_keys.custodian.unread_users import read_error, report_unread, unread_user
from c7n_inactive_keys.find.user_details import describe_in_bulk, describe_user, unlisted_users

log = logging.getLogger("custodian.inactive-keys")

# AWS makes a new report at the most every four hours.
REPORT_AGE = timedelta(hours=4)
DEADLINE = 300.0  # seconds
LONGEST_WAIT = 16.0  # seconds
SLOWER_WAY = "or leave out 'source: credential-report' to describe every user instead (slower)"


class ReportedUsers:
    """Reads the report, and describes those of its users that the policy is about."""

    def __init__(self, manager: Manager) -> None:
        self.manager = manager

    def that_may_match(self) -> list[JsonObject]:
        """Those with a key that may match, as GetUser describes them, less those gone since."""
        iam = aws.client(self.manager, "iam")
        names = {}
        found = []
        for user in mark_twins(self._reported_users(iam)):
            if user.is_root:
                note_keys(self.manager, ROOT_KEY, root_keys(user))
                continue
            names[user.user_name] = user.created
            if self._may_match(user):
                found.append(user)
        in_bulk = describe_in_bulk(self.manager, found, len(names))
        described = self._describe(iam, found, in_bulk)
        known = {
            user["UserName"] for user in described if REPORT_ANNOTATION in user or read_error(user)
        }
        gone = [user for user in found if user.user_name not in known]
        if gone:
            described += self._renamed(iam, gone, names)
        report_unread(
            self.manager,
            {user["UserName"]: error for user in described if (error := read_error(user))},
        )
        return described

    def _may_match(self, reported: ReportedUser) -> bool:
        """Whether a filter on keys may match; without one, the policy is about inactive keys."""
        filters = ours(self.manager.filters)
        if not filters:
            return reported.has_inactive_key
        now = clock.now()
        return any(item.may_match(reported, now) for item in filters)

    def named(self, names: list[str]) -> list[JsonObject]:
        """The users of these names; no report is needed."""
        iam = aws.client(self.manager, "iam")
        return self._describe(iam, [ReportedUser(name, "", ()) for name in names], {})

    def _renamed(
        self, iam: Client, gone: list[ReportedUser], names: Mapping[str, datetime | None]
    ) -> list[JsonObject]:
        """Users of the report that are there under another name now.

        A renamed user keeps its keys. The report has no user ids, so whoever was created in the
        same second, and is not in the report under that name, is looked at.
        """
        try:
            candidates = unlisted_users(iam, gone, names)
        except (*aws.API_ERRORS, InactiveKeysError) as error:
            reason = aws.describe_error(error)
            message = f"it may have been renamed, and iam:ListUsers failed: {reason.message}"
            return [unread_user(user, aws.ApiError(reason.code, message)) for user in gone]
        return self._describe(iam, [ReportedUser(name, "", ()) for name in candidates], {})

    def _describe(
        self, iam: Client, users: list[ReportedUser], known: Mapping[str, JsonObject]
    ) -> list[JsonObject]:
        def describe(user: ReportedUser) -> JsonObject | None:
            return known.get(user.user_name) or describe_user(iam, user)

        with self.manager.executor_factory(max_workers=aws.WORKERS) as workers:
            return [user for user in workers.map(describe, users) if user]

    # -- the report -----------------------------------------------------------------------------

    def _reported_users(self, iam: Client) -> Iterator[ReportedUser]:
        report = self._fetch(iam)
        content = report["Content"]
        if isinstance(content, str):  # as in Custodian's flight recordings
            content = content.encode()
        lines = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", newline="")
        try:
            yield from read_report(lines, as_utc(report["GeneratedTime"]), account_id(self.manager))
        except (UnicodeDecodeError, CredentialReportError) as error:
            raise self._error(f"cannot be read: {error}") from None

    def _fetch(self, iam: Client) -> JsonObject:
        """The newest report, made anew if AWS's is older than four hours."""
        deadline = time.monotonic() + DEADLINE
        complete = self._generate(iam)
        outdated = False
        for delay in backoff_delays(1, DEADLINE):
            if not complete:
                self._wait(min(delay, LONGEST_WAIT), deadline)
            report, lost = self._get(iam)
            # While a new report is made the old one may still be handed out: ask once more.
            if report and (complete or outdated or _is_new(report)):
                self._warn_of_age(report)
                return report
            outdated = report is not None
            complete = self._generate(iam) if lost else False
        raise self._not_ready()

    def _wait(self, delay: float, deadline: float) -> None:
        if time.monotonic() + delay > deadline:
            raise self._not_ready()
        time.sleep(delay)

    def _warn_of_age(self, report: JsonObject) -> None:
        if not _is_new(report):
            log.warning(
                "the account's credential report was made at %s; keys that were deactivated since "
                "then show up in a later run",
                report["GeneratedTime"],
            )

    def _generate(self, iam: Client) -> bool:
        """Ask for a new report; True if one that is new enough is there already."""
        try:
            return bool(iam.generate_credential_report()["State"] == "COMPLETE")
        except aws.API_ERRORS as error:
            if aws.describe_error(error).code == "LimitExceeded":
                return False  # too many requests for a report; one of them will have made it
            raise self._failed("GenerateCredentialReport", error) from None

    def _get(self, iam: Client) -> tuple[JsonObject | None, bool]:
        """The report, or None while it is made; and whether a new one must be asked for."""
        try:
            return iam.get_credential_report(), False
        except aws.API_ERRORS as error:
            code = aws.describe_error(error).code
            if code == "ReportInProgress":
                return None, False
            if code in ("ReportNotPresent", "ReportExpired"):
                return None, True
            raise self._failed("GetCredentialReport", error) from None

    # -- errors ---------------------------------------------------------------------------------

    def _failed(self, operation: str, error: Exception) -> CredentialReportError:
        code, message = aws.describe_error(error)
        if code in aws.DENIED_CODES:
            return self._error(
                f"could not be fetched: iam:{operation} is denied ({message}); grant it, "
                f"{SLOWER_WAY}"
            )
        return self._error(f"could not be fetched: iam:{operation} {code}: {message}")

    def _not_ready(self) -> CredentialReportError:
        return self._error(f"was not ready after {DEADLINE:.0f} seconds; run again later")

    def _error(self, problem: str) -> CredentialReportError:
        return CredentialReportError(
            f"policy:{self.manager.ctx.policy.name} the account's credential report {problem}"
        )


def _is_new(report: JsonObject) -> bool:
    age = datetime.now(timezone.utc) - as_utc(report["GeneratedTime"])
    return age < REPORT_AGE + timedelta(minutes=5)
