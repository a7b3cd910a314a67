# SPDX-License-Identifier: Apache-2.0
"""The credential report over HTTP."""

import csv
import io
from datetime import timedelta

import pytest

from .conftest import refused

HEADER = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,"
    "password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,"
    "access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,"
    "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
    "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
    "cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
)


@pytest.fixture
def report(iam):
    """Ask for a report and read it."""

    def read():
        iam.generate_credential_report()
        content = iam.get_credential_report()["Content"].decode()
        return list(csv.DictReader(io.StringIO(content)))

    return read


def test_has_awss_header_root_first_and_no_last_line_end(account, iam):
    """Twenty-two columns, the root user's row, users by letter and not by case."""
    for name in ("bob", "Alice", "a,b"):
        account.user(name)
    iam.generate_credential_report()
    answer = iam.get_credential_report()
    lines = answer["Content"].decode().split("\n")
    assert lines[0] == HEADER
    users = [row[0] for row in csv.reader(lines[1:])]
    assert users == ["<root_account>", "a,b", "Alice", "bob"]
    assert answer["ReportFormat"] == "text/csv"


def test_an_inactive_key_is_false_with_its_creation(account, report, ago):
    """Deactivation does not move last_rotated, and no key is N/A."""
    account.user("alice").key(
        created=ago(400), toggles=[ago(3)], last_used=(ago(5), "s3", "eu-west-1")
    )
    row = report()[1]
    assert row["access_key_1_active"] == "false"
    assert row["access_key_1_last_rotated"] == f"{ago(400):%Y-%m-%dT%H:%M:%SZ}"
    assert row["access_key_1_last_used_date"] == f"{ago(5):%Y-%m-%dT%H:%M:00Z}"
    assert row["access_key_1_last_used_region"] == "eu-west-1"
    assert row["access_key_1_last_used_service"] == "s3"
    assert row["access_key_2_active"] == "false"
    assert row["access_key_2_last_rotated"] == "N/A"


def test_an_expired_key_is_false_and_its_status_is_expired(account, iam, report, ago):
    """The report does not tell Expired from Inactive; the listing does."""
    account.user("alice").key(created=ago(400), status="Expired")
    assert report()[1]["access_key_1_active"] == "false"
    [key] = iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]
    assert key["Status"] == "Expired"


def test_slots_go_by_key_id_and_not_by_age(account, report, ago):
    """An older key may stand in the second slot."""
    user = account.user("alice")
    user.key(created=ago(400), key_id="AKIAZZZZZZZZZZZZZZZZ", toggles=[ago(9)])
    user.key(created=ago(10), key_id="AKIAAAAAAAAAAAAAAAAA")
    row = report()[1]
    assert (row["access_key_1_active"], row["access_key_2_active"]) == ("true", "false")


def test_root_keys_are_in_the_first_row_and_in_no_listing(account, iam, report, ago):
    """The root user's key columns are real, for an active key as for an inactive one."""
    root = account.root
    root.key(created=ago(900), toggles=[ago(800)], key_id="AKIAAAAAAAAAAAAAAAAA")
    root.key(created=ago(90), key_id="AKIAZZZZZZZZZZZZZZZZ")
    row = report()[0]
    assert row["arn"] == f"arn:aws:iam::{account.id}:root"
    assert row["access_key_1_last_rotated"] == f"{ago(900):%Y-%m-%dT%H:%M:%SZ}"
    assert (row["access_key_1_active"], row["access_key_2_active"]) == ("false", "true")
    assert row["password_next_rotation"] == "not_supported"
    assert (iam.list_users()["Users"], account.keys) == ([], [])


def test_a_report_can_lack_the_root_row(sandbox, account, report):
    """As moto's does."""
    sandbox.report_root = False
    account.user("alice")
    assert [row["user"] for row in report()] == ["alice"]


def test_a_report_can_be_falsified(sandbox, account, iam, report):
    """Each new report goes through the function, so a later one is as wrong as the first."""
    account.user("alice").key()
    sandbox.report_edit = lambda text: text.replace(account.id, "999999999999")
    for _ in range(2):
        assert report()[1]["arn"] == "arn:aws:iam::999999999999:user/alice"
        sandbox.age(timedelta(hours=5))
    assert iam.get_user(UserName="alice")["User"]["Arn"] == account.user("alice").arn


def test_passwords(account, report):
    """No password is N/A throughout; one that was never used has no information."""
    account.user("key-only")
    account.user("person").password_enabled = True
    rows = {row["user"]: row for row in report()}
    assert rows["key-only"]["password_last_used"] == "N/A"
    assert rows["person"]["password_enabled"] == "true"
    assert rows["person"]["password_last_used"] == "no_information"


def test_states_from_nothing_to_complete(sandbox, iam):
    """Not present, started, in progress, complete."""
    sandbox.report_polls = 2
    assert refused(iam.get_credential_report) == "ReportNotPresent"
    assert iam.generate_credential_report()["State"] == "STARTED"
    assert refused(iam.get_credential_report) == "ReportInProgress"
    assert iam.generate_credential_report()["State"] == "INPROGRESS"
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    assert iam.get_credential_report()["Content"]


def test_is_a_snapshot_for_four_hours(sandbox, account, iam, report, now):
    """Changes show only in the next report, and an old report expires."""
    key = account.user("alice").key()
    report()
    key.deactivate()
    sandbox.age(timedelta(hours=3))
    assert report()[1]["access_key_1_active"] == "true"
    generated = iam.get_credential_report()["GeneratedTime"]
    assert abs(now - timedelta(hours=3) - generated) < timedelta(minutes=1)
    sandbox.age(timedelta(hours=1))
    assert refused(iam.get_credential_report) == "ReportExpired"
    assert report()[1]["access_key_1_active"] == "false"


def test_can_always_be_fresh(sandbox, account, report):
    """Without snapshots every report shows the present."""
    sandbox.report_snapshots = False
    key = account.user("alice").key()
    assert report()[1]["access_key_1_active"] == "true"
    key.deactivate()
    assert report()[1]["access_key_1_active"] == "false"
