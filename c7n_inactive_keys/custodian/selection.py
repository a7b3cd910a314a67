# SPDX-License-Identifier: Apache-2.0
"""Which keys of a user Custodian's own key filters stand for, asked again of the filters.

The annotation `c7n:matched-keys` cannot tell: a later filter replaces what an earlier one matched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from c7n.filters import ValueFilter

from c7n_inactive_keys.custodian.annotation import resolve
from c7n_inactive_keys.custodian.blocks import CREDENTIAL_KEYS, selects_keys


@dataclass(frozen=True, slots=True)
class Selection:
    """Access key ids that filters stand for, and those of which they cannot tell."""

    certain: frozenset[str]
    ambiguous: frozenset[str] = frozenset()


def select(
    filters: Iterable[Any],
    user: Mapping[str, Any],
    keys: Iterable[Mapping[str, Any]],
    operator: str = "and",
) -> Selection | None:
    """The keys that the built-in key filters of a block select; None if the block has none.

    `keys` is the metadata of the user's keys as listed now. In an `or` block any of its key filters
    may stand for a key, elsewhere all of them must; a filter under `not` selects users, not keys.
    """
    keys = list(keys)
    selections = []
    for item in filters:
        if item.type in ("and", "or"):
            found = select(item.filters, user, keys, item.type)
        elif item.type == "access-key":
            found = Selection(
                frozenset(key["AccessKeyId"] for key in keys if item.match(dict(key)))
            )
        elif item.type == "credential":
            found = _select_by_report(item, user, keys)
        else:
            found = None
        if found is not None:
            selections.append(found)
    return _combine(selections, operator) if selections else None


def _combine(selections: list[Selection], operator: str) -> Selection:
    if operator == "or":
        certain = frozenset().union(*(item.certain for item in selections))
        return Selection(
            certain, frozenset().union(*(item.ambiguous for item in selections)) - certain
        )
    possible = frozenset.intersection(*(item.certain | item.ambiguous for item in selections))
    certain = frozenset.intersection(*(item.certain for item in selections))
    return Selection(certain, possible - certain)


def _select_by_report(
    credential: Any, user: Mapping[str, Any], keys: list[Mapping[str, Any]]
) -> Selection | None:
    """The keys of the rows that a `credential` filter matched; None if it is about the user."""
    if not selects_keys(credential):
        return None
    column = credential.data["key"].partition(".")[2]
    matcher = ValueFilter({**credential.data, "key": column})
    matcher.annotate = False
    rows = (user.get("c7n:credential-report") or {}).get(CREDENTIAL_KEYS, ())
    certain, ambiguous = resolve([row for row in rows if matcher.match(row)], keys)
    return Selection(frozenset(certain), frozenset(ambiguous))
