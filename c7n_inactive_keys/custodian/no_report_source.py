# SPDX-License-Identifier: Apache-2.0
"""Source `credential-report` on a resource that has none: a sentence instead of a schema error."""

from __future__ import annotations

from typing import NoReturn

from c7n.exceptions import PolicyValidationError

from c7n_inactive_keys.custodian.c7n_types import Manager

NAME = "credential-report"


def refuse(manager: Manager) -> NoReturn:
    """Say that only users have a credential report.

    Raises:
        PolicyValidationError: always.
    """
    raise PolicyValidationError(
        f"policy:{manager.ctx.policy.name} source: {NAME} lists IAM users and works with "
        f"resource: aws.iam-user only, not with {manager.type}"
    )


class NoCredentialReport:
    """Stands for the source where only other resource types are loaded.

    Custodian's schema knows sources by one list for all resource types, and the source itself is
    loaded with `aws.iam-user`.
    """

    def __init__(self, manager: Manager) -> None:
        refuse(manager)
