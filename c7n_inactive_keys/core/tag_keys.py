# SPDX-License-Identifier: Apache-2.0
"""Tag keys as IAM allows them: an option that can name no tag would exempt nobody. Pure."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 128  # characters
# Of IAM's pattern [\p{L}\p{Z}\p{N}_.:/=+\-@]: letters, separators and numbers have categories.
_SIGNS = "_.:/=+-@"
_VARIABLE = re.compile(r"\{[^{}]*\}")


def tag_key_problem(text: str) -> str | None:
    """Why a text can name no tag of a user, as the end of a sentence; None if it can."""
    if _VARIABLE.search(text):
        return "holds a variable that was not expanded; define it, or write the tag's key"
    if text.lower().startswith("tag:"):
        return "is Custodian's spelling in filters; leave out 'tag:'"
    if text != text.strip() or len(text) > LONGEST or not all(map(_is_allowed, text)):
        return (
            f"can be the key of no tag: IAM allows up to {LONGEST} letters, digits, inner spaces "
            f"and {_SIGNS}"
        )
    return None


def _is_allowed(character: str) -> bool:
    return character in _SIGNS or unicodedata.category(character)[0] in "LZN"
