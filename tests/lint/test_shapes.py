# SPDX-License-Identifier: Apache-2.0
"""Policies of the shapes that people run: what is found, and what they do once they are put right.

The shapes are those of public policies; the text is ours. Each is put right by `--fix` and run by
stock Custodian in an account that holds the keys that such policies get wrong.
"""

from __future__ import annotations

from datetime import timedelta

import jmespath
import pytest
import yaml

from tests.lint.account import (
    ACCOUNT,
    HOLD_OFF,
    IDLE,
    OFF,
    changes,
    gone,
    statuses,
)
from tests.lint.linting import SHAPES, findings, fixed, rules

FILES = sorted(str(path.relative_to(SHAPES)) for path in SHAPES.rglob("*.yml"))

# What is found in each file, by policy.
FOUND = {
    "01-warn-disable-delete.yml": {
        "access-key-warn": ["match-operator"],
        "access-key-disable": [
            "age-since-creation", "deactivates-again", "match-operator", "matched-missing",
        ],
        "access-key-delete": ["age-since-creation", "deletes-active-keys", "unguarded-deletion"],
    },
    "02-disable-by-delete.yml": {
        "user-keys-disable": [
            "delete-access-keys", "deletes-instead", "match-operator", "unguarded-deletion",
        ],
    },
    "03-inactive-reported.yml": {},
    "04-value-type-missing.yml": {
        "keys-never-used-since-45-days": ["keys-apart", "never-matches"],
    },
    "05-wrong-way-round.yml": {"unused-keys-90-days": ["never-matches", "wrong-way-round"]},
    "06-says-disabled.yml": {"unused-keys-notify": ["says-undone"]},
    "07-same-second.yml": {"delete-inactive-keys": ["same-second", "unguarded-deletion"]},
    "08-every-old-key.yml": {
        "disable-keys-90-days": ["age-since-creation", "deactivates-again", "matched-missing"],
    },
    "09-unused-180.yml": {
        "disable-unused-keys": ["age-since-creation", "deactivates-again", "matched-missing"],
    },
    "10-key-changes.yml": {"key-changes": ["event-ids"]},
    "10-without-mfa.yml": {"no-mfa-no-access": ["delete-access-keys", "unguarded-deletion"]},
    "11-many-regions/accounts.yml": {None: ["many-regions"]},
    "11-many-regions/policies.yml": {
        "iam-active-key-lifecycle": [
            "age-since-creation", "age-since-creation", "deactivates-again", "matched-missing",
            "matched-missing", "unguarded-deletion",
        ],
    },
    "12-correct.yml": {},
    "13-deactivate-and-delete.yml": {
        "deactivate-unused": ["not-recorded", "same-second"],
        "delete-inactive": ["max-keys-missing"],
    },
}  # fmt: skip
# What somebody has to put right by hand.
LEFT = {
    "04-value-type-missing.yml": ["keys-apart"],
    "06-says-disabled.yml": ["says-undone"],
}


def shape(name: str) -> tuple[str, ...]:
    """The text of a file, and of those in a folder with it."""
    path = SHAPES / name
    beside = path.parent.glob("*.yml") if path.parent != SHAPES else ()
    return path.read_text(), *(other.read_text() for other in beside if other != path)


@pytest.mark.parametrize("name", FILES)
def test_the_mistakes_of_a_shape_are_found(name):
    """All that its policies do to keys that they do not name, and nothing else."""
    by_policy: dict[str | None, list[str]] = {}
    for finding in findings(*shape(name)):
        by_policy.setdefault(finding.policy, []).append(finding.rule)
    assert {policy: sorted(found) for policy, found in by_policy.items()} == FOUND[name]


@pytest.mark.parametrize("name", FILES)
def test_what_is_left_after_the_fix_needs_thought(name):
    """Every other finding is gone, and a second fix changes nothing."""
    text, *beside = shape(name)
    right = fixed(text, *beside)
    assert rules(right, *(fixed(other, text) for other in beside)) == LEFT.get(name, [])
    assert fixed(right, *beside) == right


# -- what they do ---------------------------------------------------------------------------------

# File, policy, and what it does: matched users, deactivated keys, deleted keys.
DOES = [
    ("01-warn-disable-delete.yml", "access-key-warn", ({"siblings", "working", *IDLE}, (), ())),
    ("01-warn-disable-delete.yml", "access-key-disable", (IDLE, IDLE, ())),
    ("01-warn-disable-delete.yml", "access-key-delete", (HOLD_OFF, (), OFF)),
    ("02-disable-by-delete.yml", "user-keys-disable", (IDLE, IDLE, ())),
    (
        "03-inactive-reported.yml", "inactive-access-keys",
        ({"siblings", "retired", "kept", "off-lately"}, (), ()),
    ),
    ("04-value-type-missing.yml", "keys-never-used-since-45-days", ({"never"}, (), ())),
    (
        "05-wrong-way-round.yml", "unused-keys-90-days",
        ({"idle", "siblings", "retired", "kept"}, (), ()),
    ),
    ("06-says-disabled.yml", "unused-keys-notify", ({"idle"}, (), ())),
    ("07-same-second.yml", "delete-inactive-keys", ({"retired", "siblings"}, (), OFF)),
    ("08-every-old-key.yml", "disable-keys-90-days", (IDLE, IDLE, ())),
    ("09-unused-180.yml", "disable-unused-keys", (IDLE, IDLE, ())),
    (
        "10-without-mfa.yml", "no-mfa-no-access",
        (
            {"siblings", "retired", "kept", "off-lately", "young", *IDLE},
            {"siblings-on", "young", *IDLE}, (),
        ),
    ),
    ("11-many-regions/policies.yml", "iam-active-key-lifecycle", (IDLE, IDLE, ())),
    (
        "11-many-regions/policies.yml", "iam-active-key-lifecycle-delete",
        (HOLD_OFF, (), OFF),
    ),
    ("12-correct.yml", "access-keys-to-rotate", ({"siblings", "working", *IDLE}, (), ())),
    ("13-deactivate-and-delete.yml", "deactivate-unused", (IDLE, IDLE, ())),
    ("13-deactivate-and-delete.yml", "delete-inactive", (HOLD_OFF, (), {*OFF, "kept"})),
]  # fmt: skip


# What they did as they stand: the keys that they deactivated, and those that they deleted.
OLD = "idle kept never off-lately retired siblings-off siblings-on"
DID = {
    ("01-warn-disable-delete.yml", "access-key-warn"): ("", ""),
    ("01-warn-disable-delete.yml", "access-key-disable"): ("idle never siblings-on working", ""),
    ("01-warn-disable-delete.yml", "access-key-delete"): ("", f"{OLD} working"),
    ("02-disable-by-delete.yml", "user-keys-disable"): (
        "", "idle never siblings-off siblings-on working",
    ),
    ("03-inactive-reported.yml", "inactive-access-keys"): ("", ""),
    ("04-value-type-missing.yml", "keys-never-used-since-45-days"): ("", ""),
    ("05-wrong-way-round.yml", "unused-keys-90-days"): ("", ""),
    ("06-says-disabled.yml", "unused-keys-notify"): ("", ""),
    ("07-same-second.yml", "delete-inactive-keys"): ("", "retired siblings-off siblings-on"),
    ("08-every-old-key.yml", "disable-keys-90-days"): ("idle never siblings-on working", ""),
    ("09-unused-180.yml", "disable-unused-keys"): ("idle siblings-on", ""),
    ("10-without-mfa.yml", "no-mfa-no-access"): ("", f"{OLD} young"),
    ("11-many-regions/policies.yml", "iam-active-key-lifecycle"): ("", f"{OLD} working"),
    ("12-correct.yml", "access-keys-to-rotate"): ("", ""),
    ("13-deactivate-and-delete.yml", "deactivate-unused"): ("idle", ""),
    ("13-deactivate-and-delete.yml", "delete-inactive"): ("", "kept retired siblings-off"),
}  # fmt: skip


@pytest.mark.e2e
@pytest.mark.parametrize(("name", "policy_name"), DID, ids=lambda text: text.partition(".")[0])
def test_what_a_policy_of_that_shape_did(name, policy_name, keys, sandbox, custodian):
    """As it stands, in the same account: what makes the finding worth one."""
    policies = yaml.safe_load(shape(name)[0])["policies"]
    (data,) = (item for item in policies if item["name"] == policy_name)
    before = statuses(sandbox)
    done = custodian.run(ACCOUNT, data)
    assert done.status == 0, done.log
    deactivated, deleted = DID[name, policy_name]
    assert changes(keys, before, statuses(sandbox)) == (
        set(deactivated.split()),
        set(deleted.split()),
    )


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("name", "policy_name", "effect"),
    [pytest.param(*row, id=f"{row[0][:2]}-{row[1]}") for row in DOES],
)
def test_a_policy_that_was_put_right_does_what_its_name_says(
    name, policy_name, effect, keys, sandbox, custodian
):
    """It validates, matches these users, and touches exactly these keys."""
    matched, deactivated, deleted = effect
    policies = yaml.safe_load(fixed(*shape(name)))["policies"]
    (data,) = (item for item in policies if item["name"] == policy_name)
    before = statuses(sandbox)
    done = custodian.run(ACCOUNT, data)
    assert done.status == 0, done.log
    assert {user["UserName"] for user in done.resources(policy_name)} == set(matched)
    assert changes(keys, before, statuses(sandbox)) == (set(deactivated), set(deleted))


@pytest.mark.e2e
def test_what_was_deactivated_a_second_ago_is_not_deleted(keys, sandbox, custodian):
    """Both policies of shape 13 in one run, with an event history that is five minutes late."""
    sandbox.event_delay = timedelta(minutes=5)
    text, *_ = shape("13-deactivate-and-delete.yml")
    done = custodian.run(ACCOUNT, *yaml.safe_load(fixed(text))["policies"])
    assert done.status == 0, done.log
    assert gone(keys, statuses(sandbox)) == {*OFF, "kept"}


def test_users_who_change_a_key_of_their_own_are_heard_of():
    """The ids of shape 10 name the caller where the request names nobody."""
    text, *_ = shape("10-key-changes.yml")
    (event,) = yaml.safe_load(fixed(text))["policies"][0]["mode"]["events"]
    own = {"userIdentity": {"userName": "bob"}, "requestParameters": {"status": "Active"}}
    other = {"userIdentity": {"userName": "ann"}, "requestParameters": {"userName": "bob"}}
    assert [jmespath.search(event["ids"], detail) for detail in (own, other)] == ["bob", "bob"]


def test_accounts_are_left_with_one_region():
    """The partition's home region, whichever the list began with."""
    text, *beside = shape("11-many-regions/accounts.yml")
    accounts = yaml.safe_load(fixed(text, *beside))["accounts"]
    assert [account["regions"] for account in accounts] == [["us-east-1"]] * 2
