# SPDX-License-Identifier: Apache-2.0
"""The accounts that should have been read, from a c7n-org accounts file."""

from __future__ import annotations

from pathlib import Path

from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.report.model import ListedAccount
from c7n_inactive_keys.report.words import clean, whole
from c7n_inactive_keys.yaml_lists import YamlFileError, read_list


def read_accounts(path: Path) -> tuple[ListedAccount, ...]:
    """The AWS accounts of a c7n-org file, in its order.

    Raises:
        YamlFileError: no such file, no YAML, or not in c7n-org's form.
    """
    listed = (_account(path, item) for item in read_list(path, "accounts"))
    return tuple({account.account_id: account for account in listed}.values())


def _account(path: Path, item: JsonObject) -> ListedAccount:
    account_id = item.get("account_id")
    # Unquoted in YAML, an id is a number and has lost its leading zeros.
    text = f"{account_id:012d}" if isinstance(account_id, int) else str(account_id or "")
    if not (len(text) == 12 and text.isdigit()):
        raise YamlFileError(f"{path} has an account without a 12-digit account_id: {item}")
    return ListedAccount(text, clean(whole(str(item.get("name") or text))))
