# SPDX-License-Identifier: Apache-2.0
"""What is listed of a tree in S3: as little as tells the same as all of it."""

from __future__ import annotations

import json
import re
import sys
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from itertools import count, groupby
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c7n_inactive_keys.cli import main
from c7n_inactive_keys.report import progress
from c7n_inactive_keys.report.read import s3_listing
from c7n_inactive_keys.report.read.collect import collect
from c7n_inactive_keys.report.read.output_trees import relevant, split_stamp
from c7n_inactive_keys.report.read.s3_listing import Listing, Page, UnsortedError
from c7n_inactive_keys.report.read.s3_trees import histories
from c7n_inactive_keys_sandbox.faults import Fault

from .output_tree import REPORT, days_ago, key, user

A, B = "111111111111", "222222222222"
ROOT = "c7n"
DAYS = [datetime(2025, 12, 28, tzinfo=timezone.utc) + timedelta(days=day) for day in range(8)]
DAYS += [datetime(2024, 2, 29, tzinfo=timezone.utc), datetime(2025, 11, 30, tzinfo=timezone.utc)]
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

    def fill(objects, contents=None):
        backend.get_bucket("reports").keys.clear()
        for name, written in objects.items():
            content = (contents or {}).get(name, b"")
            backend.put_object("reports", name, content).last_modified = written
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
                written = run + timedelta(minutes=minutes)
                objects[f"{ROOT}/{base}/{run:%Y/%m/%d/%H}/{name}".replace("//", "/")] = written
        if not runs or draw(st.booleans()):
            for name in draw(files()):
                written = draw(st.sampled_from(DAYS))
                objects[f"{ROOT}/{base}/{name}".replace("//", "/")] = written
    for other in draw(st.lists(st.sampled_from(OTHERS), max_size=2, unique=True)):
        objects[f"{ROOT}/{other}"] = DAYS[0]
    return objects


def told(directory):
    return directory.place, directory.path, directory.stamp, directory.files


def by_listing_all(objects, since):
    """The runs of each policy in each account, the latest first, or all since then."""
    found = {}
    for place in objects:
        directory, _, name = place.rpartition("/")
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
    max_examples=20,
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
    with pages(aws, page, step, ranges):
        assert listed(since) == by_listing_all(objects, since)


def listed(since=None):
    """Each policy's directories in the bucket, as the report gets them."""
    found = histories(f"s3://reports/{ROOT}", since, lambda items, _: items)
    return [[told(directory) for directory in history.directories] for history in found]


def days(*named, base="p"):
    """Objects of a policy, by day and file."""
    return {f"{ROOT}/{base}/{place}": DAYS[0] for place in named}


RUNS = [f"2025/{month:02d}/01/04/resources.json" for month in range(1, 9)]
RUN_OF = [f"{DAYS[0]:%Y/%m/%d}/{hour}/resources.json" for hour in ("04", "12")]
RESTING = [
    f"{day}/04/resources.json"
    for day in ("2023/01/01", "2023/01/02", "2023/12/31", "2024/01/31", "2024/02/01", "2024/02/03")
]


@pytest.mark.parametrize(
    "objects",
    [
        days("2024/01/01/04/foo.txt", *RUNS[::-1], "2024/01/02/04/foo.txt"),
        days("2026/01/01/04/resources.json", *RUNS, base="a")
        | days(*RUNS, "2025/12/31/04/foo.txt"),
        days(*RUNS, "2026/01/31/04x/foo.txt"),
        days(*RUNS) | days(*RUNS[:4], base="q") | days(*RUNS, base="r"),
        days(*RUNS) | days(*RESTING, base="q") | days(*RUNS, base="r"),
    ],
    ids=[
        "nothing to read in the first runs",
        "nothing to read in the last one",
        "no run in the last year",
        "a policy that rests",
        "a policy that rests since another year, month and day",
    ],
)
def test_trees_that_are_passed_over_with_care(aws, bucket, objects):
    bucket(objects)
    with pages(aws, page=2, step=2, ranges=1):
        assert listed() == by_listing_all(objects, None)


def test_of_the_days_since_then_only_what_was_written_since_counts(aws, bucket):
    """The day in a name is not enough: the run of that morning was before noon."""
    noon = DAYS[0].replace(hour=12)
    objects = {f"{ROOT}/p/{RUN_OF[0]}": noon - timedelta(hours=8), f"{ROOT}/p/{RUN_OF[1]}": noon}
    bucket(objects)
    with pages(aws, page=2, step=2, ranges=1):
        assert listed(noon) == by_listing_all(objects, noon)
        assert len(listed(noon)) == 1


def test_where_other_output_was_seen_among_old_runs_none_is_passed_over(aws, bucket):
    others = ["2025/01/01/04/q/resources.json", "2025/05/01/04/q/resources.json"]
    bucket(days(*RUNS, *others))
    with pages(aws, page=20, step=2, ranges=1):
        whole = listed()
    with pages(aws, page=5, step=2, ranges=1):
        assert [runs[0] for runs in listed()] == [runs[0] for runs in whole]
    assert len(whole) == 3


# -- through the command --------------------------------------------------------------------------


@pytest.fixture
def ten_days(bucket, tree):
    """Ten daily runs in two accounts; the last thing that is there of one is a deployment."""
    for day in range(1, 12):
        when = datetime(2026, 11, day, 4, tzinfo=timezone.utc)
        for name, account_id in (("one", A), ("two", B))[day // 11 :]:
            found = [user(account_id, "ci", key(day + int(account_id[0])))]
            stamp = f"{when:%Y/%m/%d/%H}"
            tree.run(account_id, found, name=name, stamp=stamp, started=when)
    place = tree.root / "two/us-east-1" / REPORT / stamp
    metadata = json.loads((place / "metadata.json").read_text())
    metadata["policy"]["mode"] = {"type": "periodic", "schedule": "rate(1 day)"}
    (place / "metadata.json").write_text(json.dumps(metadata | {"metrics": []}))
    (place / "resources.json").unlink()
    files = filter(Path.is_file, tree.root.rglob("*"))
    names = {f"{ROOT}/{path.relative_to(tree.root).as_posix()}": path for path in files}
    bucket(dict.fromkeys(names, days_ago(0)), {name: names[name].read_bytes() for name in names})


def run(*arguments):
    """`c7n-inactive-keys report` over the tree."""
    command = ["report", "-s", f"s3://reports/{ROOT}", "--format", "json", *arguments]
    return CliRunner().invoke(main, command, catch_exceptions=False)


def days_read(aws):
    """The days of which a file was read."""
    found = (re.search(r"2026/11/(\d\d)/04/.", call.action) for call in aws.calls)
    return sorted({int(match[1]) for match in found if match})


@pytest.mark.parametrize("page", [3, 1000])
@pytest.mark.parametrize(
    ("arguments", "days"),
    [
        ((), [10, 11]),
        (("--since", "2026-11-08"), [6, 7, 8, 9, 10, 11]),
        (("--since", "2026-11-08T06:00:00+14:00"), [5, 6, 7, 8, 9, 10, 11]),
    ],
    ids=[
        "the latest, behind a deployment",
        "since a day, less two",
        "since a time far in the east",
    ],
)
def test_only_days_that_can_hold_what_is_asked_for_are_read(aws, ten_days, page, arguments, days):
    """All objects were written today, as by a copy of the bucket: names tell the day then."""
    with pages(aws, page, step=4, ranges=2):
        result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    assert days_read(aws) == days


def test_whichever_page_cannot_be_listed_there_is_no_report(aws, ten_days):
    """A tree that is not known whole could hide a failed account."""
    with pages(aws, page=3, step=4, ranges=2):
        for number in count(1):
            fault = aws.faults.add(Fault("GET /reports", nth=number, error="AccessDenied"))
            result = run()
            aws.faults.remove(fault)
            if result.exit_code == 0:
                break
            assert result.exit_code == 2
            assert f"s3://reports/{ROOT} cannot be read: " in result.stderr
            assert "AccessDenied" in result.stderr
            assert not result.stdout
    assert number > 10


def test_a_run_that_cannot_be_read_is_a_failed_account(aws, ten_days):
    name = f"GET /reports/{ROOT}/one/us-east-1/{REPORT}/2026/11/10/04/resources.json"
    fault = aws.faults.add(Fault(name, error="AccessDenied", times=None))
    with pages(aws, page=3, step=4, ranges=2):
        result = run()
    aws.faults.remove(fault)
    assert result.exit_code == 3
    assert (
        "1 account of 2 is not covered: one (failed: resources.json cannot be read" in result.stderr
    )


def test_the_reader_may_be_a_role_of_a_profile(aws, ten_days, monkeypatch, tmp_path):
    """Its credentials end at a time that the reader's clients get as text, as all times."""
    words = aws.environ(A)
    (tmp_path / "config").write_text(
        "[profile reader]\nsource_profile = first\n"
        f"role_arn = arn:aws:iam::{A}:role/OrganizationAccountAccessRole\n"
        f"[profile first]\naws_access_key_id = {words['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key = {words['AWS_SECRET_ACCESS_KEY']}\n"
        f"aws_session_token = {words['AWS_SESSION_TOKEN']}\n"
    )
    with pages(aws, page=1000, step=4, ranges=2):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        monkeypatch.setenv("AWS_PROFILE", "reader")
        assert run().exit_code == 0
        monkeypatch.undo()
    assert aws.calls.count("AssumeRole") == 1


def test_a_bucket_that_does_not_sort_its_keys_is_refused():
    """S3's directory buckets do not: what lies between two pages would be missed."""
    keys = [(f"{ROOT}/{name}/resources.json", "2026-11-20T04:00:00Z") for name in ("b", "a")]
    listing = Listing(lambda _: Page(keys, [], ""), f"{ROOT}/")
    with pytest.raises(UnsortedError, match="not listed in their order"):
        list(listing.pages())


def test_listing_a_large_tree_is_shown_on_a_terminal(aws, ten_days, monkeypatch, capsys):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with pages(aws, page=3, step=4, ranges=2):
        collect([f"s3://reports/{ROOT}"], progress.progress)
    assert f"listing s3://reports/{ROOT}: 9" in capsys.readouterr().err


# -- how much is asked ----------------------------------------------------------------------------


@pytest.mark.parametrize("days", [20, 80])
def test_requests_grow_with_the_policies_and_not_with_the_days(aws, bucket, days):
    """In a page are a dozen days, as in one of S3's a year; 64 policies of which a third rest."""
    first = datetime(2026, 1, 1, 4, tzinfo=timezone.utc)
    objects = {}
    for number in range(64):
        for day in range(days - (9 if number % 3 == 0 else 0)):
            run_at = first + timedelta(days=day)
            name = f"{ROOT}/account-{number}/us-east-1/p/{run_at:%Y/%m/%d/%H}/resources.json"
            objects[name] = run_at
    bucket(objects)
    with pages(aws, page=12, step=6, ranges=8):
        found = histories(f"s3://reports/{ROOT}", None, lambda items, _: items)
        assert len(list(found)) == 64
    assert len(aws.calls) <= 5 * 64
