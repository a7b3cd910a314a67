# SPDX-License-Identifier: Apache-2.0
"""The embedded AWS without its server: state, settings, and the way of a request through it."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from c7n_inactive_keys.sandbox import (
    access_keys,
    control,
    credential_report,
    event_history,
    permissions,
    sts,
    users,
)
from c7n_inactive_keys.sandbox.accounts import Account
from c7n_inactive_keys.sandbox.calls import Call, Calls
from c7n_inactive_keys.sandbox.faults import Fault, Faults
from c7n_inactive_keys.sandbox.moto_services import MotoServices
from c7n_inactive_keys.sandbox.permissions import Permissions
from c7n_inactive_keys.sandbox.principals import TOKEN, Principal, secret_of
from c7n_inactive_keys.sandbox.protocol import (
    Answer,
    ApiError,
    Request,
    error_answer,
    json_answer,
    query_answer,
)
from c7n_inactive_keys.sandbox.rates import Rates
from c7n_inactive_keys.sandbox.recorder import record
from c7n_inactive_keys.sandbox.state import State
from c7n_inactive_keys.sandbox.values import INACTIVE, identifier, now

Handler = Callable[["World", Request], Mapping[str, Any]]
HANDLERS: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {
        ("iam", "ListUsers"): users.list_users,
        ("iam", "GetUser"): users.get_user,
        ("iam", "GetAccountAuthorizationDetails"): users.get_account_authorization_details,
        ("iam", "CreateUser"): users.create_user,
        ("iam", "DeleteUser"): users.delete_user,
        ("iam", "ListUserTags"): users.list_user_tags,
        ("iam", "TagUser"): users.tag_user,
        ("iam", "UntagUser"): users.untag_user,
        ("iam", "ListAccessKeys"): access_keys.list_access_keys,
        ("iam", "CreateAccessKey"): access_keys.create_access_key,
        ("iam", "UpdateAccessKey"): access_keys.update_access_key,
        ("iam", "DeleteAccessKey"): access_keys.delete_access_key,
        ("iam", "GetAccessKeyLastUsed"): access_keys.get_access_key_last_used,
        ("iam", "GenerateCredentialReport"): credential_report.generate,
        ("iam", "GetCredentialReport"): credential_report.get,
        ("iam", "SimulatePrincipalPolicy"): permissions.simulate_principal_policy,
        ("sts", "AssumeRole"): sts.assume_role,
        ("sts", "GetCallerIdentity"): sts.get_caller_identity,
        ("cloudtrail", "LookupEvents"): event_history.lookup_events,
    }
)


@dataclass(frozen=True)
class Broken:
    """An answer that does not reach the client whole, by the fault's kind."""

    answer: Answer
    fault: Fault


class World:
    """Everything that the sandbox knows and does; `Sandbox` adds the server.

    Settings (attributes, to be set at any time):
        latency: seconds that every call takes longer.
        lookup_rate: LookupEvents per second, account and region; None: no limit (AWS: 2).
        rates: requests per second and account by action, answered by Throttling beyond.
        event_delay: events younger than that are not in the event history yet.
        report_snapshots: whether a credential report is kept for four hours, as in AWS.
        report_quotes: whether the report quotes names that hold a comma (what AWS does with
            them is not known).
        report_polls: how many calls find a new report still in progress.
    """

    def __init__(self, partition: str = "aws") -> None:
        self.partition = partition
        self.address: str | None = None
        self.calls = Calls()
        self.faults = Faults()
        self.permissions = Permissions()
        self.moto = MotoServices(self)
        self.lock = threading.RLock()
        self._rates = Rates()
        self._defaults()

    def _defaults(self) -> None:
        self.state = State(self.partition)
        self.latency = 0.0
        self.lookup_rate: float | None = None
        self.rates: dict[str, float] = {}
        self.event_delay = timedelta(0)
        self.report_snapshots = True
        self.report_polls = 0
        self.report_quotes = True

    def reset(self) -> None:
        """Back to an empty AWS with default settings."""
        with self.lock:
            self._defaults()
            self.calls.clear()
            self.faults.clear()
            self.permissions.clear()
            self._rates.clear()
            self.moto.reset()

    def now(self) -> datetime:
        """The sandbox's time, which is the true time."""
        return now()

    @property
    def url(self) -> str:
        """The endpoint, `http://127.0.0.1:PORT`."""
        if self.address is None:
            raise RuntimeError("the sandbox is not running: use it in a with statement")
        return self.address

    def credentials(self, account_id: str) -> dict[str, str]:
        """The variables that make a process the administrator of an account."""
        key_id = self.account(account_id).administrator.access_key_id
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": secret_of(key_id),
            "AWS_SESSION_TOKEN": TOKEN,
            "AWS_DEFAULT_REGION": event_history.HOME_REGIONS[self.partition],
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def account(self, account_id: str, name: str | None = None) -> Account:
        """The account of that id; made if there is none."""
        return self.state.account(account_id, name)

    def age(self, by: timedelta) -> None:
        """Let time pass: all that is stored moves that far into the past.

        Users, keys, uses, status changes, events, credential reports, and the times in ledger
        tags (`c7n-inactive-key:...`) of users. What lies outside of the sandbox, such as output
        directories, keeps its times.
        """
        with self.lock:
            self.state.age(timedelta(seconds=round(by.total_seconds())))

    def allow(self, who: str, actions: Iterable[str] | None) -> None:
        """Limit an account (id) or role (name) to these actions; see `Permissions.allow`."""
        self.permissions.allow(who, actions)

    def expire_sessions(self, account_id: str | None = None) -> None:
        """All sessions of assumed roles (in one account) expire now; new ones are good."""
        sessions = self.state.sessions
        for key_id, principal in list(sessions.items()):
            administrator = self.state.accounts[principal.account_id].administrator
            if key_id != administrator.access_key_id and account_id in (None, principal.account_id):
                sessions[key_id] = replace(principal, expired=True)

    def truth(self) -> list[dict[str, object]]:
        """A row for each key of an IAM user, of all accounts, sorted by account, user and key."""
        rows = [key.truth() for account in self.state.accounts.values() for key in account.keys]
        return sorted(
            rows,
            key=lambda row: (
                row["account_id"],
                str(row["user_name"]).lower(),
                row["access_key_id"],
            ),
        )

    def role_id(self, account_id: str, role: str) -> str:
        """A role's unique id."""
        return identifier("AROA", 17, account_id, role)

    def answer(self, request: Request) -> Answer | Broken:
        """The answer to a request; Broken where the connection is to suffer."""
        if request.access_key_id is None and request.path.startswith("/sandbox"):
            return control.answer(self, request)
        request_id = str(uuid.uuid4())
        if self.latency:
            time.sleep(self.latency)
        call = self._describe(request)
        dropped: Fault | None = None
        try:
            request = replace(request, principal=self._authenticate(request))
            call = self._describe(request)
            answer, dropped = self._serve(request, call, request_id)
        except ApiError as error:
            answer = error_answer(request, error, request_id)
        broken = dropped is not None and dropped.kind in ("reset", "timeout")
        self.calls.add(
            replace(
                call,
                status=None if broken else answer.status,
                error=dropped.kind if dropped else answer.error,
            )
        )
        return Broken(answer, dropped) if dropped else answer

    def _serve(
        self,
        request: Request,
        call: Call,
        request_id: str,
    ) -> tuple[Answer, Fault | None]:
        self._throttle(request)
        hits = self.faults.hit(call)
        for fault in hits:
            if fault.delay and fault.kind != "timeout":
                time.sleep(fault.delay)
            if fault.effect != "after":
                fault.change(self, call)
                if fault.fails:
                    return self._failure(request, fault, request_id)
        answer = self._dispatch(request, request_id)
        for fault in hits:
            if fault.effect == "after":
                fault.change(self, call)
                if fault.fails:
                    return self._failure(request, fault, request_id, answer)
        return answer, None

    def _failure(
        self,
        request: Request,
        fault: Fault,
        request_id: str,
        answer: Answer | None = None,
    ) -> tuple[Answer, Fault | None]:
        if fault.kind != "error":
            # What there is to truncate: the true answer, or one that says nothing.
            return answer or Answer(200, b"<Truncated/>" * 20), fault
        assert fault.error is not None
        error = ApiError(fault.error, fault.message, fault.status)
        if answer is None:
            record(self, request, error=error)
        return error_answer(request, error, request_id), None

    def _dispatch(self, request: Request, request_id: str) -> Answer:
        """What AWS itself would do with the call."""
        handler = HANDLERS.get((request.service or "", request.action or ""))
        with self.lock:
            try:
                self.permissions.check(request)
                if handler is not None:
                    result = handler(self, request)
                    record(self, request, result=result)
            except ApiError as error:
                record(self, request, error=error)
                raise
        if handler is None:
            return self.moto.answer(request)
        if request.json:
            return json_answer(result)
        return query_answer(request.service or "", request.action or "", result, request_id)

    def _authenticate(self, request: Request) -> Principal | None:
        """Who signed; None for an unsigned request. An inactive key is no key."""
        key_id = request.access_key_id
        if key_id is None:
            return None
        if session := self.state.sessions.get(key_id):
            if session.expired:
                raise ApiError("ExpiredToken")
            return session
        key = self.state.keys.get(key_id)
        if key is None or key.status == INACTIVE:
            raise ApiError("InvalidClientTokenId")
        key.use(service=request.service or "iam", region=request.region)
        return key.user.principal(key.id)

    def _throttle(self, request: Request) -> None:
        if request.principal is None or request.action is None:
            return
        rate = self.rates.get(request.action)
        if request.action == "LookupEvents" and rate is None:
            rate = self.lookup_rate
        bucket = (request.principal.account_id, request.region, request.action)
        if rate is not None and not self._rates.take(rate, *bucket):
            raise ApiError("Throttling")

    def _describe(self, request: Request) -> Call:
        principal = request.principal
        account = principal.account_id if principal else None
        user = request.parameters.get("UserName")
        action = request.action or f"{request.method} {request.path}"
        if action == "AssumeRole":
            if match := sts.ROLE.fullmatch(request.parameters.get("RoleArn", "")):
                account, user = match.groups()
        elif user is None and principal and principal.kind == "IAMUser":
            user = principal.name
        return Call(
            request.service or "",
            action,
            account,
            request.region,
            user,
            request.parameters.get("AccessKeyId"),
            principal.arn if principal else None,
            self.now(),
        )
