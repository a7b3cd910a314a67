# SPDX-License-Identifier: Apache-2.0
"""The options of a filter or action, described once: as JSON schema, and in words for people.

Custodian checks a policy against the schema, editors know it too, and their messages are what such
messages are. `c7n-org run` checks no schema: there a misspelt `exempt-tag` would exempt nobody, and
`day: 90` ask for no days. So `validate()`, which every command calls, says in one sentence what is
wrong, from the same description.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from c7n.exceptions import PolicyValidationError
from c7n.filters import Filter
from c7n.utils import type_schema

from c7n_inactive_keys.core.json_types import JsonMapping, JsonObject
from c7n_inactive_keys.custodian.c7n_types import Element

# YAML knows whole numbers that no float can hold.
LARGEST = sys.float_info.max

Schema = JsonMapping

NUMBER: Schema = {"type": "number", "minimum": 0}
COUNT: Schema = {"type": "integer", "minimum": 1}
FLAG: Schema = {"type": "boolean"}
TEXT: Schema = {"type": "string", "pattern": r"\S"}
TEXTS: Schema = {"type": "object"}
ANYTHING: Schema = {}


@dataclass(frozen=True, slots=True)
class Option:
    """What a value must be: in words that complete "must be", and as JSON schema.

    `fits` is for what a schema cannot say; `options` are those of a value that is a mapping.
    """

    kind: str
    form: Schema
    default: object = None
    required: bool = False
    options: Mapping[str, Option] = field(default_factory=dict)
    fits: Callable[[Any], bool] | None = None

    @property
    def schema(self) -> JsonObject:
        """The option in JSON schema."""
        schema: JsonObject = {"description": self.kind, **self.form}
        if self.default is not None:
            schema["default"] = self.default
        return schema

    def admits(self, value: object) -> bool:
        """Whether it can have this value."""
        return _conforms(value, self.form) and (self.fits is None or self.fits(value))


def mapping(kind: str, options: Mapping[str, Option], required: bool = False) -> Option:
    """An option whose value has options of its own."""
    form: JsonObject = {
        "type": "object",
        "properties": {name: option.schema for name, option in options.items()},
        "additionalProperties": False,
        "required": [name for name, option in options.items() if option.required],
    }
    return Option(kind, form, required=required, options=options)


def one_of(*words: str, default: str | None = None) -> Option:
    """The option to name one of these words."""
    return Option(f"{', '.join(words[:-1])} or {words[-1]}", {"enum": list(words)}, default)


def list_of(*words: str) -> Option:
    """The option to name some of these words; all of them by default."""
    form = {"type": "array", "items": {"enum": list(words)}}
    return Option(f"a list of {' and '.join(words)}", form, list(words))


def describe(element: str, options: Mapping[str, Option]) -> JsonObject:
    """The schema of a filter or action with these options; it admits no others."""
    required = [name for name, option in options.items() if option.required]
    properties = {name: option.schema for name, option in options.items()}
    schema: JsonObject = type_schema(element, required=required or None, **properties)
    return schema


def problem(data: JsonMapping, options: Mapping[str, Option], within: str = "") -> str | None:
    """What is wrong with the first option that is, in words; `within` names what it is part of."""
    for name, value in data.items():
        if name == "type" and not within:
            continue
        if name not in options:
            return f"{within}{unknown(str(name), options)}"
        option = options[name]
        if not (isinstance(value, dict) if option.options else option.admits(value)):
            return f"{within}{name} must be {option.kind}, not {value!r}"
        found = option.options and problem(value, option.options, f"{within}{name}: ")
        if found:
            return found
    for name, option in options.items():
        if option.required and name not in data:
            return f"{within}{name} is missing; it must be {option.kind}"
    return None


def unknown(name: str, options: Mapping[str, Option]) -> str:
    """That there is no such option, which was perhaps meant, and which there are."""
    near = difflib.get_close_matches(name, options, n=1)
    meant = f" (did you mean {near[0]!r}?)" if near else ""
    return f"unknown option {name!r}{meant}; options: {', '.join(options)}"


def invalid(element: Element, wrong: str) -> PolicyValidationError:
    """The error for what is wrong with a filter or action of a policy."""
    role = "filter" if isinstance(element, Filter) else "action"
    return PolicyValidationError(
        f"policy:{element.manager.ctx.policy.name} {role} {element.type}: {wrong}"
    )


def _conforms(value: object, form: Schema) -> bool:
    """Whether a value conforms to one of the forms above; Lambda functions have no jsonschema."""
    kind = form.get("type")
    if kind in ("number", "integer"):
        # To Python true is a number, and so is .nan, for which no key would be too young.
        numbers = int if kind == "integer" else (int, float)
        if isinstance(value, bool) or not isinstance(value, numbers):
            return False
        return bool(form["minimum"] <= value <= LARGEST)
    if kind == "string":
        return isinstance(value, str) and bool(re.search(form["pattern"], value))
    if kind == "array":
        return isinstance(value, list) and all(item in form["items"]["enum"] for item in value)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "object":
        return isinstance(value, dict)
    return "enum" not in form or value in form["enum"]
