# SPDX-License-Identifier: Apache-2.0
"""Output trees of Custodian: directories that hold a policy's files, on disk or in S3."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from c7n_inactive_keys.errors import InactiveKeysError
from c7n_inactive_keys.journal import is_journal

RESOURCES = "resources.json"
METADATA = "metadata.json"
RUN_LOG = "custodian-run.log"
FILES = (RESOURCES, METADATA, RUN_LOG)
# Custodian appends the hour to the key prefix of S3 outputs.
STAMP = re.compile(r"(?:^|/)(\d{4}/\d{2}/\d{2}/\d{2})$")


class TreeError(InactiveKeysError):
    """An output tree cannot be read at all."""


class TornFileError(InactiveKeysError):
    """One file of an output tree is damaged."""


@dataclass(frozen=True)
class PolicyDirectory:
    """A directory with a policy's files; `path` is relative to the tree and without the stamp."""

    source: str
    place: str
    path: str
    stamp: str
    files: frozenset[str]
    read_bytes: Callable[[str], bytes]
    modified: Callable[[], datetime]  # when the last of the files was written

    def read(self, name: str) -> str | None:
        """The text of a file, unpacked if need be; None if there is none of that name.

        Raises:
            TornFileError: it is there, but damaged.
        """
        try:
            if name in self.files:
                return self.read_bytes(name).decode("utf-8")
            if f"{name}.gz" in self.files:
                return gzip.decompress(self.read_bytes(f"{name}.gz")).decode("utf-8")
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            raise TornFileError(f"{self.place}/{name} cannot be read: {error}") from error
        return None

    def journals(self) -> list[str]:
        """Names of the journal's files, sorted."""
        return sorted(filter(is_journal, {name.removesuffix(".gz") for name in self.files}))


def policy_directories(source: str) -> Iterator[PolicyDirectory]:
    """All policy directories of a local tree or an `s3://bucket/prefix`.

    Raises:
        TreeError: there is no such tree, or it may not be read.
    """
    if source.startswith("s3://"):
        return _s3_directories(source)
    return _local_directories(source.removeprefix("file://"))


def _relevant(names: list[str]) -> frozenset[str]:
    return frozenset(
        name for name in names if (bare := name.removesuffix(".gz")) in FILES or is_journal(bare)
    )


def _split_stamp(path: str) -> tuple[str, str]:
    found = STAMP.search(path)
    return (path[: found.start()], found.group(1)) if found else (path, "")


def _local_directories(source: str) -> Iterator[PolicyDirectory]:
    root = Path(source)
    if not root.is_dir():
        raise TreeError(f"there is no directory {source}")

    def denied(error: OSError) -> None:
        raise TreeError(f"{error.filename} cannot be read: {error.strerror}") from error

    for place, children, names in os.walk(root, onerror=denied):
        children.sort()
        files = _relevant(names)
        if files:
            directory = Path(place)
            relative = "" if directory == root else directory.relative_to(root).as_posix()
            path, stamp = _split_stamp(relative)
            yield PolicyDirectory(
                source,
                place,
                path or root.resolve().name,
                stamp,
                files,
                partial(_read_local, directory),
                partial(_modified, directory, files),
            )


def _read_local(directory: Path, name: str) -> bytes:
    return (directory / name).read_bytes()


def _modified(directory: Path, files: frozenset[str]) -> datetime:
    newest = max((directory / name).stat().st_mtime for name in files)
    return datetime.fromtimestamp(newest, timezone.utc)


def _s3_directories(source: str) -> Iterator[PolicyDirectory]:
    # Imported here: a report over local trees should not pay for boto3.
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    url = urlsplit(source)
    bucket, prefix = url.netloc, url.path.strip("/")
    try:
        client = boto3.client("s3")
        directories = _list_objects(client, bucket, prefix)
    except (BotoCoreError, ClientError) as error:
        raise TreeError(f"{source} cannot be read: {error}") from error

    def reader(directory: str) -> Callable[[str], bytes]:
        def read(name: str) -> bytes:
            try:
                body: bytes = client.get_object(Bucket=bucket, Key=f"{directory}/{name}")[
                    "Body"
                ].read()
            except (BotoCoreError, ClientError) as error:
                raise TornFileError(
                    f"s3://{bucket}/{directory}/{name} cannot be read: {error}"
                ) from error
            return body

        return read

    for directory, objects in sorted(directories.items()):
        path, stamp = _split_stamp(directory.removeprefix(prefix).strip("/"))
        yield PolicyDirectory(
            source,
            f"s3://{bucket}/{directory}",
            path or prefix.rpartition("/")[2],
            stamp,
            frozenset(objects),
            reader(directory),
            partial(max, objects.values()),
        )


def _list_objects(client: Any, bucket: str, prefix: str) -> dict[str, dict[str, datetime]]:
    """Names of the relevant objects, and when they were written, by directory."""
    directories: dict[str, dict[str, datetime]] = {}
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=f"{prefix}/" if prefix else ""
    )
    for page in pages:
        for item in page.get("Contents", ()):
            directory, _, name = item["Key"].rpartition("/")
            if _relevant([name]):
                directories.setdefault(directory, {})[name] = item["LastModified"]
    return directories
