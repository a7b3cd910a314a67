# SPDX-License-Identifier: Apache-2.0
"""IAM as this package asks it: clients that bear throttling, and readers that never guess."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
)
from botocore.exceptions import (
    ConnectionError as BotoConnectionError,
)
from botocore.parsers import ResponseParserError
from c7n.utils import get_retry, local_session

from c7n_inactive_keys.core.errors import InactiveKeysError
from c7n_inactive_keys.core.journal import ApiError as ApiError
from c7n_inactive_keys.core.json_types import JsonMapping, JsonObject
from c7n_inactive_keys.core.keys import LastUse
from c7n_inactive_keys.core.times import as_utc, whole_second
from c7n_inactive_keys.custodian.c7n_types import Client, Manager
from c7n_inactive_keys.custodian.clock import clock

WORKERS = 8
_clients: WeakKeyDictionary[Any, dict[tuple[str, str | None, int], Any]] = WeakKeyDictionary()


def _config(mode: str, tries: int) -> Config:
    return Config(
        retries={"mode": mode, "total_max_attempts": tries},
        max_pool_connections=WORKERS,
        connect_timeout=10,
        read_timeout=30,
    )


# IAM's limits are per account, and the retry mode `adaptive` makes all workers that share a client
# slow down together when one of them is throttled, and speed up again when that is over.
PATIENT = _config("adaptive", 8)
# For what can be fetched in another way as well.
BRIEF = _config("standard", 3)
# A deletion is never repeated behind our back: before each try the key is read again. Nor does it
# wait in the client, between that reading and the call: Pace spaces deletions out before both.
ONCE = _config("standard", 1)

# A proxy or gateway in between may answer with a whole page.
MESSAGE_LENGTH = 500

API_ERRORS = (ClientError, BotoCoreError, ResponseParserError)
THROTTLING_CODES = frozenset(
    (
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "Throttled",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "RequestThrottled",
        "SlowDown",
    )
)
DENIED_CODES = frozenset(
    ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError")
)


class TruncatedListingError(InactiveKeysError):
    """IAM said that a listing goes on but not where, so the rest of it is unknown."""


class IncompleteAnswerError(InactiveKeysError):
    """An answer lacks what it must hold."""


# Two writers of one user's tags, which is no throttling and so not retried by the client.
retry_concurrent = get_retry(("ConcurrentModification",), max_attempts=4, min_delay=0.5)


def client(
    manager: Manager, service: str, region_name: str | None = None, config: Config = PATIENT
) -> Any:
    """A client of the policy's session, to be shared by workers; made once for each session."""
    session = local_session(manager.session_factory)
    made = _clients.setdefault(session, {})
    wanted = service, region_name, id(config)
    if wanted not in made:
        arguments = {"region_name": region_name} if region_name else {}
        made[wanted] = session.client(service, config=config, **arguments)
        clock.listen(made[wanted])
    return made[wanted]


def describe_error(error: Exception) -> ApiError:
    """Code and message of anything that a call can raise, on one line of bearable length."""
    code, message = type(error).__name__, str(error)
    if isinstance(error, ClientError):
        details = error.response.get("Error", {})
        code = details.get("Code") or "Unknown"
        message = details.get("Message") or message
    return ApiError(code, textwrap.shorten(message, MESSAGE_LENGTH, placeholder=" ..."))


def is_gone(error: Exception) -> bool:
    """Whether the call failed because the user or key does not exist."""
    return isinstance(error, ClientError) and describe_error(error).code == "NoSuchEntity"


def is_worth_retrying(error: Exception) -> bool:
    """Whether the same call may succeed a moment later."""
    return (
        is_unclear(error)
        or isinstance(error, BotoConnectionError)
        or describe_error(error).code in THROTTLING_CODES
    )


def is_unclear(error: Exception) -> bool:
    """Whether the failed call may have taken effect: no answer, or the server's error."""
    if not isinstance(error, ClientError):
        return isinstance(error, (HTTPClientError, ResponseParserError))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or describe_error(error).code in ("InternalFailure", "ServiceFailure")


def pages(call: Callable[..., JsonObject], **arguments: object) -> Iterator[JsonObject]:
    """The pages of a listing, all of them.

    Raises:
        ClientError, BotoCoreError: a call failed.
        TruncatedListingError: a page is marked as truncated but says not how to go on.
    """
    while True:
        page = call(**arguments)
        yield page
        if not page.get("IsTruncated"):
            return
        if not page.get("Marker") or page["Marker"] == arguments.get("Marker"):
            raise TruncatedListingError("IAM truncated a listing and does not say how it goes on")
        arguments["Marker"] = page["Marker"]


def list_access_keys(iam: Client, user_name: str) -> list[JsonObject]:
    """The `AccessKeyMetadata` of all keys of a user, in IAM's order.

    Raises:
        ClientError, BotoCoreError, TruncatedListingError: as for `pages`; NoSuchEntity if there
            is no such user.
    """
    return [
        metadata
        for page in pages(iam.list_access_keys, UserName=user_name)
        for metadata in page["AccessKeyMetadata"]
    ]


def get_last_use(iam: Client, access_key_id: str) -> LastUse:
    """The last use of a key, as far as IAM tells it now.

    Raises:
        ClientError, BotoCoreError, IncompleteAnswerError: it could not be read, which is not the
            same as none.
    """
    answer = iam.get_access_key_last_used(AccessKeyId=access_key_id)
    if "AccessKeyLastUsed" not in answer:
        raise IncompleteAnswerError(f"the answer about access key {access_key_id} says nothing")
    used = answer["AccessKeyLastUsed"]
    moment = used.get("LastUsedDate")
    return LastUse(
        time=whole_second(as_utc(moment)) if moment else None,
        service=_known(used.get("ServiceName")),
        region=_known(used.get("Region")),
    )


def _known(value: str | None) -> str | None:
    return None if value in (None, "", "N/A") else value


def get_user(iam: Client, user_name: str) -> JsonObject:
    """The user as GetUser describes it now, with its tags."""
    user: JsonObject = iam.get_user(UserName=user_name)["User"]
    return user


def is_same_user(one: JsonMapping, other: JsonMapping) -> bool:
    """Whether two readings of a name are of one user: a name can pass to another one."""
    ids = {user["UserId"] for user in (one, other) if user.get("UserId")}
    return len(ids) < 2
