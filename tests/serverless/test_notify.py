# SPDX-License-Identifier: Apache-2.0
"""Notices: from policies/notify-owners.yml through SQS and c7n-mailer to the owner's mailbox."""

from __future__ import annotations

import base64
import json
import logging
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import pytest
import yaml

from tests.serverless.mail import against_gold, deliver, mail_server, scrub
from tests.support.accounts import ACCOUNT, administrator, days_ago, recorded
from tests.support.custodian import custodian
from tests.support.paths import ROOT

pytestmark = pytest.mark.e2e

FALLBACK = "aws-account-contact@example.com"


def seed(aws) -> None:
    """Users with inactive keys and owners named in different ways."""
    account = aws.account(ACCOUNT)

    def user(name, days, tags, trace=True):
        made = account.user(name, tags=tags, created=days_ago(900))
        made.key(
            created=days_ago(800), toggles=[days_ago(days)], trace=trace,
            last_used=(days_ago(days + 5), "s3", "us-east-1"), key_id=key_id(name, 1),
        )  # fmt: skip
        made.key(created=days_ago(700), key_id=key_id(name, 2))
        return made

    two = user("deploy-bot", 70, {"OwnerContact": "alice@example.com"})
    two.keys[1].deactivate(days_ago(62))
    user("backup", 85, {"owner": "bob@example.com"})
    user("backup-old", 300, {"owner": "bob@example.com"}, trace=False)
    user("legacy", 65, {"owner": "payments team"})
    user("nobody", 66, {})
    user("ses-smtp", 300, {"keep-keys": "SES", "owner": "carol@example.com"})
    user("recent", 10, {"owner": "dora@example.com"})
    recorded(account)


def key_id(name: str, number: int) -> str:
    """An access key id whose last four characters name user and number."""
    ends = ["deploy-bot", "backup", "backup-old", "legacy", "nobody", "ses-smtp", "recent"]
    return f"AKIAEXAMPLE00000{chr(65 + ends.index(name)) * 3}{number}"


@pytest.fixture(name="told", scope="module")
def _told(aws, tmp_path_factory):
    """What the mailer delivered, as html and as plain text, and what was on the queue."""
    seed(aws)
    home = tmp_path_factory.mktemp("notify")
    sqs = aws.client("sqs", ACCOUNT)
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("c7n-mailer", "text")}
    done = custodian(aws, home, policies=ROOT / "policies" / "notify-owners.yml")
    assert done.status == 0, done.log[-3000:]
    (message,) = sqs.receive_message(
        QueueUrl=urls["c7n-mailer"], VisibilityTimeout=0, MessageAttributeNames=["All"]
    )["Messages"]
    content = json.loads(zlib.decompress(base64.b64decode(message["Body"])))
    plain = content | {"action": content["action"] | {"template": "inactive-keys"}}
    sqs.send_message(
        QueueUrl=urls["text"],
        MessageBody=base64.b64encode(zlib.compress(json.dumps(plain).encode())).decode(),
        MessageAttributes={"mtype": {"DataType": "String", "StringValue": "maidmsg/1.0"}},
    )
    now = datetime.now(timezone.utc)
    with mail_server() as (mailbox, port), ThreadPoolExecutor() as both:
        list(
            both.map(
                lambda name: deliver(  # each waits ten seconds for more messages
                    administrator(aws), tmp_path_factory.mktemp(name), urls[name], port
                ),
                urls,
            )
        )
    return {"mails": mailbox.mails, "message": content, "now": now}


def mails(told, kind):
    """The mails of a kind, by their recipients."""
    return {mail.recipients: mail for mail in told["mails"] if mail.kind == kind}


@pytest.mark.parametrize("kind", ["text/html", "text/plain"])
def test_each_owner_is_told_and_nobody_else(told, kind):
    """OwnerContact, owner, or else the account's contact; no mail about exempt or recent keys."""
    assert set(mails(told, kind)) == {
        ("alice@example.com",), ("bob@example.com",), (FALLBACK,)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("recipient", "users", "keys"),
    [
        ("alice@example.com", {"deploy-bot"}, {"AAA1", "AAA2"}),
        ("bob@example.com", {"backup", "backup-old"}, {"BBB1", "CCC1"}),
        (FALLBACK, {"legacy", "nobody"}, {"DDD1", "EEE1"}),
    ],
)
@pytest.mark.parametrize("kind", ["text/html", "text/plain"])
def test_a_mail_names_the_owner_s_inactive_keys_only(told, aws, recipient, users, keys, kind):
    """Just the matched keys of just the owner's users, by the last four characters of the id."""
    body = mails(told, kind)[recipient,].body
    named = {key.id[-4:] for key in aws.account(ACCOUNT).keys if key.id[-4:] in body}
    assert named == keys
    assert {f"--user-name {user} " in body.replace("\n", " \n") for user in users} == {True}
    assert "AKIA" not in body


@pytest.mark.parametrize(("kind", "name"), [("text/html", "mail.html"), ("text/plain", "mail.txt")])
def test_body_is_as_the_golden_file(told, kind, name):
    """The mails look as approved; dates are shown as days from the notice."""
    text = "\n\n".join(
        f"To: {', '.join(mail.recipients)}\nSubject: {mail.subject}\n\n{mail.body}"
        for _, mail in sorted(mails(told, kind).items())
    )
    against_gold(name, scrub(text, told["now"]) + "\n")


def test_slack_message_is_as_the_golden_file(told):
    """c7n-mailer's own code renders the Slack message as approved, and as valid JSON."""
    from c7n_mailer.utils import get_rendered_jinja

    rendered = get_rendered_jinja(
        "#aws-keys", told["message"], told["message"]["resources"], logging.getLogger(),
        "slack_template", "slack_default", [str(ROOT / "templates")],
    )  # fmt: skip
    message = json.loads(rendered)
    assert message["channel"] == "#aws-keys"
    against_gold("slack.txt", scrub(message["text"], told["now"]) + "\n")


def test_notice_is_in_the_ledger_of_the_told_keys_only(told, aws):
    """Each told key has `notified` in its tag; the others have no notice."""
    noticed = {
        tag.rpartition(":")[2][-4:]
        for user in aws.account(ACCOUNT).users.values()
        for tag, value in user.tags.items()
        if "notified=" in value
    }
    assert noticed == {"AAA1", "AAA2", "BBB1", "CCC1", "DDD1", "EEE1"}


def test_messages_announce_what_the_policy_does():
    """Grace period, age and exemption in the notice are those of the policy that deletes."""
    policies = {
        policy["name"]: policy
        for policy in yaml.safe_load((ROOT / "policies/notify-owners.yml").read_text())["policies"]
    }
    notify = policies["inactive-keys-notify"]["actions"][0]
    delete = policies["inactive-keys-delete-after-notice"]
    (condition,) = (item for item in delete["filters"] if "notified-days" in item)
    assert notify["grace_days"] == condition["notified-days"]
    assert notify["delete_after_days"] == condition["days"]
    assert notify["exempt_tag"] == delete["actions"][0]["exempt-tag"]
