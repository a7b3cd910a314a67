# SPDX-License-Identifier: Apache-2.0
"""Inactive keys of an account's root, of which only the credential report tells. Pure.

AWS gives no ids of them; here they are named by the time at which they were created.
"""

from __future__ import annotations

from c7n_inactive_keys.core.credential_report import ReportedUser
from c7n_inactive_keys.core.evidence import Evidence
from c7n_inactive_keys.core.found_key import FoundKey
from c7n_inactive_keys.core.keys import INACTIVE, AccessKey
from c7n_inactive_keys.core.times import days_between


def root_keys(root: ReportedUser) -> list[FoundKey]:
    """The inactive keys in root's row as of when it was made; nothing is proven of any."""
    now = root.generated
    found: list[FoundKey] = []
    for slot in root.keys:
        if slot.active or now is None:
            continue
        name = f"root-key-{slot.created:%Y%m%dT%H%M%SZ}"
        twin = any(other.key.access_key_id == name for other in found)
        key = AccessKey(f"{name}-2" if twin else name, root.user_name, INACTIVE, slot.created)
        used = slot.last_use.time
        not_before = min(max(slot.created, used or slot.created), now)
        evidence = [Evidence("key", "created", slot.created)]
        if used:
            evidence.append(Evidence("last-used", "used", used))
        evidence.append(Evidence("credential-report", "inactive", now))
        found.append(
            FoundKey(
                key=key,
                last_use=slot.last_use,
                not_before=not_before,
                not_after=now,
                at_least_days=0.0,
                at_most_days=days_between(not_before, now),
                evidence=tuple(evidence),
            )
        )
    return found
