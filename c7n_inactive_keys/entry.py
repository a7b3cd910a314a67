# SPDX-License-Identifier: Apache-2.0
"""Registers source, filters and actions with Custodian, as soon as it has loaded `aws.iam-user`."""

from __future__ import annotations

import threading
from typing import Any

from c7n_inactive_keys.notice import warn

RESOURCE = "iam-user"
_subscribed = False
_subscribing = threading.Lock()


def initialize() -> None:
    """Make Custodian know the plugin; call it any number of times, at any time, in any thread.

    The start-up files have it called when Custodian is first imported. Call it yourself where no
    start-up files are read (Lambda, a path without a site directory) or to load the plugin in spite
    of the opt-out: at the top level of the main script, since worker processes that are not forked
    import that script again, but not what stands under `if __name__ == "__main__"`.
    """
    # Not at the top: the import hook waits for this module and would find ours half executed.
    from c7n.manager import resources

    global _subscribed  # the registry cannot be asked who subscribed
    with _subscribing:
        if not _subscribed:
            resources.subscribe(_on_resource)
            _subscribed = True
    loaded = resources.get(RESOURCE)
    if loaded is not None:
        _on_resource(resources, loaded)


def _on_resource(_registry: object, resource_class: Any) -> None:
    """Custodian tells us of each resource class that it has loaded, often more than once."""
    if not hasattr(resource_class, "filter_registry"):
        return  # another plugin's class, which takes no filters
    try:
        if getattr(resource_class, "type", None) == RESOURCE:
            register(resource_class)
        elif hasattr(resource_class, "source_mapping"):
            register_elsewhere()
    except Exception as error:  # noqa: BLE001 - raised here it would stop every custodian command
        warn(error)


def register_elsewhere() -> None:
    """Make the source known by name, so that it can say that other resource types have none."""
    from c7n.query import sources

    from c7n_inactive_keys.custodian.no_report_source import NAME, NoCredentialReport

    if NAME not in sources:
        sources.register(NAME, NoCredentialReport)


def register(resource_class: Any) -> None:
    """Add source, filters and actions to one `iam-user` resource class, all of them or none.

    Raises ImportError when Custodian lacks what they are built on, and ValueError when one of
    their names is taken by somebody else.
    """
    # Not at the top: these import parts of Custodian that are still being imported when
    # initialize() runs, whichever of its modules came first.
    from c7n.query import sources

    from c7n_inactive_keys.change.deactivate_action import DeactivateUnusedKeys
    from c7n_inactive_keys.change.delete_action import DeleteInactiveKeys
    from c7n_inactive_keys.change.reactivate_action import ReactivateKeys
    from c7n_inactive_keys.custodian.no_report_source import NoCredentialReport
    from c7n_inactive_keys.find.inactive_filter import InactiveAccessKey
    from c7n_inactive_keys.find.reactivated_filter import ReactivatedAccessKey
    from c7n_inactive_keys.find.source import CredentialReportSource
    from c7n_inactive_keys.find.unused_filter import UnusedAccessKey
    from c7n_inactive_keys.record.action import RecordInactiveKeys

    entries = [
        # The schema's list of sources comes from the global registry.
        (sources, "credential-report", CredentialReportSource),
        (resource_class.filter_registry, "inactive-access-key", InactiveAccessKey),
        (resource_class.filter_registry, "reactivated-access-key", ReactivatedAccessKey),
        (resource_class.filter_registry, "unused-access-key", UnusedAccessKey),
        (resource_class.action_registry, "deactivate-unused-keys", DeactivateUnusedKeys),
        (resource_class.action_registry, "delete-inactive-keys", DeleteInactiveKeys),
        (resource_class.action_registry, "reactivate-keys", ReactivateKeys),
        (resource_class.action_registry, "record-inactive-keys", RecordInactiveKeys),
    ]
    for registry, name, ours in entries:
        if registry.get(name) not in (None, ours, NoCredentialReport):
            raise ValueError(f"{name!r} already belongs to {registry.get(name)!r}")
    for registry, name, ours in entries:
        registry.register(name, ours)
    if isinstance(resource_class.source_mapping, dict):
        # A new dict: a subclass shares its parent's.
        resource_class.source_mapping = {
            **resource_class.source_mapping,
            "credential-report": CredentialReportSource,
        }
