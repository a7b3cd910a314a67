# SPDX-License-Identifier: Apache-2.0
"""A program that has Custodian as a library: one process, several accounts, its own sessions.

    python engine.py run|direct OUTPUT ACCOUNT ...

It tells Custodian of no account, shares one set of options, sets up no logging, and its sessions
hand out the credential report as text, as Custodian's flight recordings do. `run` runs the policy,
`direct` asks its resource manager and actions without entering the policy's context.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import boto3
from c7n.config import Config
from c7n.policy import Policy
from c7n.resources import load_resources
from c7n.utils import reset_session_cache

import c7n_inactive_keys.entry

c7n_inactive_keys.entry.initialize()

POLICY = {
    "name": "inactive-keys",
    "resource": "aws.iam-user",
    "source": "credential-report",
    "filters": [{"type": "inactive-access-key", "days": 30}],
    "actions": ["record-inactive-keys", "delete-inactive-keys"],
}


def as_text(parsed: dict, **_: object) -> None:
    """A hook of botocore's: the report's content is bytes no more."""
    parsed["Content"] = parsed["Content"].decode()


def factory(account_id: str) -> Callable[[], boto3.Session]:
    """Makes sessions in an account."""

    def make() -> boto3.Session:
        role = f"arn:aws:iam::{account_id}:role/engine"
        answer = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="engine")
        session = boto3.Session(
            answer["Credentials"]["AccessKeyId"], answer["Credentials"]["SecretAccessKey"],
            answer["Credentials"]["SessionToken"], region_name="us-east-1",
        )  # fmt: skip
        session.events.register("after-call.iam.GetCredentialReport", as_text)
        return session

    return make


def main(way: str, output: str, *accounts: str) -> None:
    """Do one account after the other."""
    load_resources(("aws.iam-user",))
    options = Config.empty(region="us-east-1", output_dir=output)
    for account_id in accounts:
        reset_session_cache()
        policy = Policy(POLICY, options, session_factory=factory(account_id))
        policy.validate()
        if way == "run":
            policy.run()
        else:
            manager = policy.resource_manager
            users = manager.resources()
            for action in manager.actions:
                action.process(users)


if __name__ == "__main__":
    main(*sys.argv[1:])
