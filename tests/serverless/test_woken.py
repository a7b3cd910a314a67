# SPDX-License-Identifier: Apache-2.0
"""The message of policies/watch-reactivations.yml, as c7n-mailer makes it from the queue."""

from __future__ import annotations

import base64
import json
import logging
import zlib

import pytest
import yaml

from tests.support.accounts import ACCOUNT, days_ago
from tests.support.custodian import custodian
from tests.support.paths import ROOT

pytestmark = pytest.mark.e2e

POLICY = yaml.safe_load((ROOT / "policies/watch-reactivations.yml").read_text())["policies"][0]


@pytest.fixture(name="message", scope="module")
def _message(aws, tmp_path_factory):
    """What the policy, run by hand, puts on the queue: a key woke after 60 days."""
    account = aws.account(ACCOUNT)
    account.user("ci", tags={"owner": "jo@example.com"}, created=days_ago(500)).key(
        created=days_ago(400), toggles=[days_ago(61), days_ago(1)], key_id="AKIAEXAMPLE000000001"
    )
    account.user("other", created=days_ago(500)).key(key_id="AKIAEXAMPLE000000002")
    sqs = aws.client("sqs", ACCOUNT)
    queue = sqs.create_queue(QueueName="c7n-mailer")["QueueUrl"]
    by_hand = {name: value for name, value in POLICY.items() if name != "mode"}
    done = custodian(aws, tmp_path_factory.mktemp("woken"), policies=[by_hand])
    assert done.status == 0, done.log[-3000:]
    (message,) = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"])["Messages"]
    return json.loads(zlib.decompress(base64.b64decode(message["Body"])))


@pytest.mark.parametrize(
    ("kind", "template"),
    [
        ("template", "reactivated-keys.html"),
        ("template", "reactivated-keys"),
        ("slack_template", "reactivated-keys-slack"),
    ],
)
def test_a_message_names_the_key_for_how_long_it_was_inactive_and_who_woke_it(
    message, kind, template
):
    """Just that key, by the last four characters of its id, in mail, plain text and Slack."""
    from c7n_mailer.utils import get_rendered_jinja

    told = message | {"action": message["action"] | {kind: template}}
    text = get_rendered_jinja(
        "#aws-keys", told, told["resources"], logging.getLogger(), kind, "default",
        [str(ROOT / "templates")],
    )  # fmt: skip
    if kind == "slack_template":
        text = json.loads(text)["text"]
    assert "...0001" in text
    assert "60.0 days" in text
    assert "by arn:aws:sts::" in text
    assert "0002" not in text
    assert "AKIA" not in text
