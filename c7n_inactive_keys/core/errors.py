# SPDX-License-Identifier: Apache-2.0
"""What can go wrong in a way that a user can act on; each message is one sentence."""


class InactiveKeysError(Exception):
    """Base of all errors that this package raises on purpose."""


class EvidenceError(InactiveKeysError):
    """A source of evidence was configured but cannot be used."""


class CredentialReportError(InactiveKeysError):
    """The account's credential report could not be fetched."""


class ForeignAccountError(InactiveKeysError):
    """The users are not those of the account that the policy runs for."""


class UnreadUsersError(InactiveKeysError):
    """The access keys of some users could not be read, so the account was not fully covered."""


class PlanError(InactiveKeysError):
    """The approved plan cannot be read or does not have the form of a plan."""


class JournalError(InactiveKeysError):
    """The journal cannot be written or read, so nothing may be changed."""


class KeyLimitError(InactiveKeysError):
    """More keys qualify than the policy allows in one run."""


class KeyChangeError(InactiveKeysError):
    """Some keys that should have been deleted, deactivated or reactivated were not."""


class RecordingError(InactiveKeysError):
    """Some ledger tags could not be brought in line."""


class ShippedFilesError(InactiveKeysError):
    """The installed package lacks the policies that belong to it."""
