# SPDX-License-Identifier: Apache-2.0
"""The journal: whole lines on disk, torn ones told apart, at every byte."""

from __future__ import annotations

import json
import os
import resource
import threading
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c7n_inactive_keys.core.errors import JournalError
from c7n_inactive_keys.core.journal import (
    FILE_NAME,
    OUTCOMES,
    Journal,
    JournalEntry,
    JournalProblem,
    is_journal,
    join_journals,
    read_lines,
    render_line,
)

FIELDS = {
    "outcome": "deleting",
    "account_id": "123456789012",
    "user_name": "jürgen, <b>\u2028",
    "access_key_id": "AKIAEXAMPLE000000001",
    "run_id": "r1",
    "time": "2026-11-24T12:00:00Z",
}


@pytest.fixture
def journal(tmp_path):
    opened = Journal(tmp_path / "out" / "policy")
    yield opened
    opened.close()


@pytest.fixture
def small_disk():
    """Limit the size that files can be written to."""
    _, hard = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


# -- lines -----------------------------------------------------------------------------------------


def test_a_line_is_one_line_of_ascii():
    """Whatever a user is called, and with values that JSON does not know."""
    line = render_line({**FIELDS, "created": datetime(2026, 1, 3, tzinfo=timezone.utc)})
    assert line.isascii()
    assert line.count("\n") == 1
    assert json.loads(line)["format_version"] == 1
    assert json.loads(line)["created"] == "2026-01-03 00:00:00+00:00"


@given(
    st.fixed_dictionaries(
        {name: st.text() for name in FIELDS if name != "outcome"}
        | {"outcome": st.sampled_from(OUTCOMES), "access_key_id": st.none() | st.text()},
        optional={"reason": st.text(), "evidence": st.lists(st.text())},
    )
)
def test_every_line_is_read_back(fields):
    """Entries come back with all their fields."""
    entries, problems = read_lines(render_line(fields))
    assert problems == []
    [entry] = entries
    assert entry.fields == {"format_version": 1, **fields}
    assert [getattr(entry, name) for name in FIELDS] == [fields[name] for name in FIELDS]


def test_a_line_torn_at_any_byte_costs_no_other_line():
    """What stands before and behind a torn line is read, and the torn one is told by number."""
    line = render_line(FIELDS)
    for length in range(1, len(line) - 1):
        entries, problems = read_lines(line + line[:length] + "\n" + line)
        assert len(entries) == 2
        assert problems == [
            JournalProblem(2, "it is not JSON; the run was probably killed while it was written")
        ]


def test_a_line_that_lacks_only_its_newline_is_whole():
    assert len(read_lines(render_line(FIELDS)[:-1])[0]) == 1


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("7", "it is not a line of this journal"),
        ("[]", "it is not a line of this journal"),
        ('{"outcome": "exploded"}', "it is not a line of this journal"),
        ('{"outcome": ["deleted"]}', "it is not a line of this journal"),
        ('{"outcome": "deleted"}', "it has no account_id"),
        (render_line({**FIELDS, "outcome": "x"}).strip(), "it is not a line of this journal"),
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
        journal.write({**FIELDS, "run_id": str(number)})
        assert [entry.run_id for entry in lines_of(journal)[0]] == [
            str(n) for n in range(number + 1)
        ]
    assert journal.path.name == FILE_NAME
    assert journal.path.stat().st_mode & 0o777 == 0o600


def test_a_journal_is_only_ever_appended_to(journal):
    """A later run leaves what is there; so does one that was closed in between."""
    journal.write(FIELDS)
    journal.close()
    journal.write({**FIELDS, "run_id": "r2"})
    again = Journal(journal.path.parent)
    again.write({**FIELDS, "run_id": "r3"})
    again.close()
    assert [entry.run_id for entry in lines_of(journal)[0]] == ["r1", "r2", "r3"]


@pytest.mark.parametrize("length", range(1, len(render_line(FIELDS)), 7))
def test_a_killed_run_does_not_spoil_the_next_ones_lines(tmp_path, length):
    """The torn line gets its newline first."""
    path = tmp_path / FILE_NAME
    path.write_text(render_line(FIELDS) + render_line(FIELDS)[:length])
    journal = Journal(tmp_path)
    journal.write({**FIELDS, "run_id": "r2"})
    journal.close()
    entries, problems = lines_of(journal)
    assert [entry.run_id for entry in entries if isinstance(entry, JournalEntry)] == ["r1", "r2"]
    assert [problem.line_number for problem in problems] == [2]


def test_threads_do_not_mix_their_lines(journal):
    """Eight workers, forty lines each."""

    def work(name):
        for number in range(40):
            journal.write({**FIELDS, "run_id": f"{name}-{number}"})

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
        journal.write(FIELDS)


def test_a_directory_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match="cannot be written"):
        Journal(tmp_path / "file").write(FIELDS)


def test_half_a_line_is_an_error_for_good(journal, small_disk):
    """A disk that fills up within a line; nothing is appended to the torn line later."""
    journal.write(FIELDS)
    size = journal.path.stat().st_size
    small_disk(size + 10)
    with pytest.raises(JournalError, match="only 10 of"):
        journal.write(FIELDS)
    small_disk(10 * size)
    with pytest.raises(JournalError, match="cannot be written"):
        journal.write(FIELDS)
    assert journal.path.stat().st_size == size + 10


def test_a_torn_line_that_cannot_be_ended_is_an_error(tmp_path, small_disk):
    """And the file is closed again."""
    path = tmp_path / FILE_NAME
    path.write_text(render_line(FIELDS)[:50])
    small_disk(50)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    with pytest.raises(JournalError, match="cannot be written"):
        Journal(tmp_path).write(FIELDS)
    still_free = os.dup(0)
    os.close(still_free)
    assert still_free == lowest_free
    assert path.stat().st_size == 50


# -- copies ----------------------------------------------------------------------------------------


def test_a_copy_bears_the_runs_id_and_is_known_as_a_journal(journal):
    """Whatever stands in the id, the copy lies beside the journal; without a line there is none."""
    journal.keep_apart("early")
    journal.write(FIELDS)
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
            render_line({**FIELDS, "run_id": run, "outcome": outcome, "time": time})
            for outcome in ("deleting", "deleted")
        )
        for run, time in (("r1", "2026-11-24T12:00:00Z"), ("r2", "2026-11-24T12:30:00Z"))
    )
    torn = '{"outcome": "del'
    for texts in ((first, second, second + torn), (second + torn, second, first)):
        entries, problems = read_lines(join_journals(texts))
        assert [(entry.run_id, entry.outcome) for entry in entries] == [
            ("r1", "deleting"), ("r1", "deleted"), ("r2", "deleting"), ("r2", "deleted"),
        ]  # fmt: skip
        assert len(problems) == 1
