# SPDX-License-Identifier: Apache-2.0
"""What AWS Lambda does to a function: a process that sees the archive and boto3, and no more.

    python -I -S lambda_runtime.py TASK RUNTIME HANDLER < events > answers

TASK is the unpacked archive, RUNTIME a directory with boto3 and what it needs. One event as JSON a
line; one answer a line: `result` or `error`, and the seconds that it took. The first answer is that
of the cold start. Standard library only.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import time
from typing import Any


class Context:
    """The second argument of a handler."""

    aws_request_id = "11111111-2222-3333-4444-555555555555"
    function_name = "custodian"


def main(task: str, runtime: str, handler: str) -> None:
    """Import the handler, then answer one event after the other."""
    sys.path[:] = [task, runtime, *(part for part in sys.path if "site-packages" not in part)]
    os.chdir(task)
    logging.basicConfig(stream=sys.stderr, format="[%(levelname)s]\t%(name)s\t%(message)s")
    module, _, function = handler.rpartition(".")
    began = time.perf_counter()
    run = getattr(importlib.import_module(module), function)
    say({"cold_start": time.perf_counter() - began, "modules": outsiders(task, runtime)})
    for line in sys.stdin:
        began = time.perf_counter()
        answer: dict[str, Any]
        try:
            answer = {"result": run(json.loads(line), Context()), "error": None}
        except Exception as error:  # noqa: BLE001 - Lambda reports whatever a handler raises
            answer = {"result": None, "error": f"{type(error).__name__}: {error}"}
        say({**answer, "seconds": time.perf_counter() - began, "modules": outsiders(task, runtime)})


def outsiders(task: str, runtime: str) -> list[str]:
    """Modules that came from elsewhere than the archive, the runtime and the standard library."""
    library = os.path.dirname(os.__file__)  # noqa: PTH120 - as the interpreter writes it
    homes = tuple(os.path.realpath(home) for home in (task, runtime, library))
    return sorted(
        name
        for name, module in sys.modules.items()
        if name not in ("__main__", "__mp_main__")  # multiprocessing's second name for it
        and (place := getattr(module, "__file__", None))
        and (not place.startswith((task, runtime, *homes)) or "site-packages" in place)
    )


def say(answer: dict[str, Any]) -> None:
    """One answer; the log goes to standard error."""
    sys.__stdout__.write(json.dumps(answer) + "\n")
    sys.__stdout__.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
