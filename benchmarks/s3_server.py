# SPDX-License-Identifier: Apache-2.0
"""A bucket with years of c7n-org's output, which is computed when it is asked for.

It knows two calls, ListObjectsV2 and GetObject; each takes as long as one to S3 does.
"""

from __future__ import annotations

import gzip
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from urllib.request import urlopen

from benchmarks.aws import LATENCY
from benchmarks.report_scale import FIRST, NOW, POLICY, run_files

BUCKET, PREFIX = "output", "c7n"
FILES = ("custodian-run.log.gz", "metadata.json.gz", "resources.json.gz")
LAST = "\U0010ffff"  # no key has it
COUNT = "/requests"
PAGE = 1000


class Keys(Sequence[str]):
    """The keys of all objects, sorted; none of them is kept."""

    def __init__(self, accounts: int, days: int) -> None:
        self._days, self._length = days, accounts * days * len(FILES)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: Any) -> Any:
        """The key of one object; there are no slices."""
        run, file = divmod(index, len(FILES))
        account, day = divmod(run, self._days)
        began = NOW - timedelta(days=self._days - 1 - day)
        return (
            f"{PREFIX}/account-{account:05d}/us-east-1/{POLICY['name']}/"
            f"{began:%Y/%m/%d/%H}/{FILES[file]}"
        )


def listing(keys: Keys, asked: dict[str, str]) -> str:
    """A page of ListObjectsV2."""
    prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter", "")
    start = max(bisect_left(keys, prefix), bisect_right(keys, asked.get("start-after", "")))
    start = int(asked.get("continuation-token", start))
    end = bisect_left(keys, prefix + LAST)
    found = []
    while start < end and len(found) < int(asked.get("max-keys", PAGE)):
        key = keys[start]
        head, slash, _ = key[len(prefix) :].partition(delimiter or LAST)
        if slash:
            found.append(f"<CommonPrefixes><Prefix>{prefix}{head}/</Prefix></CommonPrefixes>")
            start = bisect_left(keys, f"{prefix}{head}/{LAST}")
        else:
            found.append(_content(key))
            start += 1
    more = f"<NextContinuationToken>{start}</NextContinuationToken>" if start < end else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<IsTruncated>{str(start < end).lower()}</IsTruncated>{more}{''.join(found)}"
        "</ListBucketResult>"
    )


def _content(key: str) -> str:
    return (
        f"<Contents><Key>{key}</Key><LastModified>{_began(key):%Y-%m-%dT%H:05:00.000Z}"
        "</LastModified><ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>1</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )


def content(key: str, keys_each: int) -> bytes:
    """An object."""
    account = FIRST + int(key.split("/")[1].removeprefix("account-"))
    text = run_files(str(account), keys_each, _began(key))[
        key.rpartition("/")[2].removesuffix(".gz")
    ]
    return gzip.compress(text.encode(), compresslevel=1)


def _began(key: str) -> datetime:
    year, month, day, hour = map(int, key.split("/")[-5:-1])
    return datetime(year, month, day, hour, tzinfo=NOW.tzinfo)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == COUNT:
            self._send(str(next(self.server.requests)).encode())
            return
        next(self.server.requests)
        began = time.monotonic()
        key = unquote(url.path).removeprefix(f"/{BUCKET}").removeprefix("/")
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        body = (
            content(key, self.server.keys_each)
            if key
            else listing(self.server.keys, asked).encode()
        )
        time.sleep(max(0.0, LATENCY - (time.monotonic() - began)))
        self._send(body)

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, accounts: int, days: int, keys_each: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.keys, self.keys_each, self.requests = Keys(accounts, days), keys_each, count()


def _serve(told: Connection, *sizes: int) -> None:
    server = _Server(*sizes)
    told.send(server.server_address[1])
    server.serve_forever()


class Bucket:
    """The bucket as its reader sees it."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self.source = f"s3://{BUCKET}/{PREFIX}"
        self.environ = {
            "AWS_ENDPOINT_URL": self._url,
            "AWS_ACCESS_KEY_ID": "AKIABENCHMARK0000000",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def requests(self) -> int:
        """How many there were so far."""
        with urlopen(self._url + COUNT) as answer:
            return int(answer.read())


@contextmanager
def bucket(accounts: int, days: int, keys_each: int) -> Iterator[Bucket]:
    """Serve it, in a process of its own."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, accounts, days, keys_each), daemon=True)
    process.start()
    try:
        yield Bucket(ours.recv())
    finally:
        process.terminate()
        process.join()
