# SPDX-License-Identifier: Apache-2.0
"""Events handled by a Lambda function where the plugin is installed, as in a container image.

No archive: the handler is the same, and Custodian reads its policies from config.json.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from c7n_inactive_keys_sandbox import Sandbox
from tests.support.accounts import ACCOUNT, administrator
from tests.support.commands import run
from tests.support.outcome import Outcome

# One event a line; for each a line that says why it failed, or null. The log goes to stderr.
ANSWER = """
import json, logging, sys
logging.basicConfig(stream=sys.stderr)
from c7n_inactive_keys.lambda_handler import run
for line in sys.stdin:
    try:
        run(json.loads(line), None)
        print("null")
    except Exception as error:
        print(json.dumps(f"{type(error).__name__}: {error}"))
"""
EVENT_MODE = {
    "type": "cloudtrail",
    "role": "arn:aws:iam::123456789012:role/Custodian",
    "events": [
        {
            "source": "iam.amazonaws.com",
            "event": "UpdateAccessKey",
            "ids": "requestParameters.userName || userIdentity.userName",
        }
    ],
}


def handle(
    aws: Sandbox,
    home: Path,
    policies: Iterable[Mapping[str, Any]],
    events: Iterable[Any],
    account_id: str = ACCOUNT,
) -> tuple[list[Any], Outcome]:
    """Why each event failed, if it did, and what is left behind; all events by one process."""
    home.mkdir(parents=True, exist_ok=True)
    first, *others = policies
    # Custodian takes the first policy's for all.
    mode = {**first["mode"], "execution-options": {"output_dir": str(home / "out")}}
    data = {"policies": [{**first, "mode": mode}, *others]}
    (home / "config.json").write_text(json.dumps(data))
    path = os.environ.get("PYTHONPATH")  # the package under test, where it is not the installed one
    done = run(
        sys.executable, "-c", ANSWER, cwd=home, **({"PYTHONPATH": path} if path else {}),
        text="".join(json.dumps(event) + "\n" for event in events),
        **administrator(
            aws, account_id, HOME=str(home), AWS_LAMBDA_FUNCTION_NAME="custodian",
            AWS_REGION="us-east-1",
        ),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    errors = [json.loads(line) for line in done.stdout.splitlines()]
    return errors, Outcome(done.returncode, done.stderr, home / "out", home)
