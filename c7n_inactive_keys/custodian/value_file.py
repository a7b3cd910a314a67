# SPDX-License-Identifier: Apache-2.0
"""Rows of a file behind Custodian's `value_from`, always read anew: deletions rest on them."""

from __future__ import annotations

import csv
import io
import json
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from c7n.cache import NullCache
from c7n.resolver import ZIP_OR_GZIP_HEADER_DETECT, URIResolver, ValuesFrom
from c7n.utils import jmespath_search

from c7n_inactive_keys.custodian.options import Option, is_mapping, is_text, one_of

GZIP_MAGIC = b"\x1f\x8b"
# What reading, decoding and parsing a file can raise; URLError is an OSError.
READ_ERRORS = (ClientError, BotoCoreError, OSError, ValueError, KeyError, zlib.error, csv.Error)

OPTIONS = {
    "url": Option("the url of a file", is_text, required=True),
    "format": one_of(*ValuesFrom.supported_formats),
    "expr": Option("a JMESPath expression that finds the records", is_text),
    "headers": Option("a mapping of HTTP headers", is_mapping),
}


def format_problem(option: str, data: dict[str, Any]) -> str | None:
    """Why it is not known how the file that an option names is to be read, if so."""
    ending = PurePosixPath(data["url"]).suffix[1:]
    if data.get("format") or ending in ValuesFrom.supported_formats:
        return None
    formats = ", ".join(ValuesFrom.supported_formats)
    return f"{option} needs format: {formats}, which the url does not tell, not {data['url']!r}"


class _FileResolver(URIResolver):  # type: ignore[misc]  # c7n has no type hints
    """Finds `file://plan.csv` beside the working directory, and reads gzip unannounced.

    Custodian takes what follows `file://` for a host, unless the path is absolute.
    """

    def resolve(self, uri: str, headers: dict[str, str]) -> str:
        path = uri.removeprefix("file://")
        if path != uri and not path.startswith(("/", "localhost/")):
            uri = Path(path).resolve().as_uri()
        contents: str = super().resolve(uri, headers)
        return contents

    def handle_response_encoding(self, response: Any) -> str:
        body: bytes = response.read()
        if body.startswith(GZIP_MAGIC):
            body = zlib.decompress(body, ZIP_OR_GZIP_HEADER_DETECT)
        return body.decode("utf-8-sig")  # spreadsheets write a byte order mark


class Rows(ValuesFrom):  # type: ignore[misc]  # c7n has no type hints
    """`value_from` for records: mappings instead of a set of values, and never from the cache."""

    def __init__(self, data: dict[str, Any], manager: Any) -> None:
        super().__init__(data, manager)
        self.cache = NullCache(None)
        self.resolver = _FileResolver(manager.session_factory, self.cache)
        self.columns: list[str] | None = None  # the header of a file that was read and has one

    def read(self) -> list[Any]:
        """The file's records: mappings for csv and csv2dict, what it holds for json and txt.

        Raises:
            READ_ERRORS: the file cannot be had, decoded or parsed.
        """
        contents, format_name = self.get_contents()
        if format_name == "txt":
            return [line.strip() for line in contents.splitlines() if line.strip()]
        data = json.loads(contents) if format_name == "json" else self._csv(contents)
        if "expr" in self.data:
            self.columns = None
            data = jmespath_search(self.data["expr"], data)
        elif isinstance(data, dict) and isinstance(data.get("Records"), list):
            data = data["Records"]  # a CloudTrail log file
        if not isinstance(data, list):
            # A ValueError like all that READ_ERRORS names: the file is at fault, not the caller.
            raise ValueError("it holds no list of records")  # noqa: TRY004
        return data

    def _csv(self, contents: str) -> Any:
        reader = csv.DictReader(io.StringIO(contents), strict=True)
        rows = list(reader)
        for row in rows:
            if None in row or None in row.values():
                raise ValueError(f"line {reader.line_num} has not as many fields as the header")
        self.columns = list(reader.fieldnames or ())
        return rows
