# SPDX-License-Identifier: Apache-2.0
"""deploy/organisation.yml in the embedded AWS: its state machine by moto's interpreter.

The functions are our handlers, in processes that have their roles' permissions. Of the machine
only the waits before retries are left out.

Where moto 5.2 differs from what AWS documents: a failed child never fails its map, whatever is
tolerated; there is no ItemBatcher, so the first task makes the batches; ResultWriter lists no
results, so a state notes the batches that are lost; sizes of input and output are not limited; and
nobody asks whether the machine's role may start functions and children.
"""

from __future__ import annotations

import io
import json
import os
import queue
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from c7n_inactive_keys_sandbox import Sandbox
from tests.organisation import image_runtime
from tests.serverless import roles
from tests.serverless.functions import as_role
from tests.support.accounts import ACCOUNT
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from typing_extensions import Self

TEMPLATE = "organisation.yml"
BUCKET = "inactive-keys-output"
REGION = "us-east-1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:inactive-keys"
# moto's modules that call AWS for a state machine, each by a name of its own.
INTERPRETER = "moto.stepfunctions.parser.asl.component.state.exec"
CALLERS = (
    f"{INTERPRETER}.state_map.item_reader.eval.resource_eval_s3.boto_client_for",
    f"{INTERPRETER}.state_task.lambda_eval_utils.boto_client_for",
    f"{INTERPRETER}.state_task.service.state_task_service_sns.boto_client_for",
    f"{INTERPRETER}.state_task.service.state_task_service_aws_sdk.boto_client_for",
)
RETRIES = "moto.stepfunctions.parser.asl.component.common.retry.retrier_decl"


class Instance:
    """A process of a function, with the processes that it starts."""

    def __init__(self, handler: str, environ: Mapping[str, str], log: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, image_runtime.__file__, handler],
            env=environ, cwd=ROOT, text=True, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log.open("ab"),
        )  # fmt: skip

    def invoke(self, event: str) -> dict[str, Any] | None:
        """The answer; None: it was killed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(event + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return json.loads(line) if line else None

    def kill(self) -> None:
        """End it as Lambda does where memory runs out: with everything in it."""
        os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Let it end."""
        self.process.communicate()


@dataclass
class Function:
    """A Lambda function of the stack; its instances stay warm."""

    handler: str
    environ: Mapping[str, str]
    log: Path
    before: Callable[[Any], None] = lambda _: None  # called with each event
    idle: queue.LifoQueue[Instance] = field(default_factory=queue.LifoQueue)
    busy: dict[str, Instance] = field(default_factory=dict)  # by the event
    events: list[Any] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def invoke(self, event: str) -> dict[str, Any]:
        """What Lambda's Invoke answers."""
        self.events.append(json.loads(event))
        self.before(self.events[-1])
        try:
            instance = self.idle.get_nowait()
        except queue.Empty:
            instance = Instance(self.handler, self.environ, self.log)
        self.busy[event] = instance
        began = time.monotonic()
        answer = instance.invoke(event)
        self.seconds.append(time.monotonic() - began)
        del self.busy[event]
        if answer is None:
            instance.close()
            message = "RequestId: 1 Error: Runtime exited with error: signal: killed"
            answer = {"error": {"errorType": "Runtime.ExitError", "errorMessage": message}}
        else:
            self.idle.put(instance)
        if "error" in answer:
            return _answer(answer["error"], FunctionError="Unhandled")
        return _answer(answer["result"])

    def kill(self, text: str) -> None:
        """Kill the instance whose event holds the text."""
        for event, instance in list(self.busy.items()):
            if text in event:
                instance.kill()

    def close(self) -> None:
        """Let all instances end."""
        while not self.idle.empty():
            self.idle.get().close()


def _answer(payload: Any, **more: str) -> dict[str, Any]:
    return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(payload).encode()), **more}


@dataclass(frozen=True)
class Ended:
    """An execution that has come to its end."""

    description: Mapping[str, Any]

    @property
    def status(self) -> str:
        """SUCCEEDED or FAILED."""
        return str(self.description["status"])

    @property
    def run(self) -> str:
        """The execution's name."""
        return str(self.description["name"])


class Stack:
    """The stack, with parameters."""

    def __init__(self, aws: Sandbox, home: Path, **parameters: str) -> None:
        self.aws = aws
        self.home = home
        template = roles.template(TEMPLATE)
        given = {
            name: str(item.get("Default", "")) for name, item in template["Parameters"].items()
        }
        self.parameters = given | {"TopicArn": TOPIC} | parameters
        self.resources = template["Resources"]
        false = frozenset({"FromOrganizations"} if self.parameters["AccountsFile"] else ())
        self.roles = roles.roles(TEMPLATE, false)
        self.functions = {
            name: self._function(item["Properties"])
            for name, item in self.resources.items()
            if item["Type"] == "AWS::Lambda::Function"
        }
        self.s3 = aws.client("s3", ACCOUNT)
        self.s3.create_bucket(Bucket=BUCKET)
        aws.client("sns", ACCOUNT).create_topic(Name="inactive-keys")
        self._machine_environ = as_role(aws, "MachineRole", self.roles["MachineRole"])
        self._patches = ExitStack()
        self.waits: list[float] = []  # before retries, in seconds

    def _function(self, properties: Mapping[str, Any]) -> Function:
        logical = properties["Role"]["GetAtt"].partition(".")[0]
        role = self.resources[logical]["Properties"].get("RoleName", logical)
        environ = as_role(self.aws, role, self.roles[role])
        settings = properties["Environment"]["Variables"]
        own = {name: self._value(value) for name, value in settings.items()}
        fixed = {
            "AWS_LAMBDA_FUNCTION_NAME": logical, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
            # Else a throttled call waits for seconds.
            "AWS_MAX_ATTEMPTS": "1", "TMPDIR": str(self.home), "HOME": str(self.home),
        }  # fmt: skip
        handler = properties["ImageConfig"]["Command"][0]
        return Function(handler, environ | own | fixed, self.home / f"{logical}.log")

    def _value(self, value: Mapping[str, str]) -> str:
        return BUCKET if value == {"Ref": "Output"} else self.parameters[value["Ref"]]

    # -- the state machine ------------------------------------------------------------------------

    def definition(self) -> str:
        """The machine's definition, with what CloudFormation puts into it."""
        properties = self.resources["Machine"]["Properties"]
        names = {
            name: self._substitution(value)
            for name, value in properties["DefinitionSubstitutions"].items()
        }
        text = re.sub(
            r"\$\{(\w+)\}", lambda found: names[found[1]], json.dumps(properties["Definition"])
        )
        # moto's grammar takes a percentage only with a decimal point.
        return text.replace(
            '"ToleratedFailurePercentage": 100', '"ToleratedFailurePercentage": 100.0'
        )

    def _substitution(self, value: Mapping[str, Any]) -> str:
        if "If" in value:
            _, there, _ = value["If"]
            return TOPIC if isinstance(there, dict) else there
        if "GetAtt" in value:
            name = value["GetAtt"].partition(".")[0]
            return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
        return value["Sub"].replace("${AWS::Partition}", "aws") if "Sub" in value else BUCKET

    def execute(self, name: str) -> Ended:
        """Run the machine to its end."""
        client = self.aws.client("stepfunctions", ACCOUNT)
        role = f"arn:aws:iam::{ACCOUNT}:role/MachineRole"
        machine = client.create_state_machine(
            name=name, definition=self.definition(), roleArn=role
        )["stateMachineArn"]
        execution = client.start_execution(stateMachineArn=machine, name=name, input="{}")
        while True:
            found = client.describe_execution(executionArn=execution["executionArn"])
            if found["status"] != "RUNNING":
                return Ended(found)
            time.sleep(0.05)

    def client_for(self, region: str, service: str, state_credentials: Any = None) -> Any:
        """The clients of the machine, which has its role's permissions."""
        if service == "lambda":
            return self
        from boto3 import Session

        environ = self._machine_environ
        return Session(
            environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"],
            environ["AWS_SESSION_TOKEN"], region,
        ).client(service, endpoint_url=self.aws.url)  # fmt: skip

    def invoke(self, **request: Any) -> dict[str, Any]:
        """Lambda's Invoke."""
        payload = request["Payload"]
        name = request["FunctionName"].rpartition(":")[2]
        return self.functions[name].invoke(
            payload.decode() if isinstance(payload, bytes) else payload
        )

    # -- what it left -----------------------------------------------------------------------------

    def object(self, key: str) -> bytes:
        """The content of an object of the bucket."""
        return self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def keys(self, prefix: str) -> list[str]:
        """The objects there are."""
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [item["Key"] for item in found.get("Contents", ())]

    def report(self, ended: Ended) -> dict[str, Any]:
        """The json report of an execution."""
        (key,) = [key for key in self.keys("reports/") if key.endswith(f"/{ended.run}.json")]
        return json.loads(self.object(key))

    def messages(self) -> list[str]:
        """What was published, subjects and texts."""
        from moto.sns.models import sns_backends

        sent = sns_backends[ACCOUNT][REGION].topics[TOPIC].sent_notifications
        return [f"{subject}\n{message}" for _, message, subject, *_ in sent]

    def __enter__(self) -> Self:
        """Have moto execute state machines, with this stack's functions."""
        from moto.core.config import default_user_config

        self._patches.enter_context(
            patch.dict(default_user_config, {"stepfunctions": {"execute_state_machine": True}})
        )
        sleepless = SimpleNamespace(sleep=self.waits.append)
        self._patches.enter_context(patch(f"{RETRIES}.time", sleepless))
        for caller in CALLERS:
            self._patches.enter_context(patch(caller, self.client_for))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let all end."""
        self._patches.close()
        for function in self.functions.values():
            function.close()
