# SPDX-License-Identifier: Apache-2.0
"""The way of a request through the embedded AWS: who calls, throttling, faults, the answer."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from c7n_inactive_keys_sandbox import (
    cloudformation,
    cloudtrail,
    control,
    credential_report,
    iam,
    moto_services,
    sts,
)
from c7n_inactive_keys_sandbox.accounts import ACTIVE
from c7n_inactive_keys_sandbox.calls import Call
from c7n_inactive_keys_sandbox.faults import Fault
from c7n_inactive_keys_sandbox.principals import Principal
from c7n_inactive_keys_sandbox.protocol import (
    Answer,
    ApiError,
    Request,
    error_answer,
    json_answer,
    query_answer,
)
from c7n_inactive_keys_sandbox.times import parse
from c7n_inactive_keys_sandbox.world import World

Handler = Callable[[World, Request], Mapping[str, Any]]
HANDLERS: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {
        ("iam", "ListUsers"): iam.list_users,
        ("iam", "GetUser"): iam.get_user,
        ("iam", "GetAccountAuthorizationDetails"): iam.get_account_authorization_details,
        ("iam", "CreateUser"): iam.create_user,
        ("iam", "UpdateUser"): iam.update_user,
        ("iam", "DeleteUser"): iam.delete_user,
        ("iam", "ListUserTags"): iam.list_user_tags,
        ("iam", "TagUser"): iam.tag_user,
        ("iam", "UntagUser"): iam.untag_user,
        ("iam", "ListAccessKeys"): iam.list_access_keys,
        ("iam", "CreateAccessKey"): iam.create_access_key,
        ("iam", "UpdateAccessKey"): iam.update_access_key,
        ("iam", "DeleteAccessKey"): iam.delete_access_key,
        ("iam", "GetAccessKeyLastUsed"): iam.get_access_key_last_used,
        ("iam", "GenerateCredentialReport"): credential_report.generate,
        ("iam", "GetCredentialReport"): credential_report.get,
        ("iam", "SimulatePrincipalPolicy"): iam.simulate_principal_policy,
        ("sts", "AssumeRole"): sts.assume_role,
        ("sts", "GetCallerIdentity"): sts.get_caller_identity,
        ("cloudtrail", "LookupEvents"): cloudtrail.lookup_events,
        ("cloudformation", "ListStacks"): cloudformation.list_stacks,
        ("cloudformation", "ListStackResources"): cloudformation.list_stack_resources,
        ("cloudformation", "DescribeStackResources"): cloudformation.describe_stack_resources,
    }
)


# How far a signature's time may be from AWS's.
TOLERANCE = timedelta(minutes=15)
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Broken:
    """An answer that does not reach the client whole, by the fault's kind."""

    answer: Answer
    fault: Fault

    @property
    def status(self) -> int | None:
        """The status that the client sees, where it sees one."""
        return None if self.fault.kind in ("reset", "timeout") else self.answer.status

    @property
    def error(self) -> str:
        """What went wrong."""
        return self.fault.kind


class Gateway:
    """Takes requests to a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def answer(self, request: Request) -> Answer | Broken:
        """The answer to a request; Broken where the connection is to suffer."""
        if request.access_key_id is None and request.path.startswith("/sandbox"):
            return control.answer(self.world, request)
        request_id = str(uuid.uuid4())
        if self.world.latency:
            time.sleep(self.world.latency)
        call = self._describe(request)
        answer: Answer | Broken
        try:
            request = replace(request, principal=self._authenticate(request))
            call = self._describe(request)
            answer = self._serve(request, call, request_id)
        except ApiError as error:
            answer = error_answer(request, error, request_id)
        self.world.calls.add(replace(call, status=answer.status, error=answer.error))
        return answer

    def _serve(self, request: Request, call: Call, request_id: str) -> Answer | Broken:
        self._throttle(request)
        hits = self.world.faults.hit(call)
        for fault in hits:
            if fault.delay and fault.kind != "timeout":
                time.sleep(fault.delay)
            if fault.effect != "after":
                fault.change(self.world, call)
                if fault.fails:
                    return self._failure(request, fault, request_id)
        try:
            answer = self._dispatch(request, request_id)
        except ApiError as error:  # an answer like any other, for faults that come after it
            answer = error_answer(request, error, request_id)
        for fault in hits:
            if fault.effect == "after":
                fault.change(self.world, call)
                if fault.fails:
                    return self._failure(request, fault, request_id, answer)
        return answer

    def _failure(
        self, request: Request, fault: Fault, request_id: str, answer: Answer | None = None
    ) -> Answer | Broken:
        if fault.error is None:
            # What there is to break off: the true answer, or one that says nothing.
            return Broken(answer or Answer(200, b"<Truncated/>" * 20), fault)
        error = ApiError(fault.error, fault.message, fault.status)
        if answer is None:
            cloudtrail.record(self.world, request, error=error)
        return error_answer(request, error, request_id)

    def _dispatch(self, request: Request, request_id: str) -> Answer:
        """What AWS itself would do with the call."""
        handler = HANDLERS.get((request.service or "", request.action or ""))
        with self.world.lock:
            try:
                self.world.permissions.check(request)
                if handler is not None:
                    result = handler(self.world, request)
                    cloudtrail.record(self.world, request, result=result)
            except ApiError as error:
                cloudtrail.record(self.world, request, error=error)
                raise
        if handler is None:
            return moto_services.answer(self.world, request)
        if request.json:
            return json_answer(result)
        return query_answer(request.service or "", request.action or "", result, request_id)

    def _authenticate(self, request: Request) -> Principal | None:
        """Who signed; None for an unsigned request. An inactive or expired key is no key."""
        key_id = request.access_key_id
        if key_id is None:
            return None
        if session := self.world.sessions.get(key_id):
            self._check_age(request)
            if session.expired:
                raise ApiError("ExpiredToken")
            return session
        key = self.world.key(key_id)
        if key is None or key.status != ACTIVE:
            raise ApiError("InvalidClientTokenId")
        self._check_age(request)
        key.use(service=request.service or "iam", region=request.region)
        return key.user.principal(key.id)

    def _check_age(self, request: Request) -> None:
        """Refuse what was signed too long ago by AWS's clock, or in its future."""
        if "X-Amz-Date" not in request.headers:
            return
        stamp, now = request.headers["X-Amz-Date"], self.world.now()
        signed = parse(stamp, _STAMP)
        if signed < now - TOLERANCE:
            limit = f"{now - TOLERANCE:{_STAMP}} ({now:{_STAMP}} - 15 min.)"
            message = f"Signature expired: {stamp} is now earlier than {limit}"
        elif signed > now + TOLERANCE:
            limit = f"{now + TOLERANCE:{_STAMP}} ({now:{_STAMP}} + 15 min.)"
            message = f"Signature not yet current: {stamp} is still later than {limit}"
        else:
            return
        raise ApiError("SignatureDoesNotMatch", message)

    def _throttle(self, request: Request) -> None:
        rate = self.world.rates.get(request.action or "")
        if request.principal is None or request.action is None or rate is None:
            return
        if not self.world.buckets.take(
            rate, request.principal.account_id, request.region, request.action
        ):
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
            request.parameters.get("AccessKeyId") or request.parameters.get("PhysicalResourceId"),
            principal.arn if principal else None,
            self.world.now(),
        )
