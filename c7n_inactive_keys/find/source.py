# SPDX-License-Identifier: Apache-2.0
"""Source `credential-report`: only the users whose keys the policy may be about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.custodian.c7n_types import Manager
from c7n_inactive_keys.custodian.no_report_source import refuse

if TYPE_CHECKING:
    from c7n_inactive_keys.find.reported_users import ReportedUsers


class CredentialReportSource:
    """Enumerate only the users that hold an inactive access key, or one that the filters look for.

    The account's credential report names them in two or three calls, however many users there are:
    those with an inactive key, or, where the policy's filters look for other keys, with a key
    unused (`unused-access-key`) or old (`reactivated-access-key`) enough. Only they are then
    described, as by GetUser, so that other filters have their tags: one by one, or, where that
    takes fewer calls and is permitted, with GetAccountAuthorizationDetails (PasswordLastUsed is
    then the report's). A user that was renamed since is found. The report only says where to look:
    the filters read the keys of these users live. It can be up to four hours old, so a key that
    was deactivated since then shows up in a later run.

    :example:

    .. code-block:: yaml

        policies:
          - name: inactive-keys-report
            resource: aws.iam-user
            source: credential-report
            filters:
              - inactive-access-key
    """

    permissions = (
        "iam:GenerateCredentialReport",
        "iam:GetCredentialReport",
        "iam:GetUser",
        "iam:ListUsers",
        "iam:GetAccountAuthorizationDetails",
    )

    def __init__(self, manager: Manager) -> None:
        self.manager = manager
        if manager.type != "iam-user":
            refuse(manager)

    def get_permissions(self) -> list[str]:
        """What the source calls."""
        return list(self.permissions)

    def get_query_params(self, query_params: object) -> object:
        """The report takes no query."""
        return query_params

    def resources(self, query: object) -> list[JsonObject]:
        """The users that may match, as GetUser describes them, less those gone since."""
        return self._users().that_may_match()

    def get_resources(self, resource_ids: list[str], cache: bool = True) -> list[JsonObject]:
        """The users of these names, for event modes, where no report is needed."""
        return self._users().named(resource_ids)

    def augment(self, resources: list[JsonObject]) -> list[JsonObject]:
        """Nothing is missing: the users come described."""
        return resources

    def _users(self) -> ReportedUsers:
        # Here, not at the top: every command of Custodian loads this module, few get here.
        from c7n_inactive_keys.find.reported_users import ReportedUsers

        return ReportedUsers(self.manager)
