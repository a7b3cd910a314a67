# SPDX-License-Identifier: Apache-2.0
"""Tags of users by IAM's rules: which signs, how many, and that keys ignore case."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from c7n_inactive_keys_sandbox.protocol import ApiError

TAGS_PER_USER = 50


def merged(tags: Mapping[str, str], more: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Tags with more of them; keys differ by more than their case."""
    new: dict[str, str] = {}
    for tag in more:
        key, value = tag.get("Key", ""), tag.get("Value", "")
        _check(key, 128, 1, "key")
        _check(value, 256, 0, "value")
        if key.lower().startswith("aws:"):
            raise ApiError("InvalidInput", "Tag keys beginning with aws: are reserved.")
        if key.lower() in map(str.lower, new):
            raise ApiError(
                "InvalidInput",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            )
        new[key] = value
    spelt = {key.lower(): key for key in new}
    kept = {key: value for key, value in tags.items() if spelt.get(key.lower(), key) == key}
    if len(kept | new) > TAGS_PER_USER:
        raise ApiError("LimitExceeded", f"Cannot exceed quota for TagsPerUser: {TAGS_PER_USER}")
    return kept | new


def _check(text: str, longest: int, shortest: int, name: str) -> None:
    legal = all(unicodedata.category(sign)[0] in "LZN" or sign in "_.:/=+-@" for sign in text)
    if not legal or not shortest <= len(text) <= longest:
        raise ApiError(
            "ValidationError",
            f"1 validation error detected: Value '{text}' at "
            f"'tags.1.member.{name}' failed to satisfy constraint: Member must satisfy regular "
            r"expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]" + ("+" if shortest else "*"),
        )
