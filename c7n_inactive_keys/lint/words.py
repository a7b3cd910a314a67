# SPDX-License-Identifier: Apache-2.0
"""What a policy says of itself, in its name, its description and its messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from c7n_inactive_keys.lint.policy import Policy

# Not "disabled": that may be the state of the keys that are meant.
_DEACTIVATE = re.compile(
    r"\b(?:disabl|de-?activat|inactivat|suspend)(?:es?|s|ing|ion)?\b", re.IGNORECASE
)
_DELETE = re.compile(r"\b(?:delet|remov|destroy|purg|eras)", re.IGNORECASE)
_UNUSED = re.compile(
    r"\b(?:unused|un-used|inactiv|stale|dormant|idle|no[tn]?[- ]?(?:been[- ])?us(?:ed?|age))",
    re.IGNORECASE,
)
# "have been disabled", "were automatically deleted"; not "will be deleted".
_DONE = re.compile(
    r"\b(?:ha(?:s|ve) (?:now |just )?been|was|were) (?:\w+ ){0,2}"
    r"(?P<done>disabled|deactivated|deleted|removed|revoked|suspended)\b",
    re.IGNORECASE,
)
STATES = ("disabled", "deactivated", "suspended")
_ABOUT = ("name", "title", "description", "comment", "comments")
_MESSAGES = ("subject", "violation_desc", "action_desc", "message", "title", "description")


def says_deactivate(policy: Policy) -> bool:
    """Whether the policy is about deactivating, by its own words."""
    return bool(_DEACTIVATE.search(_about(policy)))


def says_delete(policy: Policy) -> bool:
    """Whether it is about deleting."""
    return bool(_DELETE.search(_about(policy)))


def says_unused(policy: Policy) -> bool:
    """Whether it is about what nobody uses."""
    return bool(_UNUSED.search(_about(policy)))


def claim(text: str, of_inactive: bool) -> str | None:
    """What a message says to be done, as `disabled`; of inactive keys that is just their state."""
    found = _DONE.search(text)
    done = found["done"].lower() if found else None
    return None if of_inactive and done in STATES else done


def messages(data: Any) -> Iterator[tuple[str, str]]:
    """The texts of a notice, each with the option that holds it."""
    for name in _MESSAGES:
        if isinstance(data.get(name), str):
            yield name, data[name]


def _about(policy: Policy) -> str:
    texts = (str(policy.data.get(name, "")) for name in _ABOUT)
    return " ".join(texts).replace("_", " ")
