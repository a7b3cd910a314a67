# SPDX-License-Identifier: Apache-2.0
"""c7n-mailer, unmodified, between the sandbox's queue and a mail server of our own."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from email import policy
from pathlib import Path
from typing import Any

import yaml
from aiosmtpd.controller import Controller

from tests.support.commands import run
from tests.support.paths import ROOT


@dataclass(frozen=True)
class Mail:
    """A mail as it was received."""

    recipients: tuple[str, ...]
    subject: str
    kind: str
    body: str


class Mailbox:
    """Keeps what a mail server receives."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take one mail."""
        message = email.message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append(
            Mail(
                tuple(envelope.rcpt_tos), message["Subject"], message.get_content_type(),
                message.get_content().replace("\r\n", "\n"),
            )
        )  # fmt: skip
        return "250 OK"


class FreePortController(Controller):
    """A server on whichever port is free."""

    def _trigger_server(self) -> None:
        # The first connection, which start() makes, goes to the port that was asked for: 0.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_server() -> Iterator[tuple[Mailbox, int]]:
    """A mail server on a free port of loopback."""
    mailbox = Mailbox()
    controller = FreePortController(mailbox, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        yield mailbox, controller.port
    finally:
        controller.stop()


def deliver(environ: dict[str, str], directory: Path, queue_url: str, port: int) -> str:
    """Run `c7n-mailer --run` with the shipped configuration and templates; its log."""
    config = yaml.safe_load((ROOT / "templates" / "mailer.yml").read_text())
    config |= {
        "queue_url": queue_url, "smtp_server": "127.0.0.1", "smtp_port": port, "smtp_ssl": False,
    }  # fmt: skip
    path = directory / "mailer.yml"
    path.write_text(yaml.safe_dump(config))
    command = ("c7n-mailer", "--run", "--config", path, "-t", ROOT / "templates")
    done = run(*command, **environ | {"TZ": "UTC"})
    assert done.returncode == 0, done.stderr
    return done.stderr


def scrub(text: str, now: datetime) -> str:
    """Dates as days from now, so that a message can be compared with a golden file."""

    def moment(found: re.Match[str]) -> str:
        time = datetime.strptime(found[0], "%Y-%m-%d %H:%M UTC").replace(tzinfo=timezone.utc)
        return f"<day {round((time - now).total_seconds() / 86400):+d}>"

    def day(found: re.Match[str]) -> str:
        return f"<date {(datetime.fromisoformat(found[0]).date() - now.date()).days:+d}>"

    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", moment, text)
    return re.sub(r"\d{4}-\d\d-\d\d", day, text)


def against_gold(name: str, text: str) -> None:
    """Compare with a golden file; on a mismatch the actual text is saved beside it.

    Raises:
        AssertionError: they differ. If the new text is right, rename `NAME.actual` to `NAME`.
    """
    gold = Path(__file__).parent / "gold" / name
    actual = gold.with_name(f"{name}.actual")
    if not gold.exists() or gold.read_text() != text:
        actual.write_text(text)
        raise AssertionError(f"{actual} differs from {gold}")
    actual.unlink(missing_ok=True)
