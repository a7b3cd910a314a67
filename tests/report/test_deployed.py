# SPDX-License-Identifier: Apache-2.0
"""A deployment is no look at an account: what stock Custodian leaves of one, told from a run."""

from __future__ import annotations

import json

import pytest
import yaml

from c7n_inactive_keys.report.read.collect import collect
from c7n_inactive_keys_sandbox import Fault
from tests.support.accounts import ACCOUNT
from tests.support.custodian import custodian
from tests.support.paths import ROOT

from .output_tree import NOW, POLICIES, REPORT, user

pytestmark = pytest.mark.e2e

SCHEDULED = ROOT / "policies" / "scheduled.yml"
DAILY = "inactive-keys-daily-report"
PERIODIC = {**POLICIES[REPORT], "mode": {"type": "periodic", "schedule": "rate(1 day)"}}


@pytest.fixture
def deploy(sandbox, tmp_path):
    """Deploy the scheduled report by `custodian run`; its output tree."""

    def call(role):
        sandbox.client("iam", ACCOUNT).create_role(RoleName=role, AssumeRolePolicyDocument="{}")
        content = yaml.safe_load(SCHEDULED.read_text())
        policies = [policy for policy in content["policies"] if policy["name"] == DAILY]
        policies[0]["mode"]["role"] = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        done = custodian(sandbox, tmp_path / role, policies=policies)
        return done, done.out

    return call


def metrics(out):
    """Names of the metrics in the deployment's metadata."""
    content = json.loads((out / DAILY / "metadata.json").read_text())
    return [metric["MetricName"] for metric in content["metrics"]]


def test_a_deployment_is_neither_read_nor_failed(deploy):
    """It has metadata and a log, but no metric."""
    done, out = deploy("made")
    assert done.status == 0, done.log
    assert metrics(out) == []
    assert collect([str(out)]).runs == ()


def test_a_deployment_that_failed_is_a_problem_and_no_unread_account(deploy, sandbox):
    """Its metadata has the metric of a failed run; its log says that it was a deployment."""
    sandbox.faults.add(Fault(action="POST /2015-03-31/functions", times=None, error="AccessDenied"))
    done, out = deploy("refused")
    assert done.status != 0
    assert metrics(out) == ["PolicyException"]
    found = collect([str(out)])
    assert found.runs == ()
    assert any("the function was not deployed: " in problem for problem in found.problems)


def test_a_function_that_never_worked_has_its_reason_in_the_report(tree, report):
    """Nothing else of it is in the tree than metadata and a log."""
    log = "2026-11-20 04:00:01,1 - custodian.output - ERROR - Error while executing policy\n"
    tree.run(ACCOUNT, None, stamp="2026/11/20/04", gz=True, data=PERIODIC, log=f"{log}a.B: no\n")
    (account,) = report(tree).accounts
    assert (account.account_id, account.status, account.reason) == (ACCOUNT, "failed", "no")


def test_a_deployment_in_the_hour_of_a_run_does_not_hide_it(tree, report):
    """Both write to the same place in S3; the users that were found are still there."""
    place = tree.run(ACCOUNT, [user(ACCOUNT, "ci")], stamp="2026/11/20/04", data=PERIODIC)
    content = json.loads((place / "metadata.json").read_text())
    content["metrics"] = []
    (place / "metadata.json").write_text(json.dumps(content))
    (account,) = report(tree).accounts
    assert (account.status, account.last_read) == ("read", NOW.strftime("%Y-%m-%dT%H:%M:%SZ"))
