# SPDX-License-Identifier: Apache-2.0
"""All that the sandbox does not answer itself: moto, called in process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from c7n_inactive_keys_sandbox.protocol import Answer, Request

if TYPE_CHECKING:
    from c7n_inactive_keys_sandbox.world import World

_DROPPED = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})


class MotoServices:
    """moto's server application, imported when first needed (that costs a second)."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._application: Any = None

    def reset(self) -> None:
        """Empty all services. moto's state is one per process, so this empties it for all."""
        if self._application is not None:
            from moto.moto_api._internal.models import moto_api_backend

            moto_api_backend.reset()

    def answer(self, request: Request) -> Answer:
        """What moto answers; the account is the one of the caller's identity."""
        from werkzeug.test import EnvironBuilder, run_wsgi_app

        application = self._load()
        parts = urlsplit(request.target)
        headers = [
            (name, value)
            for name, value in request.headers.items()
            if name.lower() not in ("content-length", "transfer-encoding", "expect")
        ]
        if request.principal is not None:
            headers.append(("x-moto-account-id", request.principal.account_id))
            if request.service == "iam":
                self._mirror_user(request)
        builder = EnvironBuilder(
            path=request.path,
            query_string=parts.query,
            method=request.method,
            base_url="http://" + request.headers.get("Host", "127.0.0.1"),
            headers=headers,
            data=request.body,
        )
        environ = builder.get_environ()
        environ["RAW_URI"] = environ["REQUEST_URI"] = request.target
        chunks, status, answered = run_wsgi_app(application, environ, buffered=True)
        body = b"".join(chunks)
        code = int(status.split()[0])
        kept = {name: value for name, value in answered.items() if name.lower() not in _DROPPED}
        if request.method == "HEAD" and "Content-Length" in answered:
            kept["Content-Length"] = answered["Content-Length"]
        return Answer(code, body, kept, str(code) if code >= 400 else None)

    def _load(self) -> Any:
        with self._lock:
            if self._application is None:
                from moto.moto_server.werkzeug_app import (
                    DomainDispatcherApplication,
                    create_backend_app,
                )

                self._application = DomainDispatcherApplication(create_backend_app)
            return self._application

    def _mirror_user(self, request: Request) -> None:
        """Let moto know a user of ours (and its present id) before a call about it."""
        assert request.principal is not None
        account = self._world.state.account(request.principal.account_id)
        name = request.parameters.get("UserName") or request.principal.name
        user = account.users.get(name)
        from moto.iam.models import iam_backends

        backend = iam_backends[account.id][self._world.partition]
        known = backend.users.get(name)
        if known is not None and (user is None or known.id != user.id):
            del backend.users[name]
            known = None
        if user is not None and known is None:
            backend.create_user(request.region, user.name, user.path)
            mirror = backend.users[user.name]
            mirror.id, mirror.create_date = user.id, user.created
