# SPDX-License-Identifier: Apache-2.0
"""Output trees and reports in S3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from c7n_inactive_keys.report.read.output_trees import (
    PolicyDirectory,
    TornFileError,
    TreeError,
    relevant,
    split_stamp,
)

ERRORS = (BotoCoreError, ClientError)


def directories(source: str, since: datetime | None) -> Iterator[PolicyDirectory]:
    """The policy directories under `s3://bucket/prefix` with a file that was written since then.

    Raises:
        TreeError: it cannot be listed.
    """
    url = urlsplit(source)
    bucket, prefix = url.netloc, url.path.strip("/")
    try:
        client = boto3.client("s3")
        found = _list_objects(client, bucket, prefix)
    except ERRORS as error:
        raise TreeError(f"{source} cannot be read: {error}") from error
    for directory, objects in sorted(found.items()):
        if since and max(objects.values()) < since:
            continue
        path, stamp = split_stamp(directory.removeprefix(prefix).strip("/"))
        yield PolicyDirectory(
            source,
            f"s3://{bucket}/{directory}",
            path or prefix.rpartition("/")[2],
            stamp,
            frozenset(objects),
            _reader(client, bucket, directory),
            partial(max, objects.values()),
        )


def read_file(source: str) -> str:
    """The text of `s3://bucket/key`.

    Raises:
        TreeError: it cannot be read.
    """
    url = urlsplit(source)
    try:
        return _read(boto3.client("s3"), url.netloc, url.path[1:]).decode("utf-8")
    except (*ERRORS, UnicodeDecodeError) as error:
        raise TreeError(f"{source} cannot be read: {error}") from error


def _reader(client: Any, bucket: str, directory: str) -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        try:
            return _read(client, bucket, f"{directory}/{name}")
        except ERRORS as error:
            raise TornFileError(f"{name} cannot be read: {error}") from error

    return read


def _read(client: Any, bucket: str, key: str) -> bytes:
    body: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def _list_objects(client: Any, bucket: str, prefix: str) -> dict[str, dict[str, datetime]]:
    """Names of the relevant objects, and when they were written, by directory."""
    found: dict[str, dict[str, datetime]] = {}
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=f"{prefix}/" if prefix else ""
    )
    for page in pages:
        for item in page.get("Contents", ()):
            directory, _, name = item["Key"].rpartition("/")
            if relevant([name]):
                found.setdefault(directory, {})[name] = item["LastModified"]
    return found
