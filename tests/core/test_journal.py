# SPDX-License-Identifier: Apache-2.0
"""The journal: whole lines on disk, torn ones told apart, at every byte."""

from __future__ import annotations

import json
import os
import resource
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c7n_inactive_keys.core.errors import JournalError
from c7n_inactive_keys.core.evidence import Evidence
from c7n_inactive_keys.core.found_key import FoundKey
from c7n_inactive_keys.core.journal import (
    FILE_NAME,
    OUTCOMES,
    ApiError,
    Journal,
    JournalLine,
    JournalProblem,
    is_journal,
    join_journals,
    read_lines,
)
from c7n_inactive_keys.core.keys import AccessKey, LastUse

NOON = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
LINE = JournalLine(
    outcome="deleting",
    time=NOON,
    run_id="r1",
    account_id="123456789012",
    user_name="jürgen, <b>\u2028",
    access_key_id="AKIAEXAMPLE000000001",
)


def of_run(run_id, **changes):
    """The line as another run wrote it."""
    return replace(LINE, run_id=run_id, **changes)


@pytest.fixture
def journal(tmp_path):
    opened = Journal(tmp_path / "out" / "policy")
    yield opened
    opened.close()


@contextmanager
def small_disk(size):
    """Limit the size that files can be written to; not for longer, pytest may write to one too."""
    _, hard = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


# -- lines -----------------------------------------------------------------------------------------


def test_a_line_is_one_line_of_ascii():
    """Whatever a user is called."""
    line = LINE.render()
    assert line.isascii()
    assert line.count("\n") == 1
    assert json.loads(line)["format_version"] == 1


def test_a_line_of_a_found_key_has_these_fields_on_disk():
    """Programs of users read them."""
    key = AccessKey("AKIAEXAMPLE000000001", "ci", "Inactive", NOON.replace(year=2020))
    used = Evidence("last-used", "used", NOON.replace(year=2021))
    found = FoundKey(key, LastUse(used.time), used.time, NOON, 0.0, 2154.0, (used,))
    line = of_run(
        "r1", user_name="ci", found=found, policy="p", region="us-east-1", run_time=NOON,
        outcome="failed", reason="unreadable", error=ApiError("AccessDenied", "no"),
    )  # fmt: skip
    assert json.loads(line.render()) == {
        "format_version": 1,
        "time": "2026-11-24T12:00:00Z",
        "run_id": "r1",
        "run_time": "2026-11-24T12:00:00Z",
        "policy": "p",
        "account_id": "123456789012",
        "region": "us-east-1",
        "user_name": "ci",
        "access_key_id": "AKIAEXAMPLE000000001",
        "created": "2020-11-24T12:00:00Z",
        "outcome": "failed",
        "reason": "unreadable",
        "error": {"code": "AccessDenied", "message": "no"},
        "not_before": "2021-11-24T12:00:00Z",
        "not_after": "2026-11-24T12:00:00Z",
        "at_least_days": 0.0,
        "at_most_days": 2154.0,
        "evidence": [{"Source": "last-used", "Kind": "used", "Time": "2021-11-24T12:00:00Z"}],
    }
    assert JournalLine.parse(line.render()) == line


SOME = st.text(min_size=1)


@given(
    st.builds(
        JournalLine,
        outcome=st.sampled_from(OUTCOMES),
        time=st.integers(0, 10**9).map(lambda seconds: NOON + timedelta(seconds=seconds)),
        run_id=st.text(),
        account_id=st.text(),
        user_name=SOME,
        access_key_id=st.none() | SOME,
        policy=st.none() | SOME,
        reason=SOME,
        error=st.none() | st.builds(ApiError, st.text(), st.text()),
        further=st.dictionaries(st.text().map("x-{}".format), st.integers() | st.text()),
    )
)
def test_every_line_is_read_back(line):
    """With the fields of another version, which nobody here knows."""
    assert read_lines(line.render()) == ([line], [])


def test_a_line_torn_at_any_byte_costs_no_other_line():
    """What stands before and behind a torn line is read, and the torn one is told by number."""
    line = LINE.render()
    for length in range(1, len(line) - 1):
        entries, problems = read_lines(line + line[:length] + "\n" + line)
        assert len(entries) == 2
        assert problems == [
            JournalProblem(2, "it is not JSON; the run was probably killed while it was written")
        ]


def test_a_line_that_lacks_only_its_newline_is_whole():
    assert len(read_lines(LINE.render()[:-1])[0]) == 1


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("7", "it is not a line of this journal"),
        ("[]", "it is not a line of this journal"),
        ('{"outcome": "exploded"}', "it is not a line of this journal"),
        ('{"outcome": ["deleted"]}', "it is not a line of this journal"),
        ('{"outcome": "deleted"}', "it has no time"),
        (of_run("r1", outcome="x").render().strip(), "it is not a line of this journal"),
        (of_run("r1", user_name=None).render().strip(), "it is not in the form of a journal"),
        (of_run("r1", outcome="unread").render().strip(), "it is not in the form of a journal"),
    ],
)
def test_lines_of_another_origin_are_problems(line, problem):
    """Blank lines are not even that."""
    assert read_lines(f"\n \n{line}\n\n") == ([], [JournalProblem(3, problem)])


# -- the file --------------------------------------------------------------------------------------


def lines_of(journal):
    return read_lines(journal.path.read_text("utf-8"))


def test_nothing_is_created_before_the_first_line(journal):
    assert not journal.path.parent.exists()
    journal.close()
    assert not journal.path.exists()


def test_lines_are_there_when_write_returns(journal):
    """In order, readable by others while the journal is open, and by nobody else's account."""
    for number in range(3):
        journal.write(of_run(str(number)))
        assert [entry.run_id for entry in lines_of(journal)[0]] == [
            str(n) for n in range(number + 1)
        ]
    assert journal.path.name == FILE_NAME
    assert journal.path.stat().st_mode & 0o777 == 0o600


def test_a_journal_is_only_ever_appended_to(journal):
    """A later run leaves what is there; so does one that was closed in between."""
    journal.write(LINE)
    journal.close()
    journal.write(of_run("r2"))
    again = Journal(journal.path.parent)
    again.write(of_run("r3"))
    again.close()
    assert [entry.run_id for entry in lines_of(journal)[0]] == ["r1", "r2", "r3"]


@pytest.mark.parametrize("length", range(1, len(LINE.render()) - 1, 7))
def test_a_killed_run_does_not_spoil_the_next_ones_lines(tmp_path, length):
    """The torn line gets its newline first."""
    path = tmp_path / FILE_NAME
    path.write_text(LINE.render() + LINE.render()[:length])
    journal = Journal(tmp_path)
    journal.write(of_run("r2"))
    journal.close()
    entries, problems = lines_of(journal)
    assert [entry.run_id for entry in entries] == ["r1", "r2"]
    assert [problem.line_number for problem in problems] == [2]


def test_threads_do_not_mix_their_lines(journal):
    """Eight workers, forty lines each."""

    def work(name):
        for number in range(40):
            journal.write(of_run(f"{name}-{number}"))

    workers = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    entries, problems = lines_of(journal)
    assert problems == []
    assert len({entry.run_id for entry in entries}) == 320


def test_a_full_disk_is_an_error(journal):
    """The error names the file; what the line announces must not be done."""
    journal.path.parent.mkdir(parents=True)
    journal.path.symlink_to("/dev/full")
    with pytest.raises(JournalError, match=f"{FILE_NAME} cannot be written .*No space left"):
        journal.write(LINE)


def test_a_directory_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match="cannot be written"):
        Journal(tmp_path / "file").write(LINE)


def test_half_a_line_is_an_error_for_good(journal):
    """A disk that fills up within a line; nothing is appended to the torn line later."""
    journal.write(LINE)
    size = journal.path.stat().st_size
    with small_disk(size + 10), pytest.raises(JournalError, match="only 10 of"):
        journal.write(LINE)
    with pytest.raises(JournalError, match="cannot be written"):
        journal.write(LINE)
    assert journal.path.stat().st_size == size + 10


def test_a_torn_line_that_cannot_be_ended_is_an_error(tmp_path):
    """And the file is closed again."""
    path = tmp_path / FILE_NAME
    path.write_text(LINE.render()[:50])
    lowest_free = os.dup(0)
    os.close(lowest_free)
    with small_disk(50), pytest.raises(JournalError, match="cannot be written"):
        Journal(tmp_path).write(LINE)
    still_free = os.dup(0)
    os.close(still_free)
    assert still_free == lowest_free
    assert path.stat().st_size == 50


# -- copies ----------------------------------------------------------------------------------------


def test_a_copy_bears_the_runs_id_and_is_known_as_a_journal(journal):
    """Whatever stands in the id, the copy lies beside the journal; without a line there is none."""
    journal.keep_apart("early")
    journal.write(LINE)
    journal.keep_apart("../r 1")
    names = sorted(path.name for path in journal.path.parent.iterdir())
    assert names == ["inactive-keys-.._r_1.jsonl", FILE_NAME]
    assert all(is_journal(name) for name in names)
    assert not is_journal("inactive-keys.json")
    assert journal.path.with_name(names[0]).read_text() == journal.path.read_text()


def test_joined_journals_have_each_line_once_and_end_with_the_run_that_began_last():
    """In whatever order the files come, a torn line included."""
    first, second = (
        "".join(
            of_run(run, outcome=outcome, time=time).render() for outcome in ("deleting", "deleted")
        )
        for run, time in (("r1", NOON), ("r2", NOON + timedelta(minutes=30)))
    )
    torn = '{"outcome": "del'
    for texts in ((first, second, second + torn), (second + torn, second, first)):
        entries, problems = read_lines(join_journals(texts))
        assert [(entry.run_id, entry.outcome) for entry in entries] == [
            ("r1", "deleting"), ("r1", "deleted"), ("r2", "deleting"), ("r2", "deleted"),
        ]  # fmt: skip
        assert len(problems) == 1
