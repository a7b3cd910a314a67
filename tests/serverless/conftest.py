# SPDX-License-Identifier: Apache-2.0
"""An embedded AWS, and the shipped Lambda policies, deployed in it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from c7n_inactive_keys.check.archive import make_runtime
from c7n_inactive_keys_sandbox import Fault, Sandbox
from tests.serverless import roles
from tests.serverless.functions import Lambdas, deployed
from tests.support.accounts import ACCOUNT
from tests.support.custodian import custodian
from tests.support.paths import ROOT


def rename_after_each_report(aws: Sandbox, user: Any) -> None:
    """Let somebody rename a user as soon as a run has the credential report."""
    names = (f"renamed-{number}" for number in itertools.count())
    aws.faults.clear()
    aws.faults.add(
        Fault(
            action="GetCredentialReport",
            times=None,
            effect="after",
            call=lambda: user.rename(next(names)),
        )
    )


@pytest.fixture(name="aws", scope="module")
def _aws() -> Iterator[Sandbox]:
    """An embedded AWS of the module's own, so that its tests may share what happened in it."""
    with Sandbox() as running:
        running.reset()  # queues and buckets are moto's, which has one state for the whole process
        running.report_snapshots = False
        yield running


@pytest.fixture(name="lambdas", scope="module")
def _lambdas(aws, tmp_path_factory) -> Iterator[Lambdas]:
    """The shipped Lambda policies, deployed by stock `custodian run`."""
    home = tmp_path_factory.mktemp("deploy")
    iam = aws.client("iam", ACCOUNT)
    for role in roles.roles("lambda-roles.yml"):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}")
    aws.client("sqs", ACCOUNT).create_queue(QueueName="c7n-mailer")
    for policies in ("record-deactivations.yml", "watch-reactivations.yml", "scheduled.yml"):
        done = custodian(aws, home, policies=ROOT / "policies" / policies)
        assert done.status == 0, done.log[-3000:]
    runtime = make_runtime(tmp_path_factory.mktemp("lambda") / "runtime")
    lambdas = deployed(aws, runtime, tmp_path_factory)
    yield lambdas
    lambdas.close()
