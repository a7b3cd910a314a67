# SPDX-License-Identifier: Apache-2.0
"""Rows of a file behind Custodian's `value_from`, always read anew: deletions rest on them."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qsl, urlparse
from urllib.request import Request, urlopen

from botocore.exceptions import BotoCoreError, ClientError
from c7n.cache import NullCache
from c7n.resolver import URIResolver, ValuesFrom
from c7n.utils import jmespath_search

from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.core.times import as_utc
from c7n_inactive_keys.custodian.c7n_types import Manager
from c7n_inactive_keys.custodian.options import TEXT, TEXTS, Option, one_of

GZIP_MAGIC = b"\x1f\x8b"
# What reading, decoding and parsing a file can raise; URLError is an OSError.
READ_ERRORS = (
    *(ClientError, BotoCoreError, OSError, HTTPException, EOFError, ValueError, KeyError),
    *(zlib.error, csv.Error),
)

OPTIONS = {
    "url": Option("the url of a file", TEXT, required=True),
    "format": one_of(*ValuesFrom.supported_formats),
    "expr": Option("a JMESPath expression that finds the records", TEXT),
    "headers": Option("a mapping of HTTP headers", TEXTS),
}


def format_problem(option: str, data: JsonObject) -> str | None:
    """Why it is not known how the file that an option names is to be read, if so."""
    ending = PurePosixPath(data["url"]).suffix[1:]
    if data.get("format") or ending in ValuesFrom.supported_formats:
        return None
    formats = ", ".join(ValuesFrom.supported_formats)
    return f"{option} needs format: {formats}, which the url does not tell, not {data['url']!r}"


class _FileResolver(URIResolver):  # type: ignore[misc]  # c7n has no type hints
    """Fetches a file whole, finds out how old it is, and unpacks gzip by its bytes.

    Custodian's own reads the first member of a gzip file only, and takes what follows `file://` for
    a host, unless the path is absolute.
    """

    modified: datetime | None = None  # when the file that was fetched last was written
    sha256: str = ""  # of that file, as it is stored

    def resolve(self, uri: str, headers: dict[str, str]) -> str:
        scheme = urlparse(uri).scheme
        if scheme == "s3":
            body = self._from_s3(uri)
        elif scheme in ("http", "https", "file"):
            body = self._from_url(uri, headers)
        else:  # of a provider that registered it with Custodian
            contents: str = super().resolve(uri, headers)
            self.sha256 = hashlib.sha256(contents.encode()).hexdigest()
            return contents
        self.sha256 = hashlib.sha256(body).hexdigest()
        while body.startswith(GZIP_MAGIC):
            body = gzip.decompress(body)
        return body.decode("utf-8-sig")  # spreadsheets write a byte order mark

    def _from_s3(self, uri: str) -> bytes:
        parsed = urlparse(uri)
        query = dict(parse_qsl(parsed.query))
        client = self.session_factory().client("s3", region_name=query.pop("region", None))
        answer = client.get_object(Bucket=parsed.netloc, Key=parsed.path[1:], **query)
        self.modified = answer["LastModified"]
        body: bytes = answer["Body"].read()
        return body

    def _from_url(self, uri: str, headers: dict[str, str]) -> bytes:
        path = uri.removeprefix("file://")
        if path != uri and not path.startswith(("/", "localhost/")):
            uri = Path(path).resolve().as_uri()
        # Only the schemes above come here.
        request = Request(uri, headers={**headers, "Accept-Encoding": "gzip"})  # noqa: S310
        with closing(urlopen(request)) as answer:  # noqa: S310
            stamp = answer.info().get("Last-Modified")  # urllib gives files one, too
            self.modified = as_utc(parsedate_to_datetime(stamp)) if stamp else None
            body: bytes = answer.read()
        return body


class Rows(ValuesFrom):  # type: ignore[misc]  # c7n has no type hints
    """`value_from` for records: mappings instead of a set of values, and never from the cache."""

    def __init__(self, data: JsonObject, manager: Manager) -> None:
        super().__init__(data, manager)
        self.cache = NullCache(None)
        self.resolver = _FileResolver(manager.session_factory, self.cache)
        self.columns: list[str] | None = None  # the header of a file that was read and has one
        self.held_records = False  # whether there was any before `expr`
        self.may_be_empty = False  # it says itself that it holds nothing

    @property
    def modified(self) -> datetime | None:
        """When the file that was read was written, if its place tells."""
        modified: datetime | None = self.resolver.modified
        return modified

    @property
    def sha256(self) -> str:
        """The digest of the file that was read, as `sha256sum` prints it."""
        digest: str = self.resolver.sha256
        return digest

    def read(self) -> list[Any]:
        """The file's records: mappings for csv and csv2dict, what it holds for json and txt.

        Raises:
            READ_ERRORS: the file cannot be fetched, decoded or parsed, or holds no list.
        """
        data = self.parsed()
        if "expr" not in self.data and isinstance(data, dict):
            data = data.get("Records")  # a CloudTrail log file
        if not isinstance(data, list):
            # A ValueError like all that READ_ERRORS names: the file is at fault, not the caller.
            raise ValueError("it holds no list of records")  # noqa: TRY004
        return data

    def parsed(self) -> Any:
        """What the file holds, of whatever form.

        Raises:
            READ_ERRORS: the file cannot be fetched, decoded or parsed.
        """
        contents, format_name = self.get_contents()
        if format_name == "txt":
            return [line.strip() for line in contents.splitlines() if line.strip()]
        data = json.loads(contents) if format_name == "json" else self._csv(contents)
        self.may_be_empty = format_name == "json" and "expr" not in self.data
        if "expr" in self.data:
            self.columns = None
            self.held_records = _holds_records(data)
            data = jmespath_search(self.data["expr"], data)
        return data

    def _csv(self, contents: str) -> Any:
        reader = csv.DictReader(io.StringIO(contents), strict=True)
        rows = list(reader)
        for row in rows:
            if None in row or None in row.values():
                raise ValueError(f"line {reader.line_num} has not as many fields as the header")
        self.columns = list(reader.fieldnames or ())
        return rows


def _holds_records(data: object) -> bool:
    if isinstance(data, Mapping):
        return any(_holds_records(value) for value in data.values())
    return isinstance(data, list) and bool(data)


def read_text(data: JsonObject, manager: Manager) -> str:
    """The text of the file that an option names.

    Raises:
        READ_ERRORS: the file cannot be fetched or decoded.
    """
    text, _ = Rows({**data, "format": "txt"}, manager).get_contents()
    return str(text)
