# SPDX-License-Identifier: Apache-2.0
"""The stack's bucket: what one task leaves there for the next, and for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

READERS = 16


class Bucket:
    """Objects by key; the client is shared by the threads that read."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._client: Any = boto3.client("s3", config=Config(max_pool_connections=READERS))

    def get(self, key: str) -> bytes:
        """The content of an object."""
        body: bytes = self._client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return body

    def get_if_there(self, key: str) -> bytes | None:
        """The content of an object, if there is one."""
        try:
            return self.get(key)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise

    def put(self, key: str, content: bytes) -> None:
        """Make or replace an object."""
        self._client.put_object(Bucket=self.name, Key=key, Body=content)

    def upload(self, key: str, path: Path) -> None:
        """Make an object of a file, in parts where it is large."""
        self._client.upload_file(str(path), self.name, key)

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin so."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix
        )
        return [item["Key"] for page in pages for item in page.get("Contents", ())]

    def get_all(self, keys: Iterable[str]) -> Iterator[bytes]:
        """The contents of objects, in their order, read side by side."""
        with ThreadPoolExecutor(READERS) as readers:
            yield from readers.map(self.get, keys)

    def download(self, keys: Iterable[str], directory: Path) -> list[Path]:
        """Files of the objects, side by side; their names are those of the keys."""
        directory.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(READERS) as readers:
            return list(readers.map(partial(self._download, directory), keys))

    def _download(self, directory: Path, key: str) -> Path:
        path = directory / key.replace("/", "-")
        path.write_bytes(self.get(key))
        return path
