# SPDX-License-Identifier: Apache-2.0
"""Lambda functions as stock Custodian deploys them, in processes that see what Lambda's would."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from c7n_inactive_keys_sandbox import Sandbox
from tests.serverless import lambda_runtime, roles
from tests.support.accounts import ACCOUNT
from tests.support.commands import clean_environ

Answer = dict[str, Any]


@dataclass
class Function:
    """A deployed Lambda function: its archive, unpacked, and its configuration."""

    configuration: dict[str, Any]
    content: bytes
    task: Path
    runtime: Path
    log: list[str] = field(default_factory=list)  # of the last invocation

    @property
    def role(self) -> str:
        """The name of its role."""
        return str(self.configuration["Role"].rpartition("/")[2])

    def names(self) -> list[str]:
        """The files of the archive."""
        return zipfile.ZipFile(io.BytesIO(self.content)).namelist()

    def invoke(self, environ: Mapping[str, str], events: Iterable[Any]) -> list[Answer]:
        """The answers to the events, all by one new process; the first is the cold start's."""
        instance = Instance(self, environ)
        answers = [instance.cold_start, *(instance.invoke(event) for event in events)]
        instance.close()
        return answers


class Instance:
    """A process of a function, which stays warm until it is closed."""

    def __init__(self, function: Function, environ: Mapping[str, str]) -> None:
        self.function = function
        self.log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - the process writes to it
        command = (sys.executable, "-I", "-S", lambda_runtime.__file__, function.task,
                   function.runtime, function.configuration["Handler"])  # fmt: skip
        own = {"AWS_LAMBDA_FUNCTION_NAME": function.configuration["FunctionName"]}
        self.process = subprocess.Popen(
            [str(word) for word in command], text=True,
            env=clean_environ(AWS_REGION="us-east-1") | environ | own,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
        )  # fmt: skip
        self.cold_start = self._answer()

    def invoke(self, event: Any) -> Answer:
        """The answer to an event; the log of it becomes the function's."""
        seen = self._said()
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(event) + "\n")
        self.process.stdin.flush()
        answer = self._answer()
        self.function.log = self._said().removeprefix(seen).splitlines()
        return answer

    def close(self) -> None:
        """Let the process end."""
        self.process.communicate(timeout=60)
        self.log.close()

    def _answer(self) -> Answer:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self._said()[-3000:]
        answer: Answer = json.loads(line)
        return answer

    def _said(self) -> str:
        return os.pread(self.log.fileno(), os.fstat(self.log.fileno()).st_size, 0).decode()


@dataclass
class Lambdas:
    """What `custodian run` deployed to the account, function by function."""

    aws: Sandbox
    functions: dict[str, Function]
    rules: dict[str, dict[str, Any]]
    warm: dict[str, Instance] = field(default_factory=dict)

    def environ(self, function: Function) -> dict[str, str]:
        """An environment with credentials of the function's role, limited to its actions."""
        return as_role(self.aws, function.role, roles.roles("lambda-roles.yml")[function.role])

    def invoke(self, name: str, *events: Any) -> list[Answer]:
        """Invoke a function under its role, by a process that may be warm; the answers."""
        environ = self.environ(self.functions[name])
        if name not in self.warm:
            self.warm[name] = Instance(self.functions[name], environ)
        return [self.warm[name].invoke(event) for event in events]

    def close(self) -> None:
        """Let all processes end."""
        for instance in self.warm.values():
            instance.close()


def as_role(
    aws: Sandbox, role: str, statements: list[dict[str, Any]], without: str | None = None
) -> dict[str, str]:
    """The environment of a process that has assumed a role of a template."""
    aws.allow(role, roles.allowed(statements) - {without})
    answer = aws.client("sts", ACCOUNT).assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", RoleSessionName="test"
    )["Credentials"]
    return aws.environ(ACCOUNT, clean_environ(LANG="C.UTF-8", TZ="UTC")) | {
        "AWS_ACCESS_KEY_ID": answer["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": answer["SecretAccessKey"],
        "AWS_SESSION_TOKEN": answer["SessionToken"],
    }


def deployed(aws: Sandbox, runtime: Path, tmp_path_factory: Any) -> Lambdas:
    """What has been deployed, each archive unpacked."""
    # The API hands out a link to the code; the sandbox's moto has it here.
    from moto.awslambda.models import lambda_backends

    functions = {}
    for configuration in aws.client("lambda", ACCOUNT).list_functions()["Functions"]:
        name = configuration["FunctionName"]
        content = lambda_backends[ACCOUNT]["us-east-1"].get_function(name).code_bytes
        task = tmp_path_factory.mktemp("task")
        zipfile.ZipFile(io.BytesIO(content)).extractall(task)
        functions[name.removeprefix("custodian-")] = Function(configuration, content, task, runtime)
    rules = aws.client("events", ACCOUNT).list_rules()["Rules"]
    by_name = {rule["Name"].removeprefix("custodian-"): rule for rule in rules}
    return Lambdas(aws, functions, by_name)
