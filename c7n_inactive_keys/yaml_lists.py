# SPDX-License-Identifier: Apache-2.0
"""Files that hold a list of mappings under one name: Custodian's policies, c7n-org's accounts."""

from __future__ import annotations

from pathlib import Path

import yaml

from c7n_inactive_keys.core.errors import InactiveKeysError
from c7n_inactive_keys.core.json_types import JsonObject


class YamlFileError(InactiveKeysError):
    """A file of policies or accounts cannot be used."""


def read_list(path: Path, name: str) -> list[JsonObject]:
    """What the list `name` of a file holds, at least one mapping, not validated.

    Raises:
        YamlFileError: the file cannot be read, is not YAML, or has no such list.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise YamlFileError(f"{path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise YamlFileError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    items = content.get(name) if isinstance(content, dict) else None
    if not isinstance(items, list) or not items or not all(isinstance(i, dict) for i in items):
        raise YamlFileError(f"{path} has no list '{name}'")
    return items
