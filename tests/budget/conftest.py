# SPDX-License-Identifier: Apache-2.0
"""Accounts of a given size, and runs of the shipped policies that count their calls."""

from __future__ import annotations

import copy
from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest
import yaml

from c7n_inactive_keys_sandbox.accounts import Report
from c7n_inactive_keys_sandbox.credential_report import render
from tests.support.accounts import ACCOUNT
from tests.support.custodian import custodian
from tests.support.paths import ROOT
from tests.support.policies import SHIPPED

LIFECYCLE = yaml.safe_load((ROOT / "policies" / "key-lifecycle.yml").read_text("utf-8"))["policies"]
ALL = {**SHIPPED, **{policy["name"]: policy for policy in LIFECYCLE}}
# Custodian's own call, made where no account id is configured.
NOT_OURS = ("GetCallerIdentity",)


@pytest.fixture
def now():
    """The present, in whole seconds as AWS knows them."""
    return datetime.now(timezone.utc).replace(microsecond=0)


@pytest.fixture
def fill(sandbox, now):
    """Fill the account: users with an active key; some have inactive ones, some an unused one."""

    def _fill(users, with_inactive=0, keys_each=1, ledger=False, twins=False, unused=0):
        account = sandbox.account(ACCOUNT, name="budget")
        for number in range(users):
            # Of users whose keys are of the same second the report proves nothing.
            born = now - timedelta(days=900, seconds=number)
            user = account.user(f"user-{number:05d}", created=born)
            if number >= with_inactive:
                used = 200 if number < with_inactive + unused else 1
                user.key(now - timedelta(days=800)).use(now - timedelta(days=used))
                continue
            for each in range(keys_each):
                # Twins were created in the same second, so the report cannot tell them apart.
                born = now - timedelta(days=700 if twins else 700 + each)
                key = user.key(born, [now - timedelta(days=200)])
                if ledger:
                    user.tags[f"c7n-inactive-key:{key.id}"] = (
                        f"after={now - timedelta(days=201):%Y-%m-%dT%H:%M:%SZ} "
                        f"since={now - timedelta(days=199):%Y-%m-%dT%H:%M:%SZ} "
                        f"verified={now - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
                    )
        # As after any run in the last four hours; to have it made would take a second each time.
        account.report = Report(render(account), now - timedelta(hours=3))
        return account

    return _fill


@pytest.fixture
def run(sandbox, tmp_path):
    """Run policies, shipped ones by name, with stock custodian; the calls by action.

    Options are those of the action; None leaves one out.
    """

    def _run(*policies, dryrun=False, **options):
        chosen = copy.deepcopy([ALL[item] if isinstance(item, str) else item for item in policies])
        for policy in chosen:
            for action in policy.get("actions", ()):
                if isinstance(action, dict) and "max-keys" in action:
                    action.update({"max-keys": 10_000} | options)
                    if action.get("exempt-tag") is None:
                        del action["exempt-tag"]
        sandbox.calls.clear()
        done = custodian(sandbox, tmp_path, *(["--dryrun"] if dryrun else []), policies=chosen)
        assert done.status == 0, done.log
        calls = sandbox.calls.by_action()
        return Counter({name: count for name, count in calls.items() if name not in NOT_OURS})

    return _run
