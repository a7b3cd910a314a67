# SPDX-License-Identifier: Apache-2.0
"""Changes of a policy file as values: what becomes of the data, whatever the text looks like."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from c7n_inactive_keys.lint.document import Steps


@dataclass(frozen=True)
class Put:
    """Set what stands at a path. A new key goes behind the first of the keys `after` that is there,
    or to the end.
    """

    path: Steps
    value: Any
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drop:
    """Take away what stands at a path."""

    path: Steps


@dataclass(frozen=True)
class Insert:
    """Insert into a list; the last step of the path is the place."""

    path: Steps
    value: Any


@dataclass(frozen=True)
class Beside:
    """Insert another policy behind the one that is changed."""

    value: Any
    path: Steps = ()


Step = Put | Drop | Insert | Beside


def within(step: Step, base: Steps) -> Put | Drop | Insert:
    """The change of a policy as a change of the file that holds it at `base`."""
    if isinstance(step, Beside):
        return Insert((*base[:-1], int(base[-1]) + 1), step.value)
    return replace(step, path=(*base, *step.path))


def changed(data: Any, step: Put | Drop | Insert) -> Any:
    """The data with the change made; what is not on its path is shared."""
    return _changed(data, step.path, step)


def _changed(data: Any, path: Steps, step: Put | Drop | Insert) -> Any:
    first, *rest = path
    if rest:
        copy: Any = dict(data) if isinstance(data, dict) else list(data)
        copy[first] = _changed(data[first], tuple(rest), step)
        return copy
    if isinstance(data, dict):
        kept = {key: value for key, value in data.items() if key != first}
        return kept if isinstance(step, Drop) else {**kept, first: step.value}
    items = list(data)
    index = int(first)
    items[index : index + (not isinstance(step, Insert))] = (
        [] if isinstance(step, Drop) else [step.value]
    )
    return items
