# SPDX-License-Identifier: Apache-2.0
"""The rules of a deletion: which keys are never deleted, then which are, and what is written."""

from __future__ import annotations

import json

import pytest

from c7n_inactive_keys.custodian.deletion import FRESH
from c7n_inactive_keys.sandbox import Fault
from tests.deletion.custodian import DELETE, TAG, days_ago, delete_policy

pytestmark = pytest.mark.e2e

INACTIVE_90 = {"type": "inactive-access-key", "days": 90}


@pytest.fixture(name="account")
def _account(sandbox, custodian):
    """An account for the test's users."""
    return sandbox.account("111111111111")


def _inactive(account, name="bob", *, off=200, created=500, **options):
    """A key that was switched off so many days ago, which event history then proves for 90."""
    return account.user(name).key(created=days_ago(created), toggles=[days_ago(off)], **options)


def _before_reread(sandbox, change, user="bob"):
    """Let somebody make a change just before the user's keys are listed for the second time."""
    return sandbox.faults.add(Fault(action="ListAccessKeys", user=user, nth=2, call=change))


def _ids(account):
    return {key.id for key in account.keys}


# -- keys that must not be deleted ----------------------------------------------------------------


def test_a_key_reactivated_before_the_deletion_is_left_alone(sandbox, custodian, account):
    """Scenario 10: the keys are listed again just before, and what is Active stays."""
    key = _inactive(account)
    _before_reread(sandbox, lambda: key.activate())
    outcome = custodian.run(account.id, delete_policy())
    assert key.id in _ids(account)
    assert outcome.by_key() == {key.id: "skipped reactivated"}
    assert outcome.status == 0


def test_a_key_reactivated_after_the_report_was_made_is_left_alone(sandbox, custodian, account):
    """Scenario 9: the credential report only says where to look."""
    key = _inactive(account)
    sandbox.client("iam", account.id).generate_credential_report()
    key.activate()
    outcome = custodian.run(account.id, delete_policy())
    assert key.id in _ids(account)
    assert outcome.status == 0
    assert outcome.resources() == []


def test_an_expired_key_is_no_inactive_key(sandbox, custodian, account):
    """The status must be Inactive, not just something else than Active."""
    key = _inactive(account)

    def expire():
        key.status = "Expired"

    _before_reread(sandbox, expire)
    outcome = custodian.run(account.id, delete_policy())
    assert key.id in _ids(account)
    assert outcome.by_key() == {key.id: "skipped changed"}


def test_a_key_of_the_same_id_and_another_date_is_another_key(sandbox, custodian, account):
    """The creation date is compared as well."""
    key = _inactive(account)

    def recreate():
        key.created = days_ago(100)

    _before_reread(sandbox, recreate)
    outcome = custodian.run(account.id, delete_policy())
    assert key.id in _ids(account)
    assert outcome.by_key() == {key.id: "skipped changed"}


def test_another_inactive_key_in_its_place_is_left_alone(sandbox, custodian, account):
    """Scenario 12: a key is known by its id, not by its slot or by being the only inactive one."""
    key = _inactive(account)
    created = key.created

    def replace():
        key.delete()
        account.user("bob").key(created=created, toggles=[days_ago(200)])

    _before_reread(sandbox, replace)
    outcome = custodian.run(account.id, delete_policy())
    assert len(account.keys) == 1
    assert outcome.by_key() == {key.id: "skipped already-gone"}
    assert sandbox.calls.count("DeleteAccessKey") == 0


def test_a_second_key_is_read_again_after_the_first_took_its_time(sandbox, custodian, account):
    """While the first deletion was answered slowly somebody needed the second key again."""
    keys = [_inactive(account), _inactive(account, created=499)]
    first, second = sorted(keys, key=lambda key: key.id)
    sandbox.faults.add(
        Fault(action="DeleteAccessKey", key_id=first.id, call=second.activate, delay=FRESH + 0.5)
    )
    outcome = custodian.run(account.id, delete_policy())
    assert _ids(account) == {second.id}
    assert outcome.by_key() == {first.id: "deleted", second.id: "skipped reactivated"}


def test_what_a_further_try_read_counts_for_the_second_key_too(sandbox, custodian, account):
    """While the first deletion was throttled somebody needed the second key again."""
    keys = [_inactive(account), _inactive(account, created=499)]
    first, second = sorted(keys, key=lambda key: key.id)
    sandbox.faults.add(
        Fault(action="DeleteAccessKey", key_id=first.id, call=second.activate, error="Throttling")
    )
    outcome = custodian.run(account.id, delete_policy())
    assert _ids(account) == {second.id}
    assert outcome.by_key() == {first.id: "deleted", second.id: "skipped reactivated"}


def test_a_second_key_costs_its_deletion_only(sandbox, custodian, account):
    """What was read of the user a moment ago serves both of its keys."""
    _inactive(account)
    _inactive(account, created=499)
    custodian.run(account.id, delete_policy())
    calls = sandbox.calls.by_action(account.id)
    assert (calls["GetUser"], calls["ListAccessKeys"], calls["DeleteAccessKey"]) == (2, 2, 2)


@pytest.mark.parametrize("written", ["keep-keys", "Keep-Keys", "KEEP-KEYS"])
def test_an_exemption_added_in_mid_run_counts_in_any_case(sandbox, custodian, account, written):
    """Scenario 33: tag keys of IAM are case-insensitive; the tag is read at the last moment."""
    key = _inactive(account)
    tags = account.user("bob").tags
    sandbox.faults.add(Fault(action="LookupEvents", call=lambda: tags.update({written: ""})))
    outcome = custodian.run(account.id, delete_policy())
    assert key.id in _ids(account)
    assert outcome.by_key() == {key.id: "skipped exempt"}
    assert outcome.status == 0


def test_an_exemption_is_seen_through_custodians_cache(sandbox, custodian, account, tmp_path):
    """Custodian may hand out users of a quarter of an hour ago; the tag is read live."""
    key = _inactive(account)
    cached = ("--cache-period", "15", "--cache", str(tmp_path / "cache"))
    first = custodian.run(account.id, delete_policy(), arguments=(*cached, "--dryrun"))
    assert first.matched() == {key.id}
    account.user("bob").tags[TAG] = ""
    outcome = custodian.run(account.id, delete_policy(), arguments=cached)
    assert sandbox.calls.count("GetUser") == 2  # the first run's, and that before the deletion
    assert key.id in _ids(account)
    assert outcome.by_key() == {key.id: "skipped exempt"}


def test_an_exemption_that_cannot_be_read_means_do_not_delete(sandbox, custodian, account):
    """Scenario 33: denied is not 'no exemption'."""
    key = _inactive(account)
    sandbox.faults.add(Fault(action="GetUser", nth=2, times=None, error="AccessDenied"))
    outcome = custodian.run(account.id, delete_policy())
    assert key.id in _ids(account)
    assert outcome.by_key() == {key.id: "failed unreadable"}
    assert outcome.status == 2


@pytest.mark.parametrize(
    ("off", "used", "created"),
    [(89, None, 500), (1, None, 1825), (1, 400, 1825), (200, 50, 500)],
    ids=["a day short", "old but off since yesterday", "long unused", "used after it"],
)
def test_a_key_not_proven_is_not_deleted(sandbox, custodian, account, off, used, created):
    """Scenario 13: neither age nor disuse is inactivity, and a later use contradicts it."""
    last_used = (days_ago(used), "s3", "us-east-1") if used else None
    key = _inactive(account, off=off, created=created, last_used=last_used)
    outcome = custodian.run(account.id, delete_policy())
    assert key.id in _ids(account)
    assert (outcome.status, outcome.resources()) == (0, [])


def test_without_event_history_nothing_is_proven(sandbox, custodian, account):
    """Scenario 14: denied history is unknown, never 90 days of silence."""
    key = _inactive(account)
    sandbox.faults.add(Fault(action="LookupEvents", times=None, error="AccessDenied"))
    outcome = custodian.run(account.id, delete_policy())
    assert key.id in _ids(account)
    assert outcome.resources() == []


def test_a_last_use_that_cannot_be_read_proves_nothing(sandbox, custodian, account):
    """Scenario 16: a failed GetAccessKeyLastUsed is not 'never used', whatever history says."""
    key, other = _inactive(account), _inactive(account, "eve")
    sandbox.faults.add(
        Fault(action="GetAccessKeyLastUsed", key_id=key.id, times=None, error="AccessDenied")
    )
    policy = delete_policy()
    del policy["source"]
    outcome = custodian.run(account.id, policy)
    assert _ids(account) == {key.id}
    assert outcome.matched() == {other.id}


def test_active_keys_beside_a_matched_one_stay(sandbox, custodian, account):
    """Scenarios 4 and 26: only the inactive key of a user with two goes."""
    key = _inactive(account)
    active = account.user("bob").key(created=days_ago(1000))
    outcome = custodian.run(account.id, delete_policy())
    assert _ids(account) == {active.id}
    assert outcome.by_key() == {key.id: "deleted"}


def test_of_two_keys_of_the_same_second_only_the_inactive_one_goes(sandbox, custodian, account):
    """Scenario 8: keys are matched by id, where the report knows them by time."""
    born = days_ago(500)
    key = account.user("bob").key(created=born, toggles=[days_ago(200)])
    active = account.user("bob").key(created=born)
    policy = delete_policy(
        filters=[INACTIVE_90, {"type": "access-key", "key": "Status", "value": "Inactive"}]
    )
    outcome = custodian.run(account.id, policy)
    assert _ids(account) == {active.id}
    assert outcome.by_key() == {key.id: "deleted"}


# -- gone meanwhile -------------------------------------------------------------------------------


def test_a_key_deleted_by_somebody_else_is_no_failure(sandbox, custodian, account):
    """Scenario 19: already gone, and the others go on."""
    key, other = _inactive(account), _inactive(account, "eve")
    sandbox.faults.add(Fault(action="DeleteAccessKey", user="bob", call="delete-key"))
    outcome = custodian.run(account.id, delete_policy())
    assert outcome.status == 0
    assert outcome.by_key() == {key.id: "skipped already-gone", other.id: "deleted"}


def test_a_user_deleted_in_mid_run_is_no_failure(sandbox, custodian, account):
    """Scenario 18: the user is gone with its keys, and the others go on."""
    key, other = _inactive(account), _inactive(account, "eve")
    sandbox.faults.add(Fault(action="GetUser", user="bob", nth=2, call="delete-user"))
    outcome = custodian.run(account.id, delete_policy())
    assert outcome.status == 0
    assert outcome.by_key() == {key.id: "skipped user-gone", other.id: "deleted"}


def test_a_failure_on_one_of_ten_stops_none_and_is_named_at_the_end(sandbox, custodian, account):
    """Scenario 19: nine are deleted, the exit status is 2, and the error names user and key."""
    keys = [_inactive(account, f"user-{number}") for number in range(10)]
    sandbox.faults.add(
        Fault(action="DeleteAccessKey", user="user-3", times=None, error="AccessDenied")
    )
    outcome = custodian.run(account.id, delete_policy())
    assert _ids(account) == {keys[3].id}
    assert outcome.status == 2
    assert f"user-3 {keys[3].id} AccessDenied" in outcome.log
    assert [item["access_key_id"] for item in outcome.failures()] == [keys[3].id]
    assert len(outcome.action_file()) == 10


@pytest.mark.parametrize("effect", ["instead", "after"])
def test_an_unclear_deletion_is_looked_up_and_recorded(sandbox, custodian, account, effect):
    """The connection broke; listing tells whether the key is gone, and the journal says deleted."""
    key = _inactive(account)
    sandbox.faults.add(Fault(action="DeleteAccessKey", kind="reset", effect=effect))
    outcome = custodian.run(account.id, delete_policy())
    assert account.keys == []
    assert outcome.by_key() == {key.id: "deleted"}
    tries = sandbox.calls.count("DeleteAccessKey")
    assert tries == (2 if effect == "instead" else 1)


def test_an_exemption_does_not_hide_a_deletion_that_took_effect(sandbox, custodian, account):
    """Deleted, the answer lost, and then exempted: the record must not say skipped."""
    key = _inactive(account)

    def exempt():
        account.user("bob").tags[TAG] = ""

    sandbox.faults.add(Fault(action="DeleteAccessKey", kind="reset", effect="after", call=exempt))
    outcome = custodian.run(account.id, delete_policy())
    assert account.keys == []
    assert outcome.by_key() == {key.id: "deleted"}


def test_a_deletion_whose_effect_cannot_be_found_out_is_called_unclear(sandbox, custodian, account):
    """Neither deleted nor still there can be said, so it failed, with its own reason."""
    key = _inactive(account)
    sandbox.faults.add(Fault(action="DeleteAccessKey", kind="reset", effect="after"))
    sandbox.faults.add(Fault(action="ListAccessKeys", nth=3, times=None, error="AccessDenied"))
    outcome = custodian.run(account.id, delete_policy())
    assert outcome.by_key() == {key.id: "failed unclear"}
    assert outcome.status == 2


# -- max-keys -------------------------------------------------------------------------------------


def test_more_keys_than_the_cap_and_none_is_deleted(sandbox, custodian, account):
    """Scenario 24: two users with three keys are over a cap of two; the policy fails."""
    keys = [_inactive(account), _inactive(account, created=499), _inactive(account, "eve")]
    outcome = custodian.run(account.id, delete_policy(**{"max-keys": 2}))
    assert _ids(account) == {key.id for key in keys}
    assert outcome.status == 2
    assert set(outcome.by_key().values()) == {"failed max-keys"}
    assert "3 access keys qualify, more than max-keys: 2" in outcome.log
    assert len(outcome.action_file()) == 3


def test_as_many_keys_as_the_cap_are_deleted(sandbox, custodian, account):
    """The cap itself is allowed."""
    _inactive(account)
    _inactive(account, created=499)
    assert custodian.run(account.id, delete_policy(**{"max-keys": 2})).status == 0
    assert account.keys == []


def test_a_dry_run_reports_whatever_the_cap(sandbox, custodian, account):
    """Scenario 24: the cap must not hide from a dry run what is over it."""
    keys = [_inactive(account), _inactive(account, created=499)]
    outcome = custodian.run(account.id, delete_policy(**{"max-keys": 1}), arguments=("--dryrun",))
    assert outcome.status == 0
    assert outcome.matched() == {key.id for key in keys}
    assert _ids(account) == outcome.matched()


# -- plan -----------------------------------------------------------------------------------------


@pytest.fixture(name="planned")
def _planned(sandbox, custodian, account, tmp_path):
    """A run with a plan of these rows."""

    def run(text, **options):
        path = tmp_path / "plan.csv"
        path.write_text(text)
        plan = {"url": path.as_uri(), "format": "csv2dict", **options}
        return custodian.run(account.id, delete_policy(plan=plan))

    return run


def _row(key, **changes):
    row = {
        "AccountId": key.user.account.id,
        "UserName": key.user.name,
        "AccessKeyId": key.id,
        "CreateDate": f"{key.created:%Y-%m-%dT%H:%M:%SZ}",
        "AtLeast": "90.0",
    } | changes
    return ",".join(row) + "\n" + ",".join(row.values()) + "\n"


def test_only_keys_of_the_plan_are_deleted(account, planned):
    """An inactive key that nobody approved stays."""
    key, other = _inactive(account), _inactive(account, "eve")
    outcome = planned(_row(key))
    assert _ids(account) == {other.id}
    assert outcome.by_key() == {key.id: "deleted", other.id: "skipped not-in-plan"}
    assert outcome.status == 0


@pytest.mark.parametrize(
    "change",
    [
        {"AccountId": "222222222222"},
        {"CreateDate": "2020-01-01T00:00:00Z"},
        {"UserName": "eve"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_row_that_says_otherwise_approves_nothing(account, planned, change):
    """What a row says must be true of the key, or it is about another one."""
    key = _inactive(account)
    outcome = planned(_row(key, **change))
    assert _ids(account) == {key.id}
    assert outcome.by_key() == {key.id: "skipped not-in-plan"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AccountId,UserName,AccessKeyId,CreateDate,AtLeast\n",
        "AccountId,UserName,AccessKeyId,CreateDate,AtLeast\n111111111111,bob\n",
        "UserName,Key\nbob,AKIA0000000000000000\n",
        "AccessKeyId\nnonsense!\n",
        "AccessKeyId,CreateDate\nAKIA0000000000000000,yesterday\n",
    ],
    ids=["empty", "only a header", "short row", "other columns", "no id", "no date"],
)
def test_a_plan_that_cannot_be_read_deletes_nothing(sandbox, account, planned, text):
    """It fails before the first deletion, in one sentence."""
    key = _inactive(account)
    outcome = planned(text)
    assert _ids(account) == {key.id}
    assert outcome.status == 2
    assert "nothing was deleted" in outcome.log
    assert sandbox.calls.count("DeleteAccessKey") == 0


@pytest.mark.parametrize("url", ["file:///no/such/plan.csv", "s3://no-such-bucket/plan.csv"])
def test_a_plan_that_is_not_there_deletes_nothing(sandbox, custodian, account, url):
    """No plan is not an approval of everything."""
    key = _inactive(account)
    outcome = custodian.run(account.id, delete_policy(plan={"url": url, "format": "csv2dict"}))
    assert _ids(account) == {key.id}
    assert outcome.status == 2
    assert "nothing was deleted: the plan" in outcome.log


# -- together with Custodian's own key filters ----------------------------------------------------

OLD = {"type": "access-key", "key": "CreateDate", "value_type": "age", "op": "gt", "value": 450}
NEVER_ACTIVE = {"type": "access-key", "key": "Status", "value": "Active"}
REPORTED = {"type": "credential", "key": "access_keys.active", "value": False}
REPORTED_OLD = {
    "type": "credential",
    "key": "access_keys.last_rotated",
    "value_type": "age",
    "op": "gt",
    "value": 450,
}


@pytest.mark.parametrize(
    ("filters", "deleted"),
    [
        ([INACTIVE_90, OLD], {"old"}),
        ([OLD, INACTIVE_90], {"old"}),
        ([INACTIVE_90, REPORTED_OLD], {"old"}),
        ([REPORTED_OLD, INACTIVE_90], {"old"}),
        ([REPORTED, INACTIVE_90, OLD], {"old"}),
        ([{"or": [OLD, INACTIVE_90]}], {"old"}),
        ([INACTIVE_90, {"or": [OLD, REPORTED]}], {"old", "young"}),
        ([INACTIVE_90, REPORTED], {"old", "young"}),
        ([INACTIVE_90, NEVER_ACTIVE], set()),
        ([NEVER_ACTIVE, INACTIVE_90], set()),
    ],
)
def test_only_keys_that_all_filters_mean_are_deleted(sandbox, custodian, account, filters, deleted):
    """Scenarios 5 to 7: by id, in any order, whatever annotation the last filter left."""
    old = _inactive(account, created=500)
    young = _inactive(account, created=400, off=150)
    account.user("eve").key(created=days_ago(1000))
    names = {old.id: "old", young.id: "young"}
    active = _inactive(account, "mix", created=300, off=120)
    mixed = account.user("mix").key(created=days_ago(900))
    outcome = custodian.run(
        account.id, delete_policy(filters=filters), environ={"PYTHONHASHSEED": "0"}
    )
    gone = {name for key_id, name in names.items() if key_id not in _ids(account)}
    assert gone == deleted
    assert mixed.id in _ids(account)
    assert outcome.status == 0
    words = outcome.by_key()
    for key_id, name in names.items():
        assert words.get(key_id, "skipped not-matched") == (
            "deleted" if name in deleted else "skipped not-matched"
        )
    assert active.id in _ids(account) or words[active.id] == "deleted"


def test_keys_that_the_report_cannot_tell_apart_are_skipped_as_ambiguous(
    sandbox, custodian, account
):
    """Scenario 8: `credential` matched a creation time that two keys share."""
    born = days_ago(500)
    keys = [account.user("bob").key(created=born, toggles=[days_ago(off)]) for off in (200, 150)]
    outcome = custodian.run(account.id, delete_policy(filters=[INACTIVE_90, REPORTED_OLD]))
    assert _ids(account) == {key.id for key in keys}
    assert set(outcome.by_key().values()) == {"skipped ambiguous"}


# -- ledger, records ------------------------------------------------------------------------------


def test_the_ledger_tag_goes_with_the_key_and_no_other_tag_does(sandbox, custodian, account):
    """The console's key description, a tag whose key is the bare id, is not ours."""
    key = _inactive(account)
    stays = _inactive(account, off=10)
    tags = account.user("bob").tags
    entry = " ".join(
        f"{word}={days_ago(days):%Y-%m-%dT%H:%M:%SZ}"
        for word, days in (("after", 400), ("since", 200), ("verified", 1))
    )
    tags.update({f"c7n-inactive-key:{key.id}": entry, key.id: "backup", "team": "x"})
    tags[f"c7n-inactive-key:{stays.id}"] = entry.replace("400", "401")
    custodian.run(account.id, delete_policy())
    assert _ids(account) == {stays.id}
    assert set(tags) == {key.id, "team", f"c7n-inactive-key:{stays.id}"}


def test_a_ledger_tag_that_was_changed_in_mid_run_is_believed_no_more(sandbox, custodian, account):
    """What the proof rests on is read again: a later `since` makes the key younger."""
    key = _inactive(account)
    tags = account.user("bob").tags
    name = f"c7n-inactive-key:{key.id}"

    def entry(since):
        return " ".join(
            f"{word}={days_ago(days):%Y-%m-%dT%H:%M:%SZ}"
            for word, days in (("after", 300), ("since", since), ("verified", 1))
        )

    tags[name] = entry(200)
    sandbox.faults.add(Fault(action="GetUser", nth=2, call=lambda: tags.update({name: entry(100)})))
    policy = delete_policy(filters=[{"type": "inactive-access-key", "days": 180}])
    outcome = custodian.run(account.id, policy)
    assert _ids(account) == {key.id}
    assert outcome.by_key() == {key.id: "skipped changed"}


def test_the_outcomes_are_in_custodians_action_file_and_in_the_journal(sandbox, custodian, account):
    """One record a key, with what proved it."""
    key = _inactive(account)
    outcome = custodian.run(account.id, delete_policy())
    (record,) = outcome.action_file()
    assert record["outcome"] == "deleted"
    assert record["user_name"] == "bob"
    assert record["at_least_days"] == 90.0
    assert {"cloudtrail", "key"} == {item["Source"] for item in record["evidence"]}
    lines = outcome.journal()
    assert [line.outcome for line in lines] == ["deleting", "deleted"]
    assert {line.access_key_id for line in lines} == {key.id}
    assert {line.account_id for line in lines} == {account.id}
    assert json.loads(json.dumps(lines[1].fields))["evidence"] == record["evidence"]


def test_one_policys_matches_do_not_leak_into_the_next(sandbox, custodian, account):
    """Scenario 27: with the in-memory cache both policies see the same user objects."""
    key = _inactive(account)
    first = {
        "name": "report",
        "resource": "aws.iam-user",
        "filters": [{"type": "inactive-access-key"}],
    }
    second = delete_policy(filters=[{"type": "inactive-access-key", "days": 365}])
    del second["source"]
    outcome = custodian.run(
        account.id,
        first,
        second,
        arguments=("--cache", "memory"),
    )
    assert outcome.matched("report") == {key.id}
    assert _ids(account) == {key.id}
    assert outcome.by_key(DELETE) == {}
