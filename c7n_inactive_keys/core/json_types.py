# SPDX-License-Identifier: Apache-2.0
"""JSON as AWS, Custodian and YAML files hand it over: its values have no types until read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]
JsonMapping: TypeAlias = Mapping[str, Any]  # the same, only to be read
