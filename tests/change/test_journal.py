# SPDX-License-Identifier: Apache-2.0
"""The journal is on disk before the call that deletes, or there is no call."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timezone

import pytest

from c7n_inactive_keys.core.errors import JournalError
from c7n_inactive_keys.core.journal import (
    DELETED,
    DELETING,
    FILE_NAME,
    Journal,
    JournalLine,
    read_lines,
)
from c7n_inactive_keys_sandbox import Fault
from tests.support.accounts import administrator, days_ago
from tests.support.commands import run
from tests.support.policies import DELETE, delete_policy

BUCKET = "inactive-keys-output"
# With the region, since Custodian asks for it by https alone, which the sandbox does not speak.
URL = f"s3://{BUCKET}/out?region=us-east-1"


@pytest.fixture(name="account")
def _account(sandbox, custodian):
    """Twenty users with an inactive key each."""
    account = sandbox.account("111111111111")
    for number in range(20):
        account.user(f"user-{number:02d}").key(created=days_ago(500), toggles=[days_ago(200)])
    return account


@pytest.fixture(name="ids")
def _ids(account):
    """Ids of all keys there are."""
    return {key.id for key in account.keys}


@pytest.fixture(name="out")
def _out(tmp_path):
    """The output directory, with that of the policy in it."""
    (tmp_path / DELETE).mkdir()
    return tmp_path


@pytest.mark.e2e
def test_a_full_disk_stops_before_the_first_deletion(sandbox, custodian, account, ids, out):
    """ENOSPC at the first line: nothing is deleted and the policy fails."""
    (out / DELETE / FILE_NAME).symlink_to("/dev/full")
    outcome = custodian.run(account.id, delete_policy(), out=str(out))
    assert {key.id for key in account.keys} == ids
    assert sandbox.calls.count("DeleteAccessKey") == 0
    assert outcome.status == 2
    assert "No space left on device" in outcome.log
    assert "nothing more is deleted" in outcome.log


@pytest.mark.e2e
def test_a_journal_that_cannot_be_opened_stops_before_the_first_deletion(
    sandbox, custodian, account, ids, out
):
    """Something else stands in its place."""
    (out / DELETE / FILE_NAME).mkdir()
    outcome = custodian.run(account.id, delete_policy(), out=str(out))
    assert {key.id for key in account.keys} == ids
    assert sandbox.calls.count("DeleteAccessKey") == 0
    assert outcome.status == 2
    assert f"{FILE_NAME} cannot be written" in outcome.log


@pytest.mark.e2e
def test_a_disk_that_fills_up_in_mid_run_leaves_no_deletion_without_its_line(
    custodian, account, ids, out
):
    """What was deleted before is announced; the torn line is the last and nothing follows it."""
    limit = 1_000_000
    (out / DELETE / FILE_NAME).write_text("\n" * (limit - 8000))
    outcome = custodian.run(account.id, delete_policy(), out=str(out), file_size=limit)
    there = {key.id for key in account.keys}
    announced = {line.access_key_id for line in outcome.journal() if line.outcome == DELETING}
    assert ids - there <= announced
    assert ids - there != set()
    assert there != set()
    assert outcome.status == 2
    assert "cannot be written" in outcome.log


@pytest.mark.e2e
def test_output_to_s3_holds_the_journal(sandbox, custodian, account, ids):
    """Custodian's own output takes it along, compressed as all its files."""
    s3 = sandbox.client("s3", account.id)
    s3.create_bucket(Bucket=BUCKET)
    outcome = custodian.run(account.id, delete_policy(), out=URL)
    assert outcome.status == 0
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    (name,) = [key for key in keys if f"/{FILE_NAME}" in key]
    text = gzip.decompress(s3.get_object(Bucket=BUCKET, Key=name)["Body"].read()).decode()
    entries, problems = read_lines(text)
    assert {entry.access_key_id for entry in entries if entry.outcome == DELETED} == ids
    assert problems == []


@pytest.mark.e2e
def test_two_runs_of_an_hour_keep_both_their_journals(sandbox, custodian, account, ids):
    """Custodian names by the hour what it uploads, so the second run replaces the first one's."""
    sandbox.client("s3", account.id).create_bucket(Bucket=BUCKET)
    assert custodian.run(account.id, delete_policy(), out=URL).status == 0
    late = account.user("late").key(created=days_ago(500), toggles=[days_ago(200)])
    account.report = None  # the next one has the late key
    assert custodian.run(account.id, delete_policy(), out=URL).status == 0
    command = ("c7n-inactive-keys", "report", "-s", f"s3://{BUCKET}/out", "--format", "json")
    done = run(*command, **administrator(sandbox, account.id))
    keys = json.loads(done.stdout)["keys"]
    assert {key["access_key_id"]: key["outcome"] for key in keys} == dict.fromkeys(
        [*ids, late.id], "deleted"
    ), done.stderr


@pytest.mark.e2e
def test_a_copy_that_cannot_be_made_is_said_and_costs_nothing_else(
    sandbox, custodian, account, ids
):
    """Something else stands in its place; the journal itself is uploaded."""
    s3 = sandbox.client("s3", account.id)
    s3.create_bucket(Bucket=BUCKET)

    def obstruct():
        (path,) = custodian.directory.rglob(FILE_NAME)
        run_id = read_lines(path.read_text())[0][0].run_id
        path.with_name(f"inactive-keys-{run_id}.jsonl").mkdir()

    sandbox.faults.add(Fault(action="DeleteAccessKey", call=obstruct))
    outcome = custodian.run(account.id, delete_policy(), out=URL)
    assert outcome.status == 0
    assert account.keys == []
    assert "could not be copied: another run within the hour replaces it" in outcome.log
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert [key.rpartition("/")[2] for key in keys if ".jsonl" in key] == [f"{FILE_NAME}.gz"]


@pytest.mark.e2e
def test_an_upload_that_fails_leaves_the_local_journal(sandbox, custodian, account, ids):
    """The log names the file, and the exit status tells of the failure."""
    sandbox.client("s3", account.id).create_bucket(Bucket=BUCKET)
    sandbox.faults.add(Fault(action=f"PUT /{BUCKET}/*", times=None, error="AccessDenied"))
    outcome = custodian.run(account.id, delete_policy(), out=URL)
    assert account.keys == []
    paths = [path for path in outcome.home.rglob(f"{FILE_NAME}*") if path.stat().st_size]
    texts = [
        gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
        for path in paths
    ]
    told = {
        entry.access_key_id
        for text in texts
        for entry in read_lines(text)[0]
        if entry.outcome == DELETED
    }
    assert told == ids
    assert str(paths[0]).removesuffix(".gz") in outcome.log
    assert outcome.status != 0


def line(access_key_id):
    """What is written before a key is deleted."""
    return JournalLine(DELETING, datetime.now(timezone.utc), "r", "1", "ü", access_key_id)


def test_a_line_torn_by_a_kill_is_ended_before_the_next_is_written(tmp_path):
    """The next run goes on in the same file, and its first line is whole."""
    (tmp_path / FILE_NAME).write_text('{"outcome": "del')
    journal = Journal(tmp_path)
    journal.write(line("A"))
    journal.close()
    entries, problems = read_lines((tmp_path / FILE_NAME).read_text())
    assert [entry.access_key_id for entry in entries] == ["A"]
    assert [problem.line_number for problem in problems] == [1]


def test_after_a_failure_no_line_is_written_any_more(tmp_path):
    """It would stick to the torn one and be lost with it, although its deletion went ahead."""
    path = tmp_path / FILE_NAME
    path.symlink_to("/dev/full")
    journal = Journal(tmp_path)
    with pytest.raises(JournalError, match="nothing more is deleted"):
        journal.write(line("A"))
    path.unlink()
    with pytest.raises(JournalError, match="nothing more is deleted"):
        journal.write(line("A"))
    journal.close()
    assert not path.exists()


def test_any_cut_of_a_journal_is_read_up_to_its_last_whole_line(tmp_path):
    """A kill may cut the file at every byte; no line before the cut is lost."""
    text = "".join(line(f"A{number}").render() for number in range(3))
    for end in range(len(text)):
        entries, problems = read_lines(text[:end])
        whole = text[:end].count("\n")
        assert len(entries) in (whole, whole + 1)
        assert len(problems) <= 1
        assert [entry.access_key_id for entry in entries[:whole]] == [
            f"A{number}" for number in range(whole)
        ]
