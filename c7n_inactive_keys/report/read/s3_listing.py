# SPDX-License-Identifier: Apache-2.0
"""Lists of a tree in S3 what a report needs: a policy's old runs are passed over unlisted.

S3 lists keys in their order, and from any key on. So ranges of the tree are listed side by side;
where a page ends among old runs of a policy, the next one begins at its recent runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timezone
from functools import partial
from itertools import groupby, pairwise
from typing import NamedTuple

from c7n_inactive_keys.core.errors import InactiveKeysError
from c7n_inactive_keys.core.times import parse_time
from c7n_inactive_keys.report.read.output_trees import relevant, split_stamp
from c7n_inactive_keys.report.read.side_by_side import READERS, conversations

RANGES = 2 * READERS
STEP = 50  # keys: the recent runs of one policy, and the first runs of the next
MARGIN = 2  # days: for clocks, and for policies that did not run on the same day
YEAR, PART = re.compile(r"\d{4}/"), re.compile(r"\d{2}/")
DAY = len("YYYY/MM/DD")
EVER = datetime.min.replace(tzinfo=timezone.utc)


class UnsortedError(InactiveKeysError):
    """Keys do not come in their order, from the one on that was asked for."""


class Query(NamedTuple):
    """A request for a page of keys, or of directories."""

    prefix: str
    after: str = ""
    size: int = 0  # 0: as many as S3 gives at once, a thousand
    delimiter: str = ""
    token: str = ""


class Page(NamedTuple):
    """Keys and when they were written, directories, and the token of the next page, if any."""

    objects: list[tuple[str, str]]
    directories: list[str]
    token: str


Pages = Generator[Query, Page, None]


class Place(NamedTuple):
    """A directory without the hour of a run, and that hour."""

    base: str
    stamp: str


@dataclass(slots=True)
class Directory:
    """One with files that a report reads, and when each was written."""

    prefix: str  # ends in a slash, unless it is the bucket itself
    place: Place
    written: dict[str, str]
    has_earlier: bool = False  # there are earlier runs of the same policy

    @property
    def modified(self) -> datetime:
        """When the last of the files was written."""
        return parse_time(max(self.written.values()))


class Listing:
    """The directories below a prefix: of a policy's runs the latest, or all `since` then."""

    def __init__(
        self, read: Callable[[Query], Page], root: str, since: datetime | None = None
    ) -> None:
        self._read = partial(_page_in_order, read)
        self._root, self._since = root, since
        # Earlier days are passed over; without `since` it follows from the runs that were found.
        self._floor = _margin_before(since.date()) if since else ""
        self._found: dict[tuple[str, bool], Directory] = {}

    def pages(self) -> Iterator[None]:
        """List; once for each page, so that one may count.

        Raises:
            UnsortedError: keys may be missing.
        """
        first = self._read(Query(self._root))
        yield
        if not first.token:
            self._record(first.objects)
            return
        starts = yield from self._cuts()
        scans = (self._scan(start, end) for start, end in pairwise(["", *starts, ""]))
        yield from conversations(scans, self._read)

    def directories(self) -> list[Directory]:
        """What was found, sorted."""
        found = sorted(self._found.values(), key=lambda item: item.prefix.removesuffix("/"))
        return [item for item in found if not self._since or item.modified >= self._since]

    def older(self, latest: Directory) -> list[Directory]:
        """All earlier runs of the same policy, the latest first; lists them."""
        whole = Listing(self._read, self._root, EVER)
        for _ in conversations([whole._all(latest.place.base)], self._read):
            pass
        runs = sorted(whole._found.values(), key=lambda item: item.place.stamp, reverse=True)
        return [
            item
            for item in runs
            if item.place.base == latest.place.base and "" < item.place.stamp < latest.place.stamp
        ]

    # -- which pages ----------------------------------------------------------------------------

    def _cuts(self) -> Generator[None, None, list[str]]:
        """Where ranges of about the same size begin, after the first; never in a year of runs."""
        level, below = [""], [self._root]
        while below and len(below) < RANGES:
            level, below = below, []
            yield from conversations([self._below(item, below) for item in level], self._read)
            below = [item for item in below if not YEAR.fullmatch(item[item[:-1].rfind("/") + 1 :])]
        cuts = sorted(below or level)
        step = -(-len(cuts) // RANGES)
        return cuts[step::step]

    def _scan(self, start: str, end: str) -> Pages:
        """All keys from one on to another (empty: the last), but for old runs."""
        query, base, day = Query(self._root, start), "", ""
        while True:
            page = yield query
            self._record(page.objects)
            if base and not self._since and not self._has_run(base, day):
                yield from self._search(base)
            last = page.objects[-1][0] if page.objects else ""
            if not page.token or (end and last >= end):
                return
            base, day = self._passing(page.objects), self._floor
            if base and not day:
                yield from self._search(base)
            after = max(last, f"{base}{self._floor}") if base else last
            query = Query(self._root, after, STEP if base else 0)

    def _search(self, base: str) -> Pages:
        """The latest run of a policy that has none of late: by year, month and day."""
        prefix = base
        for part in (YEAR, PART, PART):
            below: list[str] = []
            yield from self._below(prefix, below)
            prefix = max((item for item in below if part.fullmatch(item, len(prefix))), default="")
            if not prefix:
                break
        if prefix:
            yield from self._all(prefix)
        if not (prefix and self._has_run(base, prefix[len(base) :][:DAY])):
            yield from self._all(base)  # what is there by these names is no run

    def _below(self, prefix: str, into: list[str]) -> Pages:
        """Add the directories directly below a prefix."""
        page = yield Query(prefix, delimiter="/")
        into.extend(page.directories)
        while page.token:
            page = yield Query(prefix, delimiter="/", token=page.token)
            into.extend(page.directories)

    def _all(self, prefix: str) -> Pages:
        """All keys below a prefix."""
        page = yield Query(prefix)
        self._record(page.objects)
        while page.token:
            page = yield Query(prefix, token=page.token)
            self._record(page.objects)

    # -- what is on them ------------------------------------------------------------------------

    def _record(self, objects: Iterable[tuple[str, str]]) -> None:
        for prefix, group in groupby(objects, key=lambda item: _directory(item[0])):
            written = {key[len(prefix) :]: time for key, time in group}
            files = {name: written[name] for name in relevant(written)}
            if files:
                self._keep(Directory(prefix, self._place(prefix), files))

    def _keep(self, seen: Directory) -> None:
        """Note a directory, or more files of it; without `since` only the latest of a policy."""
        stamp = seen.place.stamp
        if self._since and stamp and stamp[:DAY] < self._floor:
            return
        name = (seen.prefix, True) if self._since else (seen.place.base, bool(stamp))
        known = self._found.setdefault(name, seen)
        if known.prefix == seen.prefix:
            known.written.update(seen.written)
            return
        latest = seen if stamp > known.place.stamp else known
        latest.has_earlier = True
        self._found[name] = latest

    def _has_run(self, base: str, day: str) -> bool:
        """Whether a policy whose old runs were passed over has one on this day or later."""
        latest = self._found.get((base, True))
        if latest is None or latest.place.stamp[:DAY] < day:
            return False
        latest.has_earlier = True
        self._floor = max(self._floor, _floor_below(latest.place.stamp))
        return True

    def _passing(self, objects: list[tuple[str, str]]) -> str:
        """The policy among whose old runs the page ends; empty if there is anything else."""
        base, stamp = self._place(_directory(objects[-1][0]))
        if not stamp:
            return ""
        among = [
            self._place(_directory(key))
            for key, _ in objects
            if key.startswith(base) and YEAR.match(key, len(base))
        ]
        if any(place.base != base or not place.stamp for place in among):
            return ""
        is_old = stamp[:DAY] < self._floor if self._floor else among[0].stamp < stamp
        return base if is_old else ""

    def _place(self, prefix: str) -> Place:
        _, stamp = split_stamp(prefix[len(self._root) :].strip("/"))
        return Place(prefix.rstrip("/")[: -len(stamp)], stamp) if stamp else Place(prefix, "")


def _page_in_order(read: Callable[[Query], Page], query: Query) -> Page:
    """A page; refuses one that may hide keys, as of S3's directory buckets, which do not sort."""
    page = read(query)
    keys = [key for key, _ in page.objects]
    if any(key >= later for key, later in pairwise([query.after, *keys])):
        raise UnsortedError("its keys are not listed in their order")
    return page


def _directory(key: str) -> str:
    return key[: key.rfind("/") + 1]


def _margin_before(day: date) -> str:
    return date.fromordinal(max(1, day.toordinal() - MARGIN)).isoformat().replace("-", "/")


def _floor_below(stamp: str) -> str:
    """The day up to which runs are old, by the latest one of some policy; empty if it has none."""
    try:
        return _margin_before(date.fromisoformat(stamp[:DAY].replace("/", "-")))
    except ValueError:
        return ""
