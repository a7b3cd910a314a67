# SPDX-License-Identifier: Apache-2.0
"""All that the sandbox does not answer itself: moto, called in process."""

from __future__ import annotations

import functools
import threading
from typing import Any
from urllib.parse import urlsplit

from c7n_inactive_keys_sandbox.accounts import Account
from c7n_inactive_keys_sandbox.books import Books
from c7n_inactive_keys_sandbox.protocol import Answer, Request

_DROPPED = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})
_LOCK = threading.Lock()


def reset() -> None:
    """Empty all services. moto's state is one per process, so this empties it for all."""
    if _application.cache_info().currsize:
        from moto.moto_api._internal.models import moto_api_backend

        moto_api_backend.reset()


def answer(books: Books, request: Request) -> Answer:
    """What moto answers; the account is the one of the caller's identity."""
    from werkzeug.test import EnvironBuilder, run_wsgi_app

    with _LOCK:
        application = _application()
    headers = [
        (name, value)
        for name, value in request.headers.items()
        if name.lower() not in ("content-length", "transfer-encoding", "expect")
    ]
    if request.principal is not None:
        headers.append(("x-moto-account-id", request.principal.account_id))
        if request.service == "iam":
            _mirror_user(books.account(request.principal.account_id), request)
    environ = EnvironBuilder(
        path=request.path,
        query_string=urlsplit(request.target).query,
        method=request.method,
        base_url="http://" + request.headers.get("Host", "127.0.0.1"),
        headers=headers,
        data=request.body,
    ).get_environ()
    environ["RAW_URI"] = environ["REQUEST_URI"] = request.target
    chunks, status, answered = run_wsgi_app(application, environ, buffered=True)
    code = int(status.split()[0])
    kept = {name: value for name, value in answered.items() if name.lower() not in _DROPPED}
    if request.method == "HEAD" and "Content-Length" in answered:
        kept["Content-Length"] = answered["Content-Length"]
    return Answer(code, b"".join(chunks), kept, str(code) if code >= 400 else None)


@functools.cache
def _application() -> Any:
    """moto's server application, imported when first needed (that costs a second)."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    return DomainDispatcherApplication(create_backend_app)


def _mirror_user(account: Account, request: Request) -> None:
    """Let moto know a user of ours, by its present id and name, before a call about it."""
    from moto.iam.models import iam_backends

    backend = iam_backends[account.id][account.realm.partition]
    name = request.parameters.get("UserName") or request.caller.name
    user = account.users.get(name)
    mirror = next((known for known in backend.users.values() if user and known.id == user.id), None)
    if mirror is not None:
        backend.update_user(mirror.name, new_user_name=name)
        return
    backend.users.pop(name, None)
    if user is not None:
        backend.create_user(request.region, name, user.path)
        backend.users[name].id, backend.users[name].create_date = user.id, user.created
