# SPDX-License-Identifier: Apache-2.0
"""The option `events-from`: where an export of status changes lies and how far it is complete."""

from __future__ import annotations

import logging
from datetime import date, datetime
from typing import TYPE_CHECKING

from c7n_inactive_keys.core.errors import EvidenceError
from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.custodian.c7n_types import Manager
from c7n_inactive_keys.custodian.memory import Shared
from c7n_inactive_keys.custodian.options import ANYTHING, Option, mapping
from c7n_inactive_keys.custodian.value_file import OPTIONS as VALUES_OPTIONS
from c7n_inactive_keys.custodian.value_file import READ_ERRORS, Rows, format_problem

if TYPE_CHECKING:
    from c7n_inactive_keys.core.event_export import ExportedEvents


log = logging.getLogger("custodian.inactive-keys")


def _is_moment(value: object) -> bool:
    # Here, not at the top: every command of Custodian loads this module, few get here.
    from c7n_inactive_keys.core.event_export import read_moment

    try:
        read_moment(value)
    except ValueError:
        return False
    return True


# Of no type: YAML makes dates of such texts.
MOMENT = Option("a date like 2024-01-01 or an ISO 8601 time", ANYTHING, fits=_is_moment)
OPTION = mapping(
    "a mapping with the url of a file",
    {**VALUES_OPTIONS, "covers-since": MOMENT, "covers-until": MOMENT},
)


_EXPORTS: Shared[dict[str, ExportedEvents]] = Shared(dict)


class Export:
    """An export that a policy names; read once in an execution of the policy."""

    def __init__(self, data: JsonObject, manager: Manager) -> None:
        for option in ("covers-since", "covers-until"):
            if isinstance(data.get(option), date):
                # In place: Custodian writes the policy to metadata.json, which knows no dates.
                data[option] = data[option].isoformat()
        self.data = data
        self.manager = manager

    def moment(self, option: str) -> datetime | None:
        """The moment that an option of events-from names."""
        from c7n_inactive_keys.core.event_export import read_moment

        return read_moment(self.data[option]) if option in self.data else None

    def problem(self) -> str | None:
        """What is wrong with options that are right each by itself, if anything is."""
        since, until = self.moment("covers-since"), self.moment("covers-until")
        if until and not (since and since < until):
            return (
                "events-from covers-until must come with an earlier covers-since, "
                f"not {self.data['covers-until']!r}"
            )
        if self.data.get("format", self.data["url"].rpartition(".")[2]) == "txt":
            return "events-from needs records with fields: csv, csv2dict or json, not txt"
        return format_problem("events-from", self.data)

    def read(self) -> ExportedEvents:
        """The events of the export.

        Raises:
            EvidenceError: it cannot be read, so that no half evidence is used.
        """
        known = _EXPORTS.of(self.manager)
        key = repr(sorted(self.data.items(), key=str))
        if key not in known:
            known[key] = self._read()
        return known[key]

    def _read(self) -> ExportedEvents:
        from c7n_inactive_keys.core.event_export import read_export

        values = {name: value for name, value in self.data.items() if name in VALUES_OPTIONS}
        export = f"policy:{self.manager.ctx.policy.name} events-from: {self.data['url']}"
        try:
            file = Rows(values, self.manager)
            rows = file.read()
        except READ_ERRORS as error:
            raise EvidenceError(f"{export} cannot be read: {error}") from None
        try:
            since = self.moment("covers-since")
            # Whatever was meant, a file holds nothing that is younger than itself.
            ends = [end for end in (self.moment("covers-until"), file.modified) if end]
            until = min(ends, default=None)
            events = read_export(rows, since, until, file.columns)
        except EvidenceError as error:
            raise EvidenceError(f"{export}: {error}") from None
        if since and not rows:
            if "expr" in values and file.held_records:
                raise EvidenceError(
                    f"{export}: expr {values['expr']!r} finds none of its records, so their "
                    "silence would be no evidence; leave expr out, other events are passed over"
                )
            log.warning(
                "%s holds no record; its silence counts as complete since %s", export, since
            )
        return events
