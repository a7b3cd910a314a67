# SPDX-License-Identifier: Apache-2.0
"""Keys that are written down for the report and never acted on: root's, and Expired ones."""

from __future__ import annotations

from collections.abc import Iterable

from c7n_inactive_keys.core.found_key import FoundKey
from c7n_inactive_keys.core.journal import NOTED
from c7n_inactive_keys.core.keys import AccessKey
from c7n_inactive_keys.custodian.c7n_types import Manager
from c7n_inactive_keys.custodian.memory import Shared
from c7n_inactive_keys.custodian.run_record import PolicyRun

_NOTED: Shared[set[str]] = Shared(set)


def note_keys(manager: Manager, reason: str, keys: Iterable[FoundKey | AccessKey]) -> None:
    """Write each key down once in an execution of the policy; `reason` says what it is."""
    known = _NOTED.of(manager)
    new = {key_id: key for key in keys if (key_id := _bare(key).access_key_id) not in known}
    if not new or manager.ctx.output is None:
        return
    known.update(new)
    run = PolicyRun(manager)
    with run.open_journal() as journal:
        for key_id, key in new.items():
            journal.write(
                run.line(
                    user_name=_bare(key).user_name,
                    access_key_id=key_id,
                    found=key if isinstance(key, FoundKey) else None,
                    outcome=NOTED,
                    reason=reason,
                )
            )


def _bare(key: FoundKey | AccessKey) -> AccessKey:
    return key.key if isinstance(key, FoundKey) else key
