# SPDX-License-Identifier: Apache-2.0
"""Each rule, with what it must leave alone first."""

from __future__ import annotations

import pytest
import yaml

from c7n_inactive_keys.lint.catalogue import RULES
from tests.lint.linting import findings, fixed, policy, rules

ACTIVE = {"type": "access-key", "key": "Status", "value": "Active"}
INACTIVE = {"type": "access-key", "key": "Status", "value": "Inactive"}
OLD = {
    "type": "access-key", "match-operator": "and", "key": "CreateDate", "value_type": "age",
    "op": "gt", "value": 90,
}  # fmt: skip
REPORTED_OFF = {"type": "credential", "key": "access_keys.active", "value": False}
LONG_UNUSED = {
    "type": "credential", "key": "access_keys.last_used_date", "value_type": "age", "op": "gt",
    "value": 90,
}  # fmt: skip
LENGTH = {"type": "value", "key": 'length("c7n:matched-keys")', "op": "gte", "value": 1}
OFF_90 = {"type": "inactive-access-key", "days": 90}
UNUSED_90 = {"type": "unused-access-key", "days": 90}
DELETE = {"type": "delete-inactive-keys", "max-keys": 50}
NOTIFY = {"type": "notify", "to": ["x@example.com"], "transport": {"type": "sqs", "queue": "q"}}
NOTIFIED = {"type": "record-inactive-keys", "notified": True}
LAMBDA = {
    "type": "periodic", "schedule": "rate(1 day)", "packages": ["c7n_inactive_keys"],
    "handler": "c7n_inactive_keys.lambda_handler.run",
}  # fmt: skip
EVENT = {
    "source": "iam.amazonaws.com", "event": "UpdateAccessKey",
    "ids": "requestParameters.userName || userIdentity.userName",
}  # fmt: skip

CREATED = {**EVENT, "event": "CreateAccessKey", "ids": "requestParameters.userName"}


def remove(**options):
    """The action `remove-keys`."""
    return {"type": "remove-keys", **options}


def reported(column, **comparison):
    """A filter on a column of the credential report."""
    return {"type": "credential", "key": f"access_keys.{column}", **comparison}


def listed(column, **comparison):
    """A filter on what ListAccessKeys tells."""
    return {"type": "access-key", "key": column, **comparison}


CLEAN = {
    "keys to rotate are told of": policy([ACTIVE, OLD], [NOTIFY]),
    "one filter on keys needs no operator": policy([ACTIVE], [NOTIFY]),
    "either filter may match in an or block": policy(
        [{"or": [ACTIVE, {**OLD, "match-operator": "or"}]}]
    ),
    "a report of inactive keys": policy([REPORTED_OFF]),
    "the length of the matched keys is asked for": policy([REPORTED_OFF, LONG_UNUSED, LENGTH]),
    "keys that were used lately, as its name says": policy(
        [reported("last_used_date", value_type="age", op="lt", value=30)], name="active-keys"
    ),
    "never used": policy([reported("last_used_date", value="absent")]),
    "never used, as null": policy([reported("last_used_date", value=None)]),
    "a region, of which nothing is known": policy(
        [reported("last_used_region", value="eu-west-1")]
    ),
    "a value that the run fills in": policy([listed("CreateDate", op="gt", value="{days}")]),
    "a value from a file": policy(
        [listed("AccessKeyId", op="in", value_from={"url": "file://x.txt", "format": "txt"})]
    ),
    "a date": policy([listed("CreateDate", value_type="date", op="lt", value="2019-01-01")]),
    "an expression": policy([listed("Status || 'x'", value="x")]),
    "all keys of users without MFA are deactivated": policy(
        [{"type": "mfa-device", "value": "empty"}], [remove(disable=True)]
    ),
    "and of those without a device": policy(
        [{"type": "mfa-device", "value": "absent"}, {"tag:keep": "absent"}], [remove(disable=True)]
    ),
    "a user is deleted with all that it has": policy([{"UserName": "bob"}], ["delete"]),
    "console access only": policy(
        [{"UserName": "bob"}], [{"type": "delete", "options": ["console-access"]}]
    ),
    "our deletion": policy([OFF_90], [DELETE], source="credential-report"),
    "our deletion by plan": policy(
        [{**OFF_90, "certainty": "possible"}],
        [{"type": "delete-inactive-keys", "plan": {"url": "file://plan.csv"}}],
    ),
    "zero days are days": policy([{**OFF_90, "days": 0}], [DELETE]),
    "our deactivation": policy(
        [{**UNUSED_90, "never-used-days": 30}],
        [{"type": "deactivate-unused-keys", "max-keys": 50, "exempt-tag": "keep-keys"}],
    ),
    "our deactivation without a cap, which can be undone": policy(
        [UNUSED_90], ["deactivate-unused-keys"]
    ),
    "our undo": policy(
        None, [{"type": "reactivate-keys", "journal": {"url": "file://j.jsonl", "format": "json"}}]
    ),
    "our alarm": policy(
        [{"type": "reactivated-access-key", "after-days": 30}], [NOTIFY],
        mode={**LAMBDA, "type": "cloudtrail", "events": [EVENT]},
    ),
    "a notice, then its record": policy([OFF_90], [NOTIFY, NOTIFIED]),
    "possible keys are only told of": policy([{**OFF_90, "certainty": "possible"}], [NOTIFY]),
    "evidence of one's own": policy(
        [
            {
                **OFF_90,
                "evidence": [],
                "events-from": {"url": "file://e.csv", "covers-since": "2024-01-01"},
            }
        ],
        [NOTIFY],
    ),
    "an exemption that is read twice": policy(
        [{"tag:keep": "absent"}, OFF_90], [{**DELETE, "exempt-tag": "keep"}]
    ),
    "a message about what will happen": policy(
        [OFF_90], [{**NOTIFY, "subject": "Keys will be deleted in 14 days"}]
    ),
    "a message about the state of keys": policy(
        [OFF_90], [{**NOTIFY, "subject": "Keys that have been disabled for 90 days"}]
    ),
    "a message about what happened": policy(
        [OFF_90], [{**NOTIFY, "subject": "These keys have been deleted"}, DELETE]
    ),
    "keys of the root user": policy(
        [reported("active", value=True)], None, resource="aws.account"
    ),
    "other resources": policy([{"key": "value"}], ["stop"], resource="ec2"),
    "remove-keys of another resource": policy(None, [remove()], resource="gcp.service-account"),
}  # fmt: skip


@pytest.mark.parametrize("text", CLEAN.values(), ids=CLEAN)
def test_what_is_right_is_left_alone(text):
    """No finding, and nothing to fix."""
    assert findings(text) == []
    assert fixed(text) == text


# Rule -> texts in which it must find something, by what is wrong.
WRONG = {
    "matched-missing": {
        "filters on keys": policy([ACTIVE], [remove(disable=True)]),
        "nothing but an age": policy(None, [remove(disable=True, age=90)]),
        "an age beside a filter on users": policy([{"UserName": "x"}], [remove(age=90)]),
        "no filter at all": policy(None, ["remove-keys"]),
        "matched is false": policy([INACTIVE], [remove(matched=False)]),
        "behind our filter": policy([OFF_90], ["remove-keys"]),
        "a name alone that is left out": policy(
            [{"type": "value", "key": "UserName", "op": "ne", "value": "x"}], [remove(disable=True)]
        ),
        "an exemption alone": policy([{"tag:keep": "absent"}], [remove(disable=True)]),
    },
    "age-since-creation": {
        "by the report": policy(
            [reported("last_rotated", value_type="age", op="gt", value=90)], [remove(matched=True)]
        ),
        "by the list": policy([INACTIVE, OLD], [remove(matched=True)]),
        "by the action": policy(None, [remove(age=90)]),
    },
    "deletes-active-keys": {
        "no status is asked for": policy([OLD], [remove(matched=True)]),
        "the status is Active": policy([ACTIVE], [remove(matched=True)]),
        "ours, of active keys": policy([UNUSED_90], [remove(matched=True)]),
        "either of two filters": policy([{"or": [INACTIVE, OLD]}], [remove(matched=True)]),
        "under not": policy([{"not": [ACTIVE]}], [remove(matched=True)]),
    },
    "delete-access-keys": {
        "the option": policy([ACTIVE], [{"type": "delete", "options": ["access-keys"]}]),
        "the whole user, for one key": policy([INACTIVE], ["delete"]),
    },
    "deletes-instead": {
        "by its name": policy([INACTIVE], [remove(matched=True)], name="disable_old_keys"),
        "by its description": policy(
            [INACTIVE], [remove(matched=True)], description="Deactivate keys."
        ),
    },
    "same-second": {
        "a deletion": policy([REPORTED_OFF], [remove(matched=True)]),
        "a deactivation": policy([LONG_UNUSED], [remove(matched=True, disable=True)]),
    },
    "mixed-filters": {
        "on keys": policy([REPORTED_OFF, INACTIVE], [remove(matched=True)]),
        "on users": policy(
            [{"type": "credential", "key": "mfa_active", "value": False}, INACTIVE],
            [remove(matched=True)],
        ),
    },
    "unguarded-deletion": {
        "of inactive keys": policy([INACTIVE], [remove(matched=True)]),
        "of ours": policy([OFF_90], [remove(matched=True)]),
    },
    "deactivates-again": {
        "of any status": policy([OLD], [remove(matched=True, disable=True)]),
    },
    "mark-for-op": {
        "the mark": policy([INACTIVE], [{"type": "mark-for-op", "op": "remove-keys", "days": 14}]),
        "what follows": policy([{"type": "marked-for-op", "op": "remove-keys"}], ["remove-keys"]),
    },
    "never-matches": {
        "a date and a number": policy([reported("last_used_date", op="gt", value=90)]),
        "an age without op": policy([listed("CreateDate", value_type="age", value=90)]),
        "an age in quotes": policy([listed("CreateDate", value_type="age", op="gt", value="90")]),
        "a text for a flag": policy([reported("active", value="false")]),
        "a status in small letters": policy([listed("Status", value="inactive")]),
        "no such field": policy([listed("LastUsedDate", value_type="age", op="gt", value=90)]),
        "in a block": policy([{"not": [{"or": [reported("active", value="true")]}]}]),
        "two that rule each other out": policy([OFF_90, ACTIVE], [DELETE]),
        "of the root user": policy(
            [reported("last_used_date", op="gt", value=90)], resource="account"
        ),
    },
    "matches-every-key": {
        "a date is no number": policy([reported("last_rotated", op="ne", value=90)]),
        "a status that is none": policy([listed("Status", op="ne", value="Disabled")]),
    },
    "wrong-way-round": {
        "by its name": policy(
            [reported("last_used_date", value_type="age", op="lt", value=90)], name="stale-keys"
        ),
        "by what it does": policy(
            [reported("last_used_date", value_type="age", op="less-than", value=90)],
            [remove(disable=True, matched=True)],
        ),
    },
    "match-operator": {
        "side by side": policy([ACTIVE, {**OLD, "match-operator": "or"}], [NOTIFY]),
        "in an and block": policy([{"and": [ACTIVE, listed("CreateDate", value="absent")]}]),
    },
    "keys-apart": {
        "on top": policy([REPORTED_OFF, LONG_UNUSED], [NOTIFY]),
        "in an and block": policy([{"or": [{"and": [REPORTED_OFF, LONG_UNUSED]}]}]),
    },
    "source-hides-users": {
        "users without MFA": policy(
            [{"type": "mfa-device", "value": "empty"}], source="credential-report"
        ),
    },
    "says-undone": {
        "nothing but a notice": policy(
            [ACTIVE], [{**NOTIFY, "violation_desc": "The keys have been disabled."}]
        ),
    },
    "event-ids": {
        "only the request": policy(
            None, [NOTIFY],
            mode={"type": "cloudtrail", "events": [{**EVENT, "ids": "requestParameters.userName"}]},
        ),
        "a short name": policy(
            None, [NOTIFY], mode={"type": "cloudtrail", "events": ["DeleteAccessKey"]}
        ),
        "a creation": policy(
            None, [NOTIFY], mode={"type": "cloudtrail", "events": [CREATED]}
        ),
    },
    "lambda-without-plugin": {
        "neither": policy([OFF_90], mode={"type": "periodic", "schedule": "rate(1 day)"}),
        "another package": policy([OFF_90], mode={**LAMBDA, "packages": ["mine"]}),
        "another handler": policy([OFF_90], mode={**LAMBDA, "handler": "custodian_policy.run"}),
    },
    "days-missing": {
        "by name": policy(["inactive-access-key"], [DELETE]),
        "with options": policy([{"type": "inactive-access-key", "certainty": "proven"}], [DELETE]),
    },
    "max-keys-missing": {
        "by name": policy([OFF_90], ["delete-inactive-keys"]),
        "with options": policy([OFF_90], [{"type": "delete-inactive-keys", "exempt-tag": "x"}]),
    },
    "possible-without-plan": {
        "a guess": policy([{**OFF_90, "certainty": "possible"}], [DELETE]),
    },
    "evidence-too-short": {
        "none": policy([{**OFF_90, "evidence": []}]),
        "history alone": policy([{**OFF_90, "days": 91, "evidence": ["cloudtrail"]}]),
    },
    "notified-before-notify": {
        "the wrong order": policy([OFF_90], [NOTIFIED, NOTIFY]),
        "no notice": policy([OFF_90], [NOTIFIED]),
    },
    "no-key-filter": {
        "none": policy(None, [DELETE]),
        "under not": policy([{"not": [OFF_90]}], [DELETE]),
        "the other one": policy([OFF_90], [{"type": "deactivate-unused-keys", "max-keys": 5}]),
    },
    "exemption-not-live": {
        "a filter alone": policy([{"tag:keep": "absent"}, OFF_90], [DELETE]),
    },
    "exempt-tag": {
        "as in a filter": policy([OFF_90], [{**DELETE, "exempt-tag": "tag:keep"}]),
    },
    "journal-missing": {"bare": policy(None, ["reactivate-keys"])},
    "unknown-option": {
        "of the filter": policy([{**OFF_90, "day": 90}]),
        "of the action": policy([OFF_90], [{**DELETE, "max-resources": 5}]),
    },
    "unknown-key": {
        "an option in the wrong place": policy([OFF_90], days=90),
        "beside the policies": policy([OFF_90]) + "accounts: []\n",
    },
    "duplicate-key": {
        "filters": policy([OFF_90]) + "  filters:\n  - inactive-access-key\n",
        "policies": policy([OFF_90]) + policy([OFF_90]),
        "an option": policy(["x"]).replace("x\n", "{type: a, days: 1, days: 2}\n"),
    },
    "unreadable": {
        "no YAML": "policies: [\n",
        "two documents": policy([OFF_90]) + "---\n" + policy([OFF_90]),
        "a date that is none": "a: 2024-13-01",
    },
    "bad-ignore": {
        "no such rule": "# inactive-keys: ignore nonsense for fun\n" + policy([OFF_90]),
        "no reason": policy([OFF_90]) + "# inactive-keys: ignore max-keys-missing\n",
    },
}  # fmt: skip
DELETING = policy([OFF_90], [DELETE])
ACCOUNTS = yaml.safe_dump({"accounts": [{"account_id": "1" * 12, "regions": ["all"]}]})


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        pytest.param(rule, text, id=f"{rule}: {why}")
        for rule, texts in WRONG.items()
        for why, text in texts.items()
    ],
)
def test_what_is_wrong_is_found(rule, text):
    """By the rule for it, whatever else is found."""
    assert rule in rules(text)


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        (
            policy([ACTIVE], [{"type": "delete", "options": ["access-keys"]}, remove()], name="a"),
            [{"type": "delete", "options": ["access-keys"]}, remove()],
        ),
        (
            policy([OLD], [NOTIFY, {"type": "delete", "options": ["access-keys"]}, remove()]),
            [NOTIFY, {**DELETE, "exempt-tag": "keep-keys"}],
        ),
        (
            policy([OLD], [{"type": "delete", "options": ["access-keys", "groups"]}, remove()]),
            [{"type": "delete", "options": ["groups"]}, {**DELETE, "exempt-tag": "keep-keys"}],
        ),
        (
            policy(None, [remove(age=180), NOTIFY, remove(age=90, disable=True)]),
            [NOTIFY, {**DELETE, "type": "deactivate-unused-keys", "exempt-tag": "keep-keys"}],
        ),
        (
            policy([{"UserName": "x"}], [remove(), {"type": "delete", "options": ["access-keys"]}]),
            [remove(disable=True), remove(disable=True)],
        ),
        (
            policy([{"or": [OLD, INACTIVE]}], [remove(matched=True)]),
            [remove(matched=True)],
        ),
        (
            policy([OFF_90, OLD], [remove(matched=True)]),
            [{**DELETE, "exempt-tag": "keep-keys"}],
        ),
        (
            policy(None, [remove(age=9), remove(age=90, disable=True), remove(age=180)]),
            [remove(age=9), remove(age=90, disable=True), remove(age=180)],
        ),
    ],
    ids=[
        "active keys are not deleted at once", "one deletion for two", "other options stay",
        "the deletion first", "of certain users", "a filter in a block", "behind our filter",
        "more than two stages",
    ],
)  # fmt: skip
def test_actions_are_replaced_one_for_one(text, actions):
    """Whatever their order, and only where there is but one way."""
    assert yaml.safe_load(fixed(text))["policies"][0]["actions"] == actions


@pytest.mark.parametrize(
    "text",
    [
        policy([listed("AccessKeyId", value="AKIA1")], [remove(matched=True)]),
        policy([reported("last_used_service", value="s3")], [remove(matched=True, disable=True)]),
        policy(
            [listed("CreateDate", value_type="age", op="lt", value=7)],
            [remove(matched=True, disable=True)],
        ),
        policy([listed("Status", op="ne", value="Active")], [remove(matched=True)]),
        policy([OLD, {"not": [ACTIVE]}], [remove(matched=True)]),
        policy([OLD], [remove(matched=True)], resource=["iam-user", "iam-role"]),
        policy([INACTIVE], [remove(matched=True, disable=True)]),
    ],
    ids=[
        "a certain key", "a service", "new keys", "any other status", "a block",
        "several resources", "nothing to do",
    ],
)  # fmt: skip
def test_no_fix_acts_on_keys_that_were_not_meant(text):
    """A filter that says more than ours would be lost with all that it keeps safe."""
    assert rules(text)
    assert fixed(text) == text


NEVER = reported("last_used_date", op="gt", value=90)


def test_a_filter_is_put_right_together_with_the_actions_behind_it():
    """A policy that never matched does not begin to delete keys in use."""
    (right,) = yaml.safe_load(fixed(policy([NEVER], [remove()])))["policies"]
    assert right["filters"] == [OFF_90]
    assert right["actions"] == [{**DELETE, "exempt-tag": "keep-keys"}]


@pytest.mark.parametrize(
    "text",
    [
        policy([{"or": [NEVER]}], [remove()]),
        policy([NEVER, listed("AccessKeyId", value="A")], [remove()]),
        policy([NEVER], [remove(age=1), remove(age=2, disable=True), remove(age=3)]),
    ],
    ids=["in a block", "beside a filter that stays", "before too many actions"],
)
def test_a_filter_stays_as_it_is_where_the_actions_cannot_be_put_right(text):
    """Rather no key than a wrong one."""
    assert "never-matches" in rules(text)
    assert fixed(text) == text


def test_keys_that_are_called_disabled_are_to_be_deleted():
    """The word is their state, and the policy deletes as it should."""
    text = policy([INACTIVE], [remove(matched=True)], name="clean-up-disabled-keys")
    assert rules(text) == ["unguarded-deletion"]
    assert "delete-inactive-keys" in fixed(text)


def test_each_rule_is_shown():
    """None is without an example of what it finds; two are about files that belong together."""
    assert {*WRONG, "many-regions", "not-recorded"} == set(RULES)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, id=f"{rule}: {why}")
        for rule, texts in WRONG.items()
        for why, text in texts.items()
    ],
)
def test_a_fix_leaves_nothing_that_it_could_still_fix(text):
    """All findings that are left are for somebody to think about."""
    right = fixed(text)
    assert fixed(right) == right
    assert set(rules(right)) <= set(rules(text)) | {"lambda-without-plugin", "keys-apart"}


@pytest.mark.parametrize(
    ("text", "right"),
    [
        (
            WRONG["exempt-tag"]["as in a filter"],
            policy([OFF_90], [{**DELETE, "exempt-tag": "keep"}]),
        ),
        (WRONG["notified-before-notify"]["the wrong order"], policy([OFF_90], [NOTIFY, NOTIFIED])),
        (WRONG["possible-without-plan"]["a guess"], policy([OFF_90], [DELETE])),
        (WRONG["evidence-too-short"]["none"], policy([OFF_90])),
        (WRONG["days-missing"]["by name"], policy([OFF_90], [DELETE])),
        (
            WRONG["never-matches"]["an age without op"],
            policy([listed("CreateDate", value_type="age", value=90, op="greater-than")]),
        ),
        (
            WRONG["lambda-without-plugin"]["neither"],
            policy([OFF_90], mode={**LAMBDA}),
        ),
        (
            WRONG["deletes-active-keys"]["ours, of active keys"],
            WRONG["deletes-active-keys"]["ours, of active keys"],
        ),
    ],
)  # fmt: skip
def test_a_fix_writes_what_was_meant(text, right):
    """Compared as data: how it is laid out is the editor's business."""
    assert yaml.safe_load(fixed(text)) == yaml.safe_load(right)


@pytest.mark.parametrize(
    ("accounts", "found"),
    [
        ([{"account_id": "1", "regions": ["us-east-1"]}], []),
        ([{"account_id": "1", "regions": ["us-east-1", "eu-west-1"]}], ["many-regions"]),
        ([{"account_id": "1", "regions": ["all"]}], ["many-regions"]),
        ([{"account_id": "1", "role": "x"}], ["many-regions"]),
        ([{"account_id": "1", "regions": "eu-west-1"}], []),
    ],
    ids=["one region", "two", "all", "none, so two", "a bare name"],
)
def test_regions_of_accounts_count_the_runs_of_a_global_policy(accounts, found):
    """c7n-org runs each policy once a region."""
    assert rules(yaml.safe_dump({"accounts": accounts}), DELETING) == found


@pytest.mark.parametrize(
    "other",
    [
        policy([{"UserName": "x"}]),
        policy([OFF_90], [DELETE], conditions=[{"type": "value", "key": "region", "value": "x"}]),
        policy([OFF_90], [DELETE], conditions=[{"region": "us-east-1"}]),
        policy([OFF_90], [DELETE], region="us-east-1"),
        policy(None, [NOTIFY], mode={**LAMBDA, "type": "cloudtrail", "events": [EVENT]}),
    ],
    ids=["not about keys", "a condition", "a short condition", "an old condition", "events"],
)
def test_regions_do_not_matter_to_other_policies(other):
    """Those that are not about keys, run in one region by themselves, or wait for events."""
    assert rules(ACCOUNTS, other) == []


def test_regions_stay_where_other_policies_need_them():
    """Only somebody who knows the runs can part them."""
    assert rules(ACCOUNTS, DELETING, policy(resource="ec2")) == ["many-regions"]
    assert fixed(ACCOUNTS, DELETING, policy(resource="ec2")) == ACCOUNTS


@pytest.mark.parametrize(
    ("region", "home"),
    [("us-gov-east-1", "us-gov-west-1"), ("cn-northwest-1", "cn-north-1"), ("all", "us-east-1")],
)
def test_the_one_region_is_the_home_of_the_partitions_iam(region, home):
    """In GovCloud and China it has another name."""
    accounts = {"accounts": [{"account_id": "1", "regions": [region, region]}]}
    right = yaml.safe_load(fixed(yaml.safe_dump(accounts), DELETING))
    assert right["accounts"][0]["regions"] == [home]
