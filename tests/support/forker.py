# SPDX-License-Identifier: Apache-2.0
"""A process that has imported Custodian and forks for every run, which saves each its start.

What runs is `c7n.cli.main`, as in the command `custodian`, with the plugin as the .pth file of the
installation loads it. Orders come as JSON lines on standard input; each is answered by a line with
the child's process id and later by one with its exit status, negative for a signal.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import select
import signal
import sys
import traceback
from typing import Any


def serve() -> None:
    """Fork for each order, until standard input ends and all children have."""
    import c7n.cli
    import c7n.resources

    c7n.resources.load_resources(("aws.iam-user",))
    _read_service_models()
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker)
    children: dict[int, int] = {}
    orders: Any = b""
    is_open = True
    while is_open or children:
        ready, _, _ = select.select([0, woken] if is_open else [woken], [], [])
        if woken in ready:
            os.read(woken, 512)
            _reap(children)
        if 0 in ready:
            data = os.read(0, 65536)
            is_open = bool(data)
            *lines, orders = (orders + data).split(b"\n")
            for line in lines:
                _start(json.loads(line), children)


def _read_service_models() -> None:
    """Parse botocore's service models once for all children: they are half of a run's start."""
    import boto3
    from botocore.loaders import JSONFileLoader

    read = JSONFileLoader._load_file
    known: dict[str, Any] = {}

    def read_once(self: Any, path: str, open_method: Any) -> Any:
        if path not in known:
            known[path] = read(self, path, open_method)
        return known[path]

    JSONFileLoader._load_file = read_once
    session = boto3.Session("AKIA", "secret", region_name="us-east-1")
    for service in ("iam", "sts", "cloudtrail", "s3"):
        session.client(service)
    session.get_available_regions("iam")


def _start(order: dict[str, Any], children: dict[int, int]) -> None:
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        status = 1
        try:
            status = _run(order)
        except BaseException:  # noqa: BLE001 - as the interpreter would
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    children[pid] = order["number"]
    _tell(number=order["number"], pid=pid)


def _run(order: dict[str, Any]) -> int:
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.chdir(order["directory"])
    os.environ.clear()
    os.environ.update(order["environ"])
    for name, value in order["settings"].items():
        module, _, constant = name.rpartition(".")
        setattr(importlib.import_module(module), constant, value)
    if order["file_size"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_size"], order["file_size"]))
    sys.argv = ["custodian", *order["arguments"]]
    from c7n.cli import main

    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _reap(children: dict[int, int]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        _tell(number=children.pop(pid), status=os.waitstatus_to_exitcode(status))


def _tell(**fields: int) -> None:
    os.write(1, json.dumps(fields).encode() + b"\n")


if __name__ == "__main__":
    serve()
