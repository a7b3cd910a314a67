# SPDX-License-Identifier: Apache-2.0
"""IAM's credential report: rows as AWS writes them, and rows that must not be guessed at."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c7n_inactive_keys.core.credential_report import (
    REQUIRED_COLUMNS,
    ReportedKey,
    ReportedUser,
    mark_twins,
    read_report,
)
from c7n_inactive_keys.core.errors import CredentialReportError
from c7n_inactive_keys.core.keys import AccessKey, LastUse

KEY_COLUMNS = ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")
HEADER = ",".join(
    [
        "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed",
        "password_next_rotation,mfa_active",
        *[f"access_key_{slot}_{column}" for slot in (1, 2) for column in KEY_COLUMNS],
        "cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated",
    ]
)
ROOT = (
    "<root_account>,arn:aws:iam::123456789012:root,2016-01-01T00:00:00Z,not_supported,"
    "no_information,not_supported,not_supported,true,false,2016-01-02T00:00:00Z,N/A,N/A,N/A,"
    "false,N/A,N/A,N/A,N/A,false,N/A,false,N/A"
)
NO_KEY = "false,N/A,N/A,N/A,N/A"
ACTIVE = "true,2026-09-11T13:14:50Z,N/A,N/A,N/A"
INACTIVE = "false,2017-04-19T15:47:39+00:00,2017-04-19T15:48:00+00:00,eu-west-1,ec2"
NEVER_USED = "false,2026-09-11T13:14:53Z,N/A,N/A,N/A"

CREATED = datetime(2017, 4, 19, 15, 47, 39, tzinfo=timezone.utc)
USED = LastUse(datetime(2017, 4, 19, 15, 48, tzinfo=timezone.utc), "ec2", "eu-west-1")


def row(name="alice", first=NO_KEY, second=NO_KEY, arn=None):
    arn = arn or f"arn:aws:iam::123456789012:user/{name}"
    return (
        f"{name},{arn},2016-05-05T10:00:00Z,false,N/A,N/A,N/A,false,"
        f"{first},{second},false,N/A,false,N/A"
    )


def read(*rows, header=HEADER, generated=None, root=ROOT, account_id="123456789012"):
    lines = "\n".join([header, *([root] if root else []), *rows]).splitlines()
    return [user for user in read_report(lines, generated, account_id) if not user.is_root]


# -- what must not be guessed at -------------------------------------------------------------------


def test_a_report_without_its_first_row_is_not_whole():
    """AWS names the account's root user in each report; one that was cut looks clean."""
    with pytest.raises(CredentialReportError, match=r"no row <root_account>, so it is not whole"):
        read(row(), root=None)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param({"root": ROOT.replace("123456789012", "999999999999")}, id="root"),
        pytest.param({"arn": "arn:aws:iam::999999999999:user/alice"}, id="user"),
        pytest.param({"arn": "alice"}, id="no arn"),
    ],
)
def test_another_accounts_report_is_refused(rows):
    with pytest.raises(CredentialReportError, match=r"of another account than 123456789012"):
        read(row(arn=rows.get("arn")), root=rows.get("root", ROOT))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (row(first="maybe,N/A,N/A,N/A,N/A"), "'maybe' is neither true nor false"),
        (row(first=",N/A,N/A,N/A,N/A"), "'' is neither true nor false"),
        (row(first="true,N/A,N/A,N/A,N/A"), "access_key_1_active is true but"),
        (row(second="false,last year,N/A,N/A,N/A"), "last year"),
        (row(second="false,2026-09-11T13:14:53Z,soon,N/A,N/A"), "soon"),
        (row().rpartition(",")[0], "has 21 fields instead of 22"),
        (row() + ",more", "cannot be read"),
        ("", "has 0 fields instead of 22"),
    ],
)
def test_a_row_that_is_not_understood_is_an_error(line, problem):
    """It names the user; a user less would be a key unseen."""
    with pytest.raises(CredentialReportError, match=problem):
        read(row("bob"), line, row("carol"))


@pytest.mark.parametrize("column", REQUIRED_COLUMNS)
def test_a_report_without_a_needed_column_is_an_error(column):
    with pytest.raises(CredentialReportError, match=f"no column {column}"):
        read(header=HEADER.replace(column, "renamed", 1))


def test_an_empty_report_is_an_error():
    with pytest.raises(CredentialReportError, match="no column user, arn"):
        list(read_report([]))


# -- rows ------------------------------------------------------------------------------------------


def test_root_is_told_from_users():
    """With a key of its own that is inactive."""
    lines = "\n".join([HEADER, ROOT, row("alice")]).splitlines()
    root, alice = read_report(lines)
    assert (root.is_root, alice.is_root) == (True, False)
    assert [key.active for key in root.keys] == [False]


@pytest.mark.parametrize(
    ("password", "certificates", "known"),
    [
        ("false", ("false", "false"), False),
        ("TRUE", ("false", "false"), True),
        ("no_information", ("false", "true"), True),
        ("not_supported", ("N/A", "N/A"), None),
    ],
)
def test_whether_a_user_has_other_credentials(password, certificates, known):
    """A password or an active certificate; the report knows no other kinds."""
    fields = row().split(",")
    columns = HEADER.split(",")
    names = ("password_enabled", "cert_1_active", "cert_2_active")
    for name, value in zip(names, (password, *certificates), strict=True):
        fields[columns.index(name)] = value
    [user] = read(",".join(fields))
    assert user.other_credentials is known


def test_an_inactive_key_has_a_date_and_an_empty_slot_has_none():
    """Contrary to AWS's documentation: N/A would mean no active key."""
    [user] = read(row(first=INACTIVE))
    assert user.keys == (ReportedKey(False, CREATED, USED),)
    assert (user.user_name, user.arn) == ("alice", "arn:aws:iam::123456789012:user/alice")
    assert user.created == datetime(2016, 5, 5, 10, tzinfo=timezone.utc)
    assert user.has_inactive_key


@pytest.mark.parametrize(
    ("first", "second", "inactive"),
    [
        (NO_KEY, NO_KEY, False),
        (ACTIVE, NO_KEY, False),
        (ACTIVE, ACTIVE, False),
        (ACTIVE, NEVER_USED, True),
        (NO_KEY, INACTIVE, True),
        (INACTIVE.replace("false", "FALSE"), NO_KEY, True),
        (ACTIVE.replace("true", "TRUE"), NO_KEY, False),
    ],
)
def test_users_with_an_inactive_key_in_either_slot(first, second, inactive):
    [user] = read(row(first=first, second=second))
    assert user.has_inactive_key is inactive


def test_never_used_has_no_time_service_or_region():
    [user] = read(row(first=NEVER_USED))
    assert user.keys[0].last_use == LastUse()


@pytest.mark.parametrize("value", ["N/A", "", "not_supported", "no_information"])
def test_words_for_no_value(value):
    [user] = read(row(first=f"false,2026-09-11T13:14:53Z,2026-09-11T14:00:00Z,{value},{value}"))
    assert (user.keys[0].last_use.service, user.keys[0].last_use.region) == (None, None)


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_line_endings(ending):
    """AWS ends no report with a newline, emulators do."""
    lines = "\n".join([HEADER, ROOT, row("alice"), row("bob")]) + ending
    assert [user.user_name for user in read_report(lines.splitlines())] == [
        "<root_account>",
        "alice",
        "bob",
    ]


@pytest.mark.parametrize(
    ("extra", "more"), [("", False), ("N/A", False), ("2 more keys; use ListAccessKeys", True)]
)
def test_additional_credentials_are_not_in_the_columns(extra, more):
    """The documented 23rd column: something there means that ListAccessKeys must decide."""
    header = HEADER + ",additional_credentials_info"
    [user] = read(f"{row(first=ACTIVE)},{extra}", header=header, root=ROOT + ",")
    assert (user.more_keys, user.has_inactive_key) == (more, more)


def test_columns_are_found_by_name():
    """In any order, with unknown ones between."""
    header, root, line = (
        ",".join(["new", *text.split(",")[::-1]]) for text in (HEADER, ROOT, row(first=INACTIVE))
    )
    [user] = read(line, header=header, root=root)
    assert (user.user_name, user.keys[0].created) == ("alice", CREATED)


@pytest.mark.parametrize("name", ["smith,john", ",", "a,,b", "x=,.@-_+"])
def test_commas_in_user_names(name):
    """Quoted or not: a comma is legal in a user's name, and so in the ARN."""
    arn = f"arn:aws:iam::123456789012:user/team/{name}"
    [bare] = read(row(name, first=INACTIVE, arn=arn))
    [quoted] = read(row(f'"{name}"', first=INACTIVE, arn=f'"{arn}"'))
    assert bare == quoted
    assert (bare.user_name, bare.arn, len(bare.keys)) == (name, arn, 1)


@given(
    st.lists(
        st.tuples(
            st.text("ab,=.@-_+Z9", min_size=1, max_size=12),
            st.sampled_from([NO_KEY, ACTIVE, INACTIVE, NEVER_USED]),
            st.sampled_from([NO_KEY, ACTIVE, INACTIVE, NEVER_USED]),
        )
    )
)
def test_every_user_is_read_and_remembered(users):
    """No row is lost, and what Custodian keeps on the user is read back as it was."""
    found = read(*[row(*user) for user in users], generated=OTHER)
    assert [user.user_name for user in found] == [name for name, _, _ in users]
    for user, (_, first, second) in zip(found, users, strict=True):
        assert len(user.keys) == 2 - [first, second].count(NO_KEY)
        kept = json.loads(json.dumps(user.annotation()))
        read_back = ReportedUser.from_annotation(
            {"UserName": user.user_name, "Arn": user.arn}, kept
        )
        assert read_back == replace(user, created=None)  # which the user's own fields hold


# -- the last use of a key -------------------------------------------------------------------------


def listed(number, created=CREATED, status="Inactive"):
    return AccessKey(f"AKIAEXAMPLE{number:09}", "alice", status, created)


NOON = datetime(2026, 9, 11, 12, tzinfo=timezone.utc)
OTHER = datetime(2026, 9, 11, 13, 14, 50, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("line", "keys", "use"),
    [
        pytest.param(row(first=INACTIVE), [listed(1)], USED, id="the only key"),
        pytest.param(row(first=ACTIVE, second=INACTIVE), [listed(1), listed(2, OTHER)], USED,
                     id="named by its creation"),
        pytest.param(row(first=NEVER_USED.replace("53Z", "50Z")), [listed(1, OTHER)], LastUse(),
                     id="never used"),
        pytest.param(row(first=INACTIVE, second=INACTIVE), [listed(1), listed(2)], None,
                     id="two keys of one second"),
        pytest.param(row(first=INACTIVE), [listed(1), listed(2)], None,
                     id="two listed, one reported"),
        pytest.param(row(first=INACTIVE, second=INACTIVE), [listed(1)], None,
                     id="one listed, two reported"),
        pytest.param(row(first=NEVER_USED), [listed(1)], None, id="not in the report"),
        pytest.param(row(first=ACTIVE), [listed(1, OTHER)], None,
                     id="was active when the report was made"),
    ],
)  # fmt: skip
def test_last_use_only_where_the_report_is_certain(line, keys, use):
    """None: IAM has to be asked."""
    [user] = read(line, generated=OTHER)
    assert user.last_use_of(keys[0], keys) == use
    assert user.seen_inactive(keys[0], keys) == (OTHER if use else None)


def test_a_row_whose_user_has_a_twin_is_no_observation():
    """Two users and their keys are of the same seconds: after a swap of names nobody can tell."""
    users = mark_twins(read(row("alice", INACTIVE), row("bob", INACTIVE), row("carl", NEVER_USED)))
    assert [user.has_twin for user in users] == [True, True, False]
    assert users[0].seen_inactive(listed(1), [listed(1)]) is None
    assert users[0].last_use_of(listed(1), [listed(1)]) is None


def test_no_last_use_where_the_report_lacks_keys():
    header = HEADER + ",additional_credentials_info"
    [user] = read(f"{row(first=INACTIVE)},1 more", header=header, root=ROOT + ",")
    assert user.last_use_of(listed(1), [listed(1)]) is None
    assert user.seen_inactive(listed(1), [listed(1)]) is None


# -- a key that was active when the report was made ------------------------------------------------


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        pytest.param(row(first=ACTIVE), True, id="active"),
        pytest.param(row(first=ACTIVE, second=ACTIVE), True, id="two of one second, both active"),
        pytest.param(row(first=ACTIVE, second=INACTIVE), True, id="beside an inactive one"),
        pytest.param(row(first=NEVER_USED.replace("53Z", "50Z")), False, id="inactive"),
        pytest.param(
            row(first=ACTIVE, second=NEVER_USED.replace("53Z", "50Z")),
            False,
            id="two of one second, which is not known",
        ),
        pytest.param(row(), False, id="not in the report"),
    ],
)
def test_a_key_was_active_a_while_before_the_report_was_done(line, seen):
    """Fifteen minutes are left for its making; without its time nothing is known."""
    [user] = read(line, generated=NOON)
    assert user.seen_active(listed(1, OTHER)) == (NOON - timedelta(minutes=15) if seen else None)
    [user] = read(line)
    assert user.seen_active(listed(1, OTHER)) is None
