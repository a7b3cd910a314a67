# SPDX-License-Identifier: Apache-2.0
"""Requests as AWS clients send them, and answers in the two protocols that are spoken here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

from c7n_inactive_keys_sandbox.principals import Principal
from c7n_inactive_keys_sandbox.times import iso

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d+/([^/]+)/([^/]+)/aws4_request")
_STATUS = {
    "AccessDenied": (403, "Access denied"),
    "AccessDeniedException": (403, "Access denied"),
    "ConcurrentModification": (409, "The request was rejected: concurrent modification."),
    "DeleteConflict": (409, "Cannot delete entity."),
    "EntityAlreadyExists": (409, "The entity exists already."),
    "ExpiredToken": (403, "The security token included in the request is expired"),
    "ExpiredTokenException": (403, "The security token included in the request is expired"),
    "InternalFailure": (500, "We encountered an internal error. Please try again."),
    "InvalidClientTokenId": (403, "The security token included in the request is invalid."),
    "LimitExceeded": (409, "Cannot exceed quota."),
    "NoSuchEntity": (404, "The entity cannot be found."),
    "ReportExpired": (410, "Unknown"),
    "ReportInProgress": (404, "Unknown"),
    "ReportNotPresent": (410, "Unknown"),
    "RequestLimitExceeded": (503, "Request limit exceeded."),
    "ServiceFailure": (500, "Unknown"),
    "SignatureDoesNotMatch": (403, "The request signature does not match."),
    "ServiceUnavailable": (503, "Service is unavailable. Please try again."),
    "Throttling": (400, "Rate exceeded"),
    "ThrottlingException": (400, "Rate exceeded"),
    "UnrecognizedClientException": (400, "The security token included in the request is invalid."),
}
# What IAM and STS call an error (query protocol) bears another name in the json protocol.
_JSON_CODES = {
    "AccessDenied": "AccessDeniedException",
    "Throttling": "ThrottlingException",
    "ExpiredToken": "ExpiredTokenException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
}
# The versions of the services that are answered in the query protocol.
_VERSIONS = {"iam": "2010-05-08", "sts": "2011-06-15", "cloudformation": "2010-05-15"}


class ApiError(Exception):
    """An error that AWS answers; status and message have AWS's defaults for the code."""

    def __init__(self, code: str, message: str | None = None, status: int | None = None) -> None:
        default_status, default_message = _STATUS.get(code, (400, code))
        self.code = code
        self.status = status or default_status
        self.message = default_message if message is None else message
        super().__init__(f"{code}: {self.message}")


@dataclass(frozen=True)
class Request:
    """One HTTP request; `parameters` are the query protocol's form or the json document."""

    method: str
    target: str  # path and query, as sent
    headers: Mapping[str, str]
    body: bytes
    service: str | None = None
    action: str | None = None
    region: str = "us-east-1"
    access_key_id: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    principal: Principal | None = None

    @property
    def caller(self) -> Principal:
        """Who signed, where it is known that somebody did."""
        assert self.principal is not None
        return self.principal

    @property
    def path(self) -> str:
        """The path, decoded."""
        return unquote(urlsplit(self.target).path)

    @property
    def json(self) -> bool:
        """Whether errors are wanted as json."""
        return "X-Amz-Target" in self.headers

    def members(self, name: str) -> list[dict[str, str]]:
        """A list parameter of structures: `Tags.member.1.Key` and so on."""
        pattern = re.compile(rf"{name}\.member\.(\d+)\.(\w+)$")
        items: dict[int, dict[str, str]] = {}
        for parameter, value in self.parameters.items():
            if match := pattern.match(parameter):
                items.setdefault(int(match[1]), {})[match[2]] = value
        return [items[number] for number in sorted(items)]

    def texts(self, name: str) -> list[str]:
        """A list parameter of strings: `TagKeys.member.1` and so on."""
        prefix = f"{name}.member."
        numbers = [key[len(prefix) :] for key in self.parameters if key.startswith(prefix)]
        return [self.parameters[prefix + number] for number in sorted(numbers, key=int)]


def read_request(
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
) -> Request:
    """Find out service, region, action and parameters of a request."""
    match = _CREDENTIAL.search(headers.get("Authorization", ""))
    access_key_id, region, service = match.groups() if match else (None, "us-east-1", None)
    action: str | None = None
    parameters: dict[str, Any] = {}
    aws_target = headers.get("X-Amz-Target")
    if aws_target:
        action = aws_target.rpartition(".")[2]
        try:
            document = json.loads(body or b"{}")
        except ValueError:  # also what is not text; the service will say so
            document = {}
        parameters = document if isinstance(document, dict) else {}
    elif headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        parameters = dict(parse_qsl(body.decode(), keep_blank_values=True))
        action = parameters.get("Action")
    return Request(
        method, target, headers, body, service, action, region, access_key_id, parameters
    )


@dataclass(frozen=True)
class Answer:
    """One HTTP response; `error` is the error's code for the log of calls."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None


def query_answer(service: str, action: str, result: Mapping[str, Any], request_id: str) -> Answer:
    """A result in the query protocol."""
    inner = "".join(_element(name, value) for name, value in result.items())
    return Answer(
        200,
        (
            f'<{action}Response xmlns="https://{service}.amazonaws.com/doc/{_VERSIONS[service]}/">'
            f"<{action}Result>{inner}</{action}Result>"
            f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
            f"</{action}Response>"
        ).encode(),
        {"Content-Type": "text/xml"},
    )


def json_answer(document: object, status: int = 200, aws: bool = True) -> Answer:
    """A document as json; times become seconds since 1970, as CloudTrail sends them."""
    kind = "application/x-amz-json-1.1" if aws else "application/json"
    text = json.dumps(document, default=_json_time if aws else _json_text)
    return Answer(status, text.encode(), {"Content-Type": kind})


def error_answer(request: Request, error: ApiError, request_id: str) -> Answer:
    """An error in the protocol of the request."""
    if request.json or request.service in ("cloudtrail", "events", "securityhub", "lambda"):
        code = _JSON_CODES.get(error.code, error.code)
        body = json.dumps({"__type": code, "message": error.message})
        return Answer(
            error.status,
            body.encode(),
            {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code},
            code,
        )
    side = "Sender" if error.status < 500 else "Receiver"
    body = (
        f"<Error><Type>{side}</Type><Code>{error.code}</Code>"
        f"<Message>{escape(error.message)}</Message></Error>"
        f"<RequestId>{request_id}</RequestId>"
    )
    if request.service == "s3":
        body = f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>"
    else:
        body = f"<ErrorResponse>{body}</ErrorResponse>"
    return Answer(error.status, body.encode(), {"Content-Type": "text/xml"}, error.code)


def _element(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        text = "".join(_element(key, item) for key, item in value.items())
    elif isinstance(value, (list, tuple)):
        text = "".join(_element("member", item) for item in value)
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, datetime):
        text = iso(value)
    else:
        text = escape(str(value))
    return f"<{name}>{text}</{name}>"


def _json_time(value: object) -> object:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} does not go into json")


def _json_text(value: object) -> object:
    return iso(value) if isinstance(value, datetime) else str(value)
