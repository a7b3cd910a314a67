# SPDX-License-Identifier: Apache-2.0
"""The server: start and stop, odd clients, and what its clients' environment holds."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit

import pytest

from c7n_inactive_keys_sandbox import Sandbox


def exchange(sandbox, head, body=b""):
    """What the sandbox sends to a client that says this and closes its side."""
    place = urlsplit(sandbox.url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        connection.sendall("\r\n".join([*head, "Host: x", "", ""]).encode() + body)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_body_may_come_in_chunks(sandbox):
    """As clients send it that do not know its length at the start."""
    answer = exchange(
        sandbox,
        ["PUT /sandbox/settings HTTP/1.1", "Connection: close", "Transfer-Encoding: chunked"],
        b'9\r\n{"latency\r\n8\r\n": 0.25}\r\n0\r\nTrailer: x\r\n\r\n',
    )
    assert b" 200 " in answer.split(b"\r\n")[0]
    assert sandbox.latency == 0.25


def test_half_a_request_is_none(sandbox, account):
    """A client that is killed while it sends has asked for nothing."""
    key = account.user("alice").key()
    body = f"Action=DeleteAccessKey&UserName=alice&AccessKeyId={key.id}".encode()
    credential = f"{account.administrator.access_key_id}/20260101/us-east-1/iam/aws4_request"
    head = [
        "POST / HTTP/1.1",
        f"Authorization: AWS4-HMAC-SHA256 Credential={credential}",
        "Content-Type: application/x-www-form-urlencoded",
    ]
    assert exchange(sandbox, [*head, f"Content-Length: {len(body) + 20}"], body) == b""
    assert (account.keys, len(sandbox.calls)) == ([key], 0)
    assert b" 200 " in exchange(sandbox, [*head, f"Content-Length: {len(body)}"], body)
    assert (account.keys, len(sandbox.calls)) == ([], 1)


def test_a_sandbox_that_is_not_running_has_no_address():
    """The mistake is told before a client looks for AWS elsewhere; stopping twice is none."""
    sandbox = Sandbox()
    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.url
    with sandbox:
        assert sandbox.url.startswith("http://127.0.0.1:")
    sandbox.stop()
    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.url


def test_accounts_have_twelve_digits(sandbox):
    """Anything else would be refused by AWS much later."""
    with pytest.raises(ValueError, match="twelve digits"):
        sandbox.account("payments")


def test_the_environment_leads_nowhere_else(sandbox, account, monkeypatch):
    """Profiles, proxies and other endpoints of the machine do not reach a subprocess."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", "https://iam.amazonaws.com")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    environ = sandbox.environ(account.id)
    assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL_IAM", "HTTPS_PROXY"} & set(environ)
    assert environ["AWS_ENDPOINT_URL"] == sandbox.url
    assert environ["PATH"] == os.environ["PATH"]
