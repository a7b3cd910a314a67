# SPDX-License-Identifier: Apache-2.0
"""`c7n-inactive-keys custodian` and `c7n-inactive-keys c7n-org` are the stock commands."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys

import pytest

from tests.support.commands import clean_environ, run
from tests.support.paths import BIN, ROOT

pytestmark = pytest.mark.e2e

OURS = BIN / "c7n-inactive-keys"
OFF = {"C7N_INACTIVE_KEYS_AUTOLOAD": "0"}
POLICIES = ROOT / "policies" / "inactive-keys.yml"
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+")
FRAME = re.compile(r"  File .*\n(?:    .*\n)*")


def said(done: subprocess.CompletedProcess) -> tuple[int, str, str]:
    """Status and output, without moments, and of a traceback without what called the command."""
    return done.returncode, done.stdout, FRAME.sub("", MOMENT.sub("", done.stderr))


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["custodian"], id="help"),
        pytest.param(["custodian", "validate", POLICIES], id="all is well"),
        pytest.param(["custodian", "validate", "nowhere.yml"], id="a traceback"),
        pytest.param(["custodian", "run", "--nosuch"], id="wrong usage"),
        pytest.param(["c7n-org", "run"], id="c7n-org: wrong usage"),
    ],
)
def test_status_and_output_are_those_of_the_stock_command(command, tmp_path):
    """To the letter, its own name in the usage included."""
    stock = run(BIN / command[0], *command[1:], cwd=tmp_path)
    ours = run(OURS, *command, cwd=tmp_path, **OFF)
    assert said(ours) == said(stock)
    assert stock.stdout + stock.stderr


@pytest.fixture(name="silent_aws")
def _silent_aws():
    """An address where calls are accepted and never answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        yield server


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM], ids=lambda s: s.name)
@pytest.mark.parametrize("prefix", [[], [OURS]], ids=["stock", "ours"])
def test_a_signal_in_the_middle_of_a_run_ends_it_as_it_ends_custodian(
    silent_aws, tmp_path, prefix, signal_
):
    """The process that was started is the one that runs the policy, and dies of the signal."""
    host, port = silent_aws.getsockname()
    command = [*prefix, BIN / "custodian" if not prefix else "custodian"]
    environ = clean_environ(
        AWS_ENDPOINT_URL=f"http://{host}:{port}", AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x",
        AWS_DEFAULT_REGION="us-east-1", HOME=str(tmp_path),
    )  # fmt: skip
    with subprocess.Popen(
        [*map(str, command), "run", "-s", "out", str(POLICIES)], cwd=tmp_path, env=environ,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        # A shell lets what it starts in the background ignore SIGINT, and that is inherited.
        preexec_fn=lambda: signal.signal(signal_, signal.SIG_DFL),
    ) as running:  # fmt: skip
        connection, _ = silent_aws.accept()
        with connection:
            running.send_signal(signal_)
            stderr = running.stderr.read()
            assert running.wait(60) == -signal_
    assert ("KeyboardInterrupt" in stderr) == (signal_ == signal.SIGINT)


def test_without_c7n_org_the_extra_is_named():
    """One sentence, status 2."""
    code = "import sys; sys.modules['c7n_org'] = None; from c7n_inactive_keys.cli import run; run()"
    done = run(sys.executable, "-c", code, "c7n-org", "run")
    assert done.returncode == 2
    assert "'c7n-org' needs an extra: pip install 'c7n-inactive-keys[org]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_lists_them():
    """Beside our own commands, without importing Custodian."""
    done = run(OURS, "--help")
    assert re.search(r"custodian +Run Custodian itself, with the plugin", done.stdout)
    assert re.search(r"c7n-org +Run c7n-org itself, with the plugin", done.stdout)
