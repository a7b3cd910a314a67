# SPDX-License-Identifier: Apache-2.0
"""What is listed of a tree in S3: as little as tells the same as all of it."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from itertools import groupby

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c7n_inactive_keys.report.read import s3_listing
from c7n_inactive_keys.report.read.output_trees import relevant, split_stamp
from c7n_inactive_keys.report.read.s3_trees import histories

A = "111111111111"
ROOT = "c7n"
DAYS = [datetime(2024, 2, 29), datetime(2025, 11, 30)]
DAYS += [datetime(2025, 12, 28) + timedelta(days=number) for number in range(8)]
NAMES = ["resources.json.gz", "metadata.json.gz", "custodian-run.log.gz", "inactive-keys.jsonl.gz"]
# Policies as Custodian and c7n-org lay them out, names that sort between, accounts like years.
BASES = [
    "", "one/us-east-1/p", "one/us-east-1/p-2", "one/us-east-1/q", "two/us-east-1/p", "p", "p-2",
    "2025/us-east-1/p", "2026/p", "2026/01/02/p", "2026/01/02/04/p", "p/2026a", "p/1", "ä/p",
]  # fmt: skip
OTHERS = ["p/9999/notes.txt", "one/us-east-1/p/2026/readme", "p/2026/99/99/99/x.txt", "notes.txt"]


@pytest.fixture(scope="module")
def bucket(aws):
    """A function that fills a bucket, empty before, with objects that were written then."""
    aws.account(A)
    client = aws.client("s3", A)
    client.create_bucket(Bucket="reports")
    from moto.s3.models import s3_backends

    backend = s3_backends[A]["aws"]

    def fill(objects):
        backend.get_bucket("reports").keys.clear()
        for key, written in objects.items():
            backend.put_object("reports", key, b"").last_modified = written
        aws.calls.clear()

    return fill


@contextmanager
def pages(aws, page, step, ranges):
    """S3 as this process's environment has it, with pages of so many keys."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environ(A).items():
            patch.setenv(name, value)
        patch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", str(page))
        patch.setattr(s3_listing, "STEP", step)
        patch.setattr(s3_listing, "RANGES", ranges)
        yield


@st.composite
def files(draw):
    """Some files of a directory, at times only such as no report reads."""
    return draw(st.lists(st.sampled_from([*NAMES, "foo.txt"]), min_size=1, unique=True))


@st.composite
def trees(draw):
    """Keys, and when they were written: soon after the hour in their names."""
    objects = {}
    bases = draw(st.lists(st.sampled_from(BASES), min_size=1, max_size=5, unique=True))
    for base in bases:
        hours = [day + timedelta(hours=hour) for day in DAYS for hour in (0, 4, 23)]
        # Where runs have years, nothing else is named like one: old years are not looked into.
        others_have_years = base == "" and any(other[:1] == "2" for other in bases)
        runs = draw(
            st.lists(st.sampled_from(hours), max_size=0 if others_have_years else 12, unique=True)
        )
        minutes = draw(st.integers(0, 600))
        for run in runs:
            for name in draw(files()):
                written = run.replace(tzinfo=timezone.utc) + timedelta(minutes=minutes)
                objects[f"{ROOT}/{base}/{run:%Y/%m/%d/%H}/{name}".replace("//", "/")] = written
        if not runs or draw(st.booleans()):
            for name in draw(files()):
                written = draw(st.sampled_from(DAYS)).replace(tzinfo=timezone.utc)
                objects[f"{ROOT}/{base}/{name}".replace("//", "/")] = written
    for other in draw(st.lists(st.sampled_from(OTHERS), max_size=2, unique=True)):
        objects[f"{ROOT}/{other}"] = DAYS[0].replace(tzinfo=timezone.utc)
    return objects


def told(directory):
    return directory.place, directory.path, directory.stamp, directory.files


def by_listing_all(objects, since):
    """The runs of each policy in each account, the latest first, or all since then."""
    found = {}
    for key in objects:
        directory, _, name = key.rpartition("/")
        if relevant([name]):
            found.setdefault(directory, []).append(name)
    runs = []
    for directory, names in sorted(found.items()):
        path, stamp = split_stamp(directory.removeprefix(ROOT).strip("/"))
        if since is None or max(objects[f"{directory}/{name}"] for name in names) >= since:
            runs.append((f"s3://reports/{directory}", path or ROOT, stamp, frozenset(names)))
    if since:
        return [[run] for run in runs]
    return [
        sorted(group, key=lambda run: run[2], reverse=True)
        for _, group in groupby(runs, lambda run: run[1])
    ]


@settings(
    max_examples=600,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    objects=trees(),
    since=st.none() | st.sampled_from(DAYS),
    page=st.integers(2, 9),
    step=st.integers(2, 9),
    ranges=st.integers(1, 4),
)
def test_it_finds_what_a_listing_of_all_objects_finds(
    aws, bucket, objects, since, page, step, ranges
):
    """In any tree, with any size of pages: latest runs, and the earlier ones behind them."""
    bucket(objects)
    since = since and since.replace(tzinfo=timezone.utc)
    with pages(aws, page, step, ranges):
        found = histories(f"s3://reports/{ROOT}", since, lambda items, _: items)
        runs = [[told(directory) for directory in history.directories] for history in found]
    assert runs == by_listing_all(objects, since)
