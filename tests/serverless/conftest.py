# SPDX-License-Identifier: Apache-2.0
"""Lambda functions as stock Custodian deploys them, and runs of the stock commands."""

from __future__ import annotations

import io
import itertools
import json
import os
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from c7n_inactive_keys.check.archive import make_runtime
from c7n_inactive_keys_sandbox import Fault, Sandbox
from tests.serverless import roles
from tests.support.accounts import ACCOUNT
from tests.support.commands import ROOT, run
from tests.support.custodian import custodian

HERE = Path(__file__).parent


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
def _aws() -> Any:
    """An embedded AWS of the module's own, so that its tests may share what happened in it."""
    with Sandbox() as running:
        running.report_snapshots = False
        yield running


@dataclass
class Function:
    """A deployed Lambda function: its archive, unpacked, and its configuration."""

    configuration: dict[str, Any]
    content: bytes
    task: Path
    runtime: Path
    log: list[str] = field(default_factory=list)

    @property
    def role(self) -> str:
        """The name of its role."""
        return str(self.configuration["Role"].rpartition("/")[2])

    def names(self) -> list[str]:
        """The files of the archive."""
        return zipfile.ZipFile(io.BytesIO(self.content)).namelist()

    def invoke(self, environ: dict[str, str], events: Iterable[Any]) -> list[dict[str, Any]]:
        """The answers to the events, all by one process; the first is the cold start's."""
        done = run(
            sys.executable, "-I", "-S", HERE / "lambda_runtime.py", self.task, self.runtime,
            self.configuration["Handler"],
            text="".join(json.dumps(event) + "\n" for event in events),
            **{"AWS_REGION": "us-east-1"} | environ | {
                "AWS_LAMBDA_FUNCTION_NAME": self.configuration["FunctionName"],
            },
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        self.log = done.stderr.splitlines()
        return [json.loads(line) for line in done.stdout.splitlines()]


@dataclass
class Lambdas:
    """What `custodian run` deployed to the account, function by function."""

    aws: Sandbox
    functions: dict[str, Function]
    rules: dict[str, dict[str, Any]]

    def environ(self, function: Function) -> dict[str, str]:
        """An environment with credentials of the function's role, limited to its actions."""
        return as_role(self.aws, function.role, roles.roles("lambda-roles.yml")[function.role])

    def invoke(self, name: str, *events: Any) -> list[dict[str, Any]]:
        """Invoke a function under its role; the answers to the events."""
        function = self.functions[name]
        return function.invoke(self.environ(function), events)[1:]


def as_role(
    aws: Sandbox, role: str, statements: list[dict[str, Any]], without: str | None = None
) -> dict[str, str]:
    """The environment of a process that has assumed a role of a template."""
    aws.allow(role, roles.allowed(statements) - {without})
    answer = aws.client("sts", ACCOUNT).assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", RoleSessionName="test"
    )["Credentials"]
    kept = {"LANG": "C.UTF-8", "TZ": "UTC"} | {
        name: os.environ[name]
        for name in ("PATH", "COVERAGE_PROCESS_CONFIG")  # what measures, under make coverage
        if name in os.environ
    }
    return aws.environ(ACCOUNT, kept) | {
        "AWS_ACCESS_KEY_ID": answer["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": answer["SecretAccessKey"],
        "AWS_SESSION_TOKEN": answer["SessionToken"],
    }


@pytest.fixture(name="lambdas", scope="module")
def _lambdas(aws, tmp_path_factory) -> Lambdas:
    """The shipped Lambda policies, deployed by stock `custodian run`."""
    home = tmp_path_factory.mktemp("deploy")
    iam = aws.client("iam", ACCOUNT)
    for role in roles.roles("lambda-roles.yml"):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}")
    for policies in ("record-deactivations.yml", "scheduled.yml"):
        done = custodian(aws, home, policies=ROOT / "policies" / policies)
        assert done.status == 0, done.log[-3000:]
    runtime = make_runtime(tmp_path_factory.mktemp("lambda") / "runtime")
    return Lambdas(aws, _functions(aws, runtime, tmp_path_factory), _rules(aws))


def _functions(aws: Sandbox, runtime: Path, tmp_path_factory: Any) -> dict[str, Function]:
    # The API hands out a link to the code; the sandbox's moto has it here.
    from moto.awslambda.models import lambda_backends

    functions = {}
    for configuration in aws.client("lambda", ACCOUNT).list_functions()["Functions"]:
        name = configuration["FunctionName"]
        content = lambda_backends[ACCOUNT]["us-east-1"].get_function(name).code_bytes
        task = tmp_path_factory.mktemp("task")
        zipfile.ZipFile(io.BytesIO(content)).extractall(task)
        functions[name.removeprefix("custodian-")] = Function(configuration, content, task, runtime)
    return functions


def _rules(aws: Sandbox) -> dict[str, dict[str, Any]]:
    rules = aws.client("events", ACCOUNT).list_rules()["Rules"]
    return {rule["Name"].removeprefix("custodian-"): rule for rule in rules}
