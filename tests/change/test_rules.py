# SPDX-License-Identifier: Apache-2.0
"""The rules of a deletion: which keys are left alone, then what befalls the others meanwhile."""

from __future__ import annotations

import pytest

from c7n_inactive_keys_sandbox import Fault
from tests.support.accounts import days_ago, inactive_key, key_ids, recorded
from tests.support.policies import INACTIVE_90, TAG, delete_policy, record_policy

pytestmark = pytest.mark.e2e


def _before_reread(sandbox, change, user="bob"):
    """Let somebody make a change just before the user's keys are listed for the second time."""
    return sandbox.faults.add(Fault(action="ListAccessKeys", user=user, nth=2, call=change))


# -- keys that must not be deleted ----------------------------------------------------------------


def test_a_key_reactivated_before_the_deletion_is_left_alone(sandbox, custodian, account):
    """Scenario 10: the keys are listed again just before, and what is Active stays."""
    key = inactive_key(account)
    _before_reread(sandbox, lambda: key.activate())
    outcome = custodian.run(account.id, delete_policy())
    assert key.id in key_ids(account)
    assert outcome.by_key() == {key.id: "skipped reactivated"}
    assert outcome.status == 0


def test_a_key_reactivated_after_the_report_was_made_is_left_alone(sandbox, custodian, account):
    """Scenario 9: the credential report only says where to look."""
    key = inactive_key(account)
    sandbox.client("iam", account.id).generate_credential_report()
    key.activate()
    outcome = custodian.run(account.id, delete_policy())
    assert key.id in key_ids(account)
    assert outcome.status == 0
    assert outcome.resources() == []


def test_an_expired_key_is_no_inactive_key(sandbox, custodian, account):
    """The status must be Inactive, not just something else than Active."""
    key = inactive_key(account)

    def expire():
        key.status = "Expired"

    _before_reread(sandbox, expire)
    outcome = custodian.run(account.id, delete_policy())
    assert key.id in key_ids(account)
    assert outcome.by_key() == {key.id: "skipped changed"}


def test_a_key_of_the_same_id_and_another_date_is_another_key(sandbox, custodian, account):
    """The creation date is compared as well."""
    key = inactive_key(account)

    def recreate():
        key.created = days_ago(100)

    _before_reread(sandbox, recreate)
    outcome = custodian.run(account.id, delete_policy())
    assert key.id in key_ids(account)
    assert outcome.by_key() == {key.id: "skipped changed"}


def test_another_inactive_key_in_its_place_is_left_alone(sandbox, custodian, account):
    """Scenario 12: a key is known by its id, not by its slot or by being the only inactive one."""
    key = inactive_key(account)
    created = key.created

    def replace():
        key.delete()
        account.user("bob").key(created=created, toggles=[days_ago(200)])

    _before_reread(sandbox, replace)
    outcome = custodian.run(account.id, delete_policy())
    assert len(account.keys) == 1
    assert outcome.by_key() == {key.id: "skipped already-gone"}
    assert sandbox.calls.count("DeleteAccessKey") == 0


@pytest.fixture(name="pair")
def _pair(account):
    """Two inactive keys of a user, in the order in which they are deleted."""
    keys = [inactive_key(account), inactive_key(account, created=499)]
    return sorted(keys, key=lambda key: key.id)


def test_a_second_key_is_read_again_after_the_first(sandbox, custodian, account, pair):
    """While the first was being deleted somebody needed the second key again."""
    first, second = pair
    sandbox.faults.add(Fault(action="DeleteAccessKey", key_id=first.id, call=second.activate))
    outcome = custodian.run(account.id, delete_policy())
    assert key_ids(account) == {second.id}
    assert outcome.by_key() == {first.id: "deleted", second.id: "skipped reactivated"}


def test_a_user_exempted_between_its_keys_keeps_the_second(sandbox, custodian, account, pair):
    """The tag is read again for each key."""
    first, second = pair
    tags = account.user("bob").tags
    sandbox.faults.add(
        Fault(action="DeleteAccessKey", key_id=first.id, call=lambda: tags.update({TAG: "now"}))
    )
    outcome = custodian.run(account.id, delete_policy())
    assert key_ids(account) == {second.id}
    assert outcome.by_key() == {first.id: "deleted", second.id: "skipped exempt"}


def test_what_a_further_try_read_counts_for_the_second_key_too(sandbox, custodian, account, pair):
    """While the first deletion was throttled somebody needed the second key again."""
    first, second = pair
    sandbox.faults.add(
        Fault(action="DeleteAccessKey", key_id=first.id, call=second.activate, error="Throttling")
    )
    outcome = custodian.run(account.id, delete_policy())
    assert key_ids(account) == {second.id}
    assert outcome.by_key() == {first.id: "deleted", second.id: "skipped reactivated"}


@pytest.mark.parametrize("written", ["keep-keys", "Keep-Keys", "KEEP-KEYS"])
def test_an_exemption_added_in_mid_run_counts_in_any_case(sandbox, custodian, account, written):
    """Scenario 33: tag keys of IAM are case-insensitive; the tag is read at the last moment."""
    key = inactive_key(account)
    tags = account.user("bob").tags
    sandbox.faults.add(Fault(action="LookupEvents", call=lambda: tags.update({written: ""})))
    outcome = custodian.run(account.id, delete_policy())
    assert key.id in key_ids(account)
    assert outcome.by_key() == {key.id: "skipped exempt"}
    assert outcome.status == 0


def test_an_exemption_is_seen_through_custodians_cache(sandbox, custodian, account, tmp_path):
    """Custodian may hand out users of a quarter of an hour ago; the tag is read live."""
    key = inactive_key(account)
    cached = ("--cache-period", "15", "--cache", str(tmp_path / "cache"))
    first = custodian.run(account.id, delete_policy(), arguments=(*cached, "--dryrun"))
    assert first.matched() == {key.id}
    account.user("bob").tags[TAG] = ""
    outcome = custodian.run(account.id, delete_policy(), arguments=cached)
    assert sandbox.calls.count("GetUser") == 2  # the first run's, and that before the deletion
    assert key.id in key_ids(account)
    assert outcome.by_key() == {key.id: "skipped exempt"}


def test_an_exemption_that_cannot_be_read_means_do_not_delete(sandbox, custodian, account):
    """Scenario 33: denied is not 'no exemption'."""
    key = inactive_key(account)
    sandbox.faults.add(Fault(action="GetUser", nth=2, times=None, error="AccessDenied"))
    outcome = custodian.run(account.id, delete_policy())
    assert key.id in key_ids(account)
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
    key = inactive_key(account, off=off, created=created, last_used=last_used)
    outcome = custodian.run(account.id, delete_policy())
    assert key.id in key_ids(account)
    assert (outcome.status, outcome.resources()) == (0, [])


def test_a_key_that_only_the_ledger_knows_to_be_just_off_is_not_deleted(
    sandbox, custodian, account
):
    """EventBridge was faster than event history, which is silent for 90 days still."""
    key = inactive_key(account)
    just = f"{days_ago(5 / 1440):%Y-%m-%dT%H:%M:%SZ}"
    account.user("bob").tags[f"c7n-inactive-key:{key.id}"] = (
        f"after={just} since={just} verified={just}"
    )
    outcome = custodian.run(account.id, record_policy(), delete_policy())
    assert (outcome.status, outcome.resources()) == (0, [])
    assert key_ids(account) == {key.id}
    (value,) = account.user("bob").tags.values()
    assert value.startswith(f"after={just} since={just} ")


def test_without_event_history_nothing_is_proven(sandbox, custodian, account):
    """Scenario 14: denied history is unknown, never 90 days of silence."""
    key = inactive_key(account)
    sandbox.faults.add(Fault(action="LookupEvents", times=None, error="AccessDenied"))
    outcome = custodian.run(account.id, delete_policy())
    assert key.id in key_ids(account)
    assert outcome.resources() == []


def test_a_last_use_that_cannot_be_read_proves_nothing(sandbox, custodian, account):
    """Scenario 16: a failed GetAccessKeyLastUsed is not 'never used', whatever history says."""
    key, other = inactive_key(account), inactive_key(account, "eve")
    sandbox.faults.add(
        Fault(action="GetAccessKeyLastUsed", key_id=key.id, times=None, error="AccessDenied")
    )
    policy = delete_policy()
    del policy["source"]
    recorded(account)
    outcome = custodian.run(account.id, policy)
    assert key_ids(account) == {key.id}
    assert outcome.matched() == {other.id}


def test_active_keys_beside_a_matched_one_stay(sandbox, custodian, account):
    """Scenarios 4 and 26: only the inactive key of a user with two goes."""
    key = inactive_key(account)
    active = account.user("bob").key(created=days_ago(1000))
    outcome = custodian.run(account.id, delete_policy())
    assert key_ids(account) == {active.id}
    assert outcome.by_key() == {key.id: "deleted"}


def test_of_two_keys_of_the_same_second_only_the_inactive_one_goes(sandbox, custodian, account):
    """Scenario 8: keys are matched by id, where the report knows them by time."""
    born = days_ago(500)
    key = account.user("bob").key(created=born, toggles=[days_ago(200)])
    active = account.user("bob").key(created=born)
    recorded(account)  # the report cannot tell the two
    policy = delete_policy(
        filters=[INACTIVE_90, {"type": "access-key", "key": "Status", "value": "Inactive"}]
    )
    outcome = custodian.run(account.id, policy)
    assert key_ids(account) == {active.id}
    assert outcome.by_key() == {key.id: "deleted"}


# -- gone meanwhile -------------------------------------------------------------------------------


def test_a_key_deleted_by_somebody_else_is_no_failure(sandbox, custodian, account):
    """Scenario 19: already gone, and the others go on."""
    key, other = inactive_key(account), inactive_key(account, "eve")
    sandbox.faults.add(Fault(action="DeleteAccessKey", user="bob", call="delete-key"))
    outcome = custodian.run(account.id, delete_policy())
    assert outcome.status == 0
    assert outcome.by_key() == {key.id: "skipped already-gone", other.id: "deleted"}


def test_a_user_deleted_in_mid_run_is_no_failure(sandbox, custodian, account):
    """Scenario 18: the user is gone with its keys, and the others go on."""
    key, other = inactive_key(account), inactive_key(account, "eve")
    sandbox.faults.add(Fault(action="GetUser", user="bob", nth=2, call="delete-user"))
    outcome = custodian.run(account.id, delete_policy())
    assert outcome.status == 0
    assert outcome.by_key() == {key.id: "skipped user-gone", other.id: "deleted"}


def test_a_failure_on_one_of_ten_stops_none_and_is_named_at_the_end(sandbox, custodian, account):
    """Scenario 19: nine are deleted, the exit status is 2, and the error names user and key."""
    keys = [inactive_key(account, f"user-{number}") for number in range(10)]
    sandbox.faults.add(
        Fault(action="DeleteAccessKey", user="user-3", times=None, error="AccessDenied")
    )
    outcome = custodian.run(account.id, delete_policy())
    assert key_ids(account) == {keys[3].id}
    assert outcome.status == 2
    assert f"user-3 {keys[3].id} AccessDenied" in outcome.log
    assert [item["access_key_id"] for item in outcome.failures()] == [keys[3].id]
    assert len(outcome.action_file()) == 10


def test_a_user_whose_name_another_one_has_by_now_is_gone(sandbox, custodian, account):
    """What is read of the other user, tags and keys, says nothing of this one."""
    key = inactive_key(account)

    def take_name():
        account.users["bob"].rename("robert")
        inactive_key(account)

    sandbox.faults.add(Fault(action="GetUser", user="bob", nth=2, call=take_name))
    outcome = custodian.run(account.id, delete_policy())
    assert (outcome.status, len(account.keys)) == (0, 2)
    assert outcome.by_key() == {key.id: "skipped user-gone"}


def test_a_key_that_is_gone_after_an_unclear_deletion_counts_as_deleted(
    sandbox, custodian, account
):
    """Whether it was ours nobody can tell any more; that we tried must not be hidden."""
    key = inactive_key(account)
    sandbox.faults.add(Fault(action="DeleteAccessKey", kind="reset"))
    sandbox.faults.add(Fault(action="DeleteAccessKey", nth=2, call="delete-key"))
    outcome = custodian.run(account.id, delete_policy())
    assert account.keys == []
    assert outcome.by_key() == {key.id: "deleted"}


def test_a_deletion_that_lists_late_is_known_by_the_next_try(sandbox, custodian, account):
    """Deleted, the answer lost, and the listing is behind: that the key is not there tells it."""
    key = inactive_key(account)
    behind = Fault(action="ListAccessKeys", kind="lag", delay=2)

    def delete():
        sandbox.faults.add(behind)
        key.delete()

    sandbox.faults.add(Fault(action="DeleteAccessKey", kind="reset", call=delete))
    outcome = custodian.run(account.id, delete_policy())
    assert account.keys == []
    assert outcome.by_key() == {key.id: "deleted"}
    assert sandbox.calls.count("DeleteAccessKey") == 2


@pytest.mark.parametrize("effect", ["instead", "after"])
def test_an_unclear_deletion_is_looked_up_and_recorded(sandbox, custodian, account, effect):
    """The connection broke; listing tells whether the key is gone, and the journal says deleted."""
    key = inactive_key(account)
    sandbox.faults.add(Fault(action="DeleteAccessKey", kind="reset", effect=effect))
    outcome = custodian.run(account.id, delete_policy())
    assert account.keys == []
    assert outcome.by_key() == {key.id: "deleted"}
    tries = sandbox.calls.count("DeleteAccessKey")
    assert tries == (2 if effect == "instead" else 1)


def test_an_exemption_does_not_hide_a_deletion_that_took_effect(sandbox, custodian, account):
    """Deleted, the answer lost, and then exempted: the record must not say skipped."""
    key = inactive_key(account)

    def exempt():
        account.user("bob").tags[TAG] = ""

    sandbox.faults.add(Fault(action="DeleteAccessKey", kind="reset", effect="after", call=exempt))
    outcome = custodian.run(account.id, delete_policy())
    assert account.keys == []
    assert outcome.by_key() == {key.id: "deleted"}


def test_a_deletion_whose_effect_cannot_be_found_out_is_called_unclear(sandbox, custodian, account):
    """Neither deleted nor still there can be said, so it failed, with its own reason."""
    key = inactive_key(account)
    sandbox.faults.add(Fault(action="DeleteAccessKey", kind="reset", effect="after"))
    sandbox.faults.add(Fault(action="ListAccessKeys", nth=3, times=None, error="AccessDenied"))
    outcome = custodian.run(account.id, delete_policy())
    assert outcome.by_key() == {key.id: "failed unclear"}
    assert outcome.status == 2
