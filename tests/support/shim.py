# SPDX-License-Identifier: Apache-2.0
"""Stands for a command of the installation where a shell or a subprocess starts it by its name.

    python -I -S shim.py ADDRESS COMMAND ARGUMENT ...

Has the forker at ADDRESS run it, with this process's streams, directory and environment; or starts
the real one, if the environment says something about the start. Standard library only.
"""

import json
import os
import signal
import socket
import sys


def main(address: str, command: str, *arguments: str) -> None:
    """Run it, and end as it ended."""
    if any(name.startswith(("PYTHON", "C7N_INACTIVE_KEYS_")) for name in os.environ):
        os.execv(command, [command, *arguments])
    order = {
        "command": os.path.basename(command),  # noqa: PTH119 - pathlib starts slowly
        "arguments": arguments,
        "directory": os.getcwd(),  # noqa: PTH109
        "environ": dict(os.environ),
        "settings": {},
        "file_size": 0,
    }
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        line = json.dumps(order).encode() + b"\n"
        connection.sendall(line[socket.send_fds(connection, [line], [0, 1, 2]) :])
        with connection.makefile() as answers:
            _, status = (int(answers.readline()) for _ in range(2))
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    sys.exit(status)


if __name__ == "__main__":
    main(*sys.argv[1:])
