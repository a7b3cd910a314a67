# SPDX-License-Identifier: Apache-2.0
"""What Lambda does to a function from a container image: one process, one event after the other.

    python image_runtime.py MODULE.FUNCTION < events > answers

One event as JSON a line, one answer a line: what the handler returned, or the error that it raised
as Lambda tells Step Functions of it. The log goes to standard error.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import traceback
import uuid


class Context:
    """The second argument of a handler."""

    def __init__(self) -> None:
        self.aws_request_id = str(uuid.uuid4())

    def get_remaining_time_in_millis(self) -> int:
        """As if the function had just begun."""
        return 900_000


def main(handler: str) -> None:
    """Import the handler as Lambda's runtime does, then answer."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what anybody prints is log
    module, _, function = handler.rpartition(".")
    run = getattr(importlib.import_module(module), function)
    for line in sys.stdin:
        try:
            answer = {"result": run(json.loads(line), Context())}
        except Exception as error:  # noqa: BLE001 - Lambda tells of whatever a handler raises
            traceback.print_exc()
            answer = {"error": {"errorMessage": str(error), "errorType": type(error).__name__}}
        answer["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
