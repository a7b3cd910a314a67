# SPDX-License-Identifier: Apache-2.0
"""The embedded AWS as an HTTP server on loopback, in a thread."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import select
import socket
import struct
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TYPE_CHECKING, Any

from c7n_inactive_keys_sandbox.gateway import Broken, Gateway
from c7n_inactive_keys_sandbox.principals import TOKEN, secret_of
from c7n_inactive_keys_sandbox.protocol import Answer, ApiError, error_answer, read_request
from c7n_inactive_keys_sandbox.world import World

if TYPE_CHECKING:
    import boto3
    from typing_extensions import Self

log = logging.getLogger("c7n_inactive_keys_sandbox")


class Sandbox(World):
    """The embedded AWS, listening from `start` (or `with`) to `stop`.

    Args:
        port: the port on 127.0.0.1; 0 takes a free one.
        partition: aws, aws-cn, aws-us-gov ...: decides ARNs and where event history lives.
    """

    def __init__(self, port: int = 0, partition: str = "aws") -> None:
        super().__init__(partition)
        self._port = port
        self._server: _Server | None = None
        self._sessions: dict[tuple[str, str], boto3.Session] = {}

    def start(self) -> Self:
        """Listen, and answer in threads.

        Raises:
            OSError: the port is taken.
        """
        self._server = _Server(self, self._port)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="sandbox",
            daemon=True,
        ).start()
        return self

    def stop(self) -> None:
        """Stop listening and drop the open connections."""
        if self._server is not None:
            self._server.stop()
            self._server = self.address = None

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def environ(self, account_id: str, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """An environment for a subprocess that acts as the administrator of an account.

        Made from `base` (default: this process's), without what would lead a client elsewhere:
        other settings of AWS, and proxies.
        """
        kept = {
            name: value
            for name, value in (os.environ if base is None else base).items()
            if not name.startswith("AWS_") and not name.upper().endswith("_PROXY")
        }
        # No configuration files: theirs may name roles, endpoints or regions.
        files = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
        nowhere = dict.fromkeys(files, os.devnull)
        return kept | self.credentials(account_id) | nowhere | {"NO_PROXY": "127.0.0.1"}

    def session(self, account_id: str, region: str = "us-east-1") -> boto3.Session:
        """A boto3 session of the account's administrator; clients need `endpoint_url=`."""
        import boto3
        import botocore.session

        key_id = self.account(account_id).administrator.access_key_id
        if (key_id, region) not in self._sessions:
            inner = botocore.session.Session()
            inner.register_component("data_loader", _loader())
            self._sessions[key_id, region] = boto3.Session(
                key_id, secret_of(key_id), TOKEN, region, botocore_session=inner
            )
        return self._sessions[key_id, region]

    def client(
        self,
        service: str,
        account_id: str,
        region: str = "us-east-1",
        **options: Any,
    ) -> Any:
        """A boto3 client of the account's administrator, without retries unless asked for."""
        from botocore.config import Config

        options.setdefault(
            "config", Config(retries={"total_max_attempts": 1}, read_timeout=10, connect_timeout=5)
        )
        return self.session(account_id, region).client(service, endpoint_url=self.url, **options)


@functools.cache
def _loader() -> Any:
    """botocore's loader of service models: shared, since reading IAM's anew takes 60 ms."""
    from botocore.loaders import create_loader

    return create_loader()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.gateway = Gateway(sandbox)
        self.stopping = threading.Event()
        self.connections: set[socket.socket] = set()

    def stop(self) -> None:
        self.stopping.set()
        self.shutdown()
        self.server_close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):  # the client may be faster
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Clients that are killed or give up are part of the tests.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def date_time_string(self, timestamp: float | None = None) -> str:
        """`Date` goes by the clock of this AWS."""
        return super().date_time_string(timestamp or self.server.gateway.world.now().timestamp())

    def log_message(self, *_: Any) -> None:
        """Say nothing: the calls are in the sandbox's own log."""

    def _serve(self) -> None:
        request = read_request(self.command, self.path, dict(self.headers.items()), self._body())
        try:
            answer = self.server.gateway.answer(request)
        except Exception:
            # A fault of the sandbox or of a test's function: said here, and not a dead connection.
            log.exception("the sandbox could not answer %s %s", request.method, request.target)
            answer = error_answer(
                request,
                ApiError("InternalFailure", "The sandbox failed; its standard error says how."),
                "",
            )
        if isinstance(answer, Broken):
            self._break(answer)
        else:
            self._send(answer)

    def __getattr__(self, name: str) -> Any:
        # All methods are served alike.
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:  # the client is gone; half a request is none
                raise ConnectionAbortedError("the request ended early")
            return body
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return b"".join(chunks)

    def _send(self, answer: Answer) -> None:
        self._send_head(answer, "Content-Length", str(len(answer.body)))
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _send_head(self, answer: Answer, framing: str, value: str) -> None:
        self.send_response(answer.status)
        for header in answer.headers.items():
            self.send_header(*header)
        if "Content-Length" not in answer.headers and answer.status not in (204, 304):
            self.send_header(framing, value)
        self.end_headers()

    def _send_half(self, answer: Answer, hang_up: bool) -> None:
        """Half of the body, which a client notices only if its length is announced in chunks.

        botocore does not compare what it got with Content-Length.
        """
        length, start = len(answer.body), b""
        if hang_up:
            start = b"%x\r\n" % length
            self._send_head(answer, "Transfer-Encoding", "chunked")
        else:
            self._send_head(answer, "Content-Length", str(length))
        self.wfile.write(start + answer.body[: length // 2])

    def _break(self, broken: Broken) -> None:
        self.close_connection = True
        if broken.fault.kind in ("truncate", "hangup"):
            self._send_half(broken.answer, hang_up=broken.fault.kind == "hangup")
            return
        if broken.fault.kind == "timeout":
            self._hold(broken.fault.delay)
        # Linger for no time: the kernel sends RST instead of a polite end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.server.connections.discard(self.connection)
        socket.close(self.connection.detach())

    def _hold(self, seconds: float) -> None:
        """Say nothing for so long, or until the client or the sandbox goes away."""
        waited = 0.0
        while not self.server.stopping.is_set() and (not seconds or waited < seconds):
            readable, _, _ = select.select([self.connection], [], [], 0.05)
            if readable:
                return
            waited += 0.05
