# SPDX-License-Identifier: Apache-2.0
"""What the options of a filter or action may be, in words: the schema shows them, errors say them.

Custodian's check against a schema prints the schema instead of a sentence, and `c7n-org run` makes
none at all: a misspelt `exempt-tag` would exempt nobody there, and `day: 90` ask for no days. So
the schema describes and admits everything, and `validate()`, which every command calls, refuses.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from c7n.exceptions import PolicyValidationError
from c7n.filters import Filter
from c7n.utils import type_schema

# YAML knows whole numbers that no float can hold.
LARGEST = sys.float_info.max


@dataclass(frozen=True, slots=True)
class Option:
    """What a value must be, in words that complete "must be", and whether it is that."""

    kind: str
    fits: Callable[[Any], bool]
    default: Any = None
    required: bool = False
    options: Mapping[str, Option] = field(default_factory=dict)  # of a value that is a mapping

    def schema(self) -> dict[str, Any]:
        """The option in JSON schema, which describes it and refuses nothing."""
        schema: dict[str, Any] = {"description": self.kind}
        if self.default is not None:
            schema["default"] = self.default
        if self.options:
            schema["properties"] = {name: item.schema() for name, item in self.options.items()}
        return schema


def describe(element: str, options: Mapping[str, Option]) -> dict[str, Any]:
    """The schema of a filter or action with these options."""
    schema = type_schema(element, **{name: option.schema() for name, option in options.items()})
    return {**schema, "additionalProperties": True}


def problem(data: Mapping[str, Any], options: Mapping[str, Option], within: str = "") -> str | None:
    """What is wrong with the first option that is, in words; `within` names what it is part of."""
    for name, value in data.items():
        if name == "type" and not within:
            continue
        if name not in options:
            return f"{within}{name} is no option; there are {', '.join(options)}"
        option = options[name]
        if not option.fits(value):
            return f"{within}{name} must be {option.kind}, not {value!r}"
        found = option.options and problem(value, option.options, f"{within}{name} ")
        if found:
            return found
    for name, option in options.items():
        if option.required and name not in data:
            return f"{within}{name} is missing; it must be {option.kind}"
    return None


def invalid(element: Any, wrong: str) -> PolicyValidationError:
    """The error for what is wrong with a filter or action of a policy."""
    role = "filter" if isinstance(element, Filter) else "action"
    return PolicyValidationError(
        f"policy:{element.manager.ctx.policy.name} {role} {element.type}: {wrong}"
    )


# -- kinds ----------------------------------------------------------------------------------------


def is_number(value: Any) -> bool:
    """Whether it is a number, 0 or more; .nan is one in YAML, and no key would be too young."""
    return isinstance(value, (int, float)) and not is_flag(value) and 0 <= value <= LARGEST


def is_count(value: Any) -> bool:
    """Whether it is a whole number, 1 or more."""
    return isinstance(value, int) and not is_flag(value) and value >= 1


def is_flag(value: Any) -> bool:
    """Whether it is true or false."""
    return isinstance(value, bool)


def is_text(value: Any) -> bool:
    """Whether it is a text that is not blank."""
    return isinstance(value, str) and bool(value.strip())


def is_mapping(value: Any) -> bool:
    """Whether it has options of its own."""
    return isinstance(value, dict)


def one_of(*words: str, default: str | None = None) -> Option:
    """The option to name one of these words."""
    return Option(f"{', '.join(words[:-1])} or {words[-1]}", lambda value: value in words, default)
