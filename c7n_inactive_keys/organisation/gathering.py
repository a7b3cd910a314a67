# SPDX-License-Identifier: Apache-2.0
"""What is left of all batches, as arguments of the report command."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from c7n_inactive_keys.core.json_types import JsonMapping
from c7n_inactive_keys.organisation.batches import DELETE, LOOK
from c7n_inactive_keys.organisation.bucket import Bucket


def gathered(bucket: Bucket, prefix: str, home: Path) -> list[object]:
    """The sources, accounts file and log of a report over the whole organisation."""
    shards = bucket.download(
        [key for phase in (LOOK, DELETE) for key in bucket.keys(f"{prefix}/{phase}/")],
        home / "shards",
    )
    accounts, log = home / "accounts.yml", home / "lost.log"
    accounts.write_bytes(bucket.get(f"{prefix}/accounts.json"))
    notes = bucket.get_all(bucket.keys(f"{prefix}/lost/"))
    log.write_text("".join(lost_lines(map(read_note, notes))), encoding="utf-8")
    sources = [word for shard in shards for word in ("-s", shard)]
    # Where no batch left a report, the accounts file and the log are all there is to say.
    return [*(sources or ["-s", home / "none"]), "-c", accounts, "--log", log]


def read_note(content: bytes) -> JsonMapping:
    """What the state machine noted of a batch; it may have written the object as a string."""
    note: Any = content.decode("utf-8")
    while isinstance(note, str):
        note = json.loads(note)
    found: JsonMapping = note
    return found


def lost_lines(notes: Iterable[JsonMapping]) -> Iterator[str]:
    """A line for each account of a batch that failed for good, as c7n-org itself would say it."""
    for note in notes:
        why = f"{note['lost']['Error']}: {_message(note['lost'].get('Cause', ''))}"
        for account in note["accounts"]:
            for region in account.get("regions") or ("all",):
                yield (
                    f"Error running policy in {account['name']} @ {region} exception: "
                    f"batch {note['batch']} ({note['phase']}) failed: {' '.join(why.split())}\n"
                )


def _message(cause: str) -> str:
    """What the function said; Lambda wraps it into an object."""
    try:
        return str(json.loads(cause)["errorMessage"])
    except (KeyError, TypeError, ValueError):
        return cause
