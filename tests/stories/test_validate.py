# SPDX-License-Identifier: Apache-2.0
"""Bad options: refused by Custodian's schema or by one clear sentence of ours, in every command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from c7n import schema
from c7n.config import Config
from c7n.exceptions import PolicyValidationError
from c7n.manager import resources
from c7n.policy import Policy
from c7n.resources import load_resources

from c7n_inactive_keys.entry import initialize
from tests.support.commands import run
from tests.support.policies import POLICIES

pytestmark = pytest.mark.e2e

FILTER = "inactive-access-key"
NOTIFY = {"type": "notify", "to": ["a@example.com"], "transport": {"type": "sqs", "queue": "q"}}
DELETE = "delete-inactive-keys"
USERS = "aws.iam-user"


def bad(sentence: str, reason: str, resource: str = USERS, **policy: Any) -> Any:
    return pytest.param({"resource": resource, **policy}, sentence, id=reason)


BAD = [
    bad(
        "filter inactive-access-key: days must be a number, 0 or more, not -1",
        "negative days",
        filters=[{"type": FILTER, "days": -1}],
    ),
    bad(
        "filter inactive-access-key: certainty must be proven or possible, not 'maybe'",
        "unknown certainty",
        filters=[{"type": FILTER, "certainty": "maybe"}],
    ),
    bad(
        "filter inactive-access-key: evidence must be a list of ledger and cloudtrail, "
        "not ['ledger', 'guess']",
        "unknown evidence",
        filters=[{"type": FILTER, "evidence": ["ledger", "guess"]}],
    ),
    bad(
        "filter inactive-access-key: notified-days must be a number, 0 or more, not -3",
        "negative notice",
        filters=[{"type": FILTER, "notified-days": -3}],
    ),
    bad(
        "filter inactive-access-key: events-from: covers-since must be a date like 2024-01-01 or "
        "an ISO 8601 time, not 'last spring'",
        "no date",
        filters=[
            {"type": FILTER, "events-from": {"url": "file://e.csv", "covers-since": "last spring"}}
        ],
    ),
    bad(
        "filter inactive-access-key: events-from covers-until must come with an earlier "
        "covers-since, not '2024-01-01'",
        "an end without a beginning",
        filters=[
            {"type": FILTER, "events-from": {"url": "file://e.csv", "covers-until": "2024-01-01"}}
        ],
    ),
    bad(
        "filter inactive-access-key: events-from needs format: json, txt, csv, csv2dict, which the "
        "url does not tell, not 's3://bucket/events'",
        "unknown format",
        filters=[{"type": FILTER, "events-from": {"url": "s3://bucket/events"}}],
    ),
    bad(
        "filter inactive-access-key: the policy has the unknown key 'days'; if it is an option of "
        "a filter or action, move it there",
        "an option one level too far out",
        filters=[FILTER],
        days=90,
    ),
    bad(
        "action delete-inactive-keys: deletes what an inactive-access-key filter matched, and the "
        "policy has none that selects keys; add one to its filters",
        "deletion without the filter",
        actions=[DELETE],
    ),
    bad(
        "action delete-inactive-keys: deletes what an inactive-access-key filter matched, and the "
        "policy has none that selects keys; take it out of the not block",
        "deletion with the filter under not",
        filters=[{"not": [{"or": [FILTER]}]}],
        actions=[DELETE],
    ),
    bad(
        "action delete-inactive-keys: max-keys must be a whole number, 1 or more, not 0",
        "a cap of nothing",
        filters=[FILTER],
        actions=[{"type": DELETE, "max-keys": 0}],
    ),
    bad(
        "action delete-inactive-keys: exempt-tag must be the key of a tag, not ' '",
        "an empty exemption",
        filters=[FILTER],
        actions=[{"type": DELETE, "exempt-tag": " "}],
    ),
    bad(
        "action delete-inactive-keys: plan needs format: json, txt, csv, csv2dict, which the url "
        "does not tell, not 'file://plan'",
        "a plan of unknown format",
        filters=[{"type": FILTER, "days": 90}],
        actions=[{"type": DELETE, "plan": {"url": "file://plan"}}],
    ),
    bad(
        "filter inactive-access-key: days must be a number, 0 or more, not 'ninety'",
        "days in words",
        filters=[{"type": FILTER, "days": "ninety"}],
    ),
    bad(
        "filter inactive-access-key: days must be a number, 0 or more, not 1000",
        "more days than a number can hold",
        filters=[{"type": FILTER, "days": 10**400}],
    ),
    bad(
        "filter inactive-access-key: unknown option 'day' (did you mean 'days'?); options: days, "
        "certainty, evidence, notified-days, events-from",
        "a misspelt option of the filter",
        filters=[{"type": FILTER, "day": 90}],
    ),
    bad(
        "filter inactive-access-key: evidence must be a list of ledger and cloudtrail, "
        "not 'ledger'",
        "evidence that is no list",
        filters=[{"type": FILTER, "evidence": "ledger"}],
    ),
    bad(
        "filter inactive-access-key: events-from: unknown option 'cover-since' (did you mean "
        "'covers-since'?); options: url, format, expr, headers, covers-since, covers-until",
        "a misspelt option within an option",
        filters=[{"type": FILTER, "events-from": {"url": "file://e.csv", "cover-since": "x"}}],
    ),
    bad(
        "filter inactive-access-key: events-from: url is missing; it must be the url of a file",
        "an export without a place",
        filters=[{"type": FILTER, "events-from": {"format": "csv"}}],
    ),
    bad(
        "action delete-inactive-keys: max-keys must be a whole number, 1 or more, not '50'",
        "a cap in quotes",
        filters=[FILTER],
        actions=[{"type": DELETE, "max-keys": "50"}],
    ),
    bad(
        "action delete-inactive-keys: max-keys must be a whole number, 1 or more, not True",
        "a cap that is no number",
        filters=[FILTER],
        actions=[{"type": DELETE, "max-keys": True}],
    ),
    bad(
        "action delete-inactive-keys: unknown option 'exempt-tags' (did you mean 'exempt-tag'?); "
        "options: max-keys, exempt-tag, plan",
        "a misspelt option of the deletion",
        filters=[FILTER],
        actions=[{"type": DELETE, "exempt-tags": "keep-keys"}],
    ),
    bad(
        "action delete-inactive-keys: plan must be a mapping with the url of a file, "
        "not 'plan.csv'",
        "a plan that is no mapping",
        filters=[FILTER],
        actions=[{"type": DELETE, "plan": "plan.csv"}],
    ),
    bad(
        "action record-inactive-keys: notified must be true or false, not 'yes'",
        "a notice in quotes",
        actions=[{"type": "record-inactive-keys", "notified": "yes"}],
    ),
    bad(
        "action record-inactive-keys: notified: true is about what an inactive-access-key filter "
        "matched, and the policy has none that selects keys; add one to its filters",
        "a notice about no keys",
        actions=[{"type": "record-inactive-keys", "notified": True}],
    ),
    bad(
        "action record-inactive-keys: notified: true is about what an inactive-access-key filter "
        "matched, and the policy has none that selects keys; take it out of the not block",
        "a notice about the keys that do not match",
        filters=[{"not": [FILTER]}],
        actions=[{"type": "record-inactive-keys", "notified": True}],
    ),
    bad(
        "action record-inactive-keys: notified: true stands before notify, so a key counts as told "
        "even if the message cannot be sent; put it behind",
        "a notice before the message",
        filters=[FILTER],
        actions=[{"type": "record-inactive-keys", "notified": True}, NOTIFY],
    ),
    bad(
        "filter inactive-access-key: events-from needs records with fields: csv, csv2dict or "
        "json, not txt",
        "an export of bare lines",
        filters=[{"type": FILTER, "events-from": {"url": "file://events.txt"}}],
    ),
    bad(
        "source: credential-report lists IAM users and works with resource: aws.iam-user only, "
        "not with ec2",
        "the source on another resource",
        resource="aws.ec2",
        source="credential-report",
    ),
]


@pytest.mark.parametrize(("policy", "sentence"), BAD)
def test_a_bad_option_gets_one_sentence(policy: dict[str, Any], sentence: str) -> None:
    """From the call that every command makes, c7n-org too, which checks no schema."""
    load_resources((policy["resource"],))
    initialize()
    with pytest.raises(PolicyValidationError) as caught:
        Policy({"name": "bad", **policy}, Config.empty(account_id="1", region="r")).validate()
    assert f"policy:bad {sentence}" in str(caught.value)


def test_custodian_refuses_all_of_them(tmp_path: Path) -> None:
    """`custodian validate` fails for each, by its schema or by our sentence, without a trace."""
    names = []
    for number, case in enumerate(BAD):
        names.append(f"bad-{number}.yml")
        content = {"policies": [{"name": f"bad-{number}", **case.values[0]}]}
        (tmp_path / names[-1]).write_text(yaml.safe_dump(content))
    done = run("custodian", "validate", *names, cwd=tmp_path, HOME=str(tmp_path))
    assert done.returncode == 1
    assert [name for name in names if f"Configuration invalid: {name}" not in done.stderr] == []
    assert "Traceback" not in done.stderr


ELEMENTS = (
    ("filters", "inactive-access-key"),
    ("actions", "delete-inactive-keys"),
    ("actions", "record-inactive-keys"),
)


@pytest.mark.parametrize(("kind", "name"), ELEMENTS)
def test_our_elements_pass_custodians_own_lint(kind: str, name: str) -> None:
    """As its tests have it: closed schemas with a type, permissions, and an example that runs."""
    load_resources((USERS,))
    initialize()
    users = resources.get("iam-user")
    registry = users.filter_registry if kind == "filters" else users.action_registry
    element = registry[name]
    assert element.schema["additionalProperties"] is False
    assert "type" in element.schema["properties"]
    assert element.schema_alias is False
    assert element.permissions
    assert ":example:" in element.__doc__


WRONG = [
    {"days": "90"}, {"days": -1}, {"day": 90}, {"certainty": "sure"}, {"evidence": "ledger"},
    {"evidence": ["guess"]}, {"notified-days": True}, {"events-from": {"format": "csv"}},
    {"events-from": {"url": 5}}, {"events-from": {"url": "file://x.csv", "since": "2024-01-01"}},
]  # fmt: skip


def test_an_editor_sees_each_wrong_option() -> None:
    """`custodian schema --json` is what editors and check-jsonschema know of our options."""
    load_resources((USERS,))
    initialize()
    validator = schema.JsonSchemaValidator(schema.generate((USERS,)))

    def is_valid(**options: Any) -> bool:
        filters = [{"type": FILTER, **options}]
        policy = {"name": "x", "resource": USERS, "filters": filters}
        return bool(validator.is_valid({"policies": [policy]}))

    assert is_valid(days=90, evidence=["ledger"])
    assert [options for options in WRONG if is_valid(**options)] == []


def test_all_shipped_policies_are_valid(tmp_path: Path) -> None:
    """Stock Custodian takes each file in policies/."""

    files = sorted(POLICIES.parent.glob("*.yml"))
    done = run("custodian", "validate", *files, cwd=tmp_path, HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Configuration valid") == len(files)
