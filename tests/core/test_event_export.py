# SPDX-License-Identifier: Apache-2.0
"""Exports of status changes: plain records, CloudTrail's own, and no half evidence."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest

from c7n_inactive_keys.core.errors import EvidenceError
from c7n_inactive_keys.core.event_export import ExportedEvents, read_export, read_moment
from c7n_inactive_keys.core.evidence import UNCLEAR, CompleteRecord, StatusChange

KEY = "AKIAEXAMPLE000000001"
MOMENT = datetime(2026, 9, 11, 13, 14, 51, tzinfo=timezone.utc)
SINCE = datetime(2024, 1, 1, tzinfo=timezone.utc)
ROW = {"AccessKeyId": KEY, "Time": "2026-09-11T13:14:51Z", "Status": "Inactive"}


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({}, "AccessKeyId and Time and Status missing"),
        ({**ROW, "Time": ""}, "Time missing"),
        ({**ROW, "Time": "yesterday"}, "yesterday"),
        ({**ROW, "Time": "2026-09-11"}, "'2026-09-11' has no hours, minutes and seconds"),
        ({**ROW, "Time": "2026-W01-6"}, "no hours, minutes and seconds"),
        ({**ROW, "Time": "2026-09-11T10:15"}, "no hours, minutes and seconds"),
        ({**ROW, "AccessKeyId": f"'{KEY}'"}, "is not an access key id"),
        ({**ROW, "AccessKeyId": f"arn:x/{KEY}"}, "is not an access key id"),
        ({"eventName": "UpdateAccessKey", "requestParameters.accessKeyId": KEY}, "cannot be read"),
        (
            {
                "eventName": "UpdateAccessKey",
                "eventTime": ROW["Time"],
                "requestParameters": {"accessKeyId": "x", "status": "Inactive"},
            },
            "'x' is not an access key id",
        ),
        ({**ROW, "Time": "0001-01-01T00:00:00+05:00"}, "cannot be read"),
        ({**ROW, "Time": 1757596491}, "cannot be read"),
        ({**ROW, "Status": "Expired"}, "Status 'Expired' is neither Active nor Inactive"),
        ({**ROW, "Status": True}, "cannot be read"),
        ("AKIAEXAMPLE000000001", "cannot be read"),
        (None, "cannot be read"),
        (["AKIAEXAMPLE000000001"], "cannot be read"),
        ({"eventName": "UpdateAccessKey", "requestParameters": "{"}, "cannot be read"),
        (
            {
                "eventName": "UpdateAccessKey",
                "requestParameters": {"accessKeyId": KEY, "status": "Active"},
            },
            "eventTime",
        ),
    ],
)
def test_one_unreadable_record_fails_the_export(row, problem):
    """The error names the record and says what each needs."""
    with pytest.raises(EvidenceError, match=r"record 2 of events-from cannot be read") as caught:
        read_export([ROW, row], SINCE)
    assert problem in str(caught.value)
    assert "AccessKeyId, Time, Status" in str(caught.value)


def test_reads_plain_records():
    """Columns, ids and status in any case, spaces around; by key, in the export's order."""
    rows = [
        {**ROW, "Actor": "arn:aws:iam::123456789012:user/admin"},
        {
            "AccessKeyId": f" {KEY.lower()} ",
            "Time": "2026-09-10 00:00:00.9",
            "Status": " ACTIVE ",
            "Actor": "",
        },
        {
            "accesskeyid": "AKIAEXAMPLE000000002",
            "TIME": ROW["Time"],
            "status": "inactive",
            "eventName": "UpdateAccessKey",
        },
    ]
    found = read_export(rows, None)
    assert found.records == ()
    assert found.events.by_key == {
        KEY: (
            StatusChange(
                MOMENT, "Inactive", "events-from", actor="arn:aws:iam::123456789012:user/admin"
            ),
            StatusChange(datetime(2026, 9, 10, tzinfo=timezone.utc), "Active", "events-from"),
        ),
        "AKIAEXAMPLE000000002": (StatusChange(MOMENT, "Inactive", "events-from"),),
    }


@pytest.mark.parametrize("error_code", [None, "", "null", " None ", "-"])
def test_reads_cloudtrail_records_as_query_engines_leave_them(error_code):
    """Columns in lower case, parameters as text, and some word for an error that is not there."""
    row = {
        "eventname": "UpdateAccessKey",
        "eventsource": "iam.amazonaws.com",
        "eventtime": "2026-09-11T13:14:51Z",
        "requestparameters": f'{{"accessKeyId":"{KEY}","status":"Inactive"}}',
        "errorcode": error_code,
    }
    assert read_export([row], None, columns=row).events.by_key == {
        KEY: (StatusChange(MOMENT, "Inactive", "events-from"),)
    }


@pytest.mark.parametrize(
    "columns",
    [[], ["foo", "bar"], ["AccessKeyId;Time;Status"], ["AccessKeyId", "Time"], ["eventName"]],
)
def test_a_foreign_file_without_rows_is_no_silence(columns):
    """Its header tells, and the error says what it should be."""
    with pytest.raises(EvidenceError, match=r"the header of events-from is .*AccessKeyId, Time"):
        read_export([], SINCE, columns=columns)


def test_reads_cloudtrail_log_records():
    """Only successful UpdateAccessKey calls count among whatever a log file holds."""
    record = {
        "eventName": "UpdateAccessKey",
        "eventSource": "iam.amazonaws.com",
        "eventTime": "2026-09-11T13:14:51Z",
        "eventID": "0d1c6d3e",
        "requestParameters": {"accessKeyId": KEY, "status": "Inactive"},
    }
    rows = [record, {**record, "errorCode": "AccessDenied"}, {"eventName": "ListUsers"}]
    assert read_export(rows, None).events.by_key == {
        KEY: (StatusChange(MOMENT, "Inactive", "events-from", "0d1c6d3e"),)
    }


@pytest.mark.parametrize(
    ("extra", "statuses"),
    [
        pytest.param({"errorCode": "AccessDenied"}, [], id="refused"),
        pytest.param({"ErrorCode": "InternalFailure"}, [UNCLEAR], id="may have worked"),
        pytest.param({"errorcode": ""}, ["Inactive"], id="no error"),
        pytest.param({"eventName": "CreateAccessKey"}, [], id="another call"),
        pytest.param({"eventSource": "x.amazonaws.com"}, [UNCLEAR], id="another service"),
        pytest.param({"Ticket": "OPS-7"}, ["Inactive"], id="a column of one's own"),
    ],
)
def test_columns_of_cloudtrail_beside_ours_have_their_say(extra, statuses):
    """A refused call counts in neither form."""
    found = read_export([{**ROW, **extra}], None).events.of(KEY)
    assert [change.status for change in found] == statuses


@pytest.mark.parametrize(
    ("rows", "until"),
    [pytest.param([ROW], MOMENT, id="its newest record"), pytest.param([], None, id="nowhere")],
)
def test_an_export_of_unknown_age_is_complete_no_further_than_it_shows(rows, until):
    records = read_export(rows, SINCE).records
    assert records == (
        (CompleteRecord("events-from", SINCE, until - timedelta(hours=2)),) if until else ()
    )


def test_without_a_beginning_an_export_is_no_record():
    assert read_export([], None, MOMENT) == ExportedEvents()


def test_completeness_ends_two_hours_before_the_export_was_made():
    """Trails deliver late: the last hours of an export may miss something."""
    until = SINCE + timedelta(days=300)
    assert read_export([], SINCE, until).records == (
        CompleteRecord("events-from", SINCE, until - timedelta(hours=2)),
    )


@pytest.mark.parametrize(
    "value",
    [
        "2024-01-01",
        "2024-01-01T00:00:00Z",
        date(2024, 1, 1),
        datetime(2024, 1, 1),  # noqa: DTZ001 - as YAML reads a time without offset
        datetime(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_moments_are_read_as_yaml_gives_them(value):
    assert read_moment(value) == SINCE


@pytest.mark.parametrize("value", [None, "", " ", 2024, True, [], "2024", "0001-01-01T01:00:00"])
def test_what_is_no_moment_is_refused(value):
    with pytest.raises(ValueError, match=r"."):
        read_moment(value)
