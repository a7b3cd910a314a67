# SPDX-License-Identifier: Apache-2.0
"""The accounts that should have been read, from a c7n-org accounts file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from c7n_inactive_keys.errors import InactiveKeysError
from c7n_inactive_keys.report.model import ListedAccount


class AccountsFileError(InactiveKeysError):
    """The accounts file cannot be used."""


def read_accounts(path: Path) -> tuple[ListedAccount, ...]:
    """The AWS accounts of a c7n-org file, in its order.

    Raises:
        AccountsFileError: no such file, no YAML, or not in c7n-org's form.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise AccountsFileError(f"{path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise AccountsFileError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    items = content.get("accounts") if isinstance(content, dict) else None
    if not isinstance(items, list) or not items:
        raise AccountsFileError(f"{path} has no list 'accounts', as c7n-org's accounts files have")
    accounts = {account.account_id: account for account in (_account(path, i) for i in items)}
    return tuple(accounts.values())


def _account(path: Path, item: Any) -> ListedAccount:
    account_id = item.get("account_id") if isinstance(item, dict) else None
    # Unquoted in YAML, an id is a number and has lost its leading zeros.
    text = f"{account_id:012d}" if isinstance(account_id, int) else str(account_id or "")
    if not (len(text) == 12 and text.isdigit()):
        raise AccountsFileError(f"{path} has an account without a 12-digit account_id: {item}")
    return ListedAccount(text, str(item.get("name") or text))
