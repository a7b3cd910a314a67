# SPDX-License-Identifier: Apache-2.0
"""The keys as JSON lines: an object a line with the fields of the json format, for tables."""

from __future__ import annotations

import json
from collections.abc import Iterator

from c7n_inactive_keys.report.formats.key_fields import table
from c7n_inactive_keys.report.model import Report


def render(report: Report) -> Iterator[str]:
    """A line for each key, which bears the time of the report as well."""
    for record in table(report):
        yield json.dumps({"generated": report.generated, **record}, ensure_ascii=False) + "\n"
