# SPDX-License-Identifier: Apache-2.0
"""Output trees and reports in S3."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from c7n_inactive_keys.report.progress import Progress
from c7n_inactive_keys.report.read.output_trees import (
    History,
    PolicyDirectory,
    TornFileError,
    TreeError,
    split_stamp,
)
from c7n_inactive_keys.report.read.s3_listing import Directory, Listing, Page, Query, UnsortedError
from c7n_inactive_keys.report.read.side_by_side import READERS

ERRORS = (BotoCoreError, ClientError, UnsortedError)


def histories(source: str, since: datetime | None, progress: Progress) -> Iterator[History]:
    """Each policy's runs under `s3://bucket/prefix`, or each run with files written since then.

    Raises:
        TreeError: it cannot be listed.
    """
    try:
        tree = _Tree(source, since)
        for _ in progress(tree.listing.pages(), f"listing {source}"):
            pass
    except ERRORS as error:
        raise TreeError(f"{source} cannot be read: {error}") from error
    found = tree.listing.directories()
    if since:
        return (History([tree.directory(item)]) for item in found)
    return (tree.history(list(group)) for _, group in groupby(found, tree.path))


def read_file(source: str) -> str:
    """The text of `s3://bucket/key`.

    Raises:
        TreeError: it cannot be read.
    """
    url = urlsplit(source)
    try:
        return _read(_client(), url.netloc, url.path[1:]).decode("utf-8")
    except (*ERRORS, UnicodeDecodeError) as error:
        raise TreeError(f"{source} cannot be read: {error}") from error


class _Tree:
    """What is under a prefix."""

    def __init__(self, source: str, since: datetime | None) -> None:
        url = urlsplit(source)
        self._source, self._bucket, prefix = source, url.netloc, url.path.strip("/")
        self._name = prefix.rpartition("/")[2]
        self._root = f"{prefix}/" if prefix else ""
        self._client = _client()
        self.listing = Listing(self._page, self._root, since)

    def path(self, found: Directory) -> str:
        """Where it is in the tree, without the hour of the run."""
        path, _ = split_stamp(found.prefix[len(self._root) :].strip("/"))
        return path or self._name

    def directory(self, found: Directory) -> PolicyDirectory:
        """It as all trees have it."""
        return PolicyDirectory(
            self._source,
            f"s3://{self._bucket}/{found.prefix.removesuffix('/')}",
            self.path(found),
            found.place.stamp,
            frozenset(found.written),
            partial(self._file, found.prefix),
            partial(attrgetter("modified"), found),
        )

    def history(self, runs: list[Directory]) -> History:
        """Those of one policy in one account, with its earlier ones to be listed if need be."""
        has_earlier = len(runs) > 1 or any(run.has_earlier for run in runs)
        return History(map(self.directory, self._newest_first(runs)), has_earlier)

    def _newest_first(self, runs: list[Directory]) -> Iterator[Directory]:
        for run in sorted(runs, key=attrgetter("place.stamp"), reverse=True):
            yield run
            if run.has_earlier:
                yield from self._older(run)

    def _older(self, run: Directory) -> Iterable[Directory]:
        try:
            return self.listing.older(run)
        except ERRORS as error:
            raise TreeError(f"{self._source} cannot be read: {error}") from error

    def _page(self, query: Query) -> Page:
        given = {
            "StartAfter": query.after,
            "MaxKeys": query.size,
            "Delimiter": query.delimiter,
            "ContinuationToken": query.token,
        }
        answer = self._client.list_objects_v2(
            Bucket=self._bucket,
            Prefix=query.prefix,
            **{name: value for name, value in given.items() if value},
        )
        return Page(
            [(item["Key"], item["LastModified"]) for item in answer.get("Contents", ())],
            [item["Prefix"] for item in answer.get("CommonPrefixes", ())],
            answer.get("NextContinuationToken", ""),
        )

    def _file(self, prefix: str, name: str) -> bytes:
        try:
            return _read(self._client, self._bucket, f"{prefix}{name}")
        except ERRORS as error:
            raise TornFileError(f"{name} cannot be read: {error}") from error


def _client() -> Any:
    """A client that leaves times as text: of a thousand in a page few are needed."""
    session = Session()
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=str)
    return session.create_client("s3", config=Config(max_pool_connections=READERS))


def _read(client: Any, bucket: str, key: str) -> bytes:
    body: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    return body
