# SPDX-License-Identifier: Apache-2.0
"""What a run of Custodian leaves behind."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from c7n_inactive_keys.core.journal import ANNOUNCED, FILE_NAME, JournalLine, read_lines
from tests.support.policies import DELETE


@dataclass(frozen=True)
class Outcome:
    """What a run left behind: exit status, what it printed, and its output directory."""

    status: int
    log: str
    out: Path
    home: Path  # its working and temporary directory

    def journal(self, policy: str = DELETE) -> list[JournalLine]:
        """The lines of the journal; a torn one may only be the last."""
        path = self.out / policy / FILE_NAME
        text = path.read_text() if path.exists() else ""
        entries, problems = read_lines(text)
        assert not problems or [item.line_number for item in problems] == [len(text.split("\n"))]
        return entries

    def by_key(self, policy: str = DELETE) -> dict[str | None, str]:
        """The last word of the journal on each key: `outcome` or `outcome reason`."""
        return {entry.access_key_id: _word(entry) for entry in self.journal(policy)}

    def by_user(self, policy: str = DELETE) -> dict[str | None, str]:
        """The last word of the journal on each user."""
        return {entry.user_name: _word(entry) for entry in self.journal(policy)}

    def unfinished(self, policy: str = DELETE) -> set[str]:
        """Keys whose `deleting`, `deactivating` or `reactivating` has no outcome behind it."""
        last = {entry.access_key_id: entry.outcome for entry in self.journal(policy)}
        return {str(key_id) for key_id, outcome in last.items() if outcome in ANNOUNCED}

    def resources(self, policy: str = DELETE) -> list[dict[str, Any]]:
        """The users that matched; empty if the run failed before it knew any."""
        path = self.out / policy / "resources.json"
        if self.status != 0 and not path.exists():
            return []
        found: list[dict[str, Any]] = json.loads(path.read_text())
        return found

    def keys(self, policy: str = DELETE) -> dict[str, dict[str, Any]]:
        """The matched keys by access key id."""
        return {
            key["AccessKeyId"]: key
            for user in self.resources(policy)
            for key in user.get("c7n:InactiveAccessKeys", ())
        }

    def matched(self, policy: str = DELETE) -> set[str]:
        """Ids of the keys that matched."""
        return set(self.keys(policy))

    def action_file(self, policy: str = DELETE) -> list[dict[str, Any]] | None:
        """The outcomes as Custodian writes them for the policy's only action."""
        paths = list((self.out / policy).glob("action-*"))
        return json.loads(paths[0].read_text()) if paths else None

    def failures(self, policy: str = DELETE) -> list[dict[str, Any]]:
        """The failed outcomes in the action's file."""
        return [item for item in self.action_file(policy) or () if item["outcome"] == "failed"]


def _word(line: JournalLine) -> str:
    return " ".join(filter(None, (line.outcome, line.reason)))
