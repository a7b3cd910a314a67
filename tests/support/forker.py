# SPDX-License-Identifier: Apache-2.0
"""A process that has imported a command and forks for every run, which saves each its start.

    python -m tests.support.forker COMMAND DESCRIPTOR

What runs is what the console script of that name calls, with the plugin as the start-up files of
the installation load it. DESCRIPTOR is a listening socket. A connection brings one order: a line of
JSON, and with its first byte the child's standard streams. It is answered by the child's process id
and, when the child has ended, by its exit status, negative for a signal; a line each.
"""

from __future__ import annotations

import array
import contextlib
import gc
import importlib
import importlib.metadata
import json
import os
import pkgutil
import resource
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

import c7n_inactive_keys
from c7n_inactive_keys.partitions import home_region, partition_of
from tests.support.service_models import share_service_models

STREAMS = 3
# The rooms of what Custodian loads of the plugin.
OURS = ("core", "find", "change", "record", "custodian", "lint")
# What the runs of a command have otherwise: no wait for a credential report that nobody need sit
# out, and no more workers than small machines have processors.
SETTINGS = {
    "custodian": {"c7n_inactive_keys.find.reported_users.LONGEST_WAIT": 0.1},
    "c7n-org": {
        "c7n_inactive_keys.find.reported_users.LONGEST_WAIT": 0.1,
        "c7n_org.cli.WORKER_COUNT": 2,
    },
}


def serve(command: str, listener: socket.socket) -> None:
    """Fork for each order, until standard input ends and all children have."""
    run = _preload(command)
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker)
    children: dict[int, socket.socket] = {}
    is_open = True
    while is_open or children:
        ready, _, _ = select.select([0, listener, woken] if is_open else [woken], [], [])
        if woken in ready:
            os.read(woken, 512)
            _reap(children)
        if 0 in ready:
            is_open = bool(os.read(0, 1))
        elif listener in ready:
            connection, _ = listener.accept()
            _start(run, connection, children)


def _preload(command: str) -> Callable[[], object]:
    """What the command calls; all that its runs would import is imported."""
    (script,) = importlib.metadata.entry_points(group="console_scripts", name=command)
    run: Callable[[], object] = script.load()
    if command in ("custodian", "c7n-org"):
        _preload_custodian(all_resources=command == "c7n-org")
    rooms = ("report", "check") if command == "c7n-inactive-keys" else OURS
    for found in pkgutil.walk_packages(c7n_inactive_keys.__path__, "c7n_inactive_keys."):
        if found.name.split(".")[1] in rooms:
            importlib.import_module(found.name)
    for name, value in SETTINGS.get(command, {}).items():
        _set(name, value)
    gc.collect()
    gc.freeze()  # so that no child copies what it never changes
    return run


def _preload_custodian(*, all_resources: bool) -> None:
    from c7n.resources import load_available, load_resources

    load_available(resources=all_resources)
    load_resources(("aws.iam-user",))
    share_service_models("iam", "sts", "cloudtrail", "cloudformation", "s3", "sqs")
    home_region("aws")
    partition_of("us-east-1")
    _check_each_schema_once()


def _check_each_schema_once() -> None:
    """Let no child check again whether the schema of policies is one: a fourth of a short run."""
    from c7n import schema

    check = schema.JsonSchemaValidator.check_schema
    known: set[str] = set()

    def check_once(content: Any) -> None:
        text = json.dumps(content)
        if text not in known:
            check(content)
            known.add(text)

    schema.JsonSchemaValidator.check_schema = check_once
    check_once(schema.generate(("aws.iam-user",)))


def _start(
    run: Callable[[], object], connection: socket.socket, children: dict[int, socket.socket]
) -> None:
    order, streams = _receive(connection)
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _redirect(streams)
        _end(run, order)
    for descriptor in streams:
        os.close(descriptor)
    children[pid] = connection
    _tell(connection, pid)


def _redirect(streams: list[int]) -> None:
    """Make these the standard streams, as the interpreter does at its start."""
    for stream, descriptor in enumerate(streams):
        os.dup2(descriptor, stream)
    sys.stdin, sys.stdout, sys.stderr = (
        open(  # noqa: SIM115 - no paths, and for the life of the process
            stream, old.mode, encoding=old.encoding, errors=old.errors, closefd=False,
            buffering=1 if old is sys.stderr or os.isatty(stream) else -1,
        )
        for stream, old in enumerate((sys.stdin, sys.stdout, sys.stderr))
    )  # fmt: skip
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr


def _receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The order and the streams; both are there as soon as the connection is."""
    descriptors = array.array("i")
    room = socket.CMSG_LEN(STREAMS * descriptors.itemsize)
    data, ancillary, _, _ = connection.recvmsg(65536, room)
    for _, _, content in ancillary:
        descriptors.frombytes(content)
    while not data.endswith(b"\n"):
        data += connection.recv(65536)
    return json.loads(data), list(descriptors)


def _end(run: Callable[[], object], order: dict[str, Any]) -> None:
    """Run, and end this process as the interpreter would."""
    status = 1
    try:
        status = _run(run, order)
    except BaseException:  # noqa: BLE001 - as the interpreter would
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _run(run: Callable[[], object], order: dict[str, Any]) -> int:
    os.setsid()
    os.chdir(order["directory"])
    os.environ.clear()
    os.environ.update(order["environ"])
    time.tzset()
    for name, value in order["settings"].items():
        _set(name, value)
    if order["file_size"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_size"], order["file_size"]))
    sys.argv = [order["command"], *order["arguments"]]
    try:
        return _status(run())
    except SystemExit as end:
        return _status(end.code)


def _set(name: str, value: object) -> None:
    """Set a constant of a module, named by its full name."""
    module, _, constant = name.rpartition(".")
    setattr(importlib.import_module(module), constant, value)


def _status(code: object) -> int:
    """The exit status that the interpreter makes of what a command returns or exits with."""
    if code is None or isinstance(code, int):
        return code or 0
    sys.stderr.write(f"{code}\n")
    return 1


def _reap(children: dict[int, socket.socket]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with children.pop(pid) as connection:
            _tell(connection, os.waitstatus_to_exitcode(status))


def _tell(connection: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # whoever ordered it did not wait
        connection.sendall(f"{number}\n".encode())


if __name__ == "__main__":
    serve(sys.argv[1], socket.socket(fileno=int(sys.argv[2])))
